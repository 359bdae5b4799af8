"""Events that wait for the application, and how fast the server is read because of them."""

import asyncio
from collections import deque
from typing import Final

from zchat.client.connection import Connection
from zchat.client.core import ClientCore
from zchat.client.events import Event

EVENTS_WAITING_MAX: Final = 1_000
"""Events that wait for the application. Past it the client stops reading from the server. If it
must read on, since an answer is awaited, it skips entries past twice as many, and reads them later.
"""


class WaitingEvents:
    def __init__(self, core: ClientCore) -> None:
        self._core = core
        self._events: deque[Event] = deque()
        self._news = asyncio.Event()
        self._skipping = False

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> None:
        self._events.append(event)

    def add_soft(self, event: Event) -> None:
        # An application that never looks at its events must not gather them without end.
        if len(self._events) < 2 * EVENTS_WAITING_MAX:
            self._events.append(event)

    def take(self) -> Event:
        """The oldest."""
        return self._events.popleft()

    def tell(self) -> None:
        """There may be events, or an end of them."""
        self._news.set()

    async def news(self) -> None:
        """Until there is something to look for."""
        self._news.clear()
        await self._news.wait()

    def regulate(self, connection: Connection, *, must_read: bool) -> None:
        """Reads no faster than the application does, unless it waits for an answer itself."""
        waiting = len(self._events)
        if waiting >= EVENTS_WAITING_MAX:
            connection.set_reading(must_read)
            if waiting >= 2 * EVENTS_WAITING_MAX and not self._skipping:
                self._skipping = True
                self._core.skip_entries()
        elif must_read or waiting <= EVENTS_WAITING_MAX // 2:
            connection.set_reading(True)
            if self._skipping and waiting <= EVENTS_WAITING_MAX // 2:
                self._skipping = False
                connection.stop_skipping_entries()
