"""ZeroMQ as the cluster sees it: order within a pipe, drops where the real one drops.

A line is one socket of a process with its connection to the router. It opens a while after both
are there. When either dies or is silent for too long, what had arrived may still be read by the
one that lives, and everything on its way is lost.

Events are dropped for the three reasons that PUB/SUB has: a full queue, a subscription that is
still on its way (to the router, or from there to a publisher), and a connection that is not there.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum, auto

from .world import Process, World

Frames = list[bytes]


class Kind(IntEnum):
    ASKER = auto()
    WORKER = auto()
    QUESTION = auto()
    ANSWER = auto()
    EVENTS_IN = auto()
    EVENTS_OUT = auto()


class Tally:
    """How many envelopes are in all pipes of one kind, so that nobody looks into empty ones."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Pipe:
    """One direction of a line: first in, first out, after a delay, and bounded."""

    def __init__(
        self,
        world: World,
        chance: random.Random,
        high_water_mark: int,
        wake: Callable[[], None],
        tally: Tally,
    ) -> None:
        self._world, self._chance, self._tally = world, chance, tally
        self.high_water_mark = high_water_mark
        self._wake = wake
        self._waiting: deque[tuple[float, Frames]] = deque()
        self._last = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def send(self, frames: Sequence[bytes]) -> bool:
        if len(self._waiting) >= self.high_water_mark:
            self._world.counts["an envelope found the queue full"] += 1
            return False
        delay = self._chance.uniform(0.0001, 0.004)
        if self._chance.random() < 0.02:
            delay = self._chance.uniform(0.0, 0.4)
        self._last = max(self._last, self._world.now + delay)
        self._waiting.append((self._last, list(frames)))
        self._tally.count += 1
        self._world.at(self._last - self._world.now, self._wake)
        return True

    def receive(self) -> Frames | None:
        if self._waiting and self._waiting[0][0] <= self._world.now:
            self._tally.count -= 1
            return self._waiting.popleft()[1]
        return None

    @property
    def ready(self) -> bool:
        return bool(self._waiting) and self._waiting[0][0] <= self._world.now

    def sever(self, *, all_of_it: bool) -> None:
        """The connection breaks; what had arrived stays readable unless its reader is gone."""
        now = self._world.now
        kept = deque(item for item in self._waiting if item[0] <= now and not all_of_it)
        self._tally.count -= len(self._waiting) - len(kept)
        self._waiting = kept


class Line:
    def __init__(
        self, fabric: "Fabric", kind: Kind, process: Process, identity: bytes, address: str = ""
    ) -> None:
        self.fabric, self.kind, self.process = fabric, kind, process
        self.identity, self.address = identity, address
        self.open = False
        self.subscribed = False
        """Whether the other end of a line for events knows that somebody wants them."""
        self._life = process.life
        events = kind in (Kind.EVENTS_IN, Kind.EVENTS_OUT)
        mark = fabric.events_high_water_mark if events else fabric.high_water_mark
        chance = fabric.chance
        self.up = Pipe(fabric.world, chance, mark, fabric.wake_router, fabric.going_up[kind])
        self.down = Pipe(fabric.world, chance, mark, process.wake, Tally())
        self._request = 0

    @property
    def alive(self) -> bool:
        """Whether the socket still exists: it ends with the life that has made it."""
        return self.process.alive and self.process.life == self._life

    def send(self, frames: Sequence[bytes]) -> bool:
        return self.open and self.up.send(frames)

    def publish(self, frames: Sequence[bytes]) -> None:
        """Up to the router, or down to a subscriber; what cannot go is dropped, and counted why."""
        counts = self.fabric.world.counts
        pipe = self.up if self.kind is Kind.EVENTS_IN else self.down
        if not self.open:
            counts["an event was dropped: not connected"] += 1
        elif not self.subscribed:
            counts["an event was dropped: slow joiner"] += 1
        elif self.fabric.chance.random() < self.fabric.events_lost:
            counts["an event was dropped: by chance"] += 1
        elif not pipe.send(frames):
            counts["an event was dropped: high-water mark"] += 1

    def receive(self) -> Frames | None:
        return self.down.receive()

    def arrived(self, count: int) -> Iterator[Frames]:
        for _ in range(count):
            frames = self.down.receive()
            if frames is None:
                return
            yield frames

    def ask(self, frames: Sequence[bytes]) -> None:
        """A relaxed, correlating REQ: an answer to an earlier question is not heard."""
        self._request += 1
        self.send([self._request.to_bytes(4, "big"), b"", *frames])

    def answer(self) -> bytes | None:
        while frames := self.receive():
            if int.from_bytes(frames[0], "big") == self._request:
                return frames[2]
        return None

    def sever(self) -> None:
        self.open = self.subscribed = False
        self.up.sever(all_of_it=not self.fabric.router_alive)
        self.down.sever(all_of_it=not self.alive)


