"""One seed from its beginning to its verdict."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from . import history
from .checkers import Broken, check
from .cluster import Cluster, small_limits
from .faults import heal, plan, strike
from .watchers import Watchers
from .world import BEGIN_S, World

SECONDS: Final = 20.0
"""How long people talk and things break, in simulated seconds."""
QUIET_S: Final = (30.0, 60.0)
"""When all must be whole again. The first is enough for most; the second is more than all
time-outs, graces and waits that can follow one another."""


@dataclass(frozen=True)
class Verdict:
    seed: int
    broken: str | None
    story: Sequence[str]
    digest: str
    """Of everything that was committed and told; the same for the same seed."""
    faults: tuple[int, ...]
    """Numbers of those that struck."""
    commands: int


def simulate(seed: int, seconds: float = SECONDS, without: Collection[int] = ()) -> Verdict:
    """Runs the history of `seed`, perhaps without some of its faults."""
    with small_limits(seed):
        world = World(seed)
        cluster = Cluster(world)
        watchers = Watchers(cluster)
        faults = [fault for fault in plan(seed, seconds) if fault.number not in without]
        for fault in faults:
            world.at(fault.at_s, partial(strike, cluster, fault))
        try:
            broken = _run(cluster, watchers, seconds)
            digest = _digest(cluster)
        finally:
            cluster.close()
    numbers = tuple(fault.number for fault in faults)
    commands = sum(len(life.submitted) for person in cluster.people for life in person.lives)
    return Verdict(seed, broken, tuple(world.story), digest, numbers, commands)


def _run(cluster: Cluster, watchers: Watchers, seconds: float) -> str | None:
    world = cluster.world
    try:
        cluster.start()
        world.run(BEGIN_S + seconds)
        heal(cluster)
        for quiet_s in QUIET_S:
            world.run(BEGIN_S + seconds + quiet_s)
            watchers.check()
            try:
                check(cluster, history.read(cluster), watchers.floors)
                break
            except Broken:
                if quiet_s == QUIET_S[-1]:
                    raise
    except Broken as broken:
        return str(broken)
    except Exception as bug:  # noqa: BLE001 - whatever ends a process is a finding
        what = f"a bug: {type(bug).__name__}: {str(bug).partition(chr(10))[0]}"
        world.tell(what)
        return f"{what} {_place(bug)}"
    return None


def _place(bug: BaseException) -> str:
    places: list[str] = []
    trace: Any = bug.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return "in " + " < ".join(reversed(places[-4:]))


def _digest(cluster: Cluster) -> str:
    digest = hashlib.sha256()
    for person in cluster.people:
        for life in person.lives:
            for event in life.events:
                digest.update(repr(event).encode())
    for service in cluster.services:
        for row in service.connection.exec_driver_sql("select * from entries order by position"):
            digest.update(repr(row).encode())
    return digest.hexdigest()[:16]
