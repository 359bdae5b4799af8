"""Changes of messages that stand in a log, as rooms and inboxes both do them.

What a message becomes is in `protocol/rules/message_fold.py`; here are what is refused and what is
replaced in the store. Who may, and in which logs the message stands, is each service's own.
"""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from zchat.eventlog.core.changes import Edit, ForgetEdits
from zchat.eventlog.core.timeline import Timeline
from zchat.protocol import limits
from zchat.protocol.messages import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    RefusalCode,
)
from zchat.protocol.rules import permissions
from zchat.protocol.rules.message_fold import folded_entry
from zchat.protocol.rules.names import is_visible, safe_text
from zchat.service.core.effects import Refusal

_ANY: Final = 0
"""In the place of the sequence of an entry that is no edit, by which nothing goes."""


def message(timeline: Timeline, log: str, sequence: int, floor: int) -> Entry:
    """The message there, for somebody who sees what is after `floor`. Raises `Refusal`."""
    entry = timeline.referred.get((log, sequence)) if sequence > floor else None
    if entry is None or not isinstance(entry.body, MessagePosted | PrivateMessageSent):
        gone = entry is not None and isinstance(entry.body, Redacted)
        what = "that message has been deleted" if gone else f"there is no message {sequence}"
        raise Refusal(RefusalCode.UNKNOWN_ENTRY, what)
    return entry


def messages(timeline: Timeline, log: str, sequences: Iterable[int]) -> list[Entry]:
    """Those of these that are there still, each once."""
    entries = (timeline.referred.get((log, sequence)) for sequence in dict.fromkeys(sequences))
    return [
        entry
        for entry in entries
        if entry is not None and isinstance(entry.body, MessagePosted | PrivateMessageSent)
    ]


def is_own(entry: Entry, user: str, since_ms: int) -> bool:
    """Whether `user`, who has this name since then, has written it."""
    return permissions.is_own(entry.author, entry.at_ms, user, since_ms)


def check_own(entry: Entry, user: str, since_ms: int) -> None:
    """Raises `Refusal` unless it is the user's own."""
    if not is_own(entry, user, since_ms):
        raise Refusal(RefusalCode.NOT_ALLOWED, "only who has written a message may change it")


def says(entry: Entry, text: str) -> bool:
    """Whether the message has this text already."""
    return isinstance(entry.body, MessagePosted | PrivateMessageSent) and entry.body.text == text


def edit(timeline: Timeline, entry: Entry, text: str, by: str, sequence: int) -> None:
    """The message says `text` by its log's entry `sequence`, which is the edit."""
    _outdate(timeline, entry)
    timeline.amend(folded_entry(entry, MessageEdited(entry.sequence, text), by, sequence))


def delete(timeline: Timeline, entry: Entry, by: str) -> None:
    """Nothing is left of it but its place."""
    _outdate(timeline, entry)
    timeline.amend(folded_entry(entry, MessageDeleted(entry.sequence), by, _ANY))


def react(timeline: Timeline, entry: Entry, user: str, emoji: str) -> bool:
    """False if the user has reacted so before. Raises `Refusal` if there are too many."""
    became = folded_entry(entry, ReactionAdded(entry.sequence, emoji), user, _ANY)
    if became is entry:
        return False
    if len(became.reactions) > limits.REACTION_KINDS_MAX:
        reason = f"this message has {limits.REACTION_KINDS_MAX} kinds of reactions, the most"
        raise Refusal(RefusalCode.LIMIT_REACHED, reason)
    if sum(map(len, became.reactions.values())) > limits.REACTIONS_MAX:
        reason = f"this message has {limits.REACTIONS_MAX} reactions, which is the most"
        raise Refusal(RefusalCode.LIMIT_REACHED, reason)
    timeline.amend(became)
    return True


def unreact(timeline: Timeline, entry: Entry, user: str, emoji: str) -> bool:
    """False if the user has not reacted so."""
    became = folded_entry(entry, ReactionRemoved(entry.sequence, emoji), user, _ANY)
    if became is entry:
        return False
    timeline.amend(became)
    return True


def clean_emoji(emoji: str) -> str:
    """Raises `Refusal` for what cannot be seen, or has spaces."""
    clean = safe_text(emoji)
    if not is_visible(clean) or clean != emoji or any(char.isspace() for char in clean):
        raise Refusal(RefusalCode.EMPTY_TEXT, "a reaction is an emoji, or a word without spaces")
    return clean


def _outdate(timeline: Timeline, entry: Entry) -> None:
    """An earlier edit says no more what the message said then."""
    former = timeline.referred.get((entry.log, entry.edited)) if entry.edited else None
    if former is not None and isinstance(former.body, MessageEdited):
        timeline.amend(replace(former, body=replace(former.body, text="")))


def kept_edit(entry: Entry, at_ms: int) -> Edit:
    """What the message says until then."""
    body = entry.body
    assert isinstance(body, MessagePosted | PrivateMessageSent)
    return Edit(entry.log, entry.sequence, at_ms, body.text)


def forgotten(entry: Entry) -> ForgetEdits:
    return ForgetEdits(entry.log, entry.sequence)
