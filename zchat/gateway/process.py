"""The gateway's process: client connections on one side, the fabric on the other.

One loop turn takes everything that came in, then sends one envelope to each service and writes
once to each client; what comes in meanwhile is the next turn's.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import uvloop

from zchat.fabric import sockets
from zchat.fabric.pump import Pump
from zchat.fabric.topics import PRESENCE_TOPIC, stream_topic
from zchat.gateway.core import GatewayCore
from zchat.gateway.door import ClientConnection
from zchat.gateway.services import ServicePeer
from zchat.gateway.session import Session, SessionState
from zchat.process import start
from zchat.protocol import limits
from zchat.protocol.cluster import Down, PresenceDelta, RoutingTable, StreamPage
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.settings import Settings, command

_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_pages = Decoder(StreamPage)
_deltas = Decoder(PresenceDelta)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Gateway:
    """Feeds the core from all sockets and takes away what it wants sent."""

    def __init__(
        self,
        context: sockets.Context,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.core = GatewayCore(settings.partitions)
        self._loop = loop
        self._turn_scheduled = False
        self._closed = False
        identity = sockets.identity(settings.name, os.urandom(6).hex())
        endpoints = settings.endpoints
        self._commands = sockets.asker_socket(context, endpoints, identity)
        self._by_topic = {
            stream_topic(address): address for address in self.core.services.by_address
        }
        topics = [PRESENCE_TOPIC, *self._by_topic]
        events = sockets.subscriber_socket(context, endpoints, topics)
        self._pumps = [
            Pump(loop, self._commands, self._receive_command_frames, 2),
            Pump(loop, events, self._receive_event, 2),
        ]
        self._queries: dict[str, sockets.Socket] = {}
        for address in self.core.services.by_address:
            socket = sockets.query_socket(context, endpoints)
            self._queries[address] = socket
            self._pumps.append(Pump(loop, socket, self._answers_from(address), 1))

    # --- What comes in ------------------------------------------------------------------------

    def connected(self, connection: ClientConnection) -> Session:
        session = self.core.connect(time.monotonic(), now_ms())
        session.connection = connection
        return session

    def received(self, session: Session, frames: list[bytes]) -> None:
        self.core.receive(session, frames, time.monotonic(), now_ms())
        self.schedule_turn()

    def refused(self, session: Session, error: ProtocolError) -> None:
        self.core.refuse_stream(session, error)
        self.schedule_turn()

    def drained(self, session: Session) -> None:
        if session.state is SessionState.LOGGED_IN:
            self.core.fan_out.unblocked(session)
            self.schedule_turn()

    def disconnected(self, session: Session) -> None:
        self.core.disconnected(session)
        self.schedule_turn()

    def _receive_command_frames(self, frames: list[bytes]) -> None:
        address, body = frames[:2]
        if address:
            down = _downs.decode(body)
            self.core.receive_down(address.decode(), down, time.monotonic(), now_ms())
        else:
            self.core.receive_table(_tables.decode(body))
        self.schedule_turn()

    def _receive_event(self, frames: list[bytes]) -> None:
        topic, body = frames[:2]
        if topic == PRESENCE_TOPIC:
            self.core.receive_presence(_deltas.decode(body))
        else:
            page = _pages.decode(body)
            self.core.receive_stream(self._by_topic[topic], page, time.monotonic())
        self.schedule_turn()

    def _answers_from(self, address: str) -> Callable[[list[bytes]], None]:
        def receive(frames: list[bytes]) -> None:
            self.core.receive_answers(address, frames[0], time.monotonic(), now_ms())
            self.schedule_turn()

        return receive

    # --- What goes out ------------------------------------------------------------------------

    def schedule_turn(self) -> None:
        """Lets this turn's input come together before anything is sent."""
        if not self._turn_scheduled and not self._closed:
            self._turn_scheduled = True
            self._loop.call_soon(self._turn)

    def heartbeat(self) -> None:
        """Every `HEARTBEAT_INTERVAL_S`, until the loop ends."""
        if self._closed:
            return
        self.core.tick(time.monotonic(), now_ms())
        sockets.try_send(self._commands, [b"", b""])
        self.schedule_turn()
        self._loop.call_later(limits.HEARTBEAT_INTERVAL_S, self.heartbeat)

    def _turn(self) -> None:
        self._turn_scheduled = False
        if self._closed:
            return
        now = time.monotonic()
        self.core.fetch_pages(now)
        for peer in self.core.services.by_address.values():
            self._send(peer, now)
        self._write_to_clients()
        for pump in self._pumps:
            pump.check()

    def _send(self, peer: ServicePeer, now: float) -> None:
        # An envelope that cannot be sent is missed by its receiver, and then sent again.
        for up in peer.link.envelopes():
            sockets.try_send(self._commands, [peer.address.encode(), encode(up)])
        if envelope := peer.queries.take_envelope(now):
            sockets.try_send(self._queries[peer.address], [peer.address.encode(), envelope])

    def _write_to_clients(self) -> None:
        dirty = self.core.fan_out.dirty
        joined: dict[tuple[int, ...], bytes] = {}

        def join(out: list[bytes]) -> bytes:
            # Members of the same rooms get the same bytes; they are joined once for all of them.
            key = tuple(map(id, out))
            if (data := joined.get(key)) is None:
                data = joined[key] = b"".join(out)
            return data

        kept = []
        for _ in range(min(len(dirty), limits.FAN_OUT_WRITES_MAX)):
            session = next(iter(dirty))
            del dirty[session]
            kept.append(session.out)  # Their ids are keys above, so they must live until the end.
            connection = session.connection
            assert isinstance(connection, ClientConnection)
            connection.flush(join)
        if dirty:
            self.schedule_turn()

    # --- The end ------------------------------------------------------------------------------

    async def drain(self, drain_s: float) -> None:
        """Waits for what is unanswered, then sends all clients elsewhere."""
        peers = self.core.services.by_address.values()
        await self._until(lambda: not any(peer.link.unanswered for peer in peers), drain_s)
        self.core.go_away("this gateway stops; connect again")
        self.schedule_turn()
        await self._until(lambda: not self.core.sessions, drain_s)

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


async def serve(settings: Settings, log: logging.Logger) -> bool:
    """Runs until told to stop; False if a bug has ended it."""
    loop = asyncio.get_running_loop()
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
    with sockets.open_context() as context:
        gateway = Gateway(context, settings, loop)
        gateway.heartbeat()
        # All gateways of a host share their ports; the kernel spreads the clients.
        servers = [
            await loop.create_server(
                lambda: ClientConnection(gateway),
                address.host,
                address.port,
                reuse_port=True,
                backlog=1024,
            )
            for address in settings.listen
        ]
        log.info("ready: clients connect to %s", ", ".join(map(str, settings.listen)))
        await stop.wait()
        for server in servers:
            server.close()
        if sound:
            await gateway.drain(settings.drain_s)
        gateway.close()
    log.info("stopped")
    return sound


def run(settings: Settings) -> None:
    log = start(settings, settings.name)
    if not uvloop.run(serve(settings, log)):
        sys.exit(1)


main = command("gateway", run)
