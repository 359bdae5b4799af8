"""What a reader comes to know of one log: entries as they come, live or read later, in order."""

from dataclasses import dataclass, field
from typing import assert_never

from zchat.protocol.messages import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)

_Change = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved


@dataclass(slots=True)
class Said:
    """A message, as a screen would show it."""

    author: str
    text: str
    reply_to: int = 0
    edited: int = 0
    deleted_by: str = ""
    reactions: dict[str, set[str]] = field(default_factory=dict)
    """Without their order: who reads a message late may learn of it in another one."""


@dataclass(slots=True)
class Reader:
    """Folds one log by what is promised of entries, and by nothing else."""

    messages: dict[int, Said] = field(default_factory=dict)
    pins: set[int] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        match entry.body:
            case MessagePosted() | PrivateMessageSent() as body:
                reactions = {emoji: set(users) for emoji, users in entry.reactions.items()}
                self.messages[entry.sequence] = Said(
                    entry.author, body.text, body.reply_to, entry.edited, reactions=reactions
                )
            case Redacted(by=by):
                self.messages[entry.sequence] = Said(entry.author, "", deleted_by=by)
            case MessagePinned(sequence=sequence):
                self.pins.add(sequence)
            case MessageUnpinned(sequence=sequence):
                self.pins.discard(sequence)
            case MessageEdited() | MessageDeleted() | ReactionAdded() | ReactionRemoved() as body:
                self._change(entry, body)
            case _:
                pass

    def _change(self, entry: Entry, body: _Change) -> None:
        said = self.messages.get(body.sequence)
        if isinstance(body, MessageDeleted):
            self.pins.discard(body.sequence)
        if said is None or said.deleted_by:
            return  # It was said before the reader came, or is no more.
        match body:
            case MessageEdited(text=text):
                # One without a text is out of date: a later entry says what became of it.
                if text:
                    said.text, said.edited = text, entry.sequence
            case MessageDeleted():
                gone = Said(said.author, "", deleted_by=entry.author)
                self.messages[body.sequence] = gone
            case ReactionAdded(emoji=emoji):
                said.reactions.setdefault(emoji, set()).add(entry.author)
            case ReactionRemoved(emoji=emoji):
                users = said.reactions.get(emoji, set())
                users.discard(entry.author)
                if not users:
                    said.reactions.pop(emoji, None)
            case _:
                assert_never(body)
