"""What the person looks for on the server, and what of it is known so far: page by page."""

from collections.abc import Callable
from typing import Final

from zchat.client import message_drafts
from zchat.client.core import LoggingOut
from zchat.client.drafts import InvalidRequest, Request
from zchat.client.events import Answered
from zchat.client.outbox import QueueFull
from zchat.protocol.messages import Entry, Refused, SearchResults

PAGE: Final = 50


class Search:
    def __init__(self, send: Callable[[Request], int]) -> None:
        """`send` raises `QueueFull` and `LoggingOut`."""
        self._send = send
        self._text = ""
        self._found: dict[tuple[str, int], Entry] = {}
        self._request = 0
        """What is awaited; 0 for nothing."""
        self._before_ms: int | None = None
        self.trouble = ""
        self.has_answer = False
        self.has_more = False
        self.complete = True
        """The server had looked through everything."""

    @property
    def found(self) -> list[Entry]:
        """Newest first."""
        return list(self._found.values())

    def forget(self) -> None:
        self._found = {}
        self._request, self._before_ms = 0, None
        self.trouble, self.has_answer, self.has_more, self.complete = "", False, False, True

    def begin(self, text: str) -> None:
        """For messages with all of its words."""
        self.forget()
        self._text = text
        self._ask()

    def go_on(self) -> None:
        """Asks for older ones, if there are any."""
        if self.has_more and not self._request:
            self._ask()

    def _ask(self) -> None:
        try:
            draft = message_drafts.search(self._text, before_ms=self._before_ms, limit=PAGE)
            self._request = self._send(draft)
        except (InvalidRequest, QueueFull, LoggingOut) as error:
            self.trouble = f"{error}."

    def answered(self, event: Answered) -> bool:
        """Whether it was this that was answered."""
        if not self._request or event.id != self._request:
            return False
        self._request = 0
        match event.answer:
            case SearchResults() as page:
                self._take(page)
            case Refused(reason=reason):
                self.trouble = reason
            case _:
                pass
        return True

    def _take(self, page: SearchResults) -> None:
        known = len(self._found)
        self._found |= {(entry.log, entry.sequence): entry for entry in page.entries}
        self.has_answer = True
        self.has_more = page.more and bool(page.entries)
        self.complete = self.complete and page.complete
        if page.entries:
            # Others of the same millisecond may follow, unless all of these were known.
            oldest_ms = page.entries[-1].at_ms
            self._before_ms = oldest_ms + 1 if len(self._found) > known else oldest_ms
