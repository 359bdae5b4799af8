"""One seed from its beginning to its verdict."""

import gc
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from . import history
from .account_checkers import check_accounts
from .amended_checkers import check_amended
from .beginning import beginning_of
from .checkers import Broken, check
from .cluster import Cluster, small_limits
from .faults import heal, plan, strike
from .questions import ask_all, check_answers
from .search_checkers import check_index, check_searches
from .watchers import Watchers
from .world import BEGIN_S, World

SECONDS: Final = 20.0
"""How long people talk and things break, in simulated seconds."""
QUIET_S: Final = (18.0, 36.0, 66.0, 150.0)
"""When all must be whole again. The first is enough for most; the last is more than all time-outs,
graces and waits that can follow one another."""
HELD_BACK_S: Final = 600.0
"""The same as long as a gateway holds somebody back. Of somebody new it takes two messages a
second, and a client that tries all again each half second while a service is away has soon sent
hundreds, all of which are taken before its last request."""
ANSWERS_S: Final = 60.0
"""The longest that the last questions may take: whoever owes waits between two steps of them."""


@dataclass(frozen=True)
class Recipe:
    """What makes a history: the same recipe gives the same one."""

    seed: int
    seconds: float = SECONDS
    without: tuple[int, ...] = ()
    """Numbers of faults that are left out."""
    without_people: tuple[int, ...] = ()
    """Numbers of clients that never come."""

    @property
    def command(self) -> str:
        parts = [f"scripts/simulate --seed {self.seed}"]
        if self.seconds != SECONDS:
            parts.append(f"--seconds {self.seconds:g}")
        if self.without:
            parts.append(f"--without {','.join(map(str, sorted(self.without)))}")
        if self.without_people:
            parts.append(f"--without-people {','.join(map(str, sorted(self.without_people)))}")
        return " ".join(parts)


@dataclass(frozen=True)
class Verdict:
    recipe: Recipe
    broken: str | None
    place: str
    """Which check has failed, or where the bug is."""
    story: Sequence[str]
    digest: str
    """Of everything that was committed and told; the same for the same seed."""
    faults: tuple[int, ...]
    """Numbers of those that struck."""
    people: int
    counts: Mapping[str, int]
    """How often what happened."""


def simulate(recipe: Recipe, *, detailed: bool = False) -> Verdict:
    """Runs one history; `detailed` has its story tell every request, answer and commit."""
    # What a history leaves behind is collected when it is over, and not over and over within it.
    gc.disable()
    try:
        return _simulate(recipe, detailed)
    finally:
        gc.enable()


def _simulate(recipe: Recipe, detailed: bool) -> Verdict:
    # What was there before was made with the bounds as they are.
    beginning_of(recipe.seed)
    with small_limits(recipe.seed):
        world = World(recipe.seed, detailed=detailed)
        cluster = Cluster(world)
        watchers = Watchers(cluster)
        people = len(cluster.people)
        faults = [
            fault
            for fault in plan(recipe.seed, recipe.seconds)
            if fault.number not in recipe.without
        ]
        for fault in faults:
            world.at(fault.at_s, partial(strike, cluster, fault))
        try:
            broken, place = _run(cluster, watchers, recipe)
            digest = _digest(cluster)
        finally:
            cluster.close()
    return Verdict(
        recipe,
        broken,
        place,
        tuple(world.story),
        digest,
        tuple(fault.number for fault in faults),
        people,
        Counter(world.counts),
    )


def _run(cluster: Cluster, watchers: Watchers, recipe: Recipe) -> tuple[str | None, str]:
    world = cluster.world
    try:
        cluster.start(recipe.without_people)
        world.run(BEGIN_S + recipe.seconds)
        heal(cluster)
        for quiet_s in (*QUIET_S, HELD_BACK_S):
            world.run(BEGIN_S + recipe.seconds + quiet_s)
            watchers.check()
            try:
                told = history.read(cluster)
                check(cluster, told, watchers)
                check_accounts(cluster, told)
                check_amended(cluster, told)
                check_searches(cluster, told)
                check_index(cluster)
                watchers.turns.check_quiet_end()
                break
            except Broken:
                if quiet_s >= QUIET_S[-1] and not (quiet_s < HELD_BACK_S and _holds_back(cluster)):
                    raise
        _ask_and_check(cluster)
        watchers.check()
    except Broken as broken:
        return str(broken), _place(broken)
    except Exception as bug:  # noqa: BLE001 - whatever ends a process is a finding
        what = f"a bug: {type(bug).__name__}: {str(bug).partition(chr(10))[0]}"
        world.tell(what)
        return f"{what} {_trace(bug)}", _place(bug)
    return None, ""


def _holds_back(cluster: Cluster) -> bool:
    """Whether anybody has still to wait because of what it has said before."""
    return any(gateway.turns.core.quotas.slowed for gateway in cluster.gateways if gateway.alive)


def _ask_and_check(cluster: Cluster) -> None:
    world = cluster.world
    asked = ask_all(cluster)
    until = world.now + ANSWERS_S
    cores = [person.core for person in cluster.people if person.core is not None]
    while world.now < until and any(core.unanswered for core in cores):
        world.run(world.now + 0.5)
    check_answers(cluster, history.read(cluster), asked)


def _frames(bug: BaseException) -> list[str]:
    places: list[str] = []
    trace: Any = bug.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places


def _place(bug: BaseException) -> str:
    return _frames(bug)[-1]


def _trace(bug: BaseException) -> str:
    return "in " + " < ".join(reversed(_frames(bug)[-4:]))


def _digest(cluster: Cluster) -> str:
    digest = hashlib.sha256()
    for person in cluster.people:
        for life in person.lives:
            for event in life.events:
                digest.update(repr(event).encode())
    for database in cluster.databases:
        for committed in history.stored_entries(database, since_beginning=True):
            digest.update(repr(committed).encode())
    return digest.hexdigest()[:16]
