"""A service as a process of the simulation: the real turns, beat, core and store."""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias

from sqlalchemy import Select

from testbed.committed import Committed, as_committed, committed_entries
from zchat.eventlog.core.changes import ForgottenName, Removal, ThreadRenamed
from zchat.eventlog.core.idempotency import Answer, Key
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.database import StoreUnavailable, connect
from zchat.eventlog.schema import Schema
from zchat.eventlog.search import Found, Place, Wanted
from zchat.eventlog.store import Appended, Fenced, Owed, Store, Write
from zchat.fabric.core.identities import identity
from zchat.protocol import limits
from zchat.protocol.rules.costs import Steps
from zchat.service.core.beat import Job, Service
from zchat.service.core.loop import ServiceLoop
from zchat.service.core.operation_log import OperationLog

from .begun import Begun, copy
from .fabric import Fabric, Frames, Kind, Line
from .world import Crashed, Process, World

LOG: Final = logging.getLogger("zchat.simulation")
LOG.addHandler(logging.NullHandler())
LOG.propagate = False

LEASE_POLL_INTERVAL_S: Final = 0.2
_PAGES_MAX: Final = 1_000_000
NOTHING: Final = Begun()

OnCommit: TypeAlias = Callable[["ServiceProcess", Sequence[Appended], Sequence[Write]], None]
OnProcess: TypeAlias = Callable[["ServiceProcess"], None]


class Database:
    """What outlives the processes that write it, as far as it was committed; and their lock."""

    def __init__(
        self,
        world: World,
        service: Service,
        schema: Schema,
        name: str,
        begun: Begun = NOTHING,
    ) -> None:
        self.world, self.service, self.name = world, service, name
        self.connection = connect(None, schema)
        self.begun = begun
        if begun.connection is not None:
            copy(begun.connection, self.connection)
        self.owner: ServiceProcess | None = None
        """Who holds the lock beside the database."""
        self.committing: ServiceProcess | None = None
        self.failures: dict[str, int] = {}
        """How many more of what will fail."""
        self.on_commit: OnCommit = lambda process, appended, writes: None
        self.on_serving: OnProcess = lambda process: None
        """A process has loaded what is committed, and has done nothing yet."""
        self.at_turn_end: OnProcess = lambda process: None
        self.removed = list(begun.removed)
        """Entries that are in the database no more."""
        self.floors = {log: {floor} for log, floor in begun.floors.items()}
        """By log: up to where entries were removed, each time."""
        self.appended = dict(begun.first)
        """By position: each entry as it was first, whatever has become of it."""
        self._driver_commit = self.connection.engine.dialect.do_commit
        self.connection.engine.dialect.do_commit = self._commit  # type: ignore[assignment]

    @property
    def serving(self) -> "ServiceProcess":
        """The one that holds the lock and serves; to be asked when all is whole."""
        assert self.owner is not None
        return self.owner

    def lock(self, process: "ServiceProcess") -> bool:
        """The kernel frees it when its holder dies, however that happens."""
        if self.owner is None or not self.owner.alive:
            self.owner = process
        return self.owner is process

    def fill_disk(self, duration_s: float) -> None:
        """What is there can be read; what does not fit in the pages that it has cannot be written.

        SQLite itself says so, with the error of a full disk.
        """
        self.world.tell(f"the disk of {self.name} is full for {duration_s} s")
        self.connection.exec_driver_sql("pragma max_page_count = 1")
        self.connection.rollback()
        self.world.at(duration_s, self.empty_disk)

    def empty_disk(self) -> None:
        self.connection.exec_driver_sql(f"pragma max_page_count = {_PAGES_MAX}")
        self.connection.rollback()

    def may_fail(self, what: str) -> None:
        if self.failures.get(what, 0) > 0:
            self.failures[what] -= 1
            self.world.tell(f"the store of {self.name} fails ({what})")
            self.world.counts[f"the store failed: {what}"] += 1
            if what == "commit":
                error = sqlite3.OperationalError("simulated")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
                raise error
            raise StoreUnavailable("simulated")

    def _commit(self, connection: Any) -> None:
        """Everything is written, and nothing is durable yet."""
        if self.committing is not None:
            self.committing.passing("within a commit")
            try:
                self.may_fail("commit")
            except sqlite3.Error:
                connection.rollback()  # As SQLite itself does when a commit fails.
                raise
        self._driver_commit(connection)

    def entries_of(
        self, removals: Collection[Removal], appended: Sequence[Appended]
    ) -> list[Committed]:
        """What these will remove, also of what is only appended with them."""
        upto = dict(removals)
        gone: list[Committed] = []
        for log, sequence in upto.items():
            gone += committed_entries(self.connection, log, sequence)
        if upto:
            self.connection.rollback()
        gone += [as_committed(one) for one in appended if one.sequence <= upto.get(one.log, 0)]
        return gone

    def roll_back(self) -> None:
        """As the death of its writer does, wherever that was in a transaction."""
        self.connection.rollback()
        self.connection.connection.rollback()


