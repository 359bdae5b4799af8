"""The language of zchat's web door: the native one in the frames of a WebSocket."""

from collections.abc import Callable
from typing import Final, TypeVar

from websockets.frames import Frame, Opcode

from benchmarks.dialect import Asker, Delivery, Frames, Refused
from benchmarks.zchat_dialect import ZchatDialect
from zchat.protocol.codec import FrameReader

T = TypeVar("T")

ORIGIN: Final = "https://bench.example"
"""Where the page would be from; clusters that are measured let it in."""
_HANDSHAKE: Final = (
    "GET /socket/0 HTTP/1.1\r\n"
    "Host: bench.example\r\n"
    f"Origin: {ORIGIN}\r\n"
    "Connection: Upgrade\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "\r\n"
).encode()
_END_OF_HEAD: Final = b"\r\n\r\n"
_HTTP: Final = b"HTTP/1.1 "


class WebDialect(ZchatDialect):
    def frames(self) -> Frames:
        return _WebFrames()

    async def enter(
        self, connection: Asker, name: str, cursors: dict[str, int] | None = None
    ) -> None:
        await connection.ask(_HANDSHAKE, _upgraded)
        await super().enter(_Framed(connection), name, cursors)

    async def create_room(self, connection: Asker, room: str) -> None:
        await super().create_room(_Framed(connection), room)

    async def join_room(self, connection: Asker, room: str) -> int:
        return await super().join_room(_Framed(connection), room)

    def posts_to_room(self, sender: str, room: str) -> Callable[[int], bytes]:
        return _framing(super().posts_to_room(sender, room))

    def posts_to_user(self, sender: str, to: str) -> Callable[[int], bytes]:
        return _framing(super().posts_to_user(sender, to))

    def delivery(self, frame: bytes) -> Delivery | None:
        return None if frame.startswith(_HTTP) else super().delivery(frame)


class _Framed:
    """A connection whose requests are messages of a WebSocket."""

    def __init__(self, connection: Asker) -> None:
        self._connection = connection

    async def ask(self, request: bytes, answer: Callable[[bytes], T | None]) -> T:
        return await self._connection.ask(_masked_head(len(request)) + request, answer)

    def write(self, data: bytes) -> None:
        self._connection.write(_masked_head(len(data)) + data)


class _WebFrames:
    """The answer to the handshake is the first frame; then come those within messages."""

    def __init__(self) -> None:
        self._waiting = b""
        self._opened = False
        self._reader = FrameReader()

    def feed(self, data: bytes, /) -> list[bytes]:
        self._waiting += data
        frames: list[bytes] = []
        if not self._opened:
            head, end, rest = self._waiting.partition(_END_OF_HEAD)
            if not end:
                return []
            self._opened, self._waiting = True, rest
            frames.append(head)
        while (cut := _cut(self._waiting)) is not None:
            payload, self._waiting = cut
            frames += self._reader.feed(payload)
        return frames


def _cut(data: bytes) -> tuple[bytes, bytes] | None:
    """The contents of the first message, and what follows it; a server masks nothing."""
    if len(data) < 2:
        return None
    begin, length = 2, data[1]
    if length > 125:
        begin = 4 if length == 126 else 10
        length = int.from_bytes(data[2:begin])
    end = begin + length
    return None if len(data) < max(end, begin) else (data[begin:end], data[end:])


def _masked_head(length: int) -> bytes:
    """Of a message that is masked with zeros, which changes none of it and costs a server as much.

    What such a mask protects from are proxies, and there is none here.
    """
    head = bytearray(Frame(Opcode.BINARY, bytes(length)).serialize(mask=False)[:-length])
    head[1] |= 0x80
    return bytes(head) + bytes(4)


def _framing(posts: Callable[[int], bytes]) -> Callable[[int], bytes]:
    # All of one talker are as long as each other.
    head = _masked_head(len(posts(0)))
    return lambda number: head + posts(number)


def _upgraded(frame: bytes) -> bytes:
    if not frame.startswith(_HTTP + b"101 "):
        raise Refused(frame.partition(b"\r\n")[0].decode(errors="replace"))
    return frame