class Fabric:
    """All lines, and which of them are connected to the one router."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = world.random("fabric")
        settings = world.random("fabric settings")
        # One turn sends an envelope to each address, all of which must find room.
        self.high_water_mark = settings.choice([8, 16, 1_000])
        self.events_high_water_mark = settings.choice([4, 16, 256])
        self.events_lost = settings.choice([0.0, 0.01, 0.1, 0.5])
        """Share of the published envelopes that are lost besides, as on a worse network."""
        self.router: Process | None = None
        self.going_up = {kind: Tally() for kind in Kind}
        self._lines: dict[Kind, list[Line]] = {kind: [] for kind in Kind}
        self._turn = 0

    @property
    def router_alive(self) -> bool:
        return self.router is not None and self.router.alive

    def wake_router(self) -> None:
        if self.router is not None:
            self.router.wake()

    # --- Lines come and go ------------------------------------------------------------------------

    def line(self, kind: Kind, process: Process, identity: bytes, address: str = "") -> Line:
        line = Line(self, kind, process, identity, address)
        # A dead process's last words are still read; its next life has lines of its own.
        self._lines[kind] = [one for one in self._lines[kind] if one.up or one.alive]
        self._lines[kind].append(line)
        self._connect(line)
        return line

    def _connect(self, line: Line) -> None:
        router, router_life = self.router, self.router.life if self.router else 0

        def is_there() -> bool:
            return router is not None and router.life == router_life and router.alive and line.alive

        def open_line() -> None:
            if is_there():
                line.open = True
                line.process.wake()
                self.world.at(self.chance.uniform(0.0, 0.05), subscribe)

        def subscribe() -> None:
            if line.open and is_there():
                line.subscribed = True

        self.world.at(self.chance.uniform(0.001, 0.3), open_line)

    def router_died(self) -> None:
        for lines in self._lines.values():
            for line in lines:
                line.sever()

    def router_born(self) -> None:
        for lines in self._lines.values():
            for line in lines:
                if line.alive:
                    self._connect(line)

    def process_died(self, process: Process) -> None:
        for lines in self._lines.values():
            for line in lines:
                if line.process is process:
                    line.sever()
        self.wake_router()

    def lost_touch(self, process: Process) -> None:
        """ZeroMQ's own heartbeat has ended the connections of a process that hangs."""
        if process is self.router:
            for lines in self._lines.values():
                for line in lines:
                    line.sever()
        else:
            self.process_died(process)

    def reconnect(self, process: Process) -> None:
        if process is self.router:
            self.router_born()
            return
        for lines in self._lines.values():
            for line in lines:
                if line.process is process and line.alive and not line.open:
                    self._connect(line)

    # --- The router's side ------------------------------------------------------------------------

    def arrived(self, kind: Kind, count: int) -> Iterator[tuple[Line, Frames]]:
        """Fairly from all lines, as ZeroMQ does."""
        if not self.going_up[kind].count:
            return
        lines = self._lines[kind]
        self._turn += 1
        order = lines[self._turn % len(lines) :] + lines[: self._turn % len(lines)]
        while count > 0:
            some = False
            for line in order:
                frames = line.up.receive()
                if frames is not None:
                    some = True
                    count -= 1
                    yield line, frames
            if not some:
                return

    @property
    def something_waits(self) -> bool:
        return any(
            line.up.ready
            for kind, lines in self._lines.items()
            if self.going_up[kind].count
            for line in lines
        )

    def to(self, kind: Kind, identity: bytes, frames: Sequence[bytes]) -> bool:
        for line in self._lines[kind]:
            if line.identity == identity and line.open:
                return line.down.send(frames)
        return False

    def to_any(self, kind: Kind, address: str, frames: Sequence[bytes]) -> bool:
        """To whoever serves the address, in turns if there are two: a DEALER asks nobody."""
        self._turn += 1
        lines = [line for line in self._lines[kind] if line.address == address and line.open]
        order = lines[self._turn % len(lines) :] + lines[: self._turn % len(lines)] if lines else []
        return any(line.down.send(frames) for line in order)

    def to_subscribers(self, frames: Sequence[bytes]) -> None:
        for line in self._lines[Kind.EVENTS_OUT]:
            if line.alive:
                line.publish(frames)
