"""The router's process: feeds `Moves` from the sockets, and sends where it says."""

import time
from collections.abc import Callable, Sequence

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
from zchat.router import status
from zchat.router.moves import Moves
from zchat.settings import Settings, command
from zchat.status import StatusReport


class Router:
    """The loop: whatever is readable is moved on, at most a beat's worth from each socket."""

    def __init__(self, sockets: RouterSockets, stop: StopSignal) -> None:
        self._sockets = sockets
        self._stop = stop
        report = StatusReport("router", lambda: status.numbers(self._moves))
        self._moves = Moves(self, report.now)
        self._movers: dict[Socket, Callable[[], None]] = {
            sockets.commands_frontend: self._move_commands,
            sockets.commands_backend: self._move_replies,
            sockets.queries_frontend: self._move_queries,
            sockets.events_in: self._move_events,
            sockets.events_out: self._move_subscriptions,
        }
        self._waiter = Waiter(*self._movers, stop.fd)

    def run(self) -> None:
        while not self._stop.is_set:
            for readable in self._waiter.wait(limits.HEARTBEAT_INTERVAL_S):
                if not isinstance(readable, int):
                    self._movers[readable]()
            self._moves.expire(time.monotonic())

    # --- Ways in ------------------------------------------------------------------------------

    def _move_commands(self) -> None:
        now = time.monotonic()
        for frames in receive_waiting(self._sockets.commands_frontend, 3):
            self._moves.command(frames, now)

    def _move_replies(self) -> None:
        now = time.monotonic()
        for frames in receive_waiting(self._sockets.commands_backend, 3):
            self._moves.reply(frames, now)

    def _move_queries(self) -> None:
        now = time.monotonic()
        for frames in receive_waiting(self._sockets.queries_frontend, 3):
            self._moves.query(frames, now)

    def _move_answers(self, backend: Socket) -> None:
        for frames in receive_waiting(backend, 3):
            self._moves.passed(try_send(self._sockets.queries_frontend, frames))

    def _move_events(self) -> None:
        for frames in receive_waiting(self._sockets.events_in):
            self._moves.passed(try_send(self._sockets.events_out, frames))

    def _move_subscriptions(self) -> None:
        for frames in receive_waiting(self._sockets.events_out):
            try_send(self._sockets.events_in, frames)

    # --- Ways out -----------------------------------------------------------------------------

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        return try_send(self._sockets.commands_frontend, frames)

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return try_send(self._sockets.commands_backend, frames)

    def to_questioner(self, frames: Sequence[bytes]) -> bool:
        return try_send(self._sockets.queries_frontend, frames)

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool:
        return try_send(self._sockets.queries_backends[address], frames)

    def open_answerer(self, address: str) -> None:
        if address not in self._sockets.queries_backends:
            backend = self._sockets.open_queries_backend(address)
            self._movers[backend] = lambda: self._move_answers(backend)
            self._waiter.add(backend)


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
