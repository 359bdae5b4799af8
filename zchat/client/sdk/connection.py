"""The core's shell on asyncio: real sockets, the clock and chance; it decides nothing.

What the application says goes from `Chat` into the core; here is only what gets it to the server.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Sequence
from typing import Final, cast

from zchat.client.core.events import CloseConnection, Event, OpenConnection
from zchat.client.core.machine import ClientCore
from zchat.client.sdk.tls import AUTOMATIC, Attempt, Tls, UntrustedServerError
from zchat.runtime.options import PORT_MAX

CONNECT_TIMEOUT_S: Final = 5.0
"""An address that does not answer by then is left for the next one."""


def split_address(address: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPv6]:PORT`; raises `ValueError`."""
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise ValueError(f"{address!r} is no address; write HOST:PORT, for example 127.0.0.1:7447")
    if not 1 <= int(port) <= PORT_MAX:
        raise ValueError(f"{address!r} is no address: there is no port {port}")
    return host.removeprefix("[").removesuffix("]"), int(port)


class Connection:
    """Keeps the core connected. `on_event` gets what is for the application, in order."""

    def __init__(
        self,
        core: ClientCore,
        addresses: Sequence[str],
        on_event: Callable[[Event], None],
        tls: Tls = AUTOMATIC,
    ) -> None:
        self._tls = tls
        self._core = core
        self._addresses = [split_address(address) for address in addresses]
        if not self._addresses:
            raise ValueError("there is no address to connect to; give HOST:PORT")
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._turn_is_due = False
        self._stopped = False
        self.reading = True
        self.trouble = ""
        """Why the last attempt to connect failed."""
        self.untrusted: UntrustedServerError | None = None
        """Why nothing more is tried."""

    def start(self) -> None:
        self._tick()

    def stop(self) -> None:
        """Lets everything go at once, without a goodbye."""
        self._stopped = True
        if self._opening is not None:
            self._opening.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._drop_wire()

    def turn_soon(self) -> None:
        """To be called by whoever has told the core something: it may have an effect by now.

        All that is said to it in one turn of the loop goes out in one write.
        """
        if not self._turn_is_due:
            self._turn_is_due = True
            self._loop.call_soon(self._turn)

    def set_reading(self, reading: bool) -> None:
        """Without reading, TCP slows the server down."""
        if reading is self.reading or self._wire is None:
            return
        self.reading = reading
        if reading:
            self._wire.transport.resume_reading()
            self._core.reading_resumed(self._loop.time())
            self.turn_soon()
        else:
            self._wire.transport.pause_reading()
            self._core.reading_paused()

    # --- From the wire --------------------------------------------------------------------------

    def wire_made(self, wire: "_Wire") -> None:
        self._wire = wire
        self.reading = True
        self._core.connected(self._loop.time())
        self._turn()

    def wire_received(self, wire: "_Wire", data: bytes) -> None:
        if wire is self._wire:
            self._core.received(data, self._loop.time())
            self._turn()

    def wire_lost(self, wire: "_Wire") -> None:
        if wire is self._wire:
            self._wire = None
            if not wire.heard and not wire.encrypted:
                self.trouble = (
                    f"{wire.where}: it ended the connection without a word; "
                    "perhaps it wants TLS: --tls on"
                )
                self._disconnected(self.trouble)
            else:
                self._disconnected()
            self._turn()

    # --- Turns ----------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._timer = None
        self._core.tick(self._loop.time())
        self._turn()

    def _turn(self) -> None:
        self._turn_is_due = False
        if self._stopped:
            return
        # What the application does about an event may have further effects.
        while effects := self._core.take_effects():
            for effect in effects:
                match effect:
                    case OpenConnection(attempt):
                        self._opening = self._loop.create_task(self._open(attempt))
                    case CloseConnection():
                        self._drop_wire()
                        self._disconnected()
                    case _:
                        self._on_event(effect)
        outgoing = self._core.take_outgoing()
        if outgoing and self._wire is not None:
            self._wire.transport.write(outgoing)
        self._set_timer()

    def _set_timer(self) -> None:
        at = self._core.next_call_at()
        if self._timer is not None:
            # A timer that fires too early costs one tick; making one anew each turn costs more.
            if at is not None and self._timer.when() <= at:
                return
            self._timer.cancel()
            self._timer = None
        if at is not None:
            # The first attempt is due at minus infinity, which is no time for a loop.
            self._timer = self._loop.call_at(max(at, 0.0), self._tick)

    async def _open(self, attempt: int) -> None:
        host, port = self._addresses[attempt % len(self._addresses)]
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._connect(host, port)
        except UntrustedServerError as error:
            # Nobody who is trusted may come there next time either, and nobody would notice.
            self.untrusted = error
            self._core.give_up(str(error))
            self._turn()
        except (OSError, ValueError, OverflowError) as error:
            # What is no address at all raises one of the latter two.
            strerror = getattr(error, "strerror", None)
            why = "no answer" if isinstance(error, TimeoutError) else strerror or str(error)
            self.trouble = f"{host}:{port}: {why}"
            self._disconnected(self.trouble)
            self._turn()

    async def _connect(self, host: str, port: int) -> None:
        attempt = Attempt(self._tls, host, port)
        try:
            await self._connect_by(attempt, host, port)
        except ssl.SSLError as error:
            if attempt.wants_peek(error):
                await self._connect_by(Attempt(self._tls, host, port, peek=True), host, port)
            elif untrusted := attempt.explain(error):
                raise untrusted from None
            else:
                raise

    async def _connect_by(self, attempt: Attempt, host: str, port: int) -> None:
        def made() -> _Wire:
            return _Wire(self, attempt, f"{host}:{port}")

        _, wire = await self._loop.create_connection(made, host, port, ssl=attempt.context)
        if wire.untrusted is not None:
            raise wire.untrusted

    def _disconnected(self, why: str = "the connection broke") -> None:
        self._core.disconnected(self._loop.time(), random.random(), why)  # noqa: S311

    def _drop_wire(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            # Nothing that still waits to be written matters: all of it is repeated when unanswered.
            wire.transport.abort()


class _Wire(asyncio.Protocol):
    """One TCP connection, with or without TLS."""

    transport: asyncio.Transport

    def __init__(self, connection: Connection, attempt: Attempt, where: str) -> None:
        self._connection = connection
        self._attempt = attempt
        self.where = where
        self.encrypted = attempt.context is not None
        self.heard = False
        self.untrusted: UntrustedServerError | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        try:
            self._attempt.check(transport)
        except UntrustedServerError as error:
            self.untrusted = error
            self.transport.abort()
            return
        self._connection.wire_made(self)

    def data_received(self, data: bytes) -> None:
        self.heard = True
        self._connection.wire_received(self, data)

    def connection_lost(self, error: Exception | None) -> None:
        self._connection.wire_lost(self)
