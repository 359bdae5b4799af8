"""Clients of the load and how much they say to each other.

A client is a socket that counts what it gets, and decodes only while it comes in. The counting is
the generator's hot path: three searches for a few bytes in a buffer that all connections share,
whatever number of messages one read brings.
"""

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar, cast

from benchmarks.dialect import Dialect, Frames, Markers
from benchmarks.workloads import Workload

T = TypeVar("T")

_READ_BYTES_MAX: Final = 256 * 1024
_OVERLAP_BYTES: Final = 32
"""Kept from one read to the next, for a marker that falls between two; the longest one fits."""
_POSTS_MAX: Final = 1_000_000
"""Of one talker in one run, whatever the measurement lasts."""


class ReadArea:
    """Where all connections of a process read to: each read is counted before the next begins."""

    def __init__(self) -> None:
        self.bytes = bytearray(_OVERLAP_BYTES + _READ_BYTES_MAX)
        self.writable = memoryview(self.bytes)[_OVERLAP_BYTES:]


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


# --- Rooms and pairs ------------------------------------------------------------------------------


class Conversation:
    """Its talkers post when `windows` allow; a message fills its place until everyone has it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, workload: Workload, dialect: Dialect
    ) -> None:
        self.members: list[Connection] = []
        self.speakers: list[Connection] = []
        self.posted = 0
        self.delivered = 0
        """Messages that have come in at the members, all together."""
        self.copies = workload.members if dialect.echoes else workload.members - 1
        """Deliveries that one message makes."""
        self._echoes = dialect.echoes
        self._unconfirmed: deque[Talker] | None = None if dialect.acknowledges else deque()
        """Who has said the messages that are on their way, where no server confirms any."""
        self._loop = loop
        self._window = workload.window
        self._posts_left = 0
        self._next = 0
        self._scheduled = False

    def add_speaker(self, member: Connection, talker: Talker) -> None:
        member.talker = talker
        self.speakers.append(member)

    @property
    def talkers(self) -> list[Talker]:
        return [speaker.talker for speaker in self.speakers if speaker.talker is not None]

    @property
    def complete(self) -> bool:
        """Whether all is said, and has come to everyone."""
        return (
            self._posts_left <= 0
            and self.delivered >= self.posted * self.copies
            and all(talker.acknowledged >= talker.posted for talker in self.talkers)
        )

    def expected_at(self, member: Connection) -> int:
        """Messages that `member` must have got by the end."""
        own = member.talker.posted if member.talker is not None else 0
        return self.posted if self._echoes else self.posted - own

    def talk(self, posts_max: int | None = None) -> None:
        """Lets the talkers post, up to `posts_max` messages or until `hush`."""
        self._posts_left = len(self.speakers) * _POSTS_MAX if posts_max is None else posts_max
        self.heard()

    def hush(self) -> None:
        self._posts_left = 0

    def heard(self) -> None:
        """Something has come in. What that allows is posted after all that this turn brings."""
        if (self._posts_left > 0 or self._unconfirmed) and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._post)

    def _post(self) -> None:
        self._scheduled = False
        speakers = self.speakers
        on_their_way = self.posted - self.delivered // self.copies
        if self._unconfirmed is not None:
            # What counts as confirmed is that it came to everyone: first the oldest.
            while len(self._unconfirmed) > on_their_way:
                self._unconfirmed.popleft().acknowledged += 1
        free = min(self._posts_left, self._window * len(speakers) - on_their_way)
        for _ in speakers:
            if free <= 0:
                break
            # Everyone is first in turn, or some would have the others' places, too.
            speaker = speakers[self._next % len(speakers)]
            self._next += 1
            free -= self.say(speaker, free)

    def say(self, speaker: Connection, posts_max: int) -> int:
        """Posts as much as the speaker's own window allows; returns how much that was."""
        talker = speaker.talker
        assert talker is not None
        count = min(posts_max, self._window - (talker.posted - talker.acknowledged))
        if count > 0:
            speaker.write(talker.take(count))
            if self._unconfirmed is not None:
                self._unconfirmed.extend([talker] * count)
            self.posted += count
            self._posts_left -= count
        return max(count, 0)
