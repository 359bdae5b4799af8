"""Who comes through a TLS door, with real sockets, and what stays of those who do not."""

import asyncio
import contextlib
import functools
import inspect
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from zchat.gateway.core.flow_control import UNLIMITED, Quota
from zchat.gateway.core.loop import GatewayLoop
from zchat.gateway.tls import TlsDoor, load_context
from zchat.protocol import limits
from zchat.runtime.core.rate_limit import Rate

HANDSHAKES_MAX = 4


def in_both_loops(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Those that a gateway may have, which ends at a bug."""

    @functools.wraps(story)
    def test(run_loop: Callable[..., None], **fixtures: Any) -> None:
        async def told() -> None:
            bugs: list[Any] = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, bug: bugs.append(bug))
            await story(**fixtures)
            assert bugs == []

        run_loop(told())

    # What it asks for is more than the story does.
    story_of = inspect.signature(story)
    asked = inspect.Parameter("run_loop", inspect.Parameter.KEYWORD_ONLY)
    parameters = [*story_of.parameters.values(), asked]
    vars(test)["__signature__"] = story_of.replace(parameters=parameters)
    pytest.mark.parametrize("run_loop", [uvloop.run, asyncio.run], ids=["uvloop", "asyncio"])(test)
    return test


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    leaf = trustme.CA().issue_cert("chat.example")
    folder = tmp_path_factory.mktemp("c")
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    return folder / "cert.pem", folder / "key.pem"


class House:
    """A gateway without services behind a door."""

    def __init__(self, quota: Quota, context: ssl.SSLContext, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.port = port
        self.turns = GatewayLoop(1, self, quota=quota)
        self.door = TlsDoor(loop, self.turns, context, HANDSHAKES_MAX, lambda: 0)
        self.leave = contextlib.ExitStack()
        """Closes all clients."""

    # --- The world around the turns ---

    def now(self) -> float:
        return 100.0

    def now_ms(self) -> int:
        return 100_000

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return True

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None: ...

    def turn_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self.turns.turn)

    # --- Its clients ---

    async def knock(self, host: str, said: bytes = b"") -> socket.socket:
        """A client that says no more than that. It has been accepted when this returns."""
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        self.leave.callback(connection.close)
        connection.setblocking(False)
        connection.bind((host, 0))
        accepted = self.door._accepted
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        await loop.sock_sendall(connection, said)
        await until(lambda: self.door._accepted > accepted)
        return connection

    async def come_in(self, host: str) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection(
            sock=await self.knock(host), ssl=client_context(), server_hostname="chat.example"
        )
        # Not its transport's method: a writer that nobody has any more closes its connection.
        self.leave.callback(lambda: writer.transport.abort())  # noqa: PLW0108
        return reader

    @property
    def counted(self) -> dict[str, int]:
        return self.turns.core.quotas._connected


@contextlib.asynccontextmanager
async def house(certificate: tuple[Path, Path], quota: Quota = UNLIMITED) -> AsyncIterator[House]:
    before = sockets()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opened = House(quota, load_context(*certificate), port)
    await opened.door.listen("127.0.0.1", port)
    opened.door.open()
    with opened.leave:
        try:
            yield opened
        finally:
            opened.door.close()
    await until(lambda: not opened.door._knocks and not opened.turns.core.sessions)
    assert opened.counted == {}
    assert len(opened.door._handshakes) == 0
    await until(lambda: sockets() <= before)


def sockets() -> int:
    """Of this process."""
    links = (str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return sum(link.startswith("socket:") for link in links)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - Nobody tells.
            await asyncio.sleep(0.005)


def client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def client_hello() -> bytes:
    said = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client_context().wrap_bio(ssl.MemoryBIO(), said).do_handshake()
    return said.read()


async def is_ended(connection: socket.socket) -> bool:
    async with asyncio.timeout(60):
        try:
            while await asyncio.get_running_loop().sock_recv(connection, 10_000):
                pass
        except ConnectionResetError:
            pass
    connection.close()
    return True


@pytest.mark.parametrize("said", ["nothing", "half", "all"])
@in_both_loops
async def test_silent_ones_push_out_each_other_and_nothing_stays_of_them(
    certificate: tuple[Path, Path], said: str
) -> None:
    hello = client_hello()
    words = {"nothing": b"", "half": hello[: len(hello) // 2], "all": hello}[said]
    async with house(certificate) as here:
        await here.knock("127.0.0.9", words)
        silent = [await here.knock("127.0.0.2", words) for _ in range(3 * HANDSHAKES_MAX)]
        gone = len(silent) - (HANDSHAKES_MAX - 1)
        for connection in silent[:gone]:
            assert await is_ended(connection)
        assert here.turns.traffic.pushed_out == gone
        await until(lambda: here.counted == {"127.0.0.9": 1, "127.0.0.2": HANDSHAKES_MAX - 1})
        await here.come_in("127.0.0.3")
        await until(lambda: here.turns.core.sessions)
        assert here.counted["127.0.0.3"] == here.counted["127.0.0.9"] == 1
    assert here.turns.core.quotas.take_notes(200.0) == [
        f"handshakes of 127.0.0.2 ended to make room ({gone + 1} times)"
    ]


@in_both_loops
async def test_one_more_than_there_are_places_comes_in_when_the_others_have_had_their_chance(
    certificate: tuple[Path, Path],
) -> None:
    async with house(certificate) as here:
        for number in range(2, HANDSHAKES_MAX + 2):
            await here.knock(f"127.0.0.{number}")
        await here.come_in("127.0.0.9")
        assert here.turns.traffic.pushed_out == 1


@in_both_loops
async def test_a_handshake_counts_as_a_connection_of_its_address_and_only_once(
    certificate: tuple[Path, Path],
) -> None:
    async with house(certificate, Quota(connections_per_address=3)) as here:
        await here.come_in("127.0.0.2")
        silent = [await here.knock("127.0.0.2") for _ in range(2)]
        refused = await here.come_in("127.0.0.2")
        assert b"3 connections of your address are open" in await refused.read()
        await until(lambda: here.counted == {"127.0.0.2": 3})
        silent.pop().close()
        await until(lambda: here.counted == {"127.0.0.2": 2})
        await here.come_in("127.0.0.2")
        await until(lambda: len(here.turns.core.sessions) == 2)
        assert all(session.open for session in here.turns.core.sessions.values())


@in_both_loops
async def test_only_a_few_that_are_refused_get_a_handshake_to_be_told(
    certificate: tuple[Path, Path],
) -> None:
    async with house(certificate, Quota(connections=Rate(1, 0.001))) as here:
        await here.come_in("127.0.0.2")
        for _ in range(limits.REFUSALS_TOLD_BURST):
            told = await here.come_in("127.0.0.2")
            assert b"too many connections of your address" in await told.read()
        assert await is_ended(await here.knock("127.0.0.2"))
        assert here.turns.traffic.turned_away == 1
        await here.come_in("127.0.0.3")


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05nonsense"])
@in_both_loops
async def test_who_speaks_no_tls_is_sent_away(certificate: tuple[Path, Path], said: bytes) -> None:
    async with house(certificate) as here:
        assert await is_ended(await here.knock("127.0.0.2", said))


@in_both_loops
async def test_who_resets_at_once_leaves_nothing(certificate: tuple[Path, Path]) -> None:
    async with house(certificate) as here:
        for _ in range(50):
            connection = await here.knock("127.0.0.2")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        await until(lambda: here.counted == {})
