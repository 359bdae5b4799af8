"""Connections that do what no honest client does, and know no more of the protocol than needed."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, cast

from msgspec import Struct

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, FrameReader, ProtocolError, encode
from zchat.protocol.messages import PROTOCOL_VERSION, Hello, LogIn, Message, Sequence

HELLO: Final = Hello(PROTOCOL_VERSION, "torture")
LOGIN_ID: Final = 1
_TIMEOUT_S: Final = 60.0
_SMALL_BUFFER_BYTES: Final = 4_096


class Address(NamedTuple):
    host: str
    port: int


class Told(Struct, frozen=True):
    """As much of a server's message as has to be known of it."""

    kind: str
    id: int | None = None
    code: str = ""
    wait_ms: int = 0


told: Final = Decoder(Told)
UNASKED: Final = frozenset(
    {
        *("entry", "presence_changed", "typing_seen", "log_state_changed"),
        *("slowed_down", "going_away"),
    }
)


class Line(asyncio.Protocol):
    """One connection, of which each frame is handed on; None as a frame is the end."""

    def __init__(self, heard: Callable[[bytes | None], None]) -> None:
        self.heard = heard
        self.open = True
        self.congested = False
        self._frames = FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self.heard(frame)

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self.heard(None)

    def write(self, data: bytes) -> None:
        if self.open:
            self.transport.write(data)

    def abort(self) -> None:
        self.transport.abort()


async def dial(
    address: Address,
    source: str,
    heard: Callable[[bytes | None], None],
    *,
    small_buffer: bool = False,
) -> Line:
    """With a `small_buffer` the kernel reads little for a client that does not."""
    connection = socket.socket()
    try:
        if small_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
        connection.setblocking(False)
        connection.bind((source, 0))
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, address)
        _, line = await loop.create_connection(lambda: Line(heard), sock=connection)
    except BaseException:
        connection.close()
        raise
    return line


class Login(NamedTuple):
    """Without a password, and with a token that nobody has had before, a guest's."""

    name: str
    token: bytes
    password: str | None = None
    cursors: Mapping[str, Sequence] | None = None
    """By log, what it has already; of others all is sent that was not read."""

    def frames(self) -> bytes:
        cursors = dict(self.cursors or {})
        log_in = LogIn(
            id=LOGIN_ID, name=self.name, token=self.token, password=self.password, cursors=cursors
        )
        return encode(HELLO) + encode(log_in)


class Refusal(Exception):
    """The login was refused; the text is the code."""


class Asking:
    """A connection on which requests are sent, and their answers counted."""

    def __init__(self) -> None:
        self.window = limits.SESSION_REQUESTS_MAX
        """How many may be unanswered."""
        self.unanswered = 0
        self.asking = False
        self.counts = Counter[str]()
        self._requests: Iterator[bytes] = iter(())
        self._entered: asyncio.Future[None] | None = None
        self._line: Line | None = None
        self.ended = asyncio.Event()
        self.quiet = asyncio.Event()
        """Whether nothing is asked any more, and all was answered; or the connection is no more."""

    @property
    def line(self) -> Line:
        assert self._line is not None
        return self._line

    async def enter(
        self, address: Address, source: str, login: Login, *, small_buffer: bool = False
    ) -> None:
        """Raises `Refusal`, and `OSError`."""
        self._entered = asyncio.get_running_loop().create_future()
        self._line = await dial(address, source, self._heard, small_buffer=small_buffer)
        self._line.write(login.frames())
        async with asyncio.timeout(_TIMEOUT_S):
            await self._entered

    def begin(self, requests: Iterator[bytes]) -> None:
        """Asks these one after another, without a pause."""
        self._requests = requests
        self.asking = True
        self.quiet.clear()
        self._ask()

    def stop_reading(self) -> None:
        self.line.transport.pause_reading()

    def end(self) -> None:
        self.asking = False
        if self._line is not None:
            self._line.abort()

    def _heard(self, frame: bytes | None) -> None:
        if frame is None:
            self._lost()
            return
        try:
            message = told.decode(frame)
        except ProtocolError:
            self.counts["unreadable"] += 1
            return
        if message.kind in UNASKED:
            self.counts["slowed down"] += message.kind == "slowed_down"
        elif message.kind == "welcome":
            pass
        elif self._entered is not None and not self._entered.done():
            if message.kind == "logged_in":
                self._entered.set_result(None)
            else:
                self._entered.set_exception(Refusal(message.code))
        elif message.id is None:
            # It is about the connection, which ends.
            self.counts[f"ended: {message.code}"] += 1
        else:
            self.unanswered -= 1
            refused = message.kind == "refused"
            self.counts["refused" if refused else "done"] += 1
            if refused:
                self.counts[f"refused: {message.code}"] += 1
            if self.asking:
                self._ask()
            if not (self.asking or self.unanswered):
                self.quiet.set()

    def _lost(self) -> None:
        self.ended.set()
        self.quiet.set()
        if self._entered is not None and not self._entered.done():
            self._entered.set_exception(Refusal("the connection was closed"))
        if self.asking:
            self.counts["connections lost"] += 1
        self.counts["unanswered"] += self.unanswered
        self.unanswered = 0

    def _ask(self) -> None:
        line = self.line
        requests: list[bytes] = []
        while self.unanswered < self.window and line.open and not line.congested:
            request = next(self._requests, None)
            if request is None:
                self.asking = False
                break
            requests.append(request)
            self.unanswered += 1
            self.counts["sent"] += 1
        if requests:
            line.write(b"".join(requests))


def with_unknown_field(message: Message) -> bytes:
    """As large as a frame may be, by a field that no server knows."""
    frame = encode(message)
    # A map of fewer than 16 fields says how many in its first byte.
    head = bytes([frame[0] + 1])
    key = encode("zz_unknown")
    room = limits.FRAME_BYTES_MAX - len(frame) - len(key) - 8
    return head + frame[1:] + key + encode("u" * room)
