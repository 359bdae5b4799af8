"""The process around a service: its sockets, its threads, its end."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from zchat.eventlog.database import NoRoom
from zchat.eventlog.schema import Schema, StoreUnusable
from zchat.eventlog.store import Fenced, LeaseHeld, Store, StoreUnavailable
from zchat.fabric import sockets
from zchat.fabric.core.identities import identity
from zchat.protocol import limits
from zchat.runtime.liveness import Health, Liveness
from zchat.runtime.os_errors import Trouble, of_file
from zchat.runtime.process import StopSignal, give_up, observed, settle, start
from zchat.runtime.settings import Program, Settings
from zchat.runtime.settings_in_force import InForce
from zchat.runtime.status import StatusReport
from zchat.service.core.beat import Job, Service
from zchat.service.core.loop import ServiceLoop
from zchat.service.metrics import MEASURES, Disk, Serving
from zchat.service.operation_log import WrittenOperationLog
from zchat.service.password_pool import PasswordPool

_MIGRATED: Final = (
    "%s is of this release now, and a former one cannot use it. As it was it is in %s. "
    "The way back: stop the cluster, zchat-admin restore %s, and start the former release"
)


class Worker:
    """The sockets, clocks and threads around the turns of a service."""

    def __init__(
        self,
        context: sockets.Context,
        settings: Settings,
        program: Program,
        service: Service,
        store: Store,
        log: logging.Logger,
        shown: Serving,
    ) -> None:
        self._context, self._settings, self._address = context, settings, service.address
        self._in_force = InForce(program, settings, self._go_by)
        boot_id = os.urandom(6).hex()
        own_identity = identity(service.address, boot_id)
        endpoints = settings.endpoints
        self._commands = sockets.worker_socket(context, endpoints, own_identity)
        self._asking = sockets.asker_socket(context, endpoints, own_identity)
        self._queries = sockets.answer_socket(context, endpoints, service.address)
        self._events = sockets.publisher_socket(context, endpoints)
        self._readable: list[sockets.Socket | int] = []
        """Where something waited when this turn began."""
        self._passwords = PasswordPool(settings.password_threads)
        report = StatusReport(program, shown.readings)
        operations = WrittenOperationLog(log, self.now(), self.now_ms())
        self._turns = ServiceLoop(service, store, operations, self, report.due)
        shown.begin(store, self._passwords, self._turns)

    def run(self, stop: StopSignal, alive: Liveness) -> None:
        connections = [sockets.connections_of(each) for each in (self._commands, self._asking)]
        waiter = sockets.Waiter(
            *(self._commands, self._asking, self._queries, *connections),
            *(self._passwords.fd, stop.fd),
        )
        while not stop.is_set:
            now = time.monotonic()
            self._readable = waiter.wait(self._turns.next_turn(now) - now)
            for connection in connections:
                for _ in self._waiting_at(connection):
                    self._turns.connected()
            self._turns.turn()
            alive.beat()
            self._in_force.told(self._turns.beat.settings)
            if stop.take_hang_up():
                self._read_again()
            if not self._turns.heard:
                # Whoever is waited for says so as soon as there is a router to hear it.
                retry_at = time.monotonic() + limits.CONNECT_RETRY_S
                self._turns.next_heartbeat = min(self._turns.next_heartbeat, retry_at)
        self._turns.say_heartbeat(bye=True)
        self._passwords.close()

    def _go_by(self, in_force: InForce) -> None:
        self._turns.beat.go_by(in_force.given, in_force.settings)

    def _read_again(self) -> None:
        self._in_force.read_again()
        sockets.prove_anew(self._context, self._settings, self._address)

    def now(self) -> float:
        return time.monotonic()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def commands(self) -> Iterable[list[bytes]]:
        return self._waiting_at(self._commands, 2)

    def replies(self) -> Iterable[list[bytes]]:
        return self._waiting_at(self._asking, 2)

    def queries(self) -> Iterable[list[bytes]]:
        return self._waiting_at(self._queries)

    def _waiting_at(self, socket: sockets.Socket, frames_min: int = 1) -> Iterable[list[bytes]]:
        # That nothing waits is told by an exception, which takes longer than to read an envelope.
        return sockets.receive_waiting(socket, frames_min) if socket in self._readable else ()

    def outcomes(self) -> Iterable[tuple[Job, bool | str]]:
        return self._passwords.take_outcomes()

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        return sockets.try_send(self._commands, frames)

    def to_worker(self, frames: Sequence[bytes]) -> None:
        sockets.try_send(self._asking, frames)

    def answer(self, body: bytes) -> None:
        self._queries.send(body)

    def publish(self, frames: Sequence[bytes]) -> None:
        sockets.try_send(self._events, frames)

    def submit(self, job: Job) -> None:
        self._passwords.submit(job)


def serve(
    settings: Settings, program: Program, service: Service, database: Path, schema: Schema
) -> None:
    """Runs a service until it is told to stop, as the only writer of its database."""
    log = start(settings, program)
    stop = StopSignal()
    alive, shown = Liveness(settings.run), Serving(Disk(database, settings))
    health = Health(alive, shown.missing)
    address = settings.metrics_of(program)
    with observed(address, program, MEASURES, shown.readings, health):
        store = _open_when_free(database, schema, stop, alive, log)
        if store is None:
            return
        with contextlib.closing(store):
            try:
                _work(settings, program, service, store, stop, alive, log, shown)
            except Fenced as error:
                log.critical("stopped: %s", error)
                sys.exit(1)
            except StoreUnusable as error:
                give_up(log, Trouble(f"cannot use {database}: {error}"))
    log.info("stopped")


def _work(
    settings: Settings,
    program: Program,
    service: Service,
    store: Store,
    stop: StopSignal,
    alive: Liveness,
    log: logging.Logger,
    shown: Serving,
) -> None:
    with sockets.open_context(settings, service.address) as context:
        with alive.long_step("loads what is in its database"):
            worker = Worker(context, settings, program, service, store, log, shown)
        settle()
        log.info("ready: serves %s, epoch %d", service.address, store.epoch)
        worker.run(stop, alive)


def _open_when_free(
    database: Path, schema: Schema, stop: StopSignal, alive: Liveness, log: logging.Logger
) -> Store | None:
    """A second worker of the same address waits here until the first one is gone."""
    waiting = False
    trouble: Trouble | None = None
    while not stop.is_set:
        try:
            with alive.long_step("opens its database"):
                store = Store.open(database, schema)
            if store.kept is not None:
                log.warning(_MIGRATED, database, store.kept, store.kept)
            return store
        except LeaseHeld as error:
            if not waiting:
                log.info("waiting: %s", error)
            waiting = True
            stop.wait(0.2)
        except (OSError, StoreUnavailable, NoRoom) as error:
            former, trouble = trouble, _trouble_of(database, error)
            if not trouble.passing:
                give_up(log, trouble)
            if trouble != former:
                log.error("%s; trying again until then", trouble.sentence)
            stop.wait(limits.BUSY_RETRY_INTERVAL_S)
        except StoreUnusable as error:
            give_up(log, Trouble(f"cannot use {database}: {error}"))
    return None


def _trouble_of(database: Path, error: OSError | StoreUnavailable | NoRoom) -> Trouble:
    if isinstance(error, NoRoom):
        return Trouble(f"cannot use {database}: {error}", True)
    if isinstance(error, OSError):
        return of_file(error, database)
    try:
        # SQLite says of a file only that it cannot be opened, and the system why.
        with database.open("r+b"):
            pass
    except OSError as why:
        return of_file(why, database)
    return Trouble(f"cannot use {database}: {error}; see what helps with: zchat-admin doctor", True)
