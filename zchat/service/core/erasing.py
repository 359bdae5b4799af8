"""What of an entry names a user, and the same entry under another name.

Texts stay as they are: what others have said is theirs, also where it has the name in it.
"""

from typing import Any, Final

from msgspec.structs import replace

from zchat.eventlog.core.timeline import Timeline
from zchat.protocol.messages import Entry, MessageDeleted, ReactionAdded, TopicChanged
from zchat.protocol.operators import ReplaceName

_NAMES: Final = ("user", "to", "by")
"""The fields of bodies that are names."""
_BETWEEN: Final = ", "
"""A conversation of several has the names of all in its topic."""


def names_in(entry: Entry) -> frozenset[str]:
    names = {entry.author, *(getattr(entry.body, field, "") for field in _NAMES)}
    for users in entry.reactions.values():
        names.update(users)
    if isinstance(entry.body, TopicChanged):
        names.update(entry.body.topic.split(_BETWEEN))
    return frozenset(names)


def changed_by(entry: Entry) -> int:
    """The sequence of the message that says of itself what this entry tells; 0 for none."""
    body = entry.body
    return body.sequence if isinstance(body, ReactionAdded | MessageDeleted) else 0


def replace_name(timeline: Timeline, entry: Entry, name: str, now: str) -> None:
    """Has the entry tell of `name` as `now`. It must be among those referred to."""
    body: Any = entry.body
    changed = {field: now for field in _NAMES if getattr(body, field, "") == name}
    if isinstance(body, TopicChanged):
        changed["topic"] = topic_with(body.topic, name, now)
    reactions = {
        emoji: [now if user == name else user for user in users]
        for emoji, users in entry.reactions.items()
    }
    author = now if entry.author == name else entry.author
    renamed = replace(entry, author=author, body=replace(body, **changed), reactions=reactions)
    timeline.amend(renamed, (name, now))


def replace_names(timeline: Timeline, command: ReplaceName) -> None:
    """In all of these entries that name the user still."""
    for sequence in dict.fromkeys(command.sequences):
        entry = timeline.referred.get((command.log, sequence))
        if entry is not None and command.name in names_in(entry):
            replace_name(timeline, entry, command.name, command.pseudonym)


def topic_with(topic: str, name: str, now: str) -> str:
    return _BETWEEN.join(now if word == name else word for word in topic.split(_BETWEEN))
