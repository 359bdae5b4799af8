"""Which messages notify a user who looks elsewhere, and when."""

from typing import Final

from zchat.client.core.events import EntryArrived
from zchat.client.model.book import Book
from zchat.client.model.conversation import Conversation, Item, Kind, Said
from zchat.client.model.entries import conversation_of
from zchat.protocol.messages import Notify

INTERVAL_S: Final = 2.0
"""Between two notifications: what comes meanwhile is told as one."""
MISSED_WAIT_S: Final = 1.0
"""What was missed comes all at once, and is told when no more of it came for so long."""


class Notifying:
    def __init__(self, *, do_not_disturb: bool = False) -> None:
        self.do_not_disturb = do_not_disturb
        self._waiting: list[tuple[Conversation, Item]] = []
        self._due_at = 0.0
        self._not_before = 0.0

    def hear(self, book: Book, arrived: EntryArrived, now: float, *, looked_at: str = "") -> None:
        """Once the book has it; `looked_at` is the conversation that the user sees, if any."""
        entry = arrived.entry
        key = conversation_of(entry, book.me)
        conversation = book.conversations.get(key) if key is not None else None
        item = book.item(key, entry.sequence) if key is not None else None
        if conversation is None or item is None or conversation.key == looked_at:
            return
        if not self.do_not_disturb and is_told_aloud(conversation, item, book.me):
            self._waiting.append((conversation, item))
            wait_s = MISSED_WAIT_S if arrived.missed else 0.0
            self._due_at = max(self._not_before, now + wait_s)

    def forget(self, key: str) -> None:
        """The user looks at it now."""
        self._waiting = [each for each in self._waiting if each[0].key != key]

    @property
    def due_at(self) -> float | None:
        """When to call `take`; None while there is nothing to tell."""
        return self._due_at if self._waiting else None

    def take(self, now: float) -> list[tuple[Conversation, Item]]:
        """What to tell by now, all of it as one notification."""
        if not self._waiting or now < self._due_at:
            return []
        # In the meantime some of it may have been read elsewhere, or deleted.
        waiting = [each for each in self._waiting if _is_unread(*each)]
        self._waiting = []
        if waiting:
            self._not_before = now + INTERVAL_S
        return waiting


def is_told_aloud(conversation: Conversation, item: Item, me: str) -> bool:
    """As the user wants it of this conversation: usually what mentions the user."""
    if item.author == me or not _is_unread(conversation, item):
        return False
    mentions = conversation.kind is Kind.NOTICES or (isinstance(item, Said) and item.mentions_me)
    match conversation.notify:
        case Notify.NOTHING:
            return False
        case Notify.ALL:
            return mentions or isinstance(item, Said)
        case _:
            return mentions


def _is_unread(conversation: Conversation, item: Item) -> bool:
    deleted = isinstance(item, Said) and bool(item.deleted_by)
    return item.sequence > conversation.marker and not deleted
