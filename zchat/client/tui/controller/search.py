"""A search on the server, page by page."""

from collections.abc import Callable
from typing import Final

from zchat.client.core.checks import InvalidRequest
from zchat.client.core.events import Answered
from zchat.client.core.machine import LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.protocol.messages import Refused, Request, SearchMessages, SearchResults
from zchat.protocol.rules.search_paging import Found

PAGE: Final = 50


class Search:
    def __init__(self, send: Callable[[Request], int]) -> None:
        """`send` raises `QueueFull` and `LoggingOut`."""
        self._send = send
        self._text = ""
        self._request = 0
        """The request that is awaited; 0 for none."""
        self.found = Found()
        self.has_answer = False
        self.trouble = ""

    def forget(self) -> None:
        self.found = Found()
        self._request, self.has_answer, self.trouble = 0, False, ""

    def begin(self, text: str) -> None:
        """Searches for messages with all of these words."""
        self.forget()
        self._text = text
        self._ask()

    def go_on(self) -> None:
        """Asks for older results, if there are any."""
        if self.found.has_more and not self._request:
            self._ask()

    def _ask(self) -> None:
        try:
            draft = SearchMessages(text=self._text, before_ms=self.found.before_ms, limit=PAGE)
            self._request = self._send(draft)
        except (InvalidRequest, QueueFull, LoggingOut) as error:
            self.trouble = f"{error}."

    def answered(self, event: Answered) -> bool:
        """Whether that was the answer to this search; an older search's is nobody's."""
        if not self._request or event.id != self._request:
            return False
        self._request = 0
        match event.answer:
            case SearchResults() as page:
                self.has_answer = True
                self.found.take(page)
            case Refused(reason=reason):
                self.trouble = reason
            case _:
                pass
        return True
