"""A way from one client to the gateways on which everything happens that happens on networks."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final, Self, cast

from .browser import Browser, Page

_RECEIVE_BUFFER_BYTES: Final = 8 * 1024
"""Small, so that who does not read is soon not written to: the kernel would take megabytes."""
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Route:
    """Takes a client's connections on a port of its own. To be entered with `async with`."""

    def __init__(self, gateways_port: int, browser: Browser | None = None) -> None:
        """With a browser the gateways are spoken to by the web door."""
        self._gateways_port = gateways_port
        self._browser = browser
        self._pipes: list[Pipe] = []
        """Oldest first; only the newest is one that the client still uses."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pipe in list(self._pipes):
            pipe.abort()

    @property
    def address(self) -> str:
        port: int = self._server.sockets[0].getsockname()[1]
        return f"127.0.0.1:{port}"

    @property
    def pipe(self) -> "Pipe | None":
        """The client's connection of now, if it leads to a gateway."""
        pipe = self._pipes[-1] if self._pipes else None
        return pipe if pipe is not None and pipe.is_whole else None

    def _accept(self) -> asyncio.Protocol:
        page = None if self._browser is None else self._browser.open()
        pipe = Pipe(self._gateways_port, self._forget, page)
        self._pipes.append(pipe)
        return pipe.client

    def _forget(self, pipe: "Pipe") -> None:
        if pipe in self._pipes:
            self._pipes.remove(pipe)


class Pipe:
    """One connection of a client, and that to a gateway which goes with it."""

    def __init__(
        self, port: int, forget: "Callable[[Pipe], None]", page: Page | None = None
    ) -> None:
        self._port = port
        self._page = page
        self._forget = forget
        self._opening: asyncio.Task[None] | None = None
        self._ends_open = 0
        self._swallows = False
        self._dammed = False
        self._early = b""
        """From the client before there was a gateway: some releases of Python read it at once."""
        self.client = _End(self)
        self.gateway = _End(self)

    @property
    def is_whole(self) -> bool:
        return self.client.is_open and self.gateway.is_open

    # --- What can be done to it -----------------------------------------------------------------

    def reset(self) -> None:
        """Both ends are told that the connection was reset."""
        for end in (self.client, self.gateway):
            if end.is_open:
                connection = end.transport.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.abort()

    def swallow(self) -> None:
        """Neither end hears of the other any more, be it of bytes or of its end."""
        self._swallows = True

    def dam(self) -> None:
        """Nothing is read from the gateway, as if the client did not read."""
        self._dammed = True
        self.gateway.pause()

    def undam(self) -> None:
        self._dammed = False
        self.gateway.resume()

    def abort(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
        for end in (self.client, self.gateway):
            if end.is_open:
                end.transport.abort()

    # --- From its ends --------------------------------------------------------------------------

    def opened(self, end: "_End") -> None:
        self._ends_open += 1
        if end is self.client:
            end.pause()
            self._opening = asyncio.get_running_loop().create_task(self._open())
        elif not self.client.is_open:
            end.transport.abort()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        connection.setblocking(False)
        try:
            await loop.sock_connect(connection, ("127.0.0.1", self._port))
            await loop.create_connection(lambda: self.gateway, sock=connection)
        except OSError:
            connection.close()
            self.abort()
        except asyncio.CancelledError:
            connection.close()
            raise
        else:
            if self.gateway.is_open:
                early = self._early if self._page is None else self._page.take()
                self.gateway.transport.write(early)
            self.client.resume()

    def received(self, end: "_End", data: bytes) -> None:
        other = self._other(end)
        if self._swallows:
            return
        if self._page is not None:
            self._received_by(self._page, end, data)
        elif other.is_open:
            other.transport.write(data)
        elif end is self.client:
            self._early += data

    def _received_by(self, page: Page, end: "_End", data: bytes) -> None:
        if end is self.client:
            page.said_by_client(data)
        elif self.client.is_open:
            self.client.transport.write(page.said_by_gateway(data))
        if self.gateway.is_open:
            self.gateway.transport.write(page.take())
        if page.refused:
            self.abort()

    def set_flow(self, end: "_End", flows: bool) -> None:
        """The end takes more, or does not."""
        other = self._other(end)
        if not other.is_open or (other is self.gateway and self._dammed):
            return
        if flows:
            other.resume()
        else:
            other.pause()

    def closed(self, end: "_End") -> None:
        self._ends_open -= 1
        if end is self.client and self._opening is not None:
            self._opening.cancel()
        if self._ends_open == 0:
            self._forget(self)
        elif not self._swallows:
            # What it said before it went is still handed on.
            self._other(end).transport.close()

    def _other(self, end: "_End") -> "_End":
        return self.gateway if end is self.client else self.client


class _End(asyncio.Protocol):
    """One of the two connections of a pipe, which decides everything."""

    transport: asyncio.Transport

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.is_open = False

    def pause(self) -> None:
        if self.is_open:
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.is_open and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self._pipe.opened(self)

    def data_received(self, data: bytes) -> None:
        self._pipe.received(self, data)

    def pause_writing(self) -> None:
        self._pipe.set_flow(self, False)

    def resume_writing(self) -> None:
        self._pipe.set_flow(self, True)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        self._pipe.closed(self)
