"""A server as naive as can be, and what somebody who reads all of it must see: for the book."""

from msgspec.structs import replace

from zchat.client.model.conversation import Said
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    History,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)

ME = "ann"
INBOX = "@ann"
ROOM = "#den"


class BookServer:
    """The logs `#den` and `@ann`, as they were written and as they are stored now."""

    def __init__(self) -> None:
        self.written: dict[str, list[Entry]] = {ROOM: [], INBOX: []}
        self.stored: dict[str, list[Entry]] = {ROOM: [], INBOX: []}
        self.threads: list[str] = []
        """By entry of the inbox: whom it was with; empty for nobody."""

    def head(self, log: str) -> int:
        return len(self.stored[log])

    def add(self, log: str, author: str, body: EntryBody, thread: str = "") -> int:
        sequence = self.head(log) + 1
        entry = Entry(log, sequence, 1_000_000 + sequence, author, body)
        self.written[log].append(entry)
        self.stored[log].append(entry)
        if log == INBOX:
            self.threads.append(thread)
        return sequence

    def say(self, key: str, author: str, text: str, reply_to: int = 0) -> int:
        """`key` is that of ann's conversation."""
        if key[0] == "#":
            return self.add(key, author, MessagePosted(text, reply_to))
        to = key[1:] if author == ME else ME
        return self.add(INBOX, author, PrivateMessageSent(to, text, reply_to), key[1:])

    def amend(self, log: str, sequence: int, author: str, body: EntryBody) -> None:
        """Nothing if nobody could do so: the message is gone, or is as it should become."""
        entry = self.stored[log][sequence - 1]
        if not isinstance(entry.body, MessagePosted | PrivateMessageSent):
            return
        new_sequence = self.head(log) + 1
        match body:
            case MessageEdited(text=text):
                author = entry.author
                self._outdate(entry)
                became = replace(entry, body=replace(entry.body, text=text), edited=new_sequence)
            case MessageDeleted():
                author = entry.author
                self._outdate(entry)
                to = entry.body.to if isinstance(entry.body, PrivateMessageSent) else ""
                became = replace(entry, body=Redacted(author, to), edited=0, reactions={})
            case ReactionAdded(emoji=emoji) | ReactionRemoved(emoji=emoji):
                users = [name for name in entry.reactions.get(emoji, []) if name != author]
                if isinstance(body, ReactionAdded):
                    users.append(author)
                reactions = {**entry.reactions, emoji: users}
                if users == entry.reactions.get(emoji, []):
                    return
                became = replace(
                    entry, reactions={e: names for e, names in reactions.items() if names}
                )
            case _:
                raise AssertionError(body)
        thread = self.threads[sequence - 1] if log == INBOX else ""
        self.add(log, author, body, thread)
        self.stored[log][sequence - 1] = became

    def _outdate(self, entry: Entry) -> None:
        if entry.edited:
            former = self.stored[entry.log][entry.edited - 1]
            body = MessageEdited(entry.sequence, "")
            self.stored[entry.log][entry.edited - 1] = replace(former, body=body)

    def history(self, key: str, limit: int, before: int | None) -> History:
        entries = [entry for entry in self.of(key) if before is None or entry.sequence < before]
        return History(0, key, entries[-limit:], len(entries) > limit)

    def of(self, key: str) -> list[Entry]:
        """All entries of a conversation, as they are stored."""
        if key[0] == "#":
            return self.stored[key]
        return [
            entry
            for entry, thread in zip(self.stored[INBOX], self.threads, strict=True)
            if thread == key[1:]
        ]


def readable(entry: Entry) -> bool:
    return not isinstance(
        entry.body, MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved
    )


def seen(entry: Entry) -> tuple[object, ...]:
    """What must be read of an entry that is no change of another one."""
    reactions = {emoji: sorted(names) for emoji, names in entry.reactions.items()}
    match entry.body:
        case MessagePosted(text, reply_to) | PrivateMessageSent(_, text, reply_to):
            return entry.sequence, entry.author, text, reply_to, entry.edited, "", reactions
        case Redacted(by):
            return entry.sequence, entry.author, "", 0, 0, by, {}
        case _:
            return entry.sequence, entry.author


def shown(item: object) -> tuple[object, ...]:
    assert isinstance(item, Said), item
    reactions = {emoji: sorted(names) for emoji, names in item.reactions.items()}
    assert item.edited == bool(item.edit)
    reply_to = 0 if item.deleted_by else item.reply_to
    return (
        item.sequence,
        item.author,
        item.text,
        reply_to,
        item.edit,
        item.deleted_by,
        reactions,
    )
