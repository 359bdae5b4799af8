"""A real cluster under garbage connections while people chat: nobody notices, nothing is left."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Final

from testbed.cluster import DEADLINE_S, GATEWAYS, Cluster
from testbed.people import Person, check_all_seen, crowd, gather_in, new_name
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, room_log

from .floods import Flood, linger

PEOPLE: Final = 20
AT_ONCE: Final = 300
PACE_S: Final = 0.25
"""Each says so often something, and waits for the confirmation."""
GROWN_BYTES_MAX: Final = 16 * 1024 * 1024
"""What a gateway may weigh more afterwards, however many connections there were."""
LOGGED_BYTES_MAX: Final = 16 * 1024
"""What all processes may write to their logs meanwhile."""
CLOSED_WITHIN_S: Final = limits.HELLO_TIMEOUT_S + limits.ACTIVITY_INTERVAL_S
"""A gateway looks so often for those whose time to log in is over."""
_WARMING_CONNECTIONS: Final = 3_000


@dataclass
class Talk:
    """What people said, and how long each word took until it was confirmed, by phase."""

    people: Sequence[Person]
    room: str
    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    phase: str = "before"
    enough: bool = False

    async def of(self, person: Person) -> None:
        rooms = [room_log(LOBBY), self.room]
        while not self.enough:
            for to in rooms:
                begin = time.perf_counter()
                await person.talk([to], 1)
                self.latencies_s.setdefault(self.phase, []).append(time.perf_counter() - begin)
                await asyncio.sleep(PACE_S)

    async def check(self) -> None:
        """Everything that was confirmed was seen by all, once and in order, and nobody was cut."""
        await check_all_seen(self.people, [room_log(LOBBY), self.room])
        lost = {one.name: one.connections_lost for one in self.people if one.connections_lost}
        assert not lost, f"connections of people were lost: {lost}"

    def told(self) -> str:
        return "\n".join(
            f"{phase:<8} {len(all_):>7,} messages confirmed, "
            f"p50 {_quantile(all_, 0.5):6.1f} ms, p99 {_quantile(all_, 0.99):6.1f} ms, "
            f"max {max(all_) * 1000:6.1f} ms"
            for phase, all_ in self.latencies_s.items()
        )


def _quantile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(seconds)[int(share * (len(seconds) - 1))] * 1000


@asynccontextmanager
async def talking(cluster: Cluster, count: int) -> AsyncIterator[Talk]:
    """People on both gateways who talk in the lobby and in a room, until the end of the block."""
    async with crowd(cluster, count) as places:
        people = [person for place in places.values() for person in place]
        room = new_name("room")
        await gather_in(room, people)
        talk = Talk(people, room_log(room))
        tasks = [asyncio.create_task(talk.of(person)) for person in people]
        try:
            yield talk
        finally:
            talk.enough = True
        await asyncio.gather(*tasks)
        await talk.check()


# --- What gateways hold ---------------------------------------------------------------------------


def files_of(cluster: Cluster) -> dict[str, int]:
    """Open files of each gateway."""
    return {
        gateway: len(list(Path(f"/proc/{cluster.pid(gateway)}/fd").iterdir()))
        for gateway in GATEWAYS
    }


def memory_of(cluster: Cluster) -> dict[str, int]:
    return {gateway: cluster.memory_bytes(gateway) for gateway in GATEWAYS}


def cpu_s(cluster: Cluster) -> float:
    """What all gateways together have had of the processors so far."""
    ticks = 0
    for gateway in GATEWAYS:
        fields = Path(f"/proc/{cluster.pid(gateway)}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def logged_bytes(cluster: Cluster) -> int:
    return sum(path.stat().st_size for path in (cluster.folder / "var").glob("*.log"))


async def until(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Looks again and again, in a thread, since looking blocks."""
    deadline = time.monotonic() + deadline_s
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.1)


# --- The two attacks ------------------------------------------------------------------------------


async def under_garbage(
    cluster: Cluster,
    connections: int,
    *,
    people: int = PEOPLE,
    at_once: int = AT_ONCE,
    rate: float = inf,
    quiet_s: float = 5,
) -> str:
    """Garbage connections while people chat. Returns what to tell; asserts what must be true."""
    async with talking(cluster, people) as talk:
        await asyncio.sleep(quiet_s)
        files = await asyncio.to_thread(files_of, cluster)
        talk.phase = "warming"
        await _flood(cluster, min(connections, _WARMING_CONNECTIONS), at_once, rate, 1)
        await until(lambda: files_of(cluster) == files, f"{files} open files again")
        memory = await asyncio.to_thread(memory_of, cluster)
        logged = logged_bytes(cluster)
        talk.phase = "during"
        begin, cpu = time.perf_counter(), await asyncio.to_thread(cpu_s, cluster)
        made = await _flood(cluster, connections, at_once, rate, 2)
        seconds = time.perf_counter() - begin
        cpu = await asyncio.to_thread(cpu_s, cluster) - cpu
        talk.phase = "after"
        await until(lambda: files_of(cluster) == files, f"{files} open files again")
        after = await asyncio.to_thread(memory_of, cluster)
        await asyncio.sleep(quiet_s)
    grown = {gateway: after[gateway] - memory[gateway] for gateway in GATEWAYS}
    assert max(grown.values()) <= GROWN_BYTES_MAX, f"gateways have grown by {grown} bytes"
    logged = logged_bytes(cluster) - logged
    assert logged <= LOGGED_BYTES_MAX, f"{logged:,} bytes were logged"
    assert made >= connections * 0.99, f"only {made} of {connections} connections were taken"
    assert cluster.bugs() == []
    grown_kib = ", ".join(f"{gateway} {size / 1024:+,.0f} KiB" for gateway, size in grown.items())
    return (
        f"{made:,} garbage connections in {seconds:.0f} s, {at_once} at a time\n"
        f"{cpu / made * 1000:.2f} ms of the gateways' processors for each, with the chat\n"
        f"{talk.told()}\n"
        f"open files as before: {files}\nmemory: {grown_kib}; logs: {logged:,} bytes"
    )


async def _flood(cluster: Cluster, connections: int, at_once: int, rate: float, seed: int) -> int:
    with Flood(cluster.port, connections, at_once, rate, seed) as flood:
        # Another process has nothing to tell this loop but its end.
        while flood.going_on:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        return flood.made()


async def under_slow_ones(cluster: Cluster, count: int, *, people: int = PEOPLE) -> str:
    """Connections that never log in, while people chat and others come."""
    async with talking(cluster, people) as talk:
        files = await asyncio.to_thread(files_of, cluster)
        talk.phase = "during"
        slow = asyncio.create_task(linger(cluster.port, count, 2 * CLOSED_WITHIN_S))
        newcomers = 0
        while not slow.done():
            async with Person(cluster.address) as person:
                await person.chat.say("good morning")
            newcomers += 1
            await asyncio.sleep(0.2)
        closed = slow.result()
        talk.phase = "after"
        await until(lambda: files_of(cluster) == files, f"{files} open files again")
    for kind, seconds in closed.items():
        # How punctual a busy machine is nobody knows; that they are closed is what counts.
        assert max(seconds) < 2 * CLOSED_WITHIN_S, f"{kind!r} is not closed"
        assert min(seconds) > limits.HELLO_TIMEOUT_S - 1, f"{kind!r} is closed too early"
    assert cluster.bugs() == []
    lines = [
        f"{kind:<28} {len(seconds):>6,} closed after {min(seconds):.1f} to {max(seconds):.1f} s"
        for kind, seconds in closed.items()
    ]
    return "\n".join([*lines, f"{newcomers} others came meanwhile", talk.told()])