class FaultyStore(Store):
    """The real store, that fails when told to, and in whose commits the process can die."""

    def __init__(self, process: "ServiceProcess") -> None:
        self._process, self._database = process, process.database
        super().__init__(process.database.connection, None)

    def commit(
        self,
        appended: Sequence[Appended],
        writes: Sequence[Write],
        owe: Sequence[tuple[str, str, bytes]],
        settled: Sequence[int],
        answered: Collection[tuple[Key, Answer]] = (),
        removed: Collection[Removal] = (),
        amended: Sequence[Amended] = (),
        forgotten: Sequence[ForgottenName | ThreadRenamed] = (),
    ) -> list[Owed]:
        process, database = self._process, self._database
        process.passing("before a commit")
        database.may_fail("begin of a transaction")
        gone = database.entries_of(removed, appended)
        database.committing = process
        try:
            owed = super().commit(
                *(appended, writes, owe, settled, answered, removed, amended), forgotten
            )
        finally:
            database.committing = None
        database.removed.extend(gone)
        database.appended |= {one.position: as_committed(one) for one in appended}
        for log, upto in removed:
            process.world.counts["entries were removed"] += 1
            database.floors.setdefault(log, set()).add(upto)
        if appended or writes or owe or settled or answered or removed or amended:
            database.on_commit(process, appended, writes)
            process.passing("after a commit")
        return owed

    def index_messages(self) -> bool:
        process, database = self._process, self._database
        database.may_fail("begin of a transaction")
        database.committing = process
        try:
            return super().index_messages()
        finally:
            database.committing = None

    def search(self, places: Collection[Place], wanted: Wanted) -> Steps[Found]:
        steps = super().search(places, wanted)
        while True:
            self._database.may_fail("read")
            try:
                cost_us = next(steps)
            except StopIteration as done:
                found: Found = done.value
                return found
            yield cost_us

    def check_lease(self) -> None:
        self._database.may_fail("read")
        super().check_lease()

    def newest_nonces(self, clients: Any) -> Any:
        self._database.may_fail("read")
        return super().newest_nonces(clients)

    def first_answers(self, keys: Any) -> Any:
        self._database.may_fail("read")
        return super().first_answers(keys)

    def heads(self, logs: Iterable[str]) -> dict[str, int]:
        self._database.may_fail("read")
        return super().heads(logs)

    def read_log(self, *arguments: Any) -> Any:
        self._database.may_fail("read")
        return super().read_log(*arguments)

    def read_stream(self, *arguments: Any) -> Any:
        self._database.may_fail("read")
        return super().read_stream(*arguments)

    def read_history(self, *arguments: Any, **named: Any) -> list[bytes]:
        self._database.may_fail("read")
        return super().read_history(*arguments, **named)

    def threads_after(self, *arguments: Any) -> Any:
        self._database.may_fail("read")
        return super().threads_after(*arguments)

    def select(self, statement: Select[*tuple[Any, ...]]) -> Any:
        self._database.may_fail("read")
        return super().select(statement)


