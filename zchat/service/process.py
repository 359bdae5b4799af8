"""The process around a beat: its sockets, its heartbeats, its end."""

import contextlib
import logging
import os
import time
from pathlib import Path

from zchat.fabric import sockets
from zchat.log.schema import Schema
from zchat.log.store import LeaseHeld, Store
from zchat.process import StopSignal, start
from zchat.protocol import limits
from zchat.protocol.cluster import WorkerHeartbeat
from zchat.protocol.codec import encode
from zchat.service.beat import Beat, Outbound, Service
from zchat.service.passwords import PasswordPool
from zchat.settings import Settings


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Worker:
    """Feeds a beat from sockets and performs what it lets out."""

    def __init__(
        self,
        context: sockets.Context,
        settings: Settings,
        service: Service,
        store: Store,
        log: logging.Logger,
    ) -> None:
        boot_id = os.urandom(6).hex()
        identity = sockets.identity(service.address, boot_id)
        endpoints = settings.endpoints
        self._commands = sockets.worker_socket(context, endpoints, identity)
        self._asking = sockets.asker_socket(context, endpoints, identity)
        self._queries = sockets.answer_socket(context, endpoints, service.address)
        self._events = sockets.publisher_socket(context, endpoints)
        self._passwords = PasswordPool(settings.password_threads)
        self._service, self._store = service, store
        self._beat = Beat(service, store, log, time.monotonic(), now_ms())
        self._next_heartbeat = 0.0

    def run(self, stop: StopSignal) -> None:
        waiter = sockets.Waiter(
            self._commands, self._asking, self._queries, self._passwords.fd, stop.fd
        )
        while not stop.is_set:
            waiter.wait(self._next_heartbeat - time.monotonic())
            self._beat_once()
        self._say_heartbeat(bye=True)
        self._passwords.close()

    def _beat_once(self) -> None:
        now = time.monotonic()
        self._drain(now)
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + limits.HEARTBEAT_INTERVAL_S
            self._publish(self._beat.heartbeat(now, now_ms()))
            self._say_heartbeat(bye=False)
        self._perform(self._beat.step(now, now_ms()))
        for body, *_ in sockets.receive_waiting(self._queries):
            self._queries.send(self._beat.answer(body, now_ms()))

    def _drain(self, now: float) -> None:
        drained_bytes = 0
        for asker, body in sockets.receive_waiting(self._commands, 2):
            self._beat.receive_up(asker, body, now)
            drained_bytes += len(body)
            if drained_bytes >= limits.BEAT_BYTES_MAX:
                break
        for address, body in sockets.receive_waiting(self._asking, 2):
            if address:
                self._beat.receive_down(address.decode(), body, now)
            else:
                self._beat.receive_table(body)
        for job, outcome in self._passwords.take_outcomes():
            self._beat.receive_outcome(job, outcome)

    def _perform(self, out: Outbound) -> None:
        # What does not go out now is missed by its receiver, and resent or read again.
        for asker, body in out.downs:
            sockets.try_send(self._commands, [asker, body])
        for address, body in out.ups:
            sockets.try_send(self._asking, [address.encode(), body])
        self._publish(out.events)
        for job in out.jobs:
            self._passwords.submit(job)

    def _publish(self, events: list[tuple[bytes, bytes]]) -> None:
        for topic, body in events:
            sockets.try_send(self._events, [topic, body])

    def _say_heartbeat(self, *, bye: bool) -> None:
        heartbeat = WorkerHeartbeat(self._service.address, self._store.epoch, bye)
        sockets.try_send(self._commands, [b"", encode(heartbeat)])
        sockets.try_send(self._asking, [b"", b""])


def serve(
    settings: Settings, program: str, service: Service, database: Path, schema: Schema
) -> None:
    """Runs a service until it is told to stop, as the only writer of its database."""
    log = start(settings, program)
    stop = StopSignal()
    store = _open_when_free(database, schema, stop, log)
    if store is None:
        return
    with contextlib.closing(store), sockets.open_context() as context:
        worker = Worker(context, settings, service, store, log)
        log.info("ready: serves %s, epoch %d", service.address, store.epoch)
        worker.run(stop)
    log.info("stopped")


def _open_when_free(
    database: Path, schema: Schema, stop: StopSignal, log: logging.Logger
) -> Store | None:
    """A second worker of the same address waits here until the first one is gone."""
    waiting = False
    while not stop.is_set:
        try:
            return Store.open(database, schema)
        except LeaseHeld as error:
            if not waiting:
                log.info("waiting: %s", error)
            waiting = True
            stop.wait(0.2)
    return None
