"""The gateway's process: client connections on one side, the fabric on the other."""

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from zchat.fabric import sockets
from zchat.fabric.core.identities import gateway_name, identity
from zchat.fabric.pump import Pump
from zchat.gateway.core.flow_control import Quota
from zchat.gateway.core.loop import GatewayLoop
from zchat.gateway.core.web import Site
from zchat.gateway.doors import Doors, read_files
from zchat.gateway.metrics import MEASURES, missing, readings
from zchat.gateway.operation_log import WrittenOperationLog
from zchat.gateway.tls import CertificateError, TlsDoor, load_context
from zchat.protocol import limits
from zchat.runtime.liveness import Health, Liveness
from zchat.runtime.options import Address
from zchat.runtime.os_errors import Trouble, of_listening
from zchat.runtime.process import give_up, observed, raise_file_limit, settle, start
from zchat.runtime.settings import Settings
from zchat.runtime.settings_in_force import InForce, command
from zchat.runtime.status import StatusReport

_log = logging.getLogger("zchat.gateway")


class Gateway:
    """The sockets and the loop around the turns of a gateway."""

    def __init__(
        self,
        context: sockets.Context,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        sessions_max: int,
        alive: Liveness,
        log: logging.Logger,
    ) -> None:
        report = StatusReport("gateway", lambda: readings(self.turns))
        # So much of chance that nobody finds it by trying what its alias may stand for.
        own_identity = identity(gateway_name(settings.name), os.urandom(16).hex())
        quota = quota_of(settings)
        self.turns = GatewayLoop(
            settings.partitions, self, sessions_max, quota, report.due, own_identity
        )
        self.in_force = InForce("gateway", settings, self.go_by)
        self._loop = loop
        self._alive = alive
        self._turn_scheduled = False
        self._closed = False
        self.turns.core.operations = WrittenOperationLog(log, own_identity)
        endpoints = settings.endpoints
        commands = sockets.asker_socket(context, endpoints, own_identity)
        events = sockets.subscriber_socket(context, endpoints, self.turns.topics)
        self._commands = Pump(loop, commands, self.turns.receive_reply, 2)
        self._pumps = [self._commands, Pump(loop, events, self.turns.receive_event, 2)]
        # A router that was just started knows nobody, and is not to wait for the next heartbeat.
        connections = sockets.connections_of(commands)
        self._pumps.append(Pump(loop, connections, lambda _: self.turns.say_heartbeat(), 1))
        self._queries: dict[str, Pump] = {}
        for address in self.turns.core.services.by_address:
            socket = sockets.query_socket(context, endpoints)
            self._queries[address] = Pump(loop, socket, self._answers_from(address), 1)
            self._pumps.append(self._queries[address])

    def _answers_from(self, address: str) -> Callable[[list[bytes]], None]:
        return lambda frames: self.turns.receive_answers(address, frames[0])

    def go_by(self, in_force: InForce) -> None:
        """The settings in force are others."""
        core, settings = self.turns.core, in_force.settings
        core.operations.tracing = settings.log_level == "debug"
        core.quotas.change(quota_of(settings), core.sessions.values(), self.now())

    # --- The world around the turns -----------------------------------------------------------

    def now(self) -> float:
        return time.monotonic()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return self._commands.send(frames)

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None:
        self._queries[address].send(frames)

    def turn_soon(self) -> None:
        if not self._turn_scheduled and not self._closed:
            self._turn_scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_scheduled = False
        if self._closed:
            return
        self.in_force.told(self.turns.settings)
        self.turns.turn()
        for pump in self._pumps:
            pump.check()

    def heartbeat(self) -> None:
        """Every `HEARTBEAT_INTERVAL_S`, until the loop ends."""
        if self._closed:
            return
        self._alive.beat()
        self.turns.heartbeat()
        for note in self.turns.core.quotas.take_notes(self.now()):
            _log.warning("%s", note)
        interval_s = limits.HEARTBEAT_INTERVAL_S if self.turns.heard else limits.CONNECT_RETRY_S
        self._loop.call_later(interval_s, self.heartbeat)

    # --- The end ------------------------------------------------------------------------------

    async def drain(self, drain_s: float) -> None:
        """Waits for what is unanswered, then sends all clients elsewhere."""
        core = self.turns.core
        peers = core.services.by_address.values()
        await self._until(lambda: not any(peer.link.unanswered for peer in peers), drain_s / 2)
        core.go_away("this gateway stops; connect again")
        self.turn_soon()
        await self._until(lambda: not core.sessions, drain_s / 2)

    def close(self) -> None:
        """Nothing touches the sockets from here on, whatever the loop has still scheduled."""
        self._closed = True
        for pump in self._pumps:
            pump.close()

    async def _until(self, done: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        # Nobody tells when the last answer has come.
        while not done() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def quota_of(settings: Settings) -> Quota:
    return Quota(
        settings.message_rate,
        settings.byte_rate,
        settings.work_rate,
        settings.connection_rate,
        settings.connections_per_address,
    )


def sessions_within(files: int, partitions: int, handshakes: int = 0) -> int:
    """How many clients a gateway with so many files takes; 0 if it has hardly enough for itself.

    Some are its own, one is for each handshake, and an eighth is for the moment in which one client
    too many is told so: without a file its connection could only be cut.
    """
    own = 64 + 4 * partitions
    return max(0, min(limits.SESSIONS_MAX, files - files // 8 - own - handshakes))


def handshakes_within(files: int) -> int:
    """How many TLS handshakes at a time a gateway with so many files takes."""
    return max(1, min(limits.TLS_HANDSHAKES_MAX, files // 8))


def refused_silent_within(files: int) -> int:
    """How many clients that must go may be waited for: half of the files for telling them so."""
    return min(limits.REFUSED_SILENT_MAX, files // 16)


def certificate_of(settings: Settings) -> ssl.SSLContext | None:
    """As it is now. Raises `CertificateError`."""
    certificate, key = settings.tls_cert, settings.tls_key
    return load_context(certificate, key) if certificate and key else None


class CannotListen(Exception):
    """Clients cannot come in; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.sentence)
        self.trouble = trouble


class Entrances:
    """Where clients come in: on every address that is listened on, with TLS if there is a key."""

    def __init__(
        self,
        settings: Settings,
        log: logging.Logger,
        handshakes_max: int,
        refused_silent_max: int,
    ) -> None:
        self._settings = settings
        self._log = log
        self._handshakes_max = handshakes_max
        self._door: TlsDoor | None = None
        self._native = Doors()
        self._both = self._native
        if any(map(settings.serves_web, settings.listen)):
            site = Site(read_files(), settings.web_origins, settings.tls_cert is not None)
            self._both = Doors(site, refused_silent_max)
        self._servers: list[asyncio.Server] = []

    async def open(
        self,
        loop: asyncio.AbstractEventLoop,
        turns: GatewayLoop,
        context: ssl.SSLContext | None,
    ) -> None:
        """Raises `CannotListen`."""
        if context is not None:
            sessions = turns.core.sessions
            most = self._handshakes_max
            self._door = TlsDoor(loop, turns, context, most, sessions.__len__, self._both)
        for address in self._settings.listen:
            try:
                await self._listen(loop, turns, address)
            except OSError as error:
                raise CannotListen(of_listening(address, "listen", error)) from error
        if self._door is not None:
            self._door.open()

    async def _listen(
        self, loop: asyncio.AbstractEventLoop, turns: GatewayLoop, address: Address
    ) -> None:
        """All gateways of a host share their ports; the kernel spreads the clients."""
        if self._door is not None:
            await self._door.listen(address.host, address.port)
            return
        doors = self._both if self._settings.serves_web(address) else self._native
        server = await loop.create_server(
            partial(doors.connection, turns),
            address.host,
            address.port,
            reuse_port=True,
            # After a restart all clients come at once, and wait in the kernel rather than fail.
            backlog=1024,
        )
        self._servers.append(server)

    def reload(self) -> None:
        """Who connects from now on gets the certificate that is there now; nobody is cut off."""
        if self._door is None:
            return
        try:
            context = certificate_of(self._settings)
        except CertificateError as error:
            self._log.error("the certificate stays as it was: %s", error)
            return
        assert context is not None
        self._door.context = context
        self._log.info("the certificate was read again")

    def close(self) -> None:
        if self._door is not None:
            self._door.close()
        for server in self._servers:
            server.close()


async def serve(
    settings: Settings,
    log: logging.Logger,
    sessions_max: int,
    handshakes_max: int,
    refused_silent_max: int,
    tls: ssl.SSLContext | None,
) -> bool:
    """Runs until told to stop; False if a bug has ended it."""
    loop = asyncio.get_running_loop()
    entrances = Entrances(settings, log, handshakes_max, refused_silent_max)
    stop = asyncio.Event()
    sound = True

    def ended_by(_: asyncio.AbstractEventLoop, failure: dict[str, Any]) -> None:
        nonlocal sound
        log.critical("ended by a bug: %s", failure["message"], exc_info=failure.get("exception"))
        sound = False
        stop.set()

    # What is left after an exception is anybody's guess: the next life of this process, and the
    # clients that come back to it, know better.
    loop.set_exception_handler(ended_by)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    alive = Liveness(settings.run)
    with contextlib.ExitStack() as open_now:
        name = gateway_name(settings.name)
        context = open_now.enter_context(sockets.open_context(settings, name))
        gateway = Gateway(context, settings, loop, sessions_max, alive, log)

        def read_again() -> None:
            gateway.in_force.read_again()
            sockets.prove_anew(context, settings, name)
            entrances.reload()

        loop.add_signal_handler(signal.SIGHUP, read_again)
        address = settings.metrics_of("gateway")
        health = Health(alive, lambda: missing(gateway.turns))
        numbers = partial(readings, gateway.turns)
        open_now.enter_context(observed(address, "gateway", MEASURES, numbers, health))
        gateway.heartbeat()
        # Nothing touches its sockets once they are closed, whatever comes in between.
        open_now.callback(gateway.close)
        await entrances.open(loop, gateway.turns, tls)
        settle()
        where = ", ".join(map(str, settings.listen))
        log.info("ready: clients connect to %s%s", where, "" if tls is None else " with TLS")
        await stop.wait()
        entrances.close()
        if sound:
            await gateway.drain(gateway.in_force.settings.drain_s)
    log.info("stopped")
    return sound


def run(settings: Settings) -> None:
    log = start(settings, settings.name)
    files = raise_file_limit()
    handshakes_max = handshakes_within(files) if settings.tls_cert else 0
    sessions_max = sessions_within(files, settings.partitions, handshakes_max)
    if sessions_max < limits.SESSIONS_MAX:
        log.info("takes %d clients: the system allows %d open files", sessions_max, files)
    try:
        tls = certificate_of(settings)
    except CertificateError as error:
        give_up(log, Trouble(str(error)))
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            silent_max = refused_silent_within(files)
            sound = runner.run(serve(settings, log, sessions_max, handshakes_max, silent_max, tls))
    except CannotListen as error:
        give_up(log, error.trouble)
    if not sound:
        sys.exit(1)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """That of uvloop; None, for asyncio's own, where there is no uvloop, as for PyPy."""
    try:
        import uvloop  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    return uvloop.new_event_loop


main = command("gateway", run, lambda settings: gateway_name(settings.name))
