"""What one login is good for: many programs at a time, and no more to read than is wanted."""

import asyncio

import pytest

from zchat.client import connect

from .cluster import Cluster
from .lines import Program
from .people import eventually, new_name

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
