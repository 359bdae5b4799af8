"""Connections that mean no good, in a process of their own so that they delay nobody here."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import resource
import socket
import struct
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

import uvloop

from testbed.web_socket import WebSocket
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import PROTOCOL_VERSION, ClientMessage, Hello, LogIn

from .examples import examples
from .garbage import Garden

_HELLO: Final = encode(Hello(PROTOCOL_VERSION, "fuzz"))
_LOGIN: Final = encode(LogIn(id=1, name="somebody", token=bytes(limits.TOKEN_BYTES)))
_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n"
_HANDSHAKE: Final = WebSocket("localhost").handshake()
_ANSWER_S: Final = 0.3
"""How long a connection waits for what the gateway says to it."""
_SOURCES: Final = 200
"""Addresses of the loopback network that connections come from, so that ports do not run out."""
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)

Garbage = Callable[[random.Random], bytes]


def _client_hello(dice: random.Random) -> bytes:
    return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(506)


def _after_hello() -> Garbage:
    """A greeting as it should be, and then a damaged message, but for logins that might succeed."""
    garden = Garden(examples(ClientMessage, 200, random.Random("floods")))

    def make(dice: random.Random) -> bytes:
        frame = garden.frame(dice)
        return _HELLO + (b"\xc1" if b"log_in" in frame else frame)

    return make


GARBAGE: Final[dict[str, Garbage]] = {
    "nothing": lambda dice: b"",
    "random bytes": lambda dice: dice.randbytes(dice.randrange(1, 2_000)),
    "half a hello": lambda dice: _HELLO[: dice.randrange(1, len(_HELLO))],
    "a hello, and half a login": lambda dice: _HELLO + _LOGIN[: dice.randrange(1, len(_LOGIN))],
    "a hello, and garbage": _after_hello(),
    "a hello to TLS": _client_hello,
    "a request of HTTP": lambda dice: _REQUEST,
    "half a request of HTTP": lambda dice: _REQUEST[: dice.randrange(1, len(_REQUEST))],
    "a request with a body": lambda dice: _REQUEST[:-2] + b"Content-Length: 9\r\n\r\n{}",
    "a head that never ends": lambda dice: b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 9_000,
    "a socket, and random bytes": lambda dice: _HANDSHAKE + dice.randbytes(dice.randrange(1, 900)),
    "a socket, and empty frames": lambda dice: (
        _HANDSHAKE + b"\x82\x80\0\0\0\0" * dice.randrange(1, 20_000)
    ),
    "a greeting of IRC": lambda dice: b"NICK ann\r\nUSER ann 0 * :Ann\r\n",
    "a frame that never ends": lambda dice: (
        b"\xc6\xff\xff\xff\xff" + bytes(dice.choice((9, 140_000)))
    ),
    "small change": lambda dice: b"\xcc\x00" * dice.randrange(1, 60_000),
}
"""By kind: what is sent. Each is then reset, at once or after an answer."""


class Flood:
    """So many garbage connections, some hundred of them at a time. To be entered with `with`."""

    def __init__(self, port: int, connections: int, at_once: int, rate: float, seed: int) -> None:
        """`rate` is connections a second; infinity for as many as there can be."""
        self._context = multiprocessing.get_context("spawn")
        self._made, theirs = self._context.Pipe(duplex=False)
        self._process = self._context.Process(
            target=_flood, args=(port, connections, at_once, rate, seed, theirs), daemon=True
        )

    def __enter__(self) -> "Flood":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    @property
    def going_on(self) -> bool:
        return self._process.is_alive()

    def made(self) -> int:
        """How many connections were made, once it is over."""
        return int(self._made.recv())


def _flood(
    port: int, connections: int, at_once: int, rate: float, seed: int, made: Connection
) -> None:
    # Others come first: the chat is what is watched.
    os.nice(5)
    made.send(uvloop.run(_make_all(port, connections, at_once, rate, random.Random(seed))))


async def _make_all(
    port: int, connections: int, at_once: int, rate: float, dice: random.Random
) -> int:
    loop = asyncio.get_running_loop()
    kinds = list(GARBAGE.values())
    begun = made = 0
    begin = loop.time()

    async def make_some() -> None:
        nonlocal begun, made
        while begun < connections:
            begun += 1
            await asyncio.sleep(begin + begun / rate - loop.time())
            data = dice.choice(kinds)(dice)
            taken = await _make_one(port, data, dice, waits=dice.random() < 0.5)
            made += taken

    await asyncio.gather(*(make_some() for _ in range(at_once)))
    return made


async def _make_one(port: int, data: bytes, dice: random.Random, *, waits: bool) -> bool:
    """Whether the gateway took the connection."""
    loop = asyncio.get_running_loop()
    with open_socket(dice.randrange(_SOURCES)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        try:
            await loop.sock_connect(connection, ("127.0.0.1", port))
        except OSError:
            return False
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER_S):
                await loop.sock_sendall(connection, data)
                if waits:
                    await loop.sock_recv(connection, 4096)
    return True


def open_socket(source: int) -> socket.socket:
    """Comes from one of many addresses, each of which has as many ports as all others."""
    connection = socket.socket()
    connection.setblocking(False)
    with contextlib.suppress(OSError):
        connection.bind((f"127.0.1.{source + 1}", 0))
    return connection


# --- Those who take their time --------------------------------------------------------------------

_BIT_BY_BIT: Final = encode(Hello(PROTOCOL_VERSION, "x" * limits.SOFTWARE_CHARS_MAX))
SLOW: Final[dict[str, tuple[bytes, bytes]]] = {
    "says nothing": (b"", b""),
    "half a hello": (_HELLO[:9], b""),
    "a byte a second": (b"", _BIT_BY_BIT),
    "a hello, and nothing": (_HELLO, b""),
    "a hello, and half a login": (_HELLO + _LOGIN[:20], b""),
    "a hello again and again": (_HELLO, _HELLO * 60),
}
"""By kind: what is said at once, and what is said afterwards, a byte or a hello each second."""


async def linger(port: int, count: int, patience_s: float) -> dict[str, list[float]]:
    """Makes so many slow connections; by kind, after how many seconds each was closed.

    One that is still open after `patience_s` counts as infinitely slow to be closed.
    """
    raise_own_file_limit()
    kinds = list(SLOW)
    closed: dict[str, list[float]] = {kind: [] for kind in kinds}

    async def one(number: int) -> None:
        kind = kinds[number % len(kinds)]
        # All at the same moment would only measure how fast connections are accepted.
        await asyncio.sleep(number / 1_000)
        closed[kind].append(await _linger(port, number, *SLOW[kind], patience_s))

    await asyncio.gather(*(one(number) for number in range(count)))
    return closed


async def _linger(port: int, number: int, first: bytes, later: bytes, patience_s: float) -> float:
    loop = asyncio.get_running_loop()
    with open_socket(number % _SOURCES) as connection:
        # The gateway may count from before we hear that we are connected.
        begin = loop.time()
        await loop.sock_connect(connection, ("127.0.0.1", port))
        try:
            async with asyncio.timeout(patience_s):
                await loop.sock_sendall(connection, first)
                await asyncio.gather(_dribble(connection, later), _until_closed(connection))
        except TimeoutError:
            return float("inf")
        return loop.time() - begin


async def _dribble(connection: socket.socket, later: bytes) -> None:
    loop = asyncio.get_running_loop()
    size = len(_HELLO) if later.startswith(_HELLO) and len(later) > len(_BIT_BY_BIT) else 1
    with contextlib.suppress(OSError):
        for begin in range(0, len(later), size):
            await loop.sock_sendall(connection, later[begin : begin + size])
            await asyncio.sleep(1)


async def _until_closed(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while await loop.sock_recv(connection, 4096):
            pass


def raise_own_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
