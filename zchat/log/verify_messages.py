"""Whether messages have become what the entries after them say."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

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

Found = Callable[[str], None]


@dataclass(slots=True)
class _Change:
    """What the entries of a log say of one of its messages."""

    edited: int = 0
    text: str = ""
    deleted_by: str = ""
    reactions: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Became:
    """Of one log the messages that were changed, by what they are now and by what was said."""

    messages: dict[int, Entry] = field(default_factory=dict)
    """Only those that are not as they were written."""
    imported: set[int] = field(default_factory=set)
    """Of them those that came so."""
    _changes: dict[int, _Change] = field(default_factory=dict)
    _edits: dict[int, MessageEdited] = field(default_factory=dict)

    def fold(self, entry: Entry, *, imported: bool) -> None:
        match entry.body:
            case MessagePosted() | PrivateMessageSent() if not (entry.edited or entry.reactions):
                return
            case MessagePosted() | PrivateMessageSent() | Redacted():
                self.messages[entry.sequence] = entry
                if imported:
                    self.imported.add(entry.sequence)
            case MessageEdited(sequence=sequence, text=text) as edit:
                change = self._of(sequence)
                change.edited, change.text = entry.sequence, text
                self._edits[entry.sequence] = edit
            case MessageDeleted(sequence=sequence):
                self._changes[sequence] = _Change(deleted_by=entry.author)
            case ReactionAdded(sequence=sequence, emoji=emoji):
                self._of(sequence).reactions.setdefault(emoji, []).append(entry.author)
            case ReactionRemoved(sequence=sequence, emoji=emoji):
                users = self._of(sequence).reactions.get(emoji, [])
                if entry.author in users:
                    users.remove(entry.author)
            case _:
                pass

    def _of(self, sequence: int) -> _Change:
        return self._changes.setdefault(sequence, _Change())

    def wrong(self, floor: int) -> Iterator[str]:
        """Of messages that are there still: which are other than they should be, and how."""
        for sequence in sorted(self.messages.keys() | self._changes.keys()):
            if sequence > floor and (why := self._wrong(sequence)):
                yield f"{sequence} {why}"
        newest = {change.edited for change in self._changes.values()}
        for sequence, edit in sorted(self._edits.items()):
            if edit.text and sequence not in newest:
                yield f"{sequence} still tells of a text that is out of date"

    def _wrong(self, sequence: int) -> str | None:
        entry, change = self.messages.get(sequence), self._of(sequence)
        reactions = {emoji: users for emoji, users in change.reactions.items() if users}
        if entry is None:
            changed = change.edited or change.deleted_by or reactions
            return "was changed by a later entry, and does not say so" if changed else None
        match entry.body:
            case Redacted(by=by):
                is_told = by == change.deleted_by or (
                    sequence in self.imported and not change.deleted_by
                )
                return None if is_told else "is deleted, and not by its log"
            case MessagePosted(text=text) | PrivateMessageSent(text=text):
                if change.deleted_by:
                    return "is deleted by its log, and there still"
                if entry.edited != change.edited or (change.edited and text != change.text):
                    return "has another text than by its log"
            case _:
                pass
        if entry.reactions != reactions:
            return "has other reactions than by its log"
        return None


def check_messages(logs: Mapping[str, tuple[Became, int]], found: Found) -> None:
    """`logs` has, by name, what became of the messages, and the floor."""
    for log, (became, floor) in logs.items():
        for what in became.wrong(floor):
            found(f"{log} {what}")
