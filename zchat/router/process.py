"""The router's process: feeds `Moves` from the sockets, and sends where it says."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from zchat.fabric.keys import KeyProblem
from zchat.fabric.router_sockets import Gate, RouterSockets
from zchat.fabric.sockets import (
    Context,
    Socket,
    Waiter,
    open_router_context,
    receive_waiting,
    try_send,
)
from zchat.protocol import limits
from zchat.router.core.routing import Moves
from zchat.router.metrics import MEASURES, Traffic, readings
from zchat.runtime import options
from zchat.runtime.core.measures import Reading
from zchat.runtime.core.rate_limit import Rate, Samples
from zchat.runtime.liveness import Health, Liveness
from zchat.runtime.os_errors import Trouble, of_file, of_listening
from zchat.runtime.process import StopSignal, give_up, lock, observed, start
from zchat.runtime.settings import Settings
from zchat.runtime.settings_in_force import InForce, command
from zchat.runtime.status import StatusReport


class Router:
    """The loop: whatever is readable is moved on, at most a beat's worth from each socket."""

    def __init__(
        self,
        context: Context,
        settings: Settings,
        stop: StopSignal,
        alive: Liveness,
        log: logging.Logger,
    ) -> None:
        """Raises `KeyProblem`."""
        self._context, self._settings, self._stop, self._log = context, settings, stop, log
        self._alive = alive
        self._in_force = InForce("router", settings, self._go_by)
        self._tracing = log.isEnabledFor(logging.DEBUG)
        self._traffic = Traffic.none()
        self._warnings = Samples(
            Rate(limits.WARNINGS_BURST, limits.WARNINGS_PER_S), limits.PEERS_MAX
        )
        self._moves = Moves(self, StatusReport("router", self.readings).now)
        self._gate: Gate | None = None
        if settings.needs_keys:
            self._gate = Gate(context, settings.keys_folder, self._refused)
        self.refused = 0
        """Connections and envelopes."""
        self._look_at = 0.0
        self._bind()

    def _bind(self) -> None:
        sockets = self._sockets = RouterSockets(self._context, self._settings.endpoints, self._gate)
        self._movers: dict[Socket, Callable[[], None]] = {
            sockets.commands_frontend: self._move_commands,
            sockets.commands_backend: self._move_replies,
            sockets.queries_frontend: self._move_queries,
            sockets.events_in: self._move_events,
            sockets.events_out: self._move_subscriptions,
        }
        self._waiter = Waiter(*self._movers, self._stop.fd)
        if self._gate is not None:
            self._add_gate(self._gate)

    def _add_gate(self, gate: Gate) -> None:
        for source in gate.sources:
            if source not in self._movers:
                self._movers[source] = gate.answer
                self._waiter.add(source)

    def run(self) -> None:
        while not self._stop.is_set:
            for readable in self._waiter.wait(limits.HEARTBEAT_INTERVAL_S):
                if not isinstance(readable, int):
                    self._movers[readable]()
            now = time.monotonic()
            self._moves.expire(now)
            self._in_force.told(self._moves.routing.settings)
            self._alive.beat()
            if self._stop.take_hang_up():
                self._in_force.read_again()
                self._read_own_key()
            if self._gate is not None and now >= self._look_at:
                self._look_at = now + limits.HEARTBEAT_INTERVAL_S
                self._look_at_keys(self._gate)

    def _go_by(self, in_force: InForce) -> None:
        self._tracing = in_force.settings.log_level == "debug"

    def readings(self) -> Mapping[str, Reading]:
        return readings(self._moves, self._traffic, self.refused)

    # --- Keys ---------------------------------------------------------------------------------

    def _look_at_keys(self, gate: Gate) -> None:
        if gate.look_again():
            self._log.info("a key was withdrawn: all connections end")
            self._bind_anew()

    def _read_own_key(self) -> None:
        try:
            if self._gate is not None and self._gate.read_own_key():
                self._log.info("the router has another key: all connections end")
                self._bind_anew()
        except KeyProblem as problem:
            self._log.error("the key stays as it was: %s", problem)

    def _bind_anew(self) -> None:
        """Everybody connects anew, by the keys that count now.

        Links send again what is lost in between; what is known of the others stays.
        """
        addresses = list(self._sockets.queries_backends)
        self._sockets.close()
        self._bind()
        for address in addresses:
            self.open_answerer(address)

    def _refused(self, socket: str, who: str, detail: str) -> None:
        """Logs it, unless there are too many alike."""
        self.refused += 1
        held = self._warnings.admit(f"{socket} {who}", time.monotonic())
        if held is not None:
            more = f"; {held} more like it" if held else ""
            self._log.warning("refused at %s: %s (%s)%s", socket, who, detail, more)

    def misfit(self, socket: str, owner: str | None, claim: bytes) -> None:
        self._refused(socket, owner or "somebody", f"not its own: {claim[:64]!r}")

    # --- Ways in ------------------------------------------------------------------------------

    def _move_commands(self) -> None:
        now = time.monotonic()
        envelopes = self._sockets.receive(self._sockets.commands_frontend, 3)
        for frames, owner in self._counted("commands", envelopes):
            self._moves.command(frames, now, owner)

    def _move_replies(self) -> None:
        now = time.monotonic()
        envelopes = self._sockets.receive(self._sockets.commands_backend, 3)
        for frames, owner in self._counted("replies", envelopes):
            self._moves.reply(frames, now, owner)

    def _move_queries(self) -> None:
        now = time.monotonic()
        for frames in receive_waiting(self._sockets.queries_frontend, 3):
            self._traffic.envelopes["queries"] += 1
            self._moves.query(frames, now)

    def _move_answers(self, backend: Socket) -> None:
        for frames in receive_waiting(backend, 3):
            self._traffic.envelopes["answers"] += 1
            self._sent("answers", try_send(self._sockets.queries_frontend, frames))

    def _move_events(self) -> None:
        for frames, owner in self._sockets.receive(self._sockets.events_in):
            self._traffic.envelopes["events"] += 1
            self._moves.event(frames, owner)

    def _move_subscriptions(self) -> None:
        for frames in receive_waiting(self._sockets.events_out):
            self._traffic.envelopes["subscriptions"] += 1
            self._sent("subscriptions", try_send(self._sockets.events_in, frames))

    def _counted(
        self, direction: str, envelopes: Iterable[tuple[list[bytes], str | None]]
    ) -> Iterator[tuple[list[bytes], str | None]]:
        count = 0
        moved: dict[tuple[bytes, bytes], int] = {}
        for envelope in envelopes:
            count += 1
            if self._tracing:
                frames, _ = envelope
                ends = frames[0], frames[1]
                moved[ends] = moved.get(ends, 0) + 1
            yield envelope
        self._traffic.envelopes[direction] += count
        for ends, moved_count in moved.items():
            # No more than the envelopes say on the outside: what is in them is not opened here.
            sender, receiver = (end.decode(errors="replace") for end in ends)
            fields = {"from": sender, "to": receiver or "router", "envelopes": moved_count}
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

    def to_subscribers(self, frames: Sequence[bytes]) -> bool:
        return self._sent("events", try_send(self._sockets.events_out, frames))

    def open_answerer(self, address: str) -> None:
        if address not in self._sockets.queries_backends:
            backend = self._sockets.open_queries_backend(address)
            self._movers[backend] = lambda: self._move_answers(backend)
            self._waiter.add(backend)
            if self._gate is not None:
                self._add_gate(self._gate)


def run(settings: Settings) -> None:
    log = start(settings, "router")
    stop = StopSignal()
    alive = Liveness(settings.run)
    running: list[Router] = []
    health = Health(alive, lambda: [] if running else ["the sockets are not bound"])

    def numbers() -> Mapping[str, Reading]:
        return running[0].readings() if running else {}

    with (
        observed(settings.metrics_of("router"), "router", MEASURES, numbers, health),
        # A second bind on a live ipc path succeeds in silence, so a lock keeps routers apart.
        lock(settings.run / "router.lock", stop, alive),
        open_router_context() as context,
    ):
        try:
            running.append(Router(context, settings, stop, alive, log))
        except OSError as error:
            give_up(log, _why_not_bound(settings, error))
        log.info("ready: binds %s and its siblings", settings.endpoints.commands_frontend)
        running[0].run()
    log.info("stopped")


def _why_not_bound(settings: Settings, error: OSError) -> Trouble:
    endpoint = str(error.filename)
    if endpoint.startswith("tcp://"):
        return of_listening(options.address(endpoint.removeprefix("tcp://")), "router", error)
    return of_file(OSError(error.errno, error.strerror, endpoint.removeprefix("ipc://")))


main = command("router", run)