class ServiceProcess(Process):
    """One worker of an address: it serves if it has the lock, and otherwise stands by."""

    def __init__(self, world: World, fabric: Fabric, name: str, database: Database) -> None:
        super().__init__(world, name)
        self.fabric, self.database = fabric, database
        self.service = database.service
        self.turns: ServiceLoop | None = None
        self.store: FaultyStore | None = None
        self.bugs: list[str] = []
        self._lines: dict[Kind, Line] = {}
        self._question: Frames = []
        self._outcomes: list[tuple[Job, bool | str]] = []
        self._heartbeat_at = 0.0

    # --- Life -------------------------------------------------------------------------------------

    def born(self) -> None:
        self._lines = {}
        self._outcomes = []
        self._heartbeat_at = 0.0
        self._serve_when_free()

    def _serve_when_free(self) -> None:
        if not self.database.lock(self):
            self.later(LEASE_POLL_INTERVAL_S, self._serve_when_free)
            return
        try:
            self.store = FaultyStore(self)
        except StoreUnavailable:
            self.later(limits.BUSY_RETRY_INTERVAL_S, self._serve_when_free)
            return
        self.world.tell(f"{self.name} serves {self.service.address}, epoch {self.store.epoch}")
        own_identity = identity(self.service.address, f"{self.name}-{self.life}")
        for kind in (Kind.WORKER, Kind.ASKER, Kind.ANSWER, Kind.EVENTS_IN):
            self._lines[kind] = self.fabric.line(kind, self, own_identity, self.service.address)
        try:
            self.turns = ServiceLoop(self.service, self.store, OperationLog(), self)
        except StoreUnavailable:
            raise Crashed from None
        self.database.on_serving(self)
        self.wake()

    def died(self) -> None:
        # What was not committed is gone with the process.
        self.database.roll_back()
        if self.database.owner is self:
            self.database.owner = None
        self.turns = self.store = None
        self.fabric.process_died(self)

    def stop(self) -> None:
        """A restart as it is meant to be."""
        if self.turns is not None and not self.paused:
            with suppress(Crashed):  # It was to die with one of these envelopes, and ends anyway.
                self.turns.say_heartbeat(bye=True)
            self.die()

    def woken(self) -> None:
        if self.turns is None:
            return
        try:
            self.turns.turn()
        except StoreUnavailable as error:
            self.bugs.append(f"{self.name} ended: {error}")
            raise Crashed from error
        except Fenced as error:
            self.world.tell(f"{self.name} ends, fenced off: {error}")
            self.world.counts["a worker was fenced off"] += 1
            raise Crashed from error
        self.database.at_turn_end(self)
        if self.turns.next_heartbeat != self._heartbeat_at:
            self._heartbeat_at = self.turns.next_heartbeat
            self.later(self._heartbeat_at - self.now(), self.wake)
        due_now = self.turns.next_turn(self.now()) <= self.now()
        if due_now or any(line.down.ready for line in self._lines.values()):
            self.wake()

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

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        self.passing("send")
        return self._lines[Kind.WORKER].send(frames)

    def to_worker(self, frames: Sequence[bytes]) -> None:
        self.passing("send")
        self._lines[Kind.ASKER].send(frames)

    def answer(self, body: bytes) -> None:
        self.passing("send")
        self._lines[Kind.ANSWER].send([*self._question, body])

    def publish(self, frames: Sequence[bytes]) -> None:
        self.passing("send")
        self._lines[Kind.EVENTS_IN].publish(frames)

    def submit(self, job: Job) -> None:
        def done() -> None:
            outcome: bool | str = f"hash of {job.password}"
            if job.password_hash is not None:
                outcome = outcome == job.password_hash
            self._outcomes.append((job, outcome))
            self.wake()

        slow = self.chance.random() < 0.2
        self.later(self.chance.uniform(0.02, 7.0 if slow else 0.2), done)
