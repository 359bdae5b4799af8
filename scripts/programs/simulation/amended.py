"""What becomes of the messages of a log, for whoever takes its entries in order.

Written from the protocol and apart from the services and the clients: the one truth that the store
and all who follow a log must come to.
"""

from dataclasses import dataclass, field

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

MESSAGES = (MessagePosted, PrivateMessageSent)


@dataclass
class Fold:
    """Taking an entry a second time, or after what it has brought about, changes nothing."""

    now: dict[int, Entry] = field(default_factory=dict)
    versions: dict[int, list[Entry]] = field(default_factory=dict)
    """All that each entry has been, in order."""
    texts: dict[int, list[str]] = field(default_factory=dict)
    """All that each message has said."""

    def copy(self) -> "Fold":
        """To go on with, apart from this one."""
        versions = {sequence: [*entries] for sequence, entries in self.versions.items()}
        texts = {sequence: [*said] for sequence, said in self.texts.items()}
        return Fold(dict(self.now), versions, texts)

    def take(self, entry: Entry) -> None:
        self._set(entry)
        match entry.body:
            case MessagePosted(text=text) | PrivateMessageSent(text=text):
                self.texts[entry.sequence] = [text]
            case MessageEdited(sequence=sequence, text=text) if text:
                self._edit(sequence, text, entry.sequence)
            case MessageDeleted(sequence=sequence):
                self._delete(sequence, entry.author)
            case ReactionAdded(sequence=sequence, emoji=emoji):
                self._react(sequence, emoji, entry.author)
            case ReactionRemoved(sequence=sequence, emoji=emoji):
                self._unreact(sequence, emoji, entry.author)
            case _:
                pass

    def message(self, sequence: int) -> Entry | None:
        """The message there, if one is there still."""
        entry = self.now.get(sequence)
        return entry if entry is not None and isinstance(entry.body, MESSAGES) else None

    def _set(self, entry: Entry) -> None:
        self.now[entry.sequence] = entry
        self.versions.setdefault(entry.sequence, []).append(entry)

    def _edit(self, sequence: int, text: str, edit: int) -> None:
        message = self.message(sequence)
        if message is None or message.edited >= edit:
            return
        assert isinstance(message.body, MESSAGES)
        self._outdate(message)
        self.texts[sequence].append(text)
        self._set(replace(message, body=replace(message.body, text=text), edited=edit))

    def _delete(self, sequence: int, by: str) -> None:
        if message := self.message(sequence):
            self._outdate(message)
            to = message.body.to if isinstance(message.body, PrivateMessageSent) else ""
            self._set(replace(message, body=Redacted(by, to), edited=0, reactions={}))

    def _outdate(self, message: Entry) -> None:
        former = self.now.get(message.edited)
        if former is not None and isinstance(former.body, MessageEdited):
            self._set(replace(former, body=replace(former.body, text="")))

    def _react(self, sequence: int, emoji: str, user: str) -> None:
        message = self.message(sequence)
        if message is not None and user not in message.reactions.get(emoji, ()):
            users = [*message.reactions.get(emoji, ()), user]
            self._set(replace(message, reactions=message.reactions | {emoji: users}))

    def _unreact(self, sequence: int, emoji: str, user: str) -> None:
        message = self.message(sequence)
        if message is None or user not in message.reactions.get(emoji, ()):
            return
        users = [name for name in message.reactions[emoji] if name != user]
        reactions = message.reactions | {emoji: users}
        kept = {each: names for each, names in reactions.items() if names}
        self._set(replace(message, reactions=kept))


def is_same(seen: Entry, stored: Entry) -> bool:
    """But for the order of those who have reacted, which needs all that was said of it."""
    return _unordered(seen) == _unordered(stored)


def _unordered(entry: Entry) -> Entry:
    return replace(entry, reactions={each: sorted(by) for each, by in entry.reactions.items()})
