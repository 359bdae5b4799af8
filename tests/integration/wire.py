"""A client without any mercy: it sees every byte of a gateway, and forgives nothing."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Self, TypeVar

import msgspec

from testbed.cluster import DEADLINE_S, GATEWAYS, Cluster
from testbed.people import new_name
from testbed.web_socket import WebSocket
from zchat.protocol import limits
from zchat.protocol.codec import FrameReader, encode, server_messages
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Entry,
    Hello,
    LoggedIn,
    LogIn,
    Message,
    PresenceChanged,
    ServerMessage,
    Welcome,
)

M = TypeVar("M", bound=Message)
HELLO: Final = Hello(PROTOCOL_VERSION, "test")
_MESSAGE_BYTES: Final = 50_000
"""Of a socket: where the stream is cut into messages means nothing."""


class Wire:
    """One connection. To be entered with `async with`."""

    def __init__(self, cluster: Cluster, connection: socket.socket | None = None) -> None:
        self._cluster = cluster
        self._connection = connection or socket.socket()
        self._frames = FrameReader()
        self._waiting: deque[ServerMessage] = deque()
        self.entries: dict[str, list[Entry]] = {}
        self.name = new_name("wire")

    async def __aenter__(self) -> Self:
        self._connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._connection, ("127.0.0.1", self._cluster.port))
        # A small limit, so that who does not read is not read for.
        self.reader, self.writer = await asyncio.open_connection(sock=self._connection, limit=4096)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    @property
    def port(self) -> int:
        port: int = self.writer.get_extra_info("sockname")[1]
        return port

    async def send(self, *messages: Message) -> None:
        await self.send_bytes(b"".join(map(encode, messages)))

    async def send_bytes(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def log_in(self) -> LoggedIn:
        token = os.urandom(limits.TOKEN_BYTES)
        await self.send(HELLO, LogIn(id=1, name=self.name, token=token))
        await self.receive(Welcome)
        return await self.receive(LoggedIn)

    async def receive(self, shape: type[M]) -> M:
        """The next message, which must be one of these; entries and presence may come before it."""
        while True:
            message = await self.next()
            if isinstance(message, shape):
                return message
            assert message is not None, f"the connection ended before {shape.__name__} came"
            unasked = isinstance(message, Entry | PresenceChanged)
            assert unasked, f"{message} came instead of {shape.__name__}"

    async def next(self) -> ServerMessage | None:
        """Whatever comes next; None at the end of the connection."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._next()

    async def _next(self) -> ServerMessage | None:
        while not self._waiting:
            try:
                data = await self._read()
            except ConnectionError:
                data = b""
            if not data:
                return None
            self._waiting.extend(map(server_messages.decode, self._frames.feed(data)))
        message = self._waiting.popleft()
        if isinstance(message, Entry):
            self.entries.setdefault(message.log, []).append(message)
        return message

    async def _read(self) -> bytes:
        return await self.reader.read(64 * 1024)

    def head(self, log: str) -> int:
        """Sequence of the newest entry that came; 0 for none."""
        entries = self.entries.get(log)
        return entries[-1].sequence if entries else 0

    async def until_seen(self, log: str, sequence: int) -> None:
        while self.head(log) < sequence:
            assert await self.next() is not None, f"{self.name} was disconnected"


class WebWire(Wire):
    """The same by the web door, as a page in a browser has it: its token is in a cookie."""

    def __init__(
        self, cluster: Cluster, connection: socket.socket | None = None, cookie: str = ""
    ) -> None:
        super().__init__(cluster, connection)
        self._socket = WebSocket(cluster.address, cookie=cookie)

    @property
    def cookie(self) -> str:
        return self._socket.cookie

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await super().send_bytes(self._socket.handshake())
        while not self._socket.status:
            data = await self.reader.read(64 * 1024)
            assert data, "no answer to the handshake"
            self._socket.received(data)  # Nothing comes of messages before one is sent.
        assert self._socket.status == 101
        return self

    async def send_bytes(self, data: bytes) -> None:
        cuts = range(0, len(data), _MESSAGE_BYTES)
        framed = (self._socket.framed(data[begin : begin + _MESSAGE_BYTES]) for begin in cuts)
        await super().send_bytes(b"".join(framed))

    async def log_in(self) -> LoggedIn:
        log_in = msgspec.msgpack.encode({"kind": "log_in", "id": 1, "name": self.name})
        await self.send_bytes(encode(HELLO) + log_in)
        await self.receive(Welcome)
        return await self.receive(LoggedIn)

    async def _read(self) -> bytes:
        """Empty at the end alone."""
        while data := await super()._read():
            if payload := self._socket.received(data):
                return payload
        return b""


DOORS: Final = (Wire, WebWire)
"""For what is promised to whoever comes, whichever way."""


class Witness(Wire):
    """Logs in and then only listens, so that it sees what a gateway really writes."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self.ended = False
        """Whether the gateway has closed the connection."""
        self._news = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.log_in()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._listening is not None
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        await super().__aexit__(*exception)

    async def _listen(self) -> None:
        while await self._next() is not None:
            self._news.set()
        self.ended = True

    async def until_seen(self, log: str, sequence: int) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while self.head(log) < sequence:
                assert not self.ended, f"{self.name} was disconnected"
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def witnesses(cluster: Cluster) -> AsyncIterator[dict[str, Witness]]:
    """One on each gateway; by gateway."""
    found: dict[str, Witness] = {}
    async with AsyncExitStack() as stack:
        for _ in range(100):
            witness = await stack.enter_async_context(Witness(cluster))
            gateway = await asyncio.to_thread(cluster.gateway_of, witness.port)
            assert gateway is not None
            found.setdefault(gateway, witness)
            if len(found) == len(GATEWAYS):
                break
        yield found
