"""The router's process: moves envelopes between the sockets as `Routing` says."""

import time
from collections.abc import Callable

from zchat.fabric.sockets import (
    RouterSockets,
    Socket,
    Waiter,
    open_context,
    receive_waiting,
    try_send,
)
from zchat.process import StopSignal, lock, start
from zchat.protocol import limits
from zchat.protocol.cluster import WorkerHeartbeat
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.router.routing import Routing
from zchat.settings import Settings, command

_heartbeats = Decoder(WorkerHeartbeat)


class Router:
    """The loop: whatever is readable is moved on, at most a beat's worth from each socket."""

    def __init__(self, sockets: RouterSockets, stop: StopSignal) -> None:
        self._sockets = sockets
        self._stop = stop
        self._routing = Routing()
        self._moves: dict[Socket, Callable[[], None]] = {
            sockets.commands_frontend: self._move_commands,
            sockets.commands_backend: self._move_replies,
            sockets.queries_frontend: self._move_queries,
            sockets.events_in: self._move_events,
            sockets.events_out: self._move_subscriptions,
        }
        self._waiter = Waiter(*self._moves, stop.fd)
        self.protocol_errors = 0

    def run(self) -> None:
        while not self._stop.is_set:
            for readable in self._waiter.wait(limits.HEARTBEAT_INTERVAL_S):
                if not isinstance(readable, int):
                    self._moves[readable]()
            if self._routing.expire(time.monotonic()):
                self._send_table(self._routing.askers)

    def _move_commands(self) -> None:
        now = time.monotonic()
        for asker, address, *body in receive_waiting(self._sockets.commands_frontend, 3):
            new = self._routing.asker_heard(asker, now)
            if not address:
                self._send_table([asker])
                continue
            if new:
                self._send_table([asker])
            worker = self._routing.worker_of(address.decode(errors="replace"))
            # Dropped if nobody serves the address: the link resends when somebody does.
            if worker is not None:
                try_send(self._sockets.commands_backend, [worker, asker, *body])

    def _move_replies(self) -> None:
        now = time.monotonic()
        for worker, asker, *body in receive_waiting(self._sockets.commands_backend, 3):
            if not asker:
                self._worker_heard(worker, b"".join(body), now)
            elif address := self._routing.address_of(worker):
                try_send(self._sockets.commands_frontend, [asker, address.encode(), *body])

    def _worker_heard(self, worker: bytes, body: bytes, now: float) -> None:
        try:
            heartbeat = _heartbeats.decode(body)
            self._open_queries(heartbeat.address)
        except (ProtocolError, ValueError):
            self.protocol_errors += 1
            return
        if self._routing.worker_heard(worker, heartbeat, now):
            self._send_table(self._routing.askers)

    def _open_queries(self, address: str) -> None:
        if address not in self._sockets.queries_backends:
            backend = self._sockets.open_queries_backend(address)
            self._moves[backend] = lambda: self._move_answers(backend)
            self._waiter.add(backend)

    def _send_table(self, askers: list[bytes]) -> None:
        body = encode(self._routing.table)
        for asker in askers:
            try_send(self._sockets.commands_frontend, [asker, b"", body])

    def _move_queries(self) -> None:
        for *envelope, name, body in receive_waiting(self._sockets.queries_frontend, 3):
            address = name.decode(errors="replace")
            served = self._routing.worker_of(address) is not None
            backends = self._sockets.queries_backends
            if not (served and try_send(backends[address], [*envelope, body])):
                try_send(self._sockets.queries_frontend, [*envelope, b""])

    def _move_answers(self, backend: Socket) -> None:
        for frames in receive_waiting(backend, 3):
            try_send(self._sockets.queries_frontend, frames)

    def _move_events(self) -> None:
        for frames in receive_waiting(self._sockets.events_in):
            try_send(self._sockets.events_out, frames)

    def _move_subscriptions(self) -> None:
        for frames in receive_waiting(self._sockets.events_out):
            try_send(self._sockets.events_in, frames)


def run(settings: Settings) -> None:
    log = start(settings, "router")
    stop = StopSignal()
    # A second bind on a live ipc path succeeds in silence, so a lock keeps routers apart.
    with lock(settings.run / "router.lock", stop), open_context() as context:
        sockets = RouterSockets(context, settings.endpoints)
        log.info("ready: binds %s and its siblings", settings.endpoints.commands_frontend)
        Router(sockets, stop).run()
    log.info("stopped")


main = command("router", run)
