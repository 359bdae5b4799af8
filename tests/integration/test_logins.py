"""What one login is good for: many programs at a time, and no more to read than is wanted."""

import asyncio
import secrets
from asyncio import StreamReader, StreamWriter
from pathlib import Path
from typing import Self

import pytest

from testbed.cluster import Cluster
from testbed.people import eventually, new_name
from zchat.client import Chat, MessagePosted, Scope, connect
from zchat.client.core.credentials import token_as_text

from .lines import Program

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"
SENDS = 30
"""More than an account may have devices, each by a process of its own, and at the same time."""


async def run(cluster: Cluster, *arguments: str, **environment: str) -> tuple[int, str]:
    """Returns the exit code, and all that was printed."""
    async with Program(cluster, *arguments, environment=environment) as program:
        program.end_input()
        return await program.exit_code(), program.output


async def test_one_remembered_login_serves_all_programs_at_once(shared_cluster: Cluster) -> None:
    cluster, name, room = shared_cluster, new_name("ann"), new_name("room")
    async with connect(name, cluster.address) as chat:
        await chat.register(PASSWORD)
        await chat.create_room(room)
    login = ("-u", name)
    assert await run(cluster, "send", *login, room, "first", ZCHAT_PASSWORD=PASSWORD) == (0, "")

    async with Program(cluster, "tail", *login, "-f", room) as tail:
        await tail.shows(": first$")
        sends = [run(cluster, "send", *login, room, f"number {n}.") for n in range(SENDS)]
        assert await asyncio.gather(*sends) == [(0, "")] * SENDS

        async def has_printed_all() -> bool:
            return tail.output.count("number ") >= SENDS

        await eventually(has_printed_all)
    assert sorted(tail.output.count(f"number {n}.") for n in range(SENDS)) == [1] * SENDS
    assert "lost" not in tail.output

    # The same cluster by another spelling, and none that is not it.
    by_name = f"localhost:{cluster.port}"
    assert await run(cluster, "send", *login, room, "again", ZCHAT_ADDRESS=by_name) == (0, "")


async def test_one_token_serves_all_programs_of_a_guest(
    shared_cluster: Cluster, tmp_path: Path
) -> None:
    cluster, name = shared_cluster, new_name("guest")
    file = tmp_path / "token"
    file.write_text(token_as_text(secrets.token_bytes(32)))
    login = ("-u", name, "--token-file", str(file))
    code, out = await run(cluster, "send", *login, "lobby", "not as a guest")
    assert (code, "is the name right?" in out) == (3, True)
    say = ("send", *login, "--guest", "lobby")
    sends = [run(cluster, *say, f"number {n}") for n in range(9)]
    assert await asyncio.gather(*sends) == [(0, "")] * 9


async def test_a_token_for_one_account_is_no_guests(
    shared_cluster: Cluster, tmp_path: Path
) -> None:
    cluster, name, room = shared_cluster, new_name("bot"), new_name("room")
    async with connect(name, cluster.address) as chat:
        await chat.register(PASSWORD)
        await chat.create_room(room)
        token = await chat.create_app_token("cron", list(Scope))
        texts = token_as_text(token, chat.cluster), token_as_text(token)
        foreign = token_as_text(token, "0" * len(chat.cluster))
    for text in texts:
        assert await run(cluster, "send", "-u", name, room, "hi", ZCHAT_TOKEN=text) == (0, "")
    code, out = await run(cluster, "send", "-u", f"{name}x", "lobby", "hi", ZCHAT_TOKEN=texts[0])
    assert (code, "no account" in out) == (3, True)
    code, out = await run(cluster, "send", "-u", name, room, "hi", ZCHAT_TOKEN=foreign)
    assert (code, "another cluster" in out) == (3, True)


# --- Much that is unread --------------------------------------------------------------------------

ROOMS = 60
OWNERS = 6
"""One makes ten rooms at once."""
UNREAD, UNREAD_CHARS = 8, 6_000
"""In each room."""
RECEIVED_BYTES_MAX = 64 * 1024


class Counting:
    """A way to the gateway on which it is counted what comes from there."""

    def __init__(self, cluster: Cluster) -> None:
        self._port = cluster.port
        self.received_bytes = 0
        self._server: asyncio.Server
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._passing)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._passing.add(asyncio.create_task(self._pass_on(reader, writer)))

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
        up = asyncio.create_task(self._copy(reader, there_writer))
        down = asyncio.create_task(self._copy(there_reader, writer, count=True))
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
        for one in (writer, there_writer):
            one.close()
            await asyncio.gather(one.wait_closed(), return_exceptions=True)

    async def _copy(
        self, reader: StreamReader, writer: StreamWriter, *, count: bool = False
    ) -> None:
        while data := await reader.read(65_536):
            self.received_bytes += len(data) if count else 0
            writer.write(data)
            await writer.drain()


async def _fill(cluster: Cluster, rooms: list[str], reader: Chat) -> None:
    """Somebody makes the rooms, `reader` joins, and reads nothing of what is said then."""
    async with connect(new_name("owner"), cluster.address) as owner:
        await owner.register(PASSWORD)
        for room in rooms:
            await owner.create_room(room)
            await reader.join(room)
        await asyncio.gather(
            *(owner.post(room, "x" * UNREAD_CHARS) for room in rooms for _ in range(UNREAD))
        )


async def test_nobody_receives_what_they_did_not_ask_for(shared_cluster: Cluster) -> None:
    cluster, name = shared_cluster, new_name("ann")
    rooms = [new_name("room") for _ in range(ROOMS)]
    async with connect(name, cluster.address, mark_read=False) as chat:
        await chat.register(PASSWORD)
        parts = [rooms[number::OWNERS] for number in range(OWNERS)]
        await asyncio.gather(*(_fill(cluster, part, chat) for part in parts))
    login = ("-u", name)
    assert (await run(cluster, "rooms", *login, ZCHAT_PASSWORD=PASSWORD))[0] == 0

    async def received(*arguments: str) -> int:
        async with Counting(cluster) as counting:
            address = {"ZCHAT_ADDRESS": counting.address, "ZCHAT_PASSWORD": PASSWORD}
            code, out = await run(cluster, *arguments, *login, **address)
            assert code == 0, out
            return counting.received_bytes

    for arguments in (
        ("send", rooms[0], "hello"),
        ("tail", "-n", "0", rooms[0]),
        ("tail", "-n", "1", rooms[0]),
        ("history", "-n", "1", rooms[0]),
        ("rooms",),
        ("users",),
        ("search", "--in", rooms[0], "hello"),
    ):
        size = await received(*arguments)
        print(f"{arguments[0]} receives {size:,} bytes")  # noqa: T201
        assert size < RECEIVED_BYTES_MAX, arguments

    # Who asks for everything gets it.
    async with Counting(cluster) as counting:
        async with connect(name, counting.address, PASSWORD, mark_read=False) as chat:
            said = 0
            async for entry in chat.entries():
                said += isinstance(entry.body, MessagePosted)
                if said == ROOMS * UNREAD:
                    break
        assert counting.received_bytes > ROOMS * UNREAD * UNREAD_CHARS
        print(f"everything is {counting.received_bytes:,} bytes")  # noqa: T201
