"""Who comes by the web door, with real sockets and without services."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import trustme
from websockets.frames import Frame, Opcode

from testbed.web_socket import WebSocket
from zchat.gateway.core.flow_control import UNLIMITED, Quota
from zchat.gateway.core.loop import GatewayLoop
from zchat.gateway.core.session import Session
from zchat.gateway.core.web import Site, WebFile
from zchat.gateway.doors import Doors
from zchat.gateway.tls import TlsDoor, load_context
from zchat.protocol import limits
from zchat.protocol.codec import FrameReader, encode, server_messages
from zchat.protocol.messages import PROTOCOL_VERSION, Hello, Ping, Pong, RefusalCode, Refused

from .test_door import client_context, in_both_loops, until

PAGE = WebFile("text/html", {"": b"p" * 1_000}, "tag")
LARGE = WebFile("text/plain", {"": b"x" * 8 * 1024 * 1024}, "large")
SITE = Site({"/": PAGE, "/large.txt": LARGE})
HELLO = encode(Hello(PROTOCOL_VERSION, "test"))
PING = encode(Ping(id=7))


class House:
    """A gateway without services, whose clock stands still until it is told the time."""

    def __init__(self, quota: Quota, sessions_max: int, site: Site | None) -> None:
        self.turns = GatewayLoop(1, self, sessions_max, quota)
        self.doors = Doors(site)
        self.time = 100.0
        self.port = 0

    def now(self) -> float:
        return self.time

    def now_ms(self) -> int:
        return int(self.time * 1000)

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return True

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None: ...

    def turn_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self.turns.turn)

    @property
    def sessions(self) -> list[Session]:
        return list(self.turns.core.sessions.values())

    async def come(self) -> "Guest":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return Guest(self, reader, writer)

    def later(self, seconds: float) -> None:
        """So much time passes, in which nothing else happens."""
        self.time += seconds
        self.turns.core._awake_at = self.time
        self.turns.heartbeat()


@contextlib.asynccontextmanager
async def house(
    quota: Quota = UNLIMITED,
    sessions_max: int = limits.SESSIONS_MAX,
    site: Site | None = SITE,
) -> AsyncIterator[House]:
    opened = House(quota, sessions_max, site)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        partial(opened.doors.connection, opened.turns), "127.0.0.1", 0
    )
    opened.port = listener.sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        listener.close()
    await until(lambda: not opened.sessions)
    assert opened.turns.core.quotas._connected == {}
    assert opened.turns.traffic.web_sockets == 0
    assert opened.doors.waiting == 0


class Guest:
    """A client that says any bytes."""

    def __init__(
        self, house: House, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.house, self.reader, self.writer = house, reader, writer
        self.socket = WebSocket(f"127.0.0.1:{house.port}")
        self.frames = FrameReader()

    async def __aenter__(self) -> "Guest":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def say(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))

    async def told(self) -> bytes:
        """All that comes until the gateway ends the connection."""
        async with asyncio.timeout(60):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def answer(self) -> tuple[int, bytes, bytes]:
        """Status, head and body of the next one."""
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = head.partition(b"\r\nContent-Length: ")[2].partition(b"\r\n")[0]
            return int(head.split()[1]), head, await self.reader.readexactly(int(length or b"0"))

    async def open(self) -> None:
        self.say(self.socket.handshake())
        async with asyncio.timeout(60):
            while not self.socket.status:
                self.socket.received(await self.reader.read(4096))
        assert self.socket.status == 101

    async def hears(self) -> list[object]:
        """All that comes by the socket until the connection ends."""
        return [server_messages.decode(frame) for frame in self.frames.feed(await self.payload())]

    async def payload(self) -> bytes:
        return self.socket.received(await self.told())


def masked(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


# --- Requests -------------------------------------------------------------------------------------


@in_both_loops
async def test_one_connection_serves_a_page_piece_by_piece() -> None:
    async with house() as here, await here.come() as guest:
        request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        for byte in request:
            guest.say(bytes([byte]))
            await guest.writer.drain()
            await asyncio.sleep(0)
        assert (await guest.answer())[0] == 200
        guest.say(request * 2, request.replace(b"GET / ", b"HEAD / "), request[:10])
        assert [(await guest.answer())[2] for _ in range(2)] == [PAGE.variants[""]] * 2
        assert b"Content-Length: 1000" in await guest.reader.readuntil(b"\r\n\r\n")
        guest.say(b"/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"\r\nConnection: close\r\n" in (await guest.told())
        assert here.turns.traffic.http_responses == {"200": 5}


@in_both_loops
async def test_many_small_requests_do_not_make_many_large_answers() -> None:
    async with house() as here, await here.come() as guest:
        guest.say(b"GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
        await until(lambda: here.sessions and here.sessions[0].blocked)
        connection = here.sessions[0].connection
        assert connection is not None
        most = len(LARGE.variants[""]) + limits.WRITE_BUFFER_BYTES_MAX
        assert connection.unsent_bytes <= most
        assert here.turns.traffic.http_responses == {"200": 1}


@in_both_loops
async def test_a_connection_is_kept_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HTTP_KEPT_S", 0.05)
    async with house() as here, await here.come() as page, await here.come() as half:
        page.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        half.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")
        assert (await page.told()).startswith(b"HTTP/1.1 200 ")
        await until(lambda: len(here.sessions) == 1)
        assert here.turns.core.operations.refused == {}
        here.later(limits.HELLO_TIMEOUT_S + 1)
        assert b"HTTP/1.1 408 " in await half.told()
    async with house() as here, await here.come() as guest, await here.come() as later:
        guest.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await guest.answer())[0] == 200
        await guest.open()
        later.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await later.told()
        # Whose time came after that of the first one, which has a socket now.
        assert [session.open for session in here.sessions] == [True]


@in_both_loops
async def test_no_connection_is_kept_for_ever() -> None:
    async with house() as here, await here.come() as guest:
        guest.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * limits.HTTP_REQUESTS_MAX)
        told = await guest.told()
        assert told.count(b"HTTP/1.1 200 OK") == limits.HTTP_REQUESTS_MAX
        assert told.count(b"\r\nConnection: close\r\n") == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX\x00: y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}", 413),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"x" * (limits.HTTP_HEAD_BYTES_MAX + 1), 431),
    ],
    ids=range(8),
)
@in_both_loops
async def test_what_makes_no_sense_is_answered_and_ended(said: bytes, status: int) -> None:
    async with house() as here, await here.come() as other, await here.come() as guest:
        await other.open()
        guest.say(said)
        told = await guest.told()
        assert told.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"\r\nConnection: close\r\n" in told
        # Nobody else notices.
        other.say(other.socket.framed(HELLO + PING))
        await until(lambda: len(here.sessions) == 1 and here.turns.traffic.in_frames == 2)
        here.later(limits.HELLO_TIMEOUT_S + 1)
        pong, refused = await other.hears()
        assert isinstance(pong, Pong)
        assert isinstance(refused, Refused)


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost:", b"GET / HTTP/1.0\r\n\r"])
@in_both_loops
async def test_half_a_request_is_ended_in_time(said: bytes) -> None:
    async with house() as here, await here.come() as guest:
        guest.say(said)
        await until(lambda: here.turns.traffic.in_bytes == len(said) and here.sessions)
        here.later(limits.HELLO_TIMEOUT_S + 1)
        told = await guest.told()
        if said:
            assert told.startswith(b"HTTP/1.1 408 ")
        else:
            assert refusal_in(told) is RefusalCode.TIMED_OUT


def refusal_in(told: bytes) -> RefusalCode:
    (frame,) = FrameReader().feed(told)
    message = server_messages.decode(frame)
    assert isinstance(message, Refused)
    return message.code


@in_both_loops
async def test_one_too_many_is_told_so_in_what_it_speaks() -> None:
    async with house(sessions_max=1) as here, await here.come() as first:
        await first.open()
        async with await here.come() as browser, await here.come() as native:
            await until(lambda: here.doors.waiting == 2)
            browser.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            native.say(HELLO)
            assert (await browser.told()).startswith(b"HTTP/1.1 503 ")
            assert refusal_in(await native.told()) is RefusalCode.LIMIT_REACHED
        async with await here.come() as silent:
            assert refusal_in(await silent.told()) is RefusalCode.LIMIT_REACHED


@in_both_loops
async def test_of_those_who_are_refused_only_some_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "REFUSED_SILENCE_TIMEOUT_S", 3_600.0)
    async with house(sessions_max=1) as here, await here.come() as first:
        await first.open()
        here.doors.waiting = limits.REFUSED_SILENT_MAX
        async with await here.come() as silent:
            assert refusal_in(await silent.told()) is RefusalCode.LIMIT_REACHED
            assert here.doors.waiting == limits.REFUSED_SILENT_MAX
        here.doors.waiting = 0


@in_both_loops
async def test_an_address_has_as_many_connections_as_ever() -> None:
    async with house(Quota(connections_per_address=1)) as here, await here.come() as first:
        await first.open()
        async with await here.come() as second:
            second.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            told = await second.told()
            assert told.startswith(b"HTTP/1.1 503 ")
            assert b"connections of your address" in told


@in_both_loops
async def test_where_browsers_are_not_let_in_a_letter_is_garbage() -> None:
    async with house(site=None) as here, await here.come() as guest:
        guest.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert refusal_in(await guest.told()) is RefusalCode.MALFORMED


# --- Sockets --------------------------------------------------------------------------------------


@in_both_loops
async def test_a_stream_may_be_cut_anywhere() -> None:
    async with house() as here, await here.come() as guest:
        guest.say(guest.socket.handshake(), masked(Opcode.BINARY, HELLO[:3]))
        await until(lambda: here.turns.traffic.web_sockets)
        guest.say(masked(Opcode.PING, b"between"))
        guest.say(masked(Opcode.BINARY, HELLO[3:] + PING[:5], fin=False))
        guest.say(masked(Opcode.CONT, b"", fin=False), masked(Opcode.CONT, PING[5:]))
        await until(lambda: here.turns.traffic.in_frames == 2)
        here.later(limits.HELLO_TIMEOUT_S + 1)
        told = await guest.told()
        assert b"\x8a\x07between" in told
        pong, refused = map(server_messages.decode, guest.frames.feed(guest.socket.received(told)))
        assert pong == Pong(7)
        assert isinstance(refused, Refused)
        assert refused.code is RefusalCode.TIMED_OUT
        assert guest.socket.close_code == 1000


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (masked(Opcode.TEXT, b"hello"), 1003),
        (Frame(Opcode.BINARY, HELLO).serialize(mask=False), 1002),
        (b"\xf2" + masked(Opcode.BINARY, HELLO)[1:], 1002),
        (masked(Opcode.CONT, HELLO), 1002),
        (masked(Opcode.CLOSE, b"\x00"), 1002),
        (masked(Opcode.CLOSE, b"\x03\xe8\xff\xff"), 1007),
        (b"\x82\xff" + (limits.FRAME_BYTES_MAX + 1).to_bytes(8) + b"mask", 1009),
        (masked(Opcode.PING) * (limits.WEB_FRAMES_MAX + 1), 1008),
        (
            masked(Opcode.BINARY, fin=False)
            + masked(Opcode.CONT, fin=False) * limits.WEB_FRAMES_MAX,
            1008,
        ),
    ],
    ids=range(9),
)
@in_both_loops
async def test_who_breaks_the_rules_of_a_websocket_is_told_which(said: bytes, code: int) -> None:
    async with house() as here, await here.come() as guest:
        await guest.open()
        guest.say(said)
        await guest.payload()
        assert guest.socket.close_code == code
        assert here.turns.core.operations.refused == {"malformed": 1}


@in_both_loops
async def test_who_breaks_the_rules_of_the_protocol_reads_why() -> None:
    async with house() as here, await here.come() as guest:
        await guest.open()
        guest.say(guest.socket.framed(b"\xc1" + b"x" * 100_000))
        (refused,) = await guest.hears()
        assert isinstance(refused, Refused)
        assert refused.code is RefusalCode.MALFORMED
        assert guest.socket.close_code == 1000


@in_both_loops
async def test_a_goodbye_is_answered_and_ends_the_session() -> None:
    async with house() as here, await here.come() as guest:
        await guest.open()
        guest.say(masked(Opcode.CLOSE, (1001).to_bytes(2)))
        await guest.payload()
        assert guest.socket.close_code == 1001
        await until(lambda: not here.sessions)
        assert here.turns.core.operations.refused == {}


@in_both_loops
async def test_pings_and_pieces_are_free_while_messages_come() -> None:
    async with house() as here, await here.come() as guest:
        await guest.open()
        guest.say(guest.socket.framed(HELLO))
        for _ in range(4):
            guest.say(
                masked(Opcode.PING) * (limits.WEB_FRAMES_MAX // 2), masked(Opcode.BINARY, PING)
            )
        await until(lambda: here.turns.traffic.in_frames == 5)
        assert here.sessions[0].open


@in_both_loops
async def test_who_stops_reading_is_blocked_and_not_read_from() -> None:
    async with house() as here, await here.come() as guest:
        await guest.open()
        (session,) = here.sessions
        guest.writer.transport.pause_reading()  # type: ignore[attr-defined]
        long = encode(Refused(1, RefusalCode.OTHER, "x" * 100_000))
        for _ in range(200):
            here.turns.core.output.write(session, long)
            here.turns.turn()
            if session.blocked:
                break
        assert session.blocked
        connection = session.connection
        assert connection is not None
        assert connection.unsent_bytes > limits.WRITE_BUFFER_BYTES_MAX
        before = here.turns.traffic.in_bytes
        guest.say(guest.socket.framed(HELLO))
        async with await here.come() as other:
            other.say(b"later")
            await until(lambda: here.turns.traffic.in_bytes > before)
        assert here.turns.traffic.in_bytes == before + len(b"later")
        before = here.turns.traffic.in_bytes
        guest.writer.transport.resume_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(60):
            while here.turns.traffic.in_bytes == before:
                guest.socket.received(await guest.reader.read(1 << 20))


@in_both_loops
async def test_the_end_of_a_gateway_is_said_by_a_message_and_a_status() -> None:
    async with house() as here, await here.come() as guest, await here.come() as asking:
        await guest.open()
        asking.say(b"GET /")
        await until(lambda: len(here.sessions) == 2 and here.turns.traffic.in_bytes > 0)
        await until(
            lambda: all(type(s.connection).__name__ == "WebConnection" for s in here.sessions)
        )
        here.turns.core.go_away("this gateway stops; connect again")
        here.turns.turn()
        (away,) = await guest.hears()
        assert type(away).__name__ == "GoingAway"
        assert (await asking.told()).startswith(b"HTTP/1.1 503 ")


# --- TLS ------------------------------------------------------------------------------------------


@in_both_loops
async def test_the_same_within_tls(certificate: tuple[Path, Path]) -> None:
    async with house() as here:
        loop = asyncio.get_running_loop()
        context = load_context(*certificate)
        door = TlsDoor(loop, here.turns, context, 4, lambda: 0, Doors(Site(SITE.files, (), True)))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        await door.listen("127.0.0.1", port)
        door.open()
        theirs = client_context()
        theirs.set_alpn_protocols(["h2", "http/1.1"])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=theirs, server_hostname="chat.example"
        )
        spoken = writer.get_extra_info("ssl_object")
        assert isinstance(spoken, ssl.SSLObject)
        assert spoken.selected_alpn_protocol() == "http/1.1"
        async with Guest(here, reader, writer) as guest:
            guest.socket = WebSocket("chat.example", scheme="https")
            await guest.open()
            (cookie,) = guest.socket.set_cookies
            assert cookie.startswith("__Host-zchat-0=")
            guest.say(guest.socket.framed(HELLO + PING))
            await until(lambda: here.turns.traffic.in_frames == 2)
        door.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    leaf = trustme.CA().issue_cert("chat.example")
    folder = tmp_path_factory.mktemp("c")
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return folder / "cert.pem", folder / "key.pem"
