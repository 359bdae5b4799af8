"""One client of the load: a socket that counts what it gets, and decodes only while it comes in.

The counting is the generator's hot path: three searches for a few bytes in a buffer that all
connections share, whatever number of messages one read brings.
"""

import asyncio
import time
from array import array
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

from benchmarks.dialect import Dialect, Frames, Markers

T = TypeVar("T")

_READ_BYTES_MAX: Final = 256 * 1024
_OVERLAP_BYTES: Final = 32
"""Kept from one read to the next, for a marker that falls between two; the longest one fits."""


class ReadArea:
    """Where all connections of a process read to: each read is counted before the next begins."""

    def __init__(self) -> None:
        self.bytes = bytearray(_OVERLAP_BYTES + _READ_BYTES_MAX)
        self.writable = memoryview(self.bytes)[_OVERLAP_BYTES:]


class Conversation(Protocol):
    """What a connection tells of its counts; see `conversation.py`."""

    delivered: int

    def heard(self) -> None: ...


class Talker:
    """The posts of one connection: when each was sent, and how long until it was acknowledged."""

    __slots__ = ("_post", "acknowledged", "latencies_s", "sent_at")

    def __init__(self, post: Callable[[int], bytes]) -> None:
        self._post = post
        self.acknowledged = 0
        self.sent_at = array("d")
        """By the number of the message."""
        self.latencies_s = array("d")
        """From sending to the answer, in the order of the answers, which is that of the posts."""

    @property
    def posted(self) -> int:
        return len(self.sent_at)

    def take(self, count: int) -> bytes:
        """The next `count` messages, as one piece to write now."""
        first = self.posted
        self.sent_at.extend([time.monotonic()] * count)
        return b"".join(map(self._post, range(first, first + count)))

    def answered(self, count: int) -> None:
        now = time.monotonic()
        first = self.acknowledged
        self.acknowledged += count
        self.latencies_s.extend([now - at for at in self.sent_at[first : first + count]])


class _Begins(NamedTuple):
    """Where the search for each marker begins."""

    delivery: int
    acknowledgement: int
    refusal: int


class Connection(asyncio.BufferedProtocol):
    """`record` keeps all that comes in, with its times, to be checked message by message later."""

    def __init__(
        self, area: ReadArea, dialect: Dialect, name: str, markers: Markers, *, record: bool
    ) -> None:
        assert max(map(len, markers)) <= _OVERLAP_BYTES
        self.name = name
        self.delivered = 0
        self.refused = 0
        self.lost_connection = False
        self.conversation: Conversation | None = None
        self.talker: Talker | None = None
        self.on_loss: Callable[[Connection], None] | None = None
        """Told when the connection breaks, though nobody here has left."""
        self.recorded: list[tuple[float, bytes]] | None = [] if record else None
        self.reads = 0
        self._area = area
        self._buffer = area.bytes
        self._count = area.bytes.count
        self._overlap = bytearray(_OVERLAP_BYTES)
        self._markers = markers
        # A marker that ends in the old bytes was counted with them.
        self._begins = _Begins(*(_OVERLAP_BYTES - len(marker) + 1 for marker in markers))
        self._attentive = True
        """Whether anything is done with what comes in but counting."""
        self._frames: Frames | None = dialect.frames()
        self._question: tuple[Callable[[bytes], Any], asyncio.Future[Any]] | None = None
        self._leaving = False

    # --- asyncio's side ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._area.writable

    def buffer_updated(self, nbytes: int) -> None:
        buffer = self._buffer
        end = _OVERLAP_BYTES + nbytes
        buffer[:_OVERLAP_BYTES] = self._overlap
        self._overlap = buffer[nbytes:end]
        self.reads += 1
        if self._attentive:
            self._keep(bytes(buffer[_OVERLAP_BYTES:end]))
        delivered = self._count(self._markers.delivery, self._begins.delivery, end)
        self.delivered += delivered
        conversation = self.conversation
        if conversation is not None:
            conversation.delivered += delivered
            if self.talker is not None:
                self._take_answers(self.talker, end)
            conversation.heard()

    def _take_answers(self, talker: Talker, end: int) -> None:
        if answered := self._count(
            self._markers.acknowledgement, self._begins.acknowledgement, end
        ):
            talker.answered(answered)
        self.refused += self._count(self._markers.refusal, self._begins.refusal, end)

    def _keep(self, data: bytes) -> None:
        if self.recorded is not None:
            self.recorded.append((time.monotonic(), data))
        if self._frames is not None:
            self._answer_question(data)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_connection = not self._leaving
        if self._question is not None and not self._question[1].done():
            self._question[1].set_exception(ConnectionResetError(f"{self.name} was cut off"))
        if self.lost_connection and self.on_loss is not None:
            self.on_loss(self)

    # --- Coming in --------------------------------------------------------------------------------

    async def ask(self, request: bytes, answer: Callable[[bytes], T | None]) -> T:
        """See `dialect.Asker`."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._question = (answer, future)
        self.write(request)
        return await future

    def _answer_question(self, data: bytes) -> None:
        assert self._frames is not None
        for frame in self._frames.feed(data):
            if self._question is None:
                continue
            answer, future = self._question
            try:
                result = answer(frame)
            except Exception as error:  # noqa: BLE001 - It belongs to whoever has asked.
                self._question = None
                future.set_exception(error)
                continue
            if result is not None:
                self._question = None
                future.set_result(result)

    def count_only(self) -> None:
        """From here on nothing is decoded any more, and nothing asked."""
        self._frames = None
        self._attentive = self.recorded is not None

    # --- Talking ----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def leave(self) -> None:
        """Breaks the connection, as a client does that loses its network."""
        self._leaving = True
        self._transport.abort()
