"""What the person is told aloud, and whether anything is."""

import asyncio
from collections.abc import Mapping
from typing import Final

from zchat.client.cache import Cache
from zchat.client.conversations.book import Book
from zchat.client.conversations.notifying import Notifying
from zchat.client.events import EntryArrived, Event
from zchat.client.notify import Notifier

QUIET: Final = "quiet"
ON: Final = "on"


def is_quiet(settings: Mapping[str, str]) -> bool:
    """As it was when the person left."""
    return settings.get(QUIET) == ON


class Aloud:
    def __init__(self, book: Book, notifier: Notifier, cache: Cache, *, quiet: bool) -> None:
        self._book = book
        self._notifier = notifier
        self._cache = cache
        self._notifying = Notifying(do_not_disturb=quiet)

    @property
    def quiet(self) -> bool:
        return self._notifying.do_not_disturb

    def toggle(self) -> str:
        """Says how it is now."""
        quiet = self._notifying.do_not_disturb = not self.quiet
        self._cache.keep_setting(QUIET, ON if quiet else "")
        return "do not disturb is on; F4 ends it" if quiet else "do not disturb is off"

    def hear(self, event: Event, looked_at: str) -> None:
        """Once the book has it."""
        if isinstance(event, EntryArrived):
            now = asyncio.get_running_loop().time()
            self._notifying.hear(self._book, event, now, looked_at=looked_at)

    def forget(self, key: str) -> None:
        """The person looks at that conversation now."""
        self._notifying.forget(key)

    def tell(self) -> None:
        """What is due by now."""
        notification = self._notifying.take(asyncio.get_running_loop().time())
        if notification is not None:
            self._notifier.tell(notification)
