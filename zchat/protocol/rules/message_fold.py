"""What becomes of a message by later entries of its log: edits, deletion, reactions.

A message stands in its log as it is now, and each change of it is an entry of its own besides.
Services change by this what they have stored, and clients what they have kept and what they show:
so they all come to the same, and an entry that is folded in again changes nothing. Only
`eventlog/verify.py` and the simulation say it in their own words, to find a mistake made here.
"""

from typing import Final, NamedTuple, TypeAlias

from msgspec.structs import replace

from zchat.protocol.messages import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)

MessageChange: TypeAlias = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved
"""Changes a message that stands already, and is nothing to read itself."""
NO_REACTIONS: Final[dict[str, list[str]]] = {}
"""Of most messages: one for all of them. A fold makes another, and changes none."""


class MessageState(NamedTuple):
    """What of a message may change."""

    text: str
    """Empty once it was deleted."""
    edited: int = 0
    """The sequence of the edit that its text is from; 0 if that is what was said at first."""
    deleted_by: str = ""
    reactions: dict[str, list[str]] = NO_REACTIONS
    """Names by emoji, both in their order."""


def state_of(message: Entry) -> MessageState | None:
    """None if the entry is no message."""
    match message.body:
        case MessagePosted(text=text) | PrivateMessageSent(text=text):
            return MessageState(text, message.edited, "", message.reactions or NO_REACTIONS)
        case Redacted(by=by):
            return MessageState("", 0, by)
        case _:
            return None


def folded(state: MessageState, change: MessageChange, by: str, sequence: int) -> MessageState:
    """What it is after the entry `sequence`, which `by` has made; itself if that changes nothing.

    Entries that it has become by already may come again, so an edit must be newer than the last.
    """
    if state.deleted_by:
        return state
    match change:
        case MessageEdited(text=text):
            # Without a text it is out of date, and what came in its place is known or comes.
            is_newer = bool(text) and sequence > state.edited
            return state._replace(text=text, edited=sequence) if is_newer else state
        case MessageDeleted():
            return MessageState("", deleted_by=by)
        case ReactionAdded(emoji=emoji):
            users = state.reactions.get(emoji, [])
            if by in users:
                return state
            return state._replace(reactions=state.reactions | {emoji: [*users, by]})
        case ReactionRemoved(emoji=emoji):
            users = state.reactions.get(emoji, [])
            if by not in users:
                return state
            fewer = state.reactions | {emoji: [name for name in users if name != by]}
            return state._replace(reactions={each: names for each, names in fewer.items() if names})


def folded_entry(message: Entry, change: MessageChange, by: str, sequence: int) -> Entry:
    """The same of a message as it stands in its log. Of one that is deleted only its place stays.

    What is no message is as it was.
    """
    state = state_of(message)
    if state is None:
        return message
    became = folded(state, change, by, sequence)
    if became is state:
        return message
    body = message.body
    if became.deleted_by:
        to = body.to if isinstance(body, PrivateMessageSent) else ""
        return replace(message, body=Redacted(by, to), edited=0, reactions={})
    assert isinstance(body, MessagePosted | PrivateMessageSent)
    if became.text != body.text:
        body = replace(body, text=became.text)
    return replace(message, body=body, edited=became.edited, reactions=became.reactions)


# --- What counts as unread ------------------------------------------------------------------------

_SAID: Final = frozenset(body.__struct_config__.tag for body in (MessagePosted, PrivateMessageSent))


def is_to_read(kind: str, author: str, user: str) -> bool:
    """Whether an entry whose body is of that kind is news to `user` once it is after the marker.

    It is what people say. Joins, topics, pins, edits, reactions and what was deleted stand in a log
    as well, and nobody need read them.
    """
    return kind in _SAID and author != user
