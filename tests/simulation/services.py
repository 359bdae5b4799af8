"""A service as a process of the simulation: the real turns, beat, core and store."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from zchat.log.answers import Answer, Key
from zchat.log.database import StoreUnavailable, connect
from zchat.log.schema import Schema
from zchat.log.store import Appended, Owed, Store, Write
from zchat.protocol import limits
from zchat.service.beat import Job, Service
from zchat.service.turns import Turns

from .fabric import Fabric, Frames, Kind, Line
from .world import Crashed, Process, World

_log = logging.getLogger("zchat.simulation")
_log.addHandler(logging.NullHandler())
_log.propagate = False


class FaultyStore(Store):
    """The real store, that fails when told to, and in whose commits the process can die."""

    def __init__(self, connection: Connection, process: "ServiceProcess") -> None:
        super().__init__(connection, None)
        self._process = process

    def commit(
        self,
        appended: Sequence[Appended],
        writes: Sequence[Write],
        owe: Sequence[tuple[str, str, bytes]],
        settled: Sequence[int],
        answered: Collection[tuple[Key, Answer]] = (),
    ) -> list[Owed]:
        process = self._process
        process.passing("before a commit")
        process.may_fail("commit")
        owed = super().commit(appended, writes, owe, settled, answered)
        if appended or writes or owe or settled or answered:
            process.on_commit(process.service.address, writes)
            process.passing("after a commit")
        return owed

    def newest_nonces(self, clients: Any) -> Any:
        self._process.may_fail("read")
        return super().newest_nonces(clients)

    def first_answers(self, keys: Any) -> Any:
        self._process.may_fail("read")
        return super().first_answers(keys)

    def heads(self, logs: Iterable[str]) -> dict[str, int]:
        self._process.may_fail("read")
        return super().heads(logs)

    def read_log(self, *arguments: Any) -> Any:
        self._process.may_fail("read")
        return super().read_log(*arguments)

    def read_stream(self, *arguments: Any) -> Any:
        self._process.may_fail("read")
        return super().read_stream(*arguments)

    def read_history(self, *arguments: Any, **named: Any) -> list[bytes]:
        self._process.may_fail("read")
        return super().read_history(*arguments, **named)


class ServiceProcess(Process):
    """Its database outlives it, as far as it was committed."""

    def __init__(
        self, world: World, fabric: Fabric, name: str, service: Service, schema: Schema
    ) -> None:
        super().__init__(world, name)
        self.fabric, self.service = fabric, service
        self.connection = connect(None, schema)
        self.turns: Turns | None = None
        self.store: FaultyStore | None = None
        self.on_commit: Callable[[str, Sequence[Write]], None] = lambda address, writes: None
        self.failures: dict[str, int] = {}
        """How many more commits or reads fail."""
        self.bugs: list[str] = []
        self._lines: dict[Kind, Line] = {}
        self._question: Frames = []
        self._outcomes: list[tuple[Job, bool | str]] = []
        self._heartbeat_at = 0.0

    # --- Life -------------------------------------------------------------------------------------

    def born(self) -> None:
        identity = f"{self.service.address}#{self.life}".encode()
        self._outcomes = []
        self._heartbeat_at = 0.0
        for kind in (Kind.WORKER, Kind.ASKER, Kind.ANSWER, Kind.EVENTS_IN):
            self._lines[kind] = self.fabric.line(kind, self, identity, self.service.address)
        try:
            self.store = FaultyStore(self.connection, self)
            self.turns = Turns(self.service, self.store, _log, self)
        except StoreUnavailable:
            raise Crashed from None
        self.wake()

    def died(self) -> None:
        # What was not committed is gone with the process.
        self.connection.rollback()
        self.turns = self.store = None
        self.fabric.process_died(self)

    def stop(self) -> None:
        """A restart as it is meant to be."""
        if self.turns is not None and not self.paused:
            self.turns.say_heartbeat(bye=True)
            self.die()

    def woken(self) -> None:
        assert self.turns is not None
        try:
            self.turns.turn()
        except StoreUnavailable as error:
            self.bugs.append(f"{self.name} ended: {error}")
            raise Crashed from error
        if self.turns.next_heartbeat != self._heartbeat_at:
            self._heartbeat_at = self.turns.next_heartbeat
            self.later(self._heartbeat_at - self.world.now, self.wake)
        if any(line.down.ready for line in self._lines.values()):
            self.wake()

    def may_fail(self, what: str) -> None:
        if self.failures.get(what, 0) > 0:
            self.failures[what] -= 1
            self.world.tell(f"the store of {self.name} fails a {what}")
            raise StoreUnavailable("simulated")

    # --- The world around the turns ---------------------------------------------------------------

    def commands(self) -> Iterable[Frames]:
        return self._lines[Kind.WORKER].arrived(limits.BEAT_ENVELOPES_MAX)

    def replies(self) -> Iterable[Frames]:
        return self._lines[Kind.ASKER].arrived(limits.BEAT_ENVELOPES_MAX)

    def queries(self) -> Iterable[Frames]:
        for *envelope, body in self._lines[Kind.ANSWER].arrived(limits.BEAT_ENVELOPES_MAX):
            self._question = envelope
            yield [body]

    def outcomes(self) -> Iterable[tuple[Job, bool | str]]:
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def to_asker(self, frames: Sequence[bytes]) -> None:
        self.passing("send")
        self._lines[Kind.WORKER].send(frames)

    def to_worker(self, frames: Sequence[bytes]) -> None:
        self.passing("send")
        self._lines[Kind.ASKER].send(frames)

    def answer(self, body: bytes) -> None:
        self.passing("send")
        self._lines[Kind.ANSWER].send([*self._question, body])

    def publish(self, frames: Sequence[bytes]) -> None:
        self.passing("send")
        line = self._lines[Kind.EVENTS_IN]
        if self.chance.random() >= self.fabric.events_lost:
            line.send(frames)

    def submit(self, job: Job) -> None:
        def done() -> None:
            outcome: bool | str = f"hash of {job.password}"
            if job.password_hash is not None:
                outcome = outcome == job.password_hash
            self._outcomes.append((job, outcome))
            self.wake()

        slow = self.chance.random() < 0.2
        self.later(self.chance.uniform(0.02, 7.0 if slow else 0.2), done)
