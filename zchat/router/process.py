"""The router's process: feeds `Moves` from the sockets, and sends where it says."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from zchat.alive import Alive, Health
from zchat.fabric.sockets import (
    RouterSockets,
    Socket,
    Waiter,
    open_context,
    receive_waiting,
    try_send,
)
from zchat.measures import Reading
from zchat.process import StopSignal, lock, observed, start
from zchat.protocol import limits
from zchat.router.metrics import MEASURES, Traffic, readings
from zchat.router.moves import Moves
from zchat.settings import Settings, command
from zchat.status import StatusReport


class Router:
    """The loop: whatever is readable is moved on, at most a beat's worth from each socket."""

    def __init__(
        self, sockets: RouterSockets, stop: StopSignal, alive: Alive, log: logging.Logger
    ) -> None:
        self._sockets = sockets
        self._stop = stop
        self._alive = alive
        self._log = log
        self._tracing = log.isEnabledFor(logging.DEBUG)
        self._traffic = Traffic.none()
        report = StatusReport("router", self.readings)
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
            self._alive.beat()

    def readings(self) -> Mapping[str, Reading]:
        return readings(self._moves, self._traffic)

    # --- Ways in ------------------------------------------------------------------------------

    def _move_commands(self) -> None:
        now = time.monotonic()
        for frames in self._received("commands", self._sockets.commands_frontend, 3):
            self._moves.command(frames, now)

    def _move_replies(self) -> None:
        now = time.monotonic()
        for frames in self._received("replies", self._sockets.commands_backend, 3):
            self._moves.reply(frames, now)

    def _move_queries(self) -> None:
        now = time.monotonic()
        for frames in self._received("queries", self._sockets.queries_frontend, 3):
            self._moves.query(frames, now)

    def _move_answers(self, backend: Socket) -> None:
        for frames in self._received("answers", backend, 3):
            self._sent("answers", try_send(self._sockets.queries_frontend, frames))

    def _move_events(self) -> None:
        for frames in self._received("events", self._sockets.events_in):
            self._sent("events", try_send(self._sockets.events_out, frames))

    def _move_subscriptions(self) -> None:
        for frames in self._received("subscriptions", self._sockets.events_out):
            self._sent("subscriptions", try_send(self._sockets.events_in, frames))

    def _received(
        self, direction: str, socket: Socket, frames_min: int = 1
    ) -> Iterator[list[bytes]]:
        """What waits there, counted."""
        count = 0
        moved: Counter[tuple[bytes, bytes]] = Counter()
        for frames in receive_waiting(socket, frames_min):
            count += 1
            if self._tracing and direction in ("commands", "replies"):
                moved[frames[0], frames[1]] += 1
            yield frames
        self._traffic.envelopes[direction] += count
        for ends, envelopes in moved.items():
            # No more than the envelopes say on the outside: what is in them is not opened here.
            sender, receiver = (end.decode(errors="replace") for end in ends)
            fields = {"from": sender, "to": receiver or "router", "envelopes": envelopes}
            self._log.debug("moved %s", direction, extra=fields)

    def _sent(self, direction: str, taken: bool) -> bool:
        if not taken:
            self._traffic.dropped[direction] += 1
        return taken

    # --- Ways out -----------------------------------------------------------------------------

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        return self._sent("replies", try_send(self._sockets.commands_frontend, frames))

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return self._sent("commands", try_send(self._sockets.commands_backend, frames))

    def to_questioner(self, frames: Sequence[bytes]) -> bool:
        return self._sent("answers", try_send(self._sockets.queries_frontend, frames))

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool:
        return self._sent("queries", try_send(self._sockets.queries_backends[address], frames))

    def open_answerer(self, address: str) -> None:
        if address not in self._sockets.queries_backends:
            backend = self._sockets.open_queries_backend(address)
            self._movers[backend] = lambda: self._move_answers(backend)
            self._waiter.add(backend)


def run(settings: Settings) -> None:
    log = start(settings, "router")
    stop = StopSignal()
    alive = Alive(settings.run)
    running: list[Router] = []
    health = Health(alive, lambda: [] if running else ["the sockets are not bound"])

    def numbers() -> Mapping[str, Reading]:
        return running[0].readings() if running else {}

    with (
        observed(settings.metrics_of("router"), "router", MEASURES, numbers, health),
        # A second bind on a live ipc path succeeds in silence, so a lock keeps routers apart.
        lock(settings.run / "router.lock", stop, alive),
        open_context() as context,
    ):
        sockets = RouterSockets(context, settings.endpoints)
        running.append(Router(sockets, stop, alive, log))
        log.info("ready: binds %s and its siblings", settings.endpoints.commands_frontend)
        running[0].run()
    log.info("stopped")


main = command("router", run)
