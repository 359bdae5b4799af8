"""Events that wait for the application, and how fast the server is read because of them."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

from zchat.client.core.events import EntryArrived, Event
from zchat.client.core.machine import ClientCore
from zchat.client.sdk.connection import Connection
from zchat.protocol.messages import Entry

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
        self._awaited: list[tuple[Callable[[Entry], bool], asyncio.Future[Entry]]] = []
        self._looked_at = 0
        """How many of the oldest were looked at by somebody who waits for an entry."""
        self.are_taken = False
        """The application iterates over them: what is looked at stays for that."""

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> None:
        if self._awaited and isinstance(event, EntryArrived):
            for awaited in self._awaited:
                _offer(event.entry, *awaited)
            self._awaited = [awaited for awaited in self._awaited if not awaited[1].done()]
            if not self.are_taken:
                return
            self._looked_at = len(self._events) + 1
        self._events.append(event)

    def add_soft(self, event: Event) -> None:
        # An application that never looks at its events must not gather them without end.
        if len(self._events) < 2 * EVENTS_WAITING_MAX:
            self._events.append(event)

    def take(self) -> Event:
        """The oldest."""
        self._looked_at = max(self._looked_at - 1, 0)
        return self._events.popleft()

    # --- Waiting for one entry ------------------------------------------------------------------

    @property
    def any_awaited(self) -> bool:
        return bool(self._awaited)

    def awaited(self, wanted: Callable[[Entry], bool]) -> asyncio.Future[Entry]:
        """Has the first entry that is `wanted`, of those that wait and were not looked at."""
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        for event in islice(self._events, self._looked_at, None):
            self._looked_at += 1
            if isinstance(event, EntryArrived):
                _offer(event.entry, wanted, future)
                if future.done():
                    break
        else:
            self._awaited.append((wanted, future))
        if not self.are_taken:
            for _ in range(self._looked_at):
                self._events.popleft()
            self._looked_at = 0
        return future

    def end_waiting(self, error: Exception) -> None:
        for _, future in self._awaited:
            if not future.done():
                future.set_exception(error)
        self._awaited.clear()

    def forget(self, future: asyncio.Future[Entry]) -> None:
        """Nobody waits for it any more."""
        self._awaited = [awaited for awaited in self._awaited if awaited[1] is not future]

    # --- Reading --------------------------------------------------------------------------------

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
                self._core.stop_skipping_entries()
                connection.turn_soon()


def _offer(entry: Entry, wanted: Callable[[Entry], bool], future: asyncio.Future[Entry]) -> None:
    if future.done():
        return
    try:
        if wanted(entry):
            future.set_result(entry)
    except Exception as error:  # noqa: BLE001 - It is for whoever waits, and nobody else.
        future.set_exception(error)
