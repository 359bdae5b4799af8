"""Time, chance and the story of one simulated cluster: the only source of either."""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

BEGIN_S: Final = 1_000.0
BEGIN_MS: Final = 1_700_000_000_000
STORY_LINES_MAX: Final = 4_000


class Crashed(Exception):
    """The process that runs now dies at this very place."""


class Host:
    """A machine with a wall clock of its own, which can be set to anything at any time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.step_ms = 0
        """How far the wall clock is ahead of the others', or behind if it is negative."""
        self.was_set = False


class World:
    """A clock and a queue of what happens when. The same seed gives the same history."""

    def __init__(self, seed: int, *, detailed: bool = False) -> None:
        self.seed = seed
        self.now = BEGIN_S
        self.hosts = [Host("the first host"), Host("the second host")]
        self.story: deque[str] = deque(maxlen=STORY_LINES_MAX)
        self.detailed = detailed
        """Whether the story also tells each request, answer and commit."""
        self.counts: Counter[str] = Counter()
        """How often what happened, to show that a run has been where it should."""
        self.quiet = False
        """No more faults: what was broken must become whole."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def random(self, purpose: str) -> random.Random:
        """A source of chance of its own, so that one part's use does not change another's."""
        return random.Random(f"{self.seed} {purpose}")

    def now_ms(self, host: Host) -> int:
        return BEGIN_MS + int((self.now - BEGIN_S) * 1000) + host.step_ms

    def at(self, delay_s: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + delay_s, self._count, action))

    def run(self, until: float) -> None:
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, action = heapq.heappop(queue)
            action()
        self.now = until

    def tell(self, what: str) -> None:
        self.story.append(f"{self.now - BEGIN_S:8.3f} s  {what}")


class Process:
    """Something that lives, pauses, dies at any place and is started again."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        chance = world.random(f"host of {name}")
        self.host = chance.choice(world.hosts)
        self._steady_s = chance.choice([0.0, 1e6])
        """Steady clocks begin anywhere: the times of two processes mean nothing to each other."""
        self.life = 0
        self.alive = False
        self.paused = False
        self.restart_s = (0.05, 2.0)
        self.chance = world.random(f"process {name}")
        self._held: list[Callable[[], None]] = []
        self._waking = False
        self._fuse: tuple[str, int] | None = None

    # --- For the processes themselves -------------------------------------------------------------

    def born(self) -> None:
        """A new life begins."""

    def died(self) -> None:
        """What the others notice of a death."""

    def woken(self) -> None:
        """Something has come in."""

    def comes_back(self) -> bool:
        """Whether a death is followed by a new life."""
        return True

    def now(self) -> float:
        return self.world.now + self._steady_s

    def now_ms(self) -> int:
        return self.world.now_ms(self.host)

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Does it in this life; a pause delays it, and death drops it."""
        life = self.life

        def run() -> None:
            if self.life != life:
                return
            if self.paused:
                self._held.append(run)
                return
            try:
                action()
            except Crashed:
                self.die()

        self.world.at(delay_s, run)

    def wake(self) -> None:
        """To be called when something has come in; `woken` follows soon."""
        if self.alive and not self._waking:
            self._waking = True
            self.later(self.chance.uniform(0, 0.002), self._wake)

    def _wake(self) -> None:
        self._waking = False
        self.woken()

    def passing(self, point: str) -> None:
        """The process is at this point of its turn, where a fault may have planned its death."""
        if self._fuse is not None and self._fuse[0] == point:
            left = self._fuse[1] - 1
            self._fuse = (point, left)
            if left <= 0:
                self._fuse = None
                self.world.tell(f"{self.name} is killed ({point})")
                self.world.counts[f"killed: {point}"] += 1
                raise Crashed

    # --- For the faults ---------------------------------------------------------------------------

    def start(self) -> None:
        if self.alive:
            return
        self.alive = True
        self.life += 1
        self._waking = False
        self.world.tell(f"{self.name} starts")
        try:
            self.born()
        except Crashed:
            self.die()

    def die(self, away_s: float | None = None) -> None:
        """Comes back after `away_s`, or as soon as such a process usually does."""
        if not self.alive:
            return
        self.alive = self.paused = False
        self.life += 1
        self._held = []
        self._fuse = None
        self.died()
        if self.comes_back():
            usual_s = self.chance.uniform(*self.restart_s)
            self.world.at(usual_s if away_s is None else away_s, self.start)

    def kill_at(self, point: str, count: int) -> None:
        self._fuse = (point, count)

    def disarm(self) -> None:
        self._fuse = None

    def pause(self) -> None:
        self.paused = self.alive

    def resume(self) -> None:
        """What had to wait happens in its order, and before anything that comes only now."""
        life = self.life

        def go_on() -> None:
            if self.life == life and self.paused:
                self.paused = False
                held, self._held = self._held, []
                for run in held:
                    run()

        self.world.at(0.0, go_on)
