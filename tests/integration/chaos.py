"""By hand: `python -m tests.integration.chaos [kills] [seed]` kills processes while ten talk.

Ends with what was lost, doubled and inverted, which is to be nothing, and fails if it is not.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from zchat.protocol.messages import LOBBY, inbox_log, room_log

from .cluster import GATEWAYS, ROUTER, SERVICES, Cluster
from .people import Person, Said, gather_in, new_name, text_of

TALKERS = 10
PROGRAMS = (ROUTER, *SERVICES, *GATEWAYS)
PAUSE_S_MAX = 2.0


class Faults(NamedTuple):
    lost: int
    doubled: int
    inverted: int


def faults_of(listener: Person, log: str, people: list[Person]) -> Faults:
    """What the listener's own record of the log says, without the help of sequences."""
    lost = doubled = inverted = 0
    for author in people:
        spoken = [one.text for one in author.said if _is_in(log, one)]
        places = {text: place for place, text in enumerate(spoken)}
        entries = listener.entries.get(log, [])
        heard = [t for e in entries if e.author == author.name and (t := text_of(e)) in places]
        counts = Counter(heard)
        lost += len(places) - len(counts)
        doubled += sum(counts.values()) - len(counts)
        order = [places[text] for text in heard]
        inverted += sum(after < before for before, after in pairwise(order))
    return Faults(lost, doubled, inverted)


def _is_in(log: str, one: Said) -> bool:
    """Whether what was acknowledged stands in the log, be it the room's, or either end's inbox."""
    return log in (one.to, one.log)


async def chaos(kills: int, seed: int) -> bool:
    dice = random.Random(seed)
    enough = asyncio.Event()
    with Cluster(Path(tempfile.mkdtemp(prefix="zchat-"))) as cluster:
        cluster.start()
        async with AsyncExitStack() as stack:
            people = [
                await stack.enter_async_context(Person(cluster.address)) for _ in range(TALKERS)
            ]
            room = room_log(new_name("room"))
            await gather_in(room, people)
            begun = time.monotonic()
            talks = [
                asyncio.create_task(
                    person.talk_until(enough, [room_log(LOBBY), room, inbox_log(other.name)])
                )
                for person, other in zip(people, [*people[1:], people[0]], strict=True)
            ]
            killed: Counter[str] = Counter()
            while killed.total() < kills:
                await asyncio.sleep(dice.uniform(0, PAUSE_S_MAX))
                program = dice.choice(PROGRAMS)
                pid = await asyncio.to_thread(cluster.running_pid, program)
                if pid is not None:
                    os.kill(pid, signal.SIGKILL)
                    killed[program] += 1
            await asyncio.to_thread(cluster.wait_running)
            enough.set()
            await asyncio.gather(*talks)
            seconds = time.monotonic() - begun
            return await report(people, room, killed, seconds, cluster)


async def report(
    people: list[Person], room: str, killed: Counter[str], seconds: float, cluster: Cluster
) -> bool:
    said = [one for person in people for one in person.said]
    logs = [room_log(LOBBY), room]
    for person in people:
        for log in logs:
            await person.until_seen(log, max(one.sequence for one in said if one.log == log))
        wanted = {one.text for one in said if one.to == inbox_log(person.name)}
        await person.until(lambda p=person, w=wanted: w <= set(p.texts(inbox_log(p.name))))  # type: ignore[misc]
    totals = [0, 0, 0]
    for person in people:
        for log in [*logs, inbox_log(person.name)]:
            for index, count in enumerate(faults_of(person, log, people)):
                totals[index] += count
    deliveries = sum(len(entries) for person in people for entries in person.entries.values())
    lines = [
        f"{killed.total()} kills in {seconds:.0f} s: {dict(killed)}",
        f"{len(said)} messages acknowledged, {deliveries} entries seen",
        f"lost {totals[0]}, doubled {totals[1]}, inverted {totals[2]}",
        f"connections lost: {[len(person.connections_lost) for person in people]}",
        *cluster.bugs(),
    ]
    print("\n".join(lines))  # noqa: T201
    return not any(totals) and not cluster.bugs()


if __name__ == "__main__":
    kills, seed = ([int(argument) for argument in sys.argv[1:]] + [100, 1])[:2]
    sys.exit(not asyncio.run(chaos(kills, seed)))
