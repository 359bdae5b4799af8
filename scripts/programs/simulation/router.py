"""The router as a process of the simulation: the real moves between fake sockets."""

from collections.abc import Sequence

from zchat.protocol import limits
from zchat.router.core.routing import Moves

from .fabric import Fabric, Kind
from .world import Process, World


class RouterProcess(Process):
    def __init__(self, world: World, fabric: Fabric) -> None:
        super().__init__(world, "router")
        self.fabric = fabric
        self._moves = Moves(self)
        self._open: set[str] = set()
        fabric.router = self

    def born(self) -> None:
        self._moves = Moves(self)
        self._open = set()
        self.fabric.router_born()
        self._expire()

    def died(self) -> None:
        self.fabric.router_died()

    def _expire(self) -> None:
        self._moves.expire(self.now())
        self.later(limits.HEARTBEAT_INTERVAL_S, self._expire)

    def woken(self) -> None:
        now, count = self.now(), limits.BEAT_ENVELOPES_MAX
        for line, frames in self.fabric.arrived(Kind.ASKER, count):
            self._moves.command([line.identity, *frames], now)
        for line, frames in self.fabric.arrived(Kind.WORKER, count):
            self._moves.reply([line.identity, *frames], now)
        for line, frames in self.fabric.arrived(Kind.QUESTION, count):
            self._moves.query([line.identity, *frames], now)
        for _, frames in self.fabric.arrived(Kind.ANSWER, count):
            self.to_questioner(frames)
        for _, frames in self.fabric.arrived(Kind.EVENTS_IN, count):
            self._moves.event(frames)
        if self.fabric.something_waits:
            self.wake()

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        return self.fabric.to(Kind.ASKER, frames[0], frames[1:])

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        return self.fabric.to(Kind.WORKER, frames[0], frames[1:])

    def to_questioner(self, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        return self.fabric.to(Kind.QUESTION, frames[0], frames[1:])

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        return address in self._open and self.fabric.to_any(Kind.ANSWER, address, frames)

    def to_subscribers(self, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        self.fabric.to_subscribers(frames)
        return True

    def misfit(self, socket: str, owner: str | None, claim: bytes) -> None:
        raise AssertionError(f"{claim!r} at {socket}: nobody here claims to be another")

    def open_answerer(self, address: str) -> None:
        self._open.add(address)
