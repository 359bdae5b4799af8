"""One turn of a gateway's loop: all input first, then one envelope to each service and one write to
each client. What comes in meanwhile is the next turn's.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from zchat.fabric.core.identities import alias
from zchat.fabric.core.pulse import Pulse
from zchat.fabric.core.topics import PRESENCE_TOPIC, ephemeral_topic, stream_topic
from zchat.gateway.core.dispatch import GatewayCore
from zchat.gateway.core.flow_control import UNLIMITED, Arrival, Quota
from zchat.gateway.core.services import ServicePeer
from zchat.gateway.core.session import Connection, Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import Down, PresenceDelta, Publication, RoutingTable, SoftNews

_tables = Decoder(RoutingTable)
_downs = Decoder(Down)
_publications = Decoder(Publication)
_deltas = Decoder(PresenceDelta)
_soft_news = Decoder(SoftNews)


class Traffic:
    """What has gone through the door."""

    __slots__ = (
        "connections",
        "http_responses",
        "in_bytes",
        "in_frames",
        "out_bytes",
        "out_frames",
        "pushed_out",
        "turned_away",
        "web_sockets",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.turned_away = self.pushed_out = 0
        """Before a handshake, and amid one."""
        self.in_bytes = self.in_frames = 0
        self.out_bytes = self.out_frames = 0
        self.http_responses: dict[str, int] = {}
        """By status."""
        self.web_sockets = 0
        """Those that are open."""


class Outside(Protocol):
    """The world around a gateway. What cannot be sent is dropped."""

    def now(self) -> float: ...
    def now_ms(self) -> int: ...
    def to_worker(self, frames: Sequence[bytes]) -> bool:
        """Whether it could be sent."""

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None: ...
    def turn_soon(self) -> None:
        """Has `turn` called once, after the input that waits now."""


class GatewayLoop:
    """Feeds the core with what comes in and takes away what it wants sent.

    `status` is what to say of this process with a heartbeat, if anything. `identity` is by what
    services answer it.
    """

    def __init__(
        self,
        partitions: int,
        outside: Outside,
        sessions_max: int = limits.SESSIONS_MAX,
        quota: Quota = UNLIMITED,
        status: Callable[[], bytes] = bytes,
        identity: bytes = b"",
    ) -> None:
        self._alias = alias(identity)
        self.core = GatewayCore(partitions, sessions_max, quota)
        self.traffic = Traffic()
        self.router_heard_at = -math.inf
        self.heard = False
        """Whether the last envelope to the router could be sent."""
        self._pulse = Pulse()
        self.settings = b""
        """What the router says of changed settings."""
        self._outside = outside
        self._status = status
        self._by_topic = {
            stream_topic(address): address for address in self.core.services.by_address
        }
        self._addresses = {address.encode(): address for address in self.core.services.by_address}
        self._ephemeral_topics = frozenset(map(ephemeral_topic, self.core.services.by_address))
        self.topics = [PRESENCE_TOPIC, *self._by_topic, *self._ephemeral_topics]

    # --- What comes in ------------------------------------------------------------------------

    def arrived(self, address: str) -> Arrival:
        return self.core.quotas.arrived(address, self._outside.now())

    def knocked(self, address: str) -> Arrival | None:
        arrival = self.core.quotas.knocked(address, self._outside.now())
        self.traffic.turned_away += arrival is None
        return arrival

    def pushed_out(self, arrival: Arrival) -> None:
        self.traffic.pushed_out += 1
        self.core.quotas.pushed_out(arrival)

    def departed(self, arrival: Arrival) -> None:
        self.core.quotas.departed(arrival)

    def connected(self, connection: Connection, arrival: Arrival) -> Session:
        now, now_ms = self._outside.now(), self._outside.now_ms()
        session = self.core.connect(now, now_ms, arrival, connection)
        if not session.open:
            # One too many, who is to be told so before there are even more.
            self._outside.turn_soon()
        return session

    def received(self, session: Session, frames: list[bytes]) -> None:
        # The core has no clock, and what one turn has collected goes out as one.
        self.core.intake.receive(session, frames, self._outside.now(), self._outside.now_ms())
        self._outside.turn_soon()

    def refused(self, session: Session, error: ProtocolError) -> None:
        self.core.refuse_stream(session, error)
        self._outside.turn_soon()

    def blocked(self, session: Session) -> None:
        self.core.output.filled(session)

    def drained(self, session: Session) -> None:
        self.core.output.drained(session)
        if session.state is SessionState.LOGGED_IN:
            self.core.unblocked(session, self._outside.now(), self._outside.now_ms())
            self._outside.turn_soon()

    def disconnected(self, session: Session) -> None:
        self.core.disconnected(session)
        self._outside.turn_soon()

    def receive_reply(self, frames: Sequence[bytes]) -> None:
        """What a worker or the router itself says."""
        address, body = frames[:2]
        now, now_ms = self._outside.now(), self._outside.now_ms()
        with self._tolerating():
            if not address:
                self.router_heard_at = now
                table = _tables.decode(body)
                self.settings = table.settings
                self.core.services.changed(table)
            elif name := self._addresses.get(address):
                self.core.receive_down(name, _downs.decode(body), now, now_ms)
        self._outside.turn_soon()

    def receive_event(self, frames: Sequence[bytes]) -> None:
        topic, body = frames[:2]
        with self._tolerating():
            if topic == PRESENCE_TOPIC:
                self.core.presence.delta(_deltas.decode(body))
            elif topic in self._ephemeral_topics:
                self.core.ephemeral.receive(_soft_news.decode(body))
            elif name := self._by_topic.get(topic):
                self._receive_publication(name, _publications.decode(body))
        self._outside.turn_soon()

    def _receive_publication(self, name: str, publication: Publication) -> None:
        now = self._outside.now()
        self.core.services.by_address[name].link.heard_stream(publication.epoch)
        self.core.receive_stream(name, publication.page, now)
        for own in publication.downs.get(self._alias, ()):
            self.core.receive_down(name, _downs.decode(own), now, self._outside.now_ms())

    def receive_answers(self, address: str, body: bytes) -> None:
        with self._tolerating():
            self.core.receive_answers(address, body, self._outside.now(), self._outside.now_ms())
        self._outside.turn_soon()

    @contextlib.contextmanager
    def _tolerating(self) -> Iterator[None]:
        """What makes no sense is counted and dropped, like all that is lost on the way."""
        try:
            yield
        except ProtocolError:
            self.core.protocol_errors += 1

    def heartbeat(self) -> None:
        """To be called every `HEARTBEAT_INTERVAL_S`."""
        now = self._outside.now()
        self.core.notice_stall(now)
        self.core.output.look_at_slow_ones(now)
        self.core.tick(self._outside.now(), self._outside.now_ms())
        # Nobody can log in before the router has told who serves what.
        if self._pulse.beat() or not self.heard:
            self.say_heartbeat()
        self._outside.turn_soon()

    def say_heartbeat(self) -> None:
        """To the router, which answers with what it knows of the others."""
        self.heard = self._outside.to_worker([b"", self._status()])
        self._outside.turn_soon()

    # --- What goes out ------------------------------------------------------------------------

    def turn(self) -> None:
        now = self._outside.now()
        self.core.notice_stall(now)
        # Pages first, so that they go out with this turn's envelope of queries.
        self.core.services.ask_pages(self.core.fan_out, now)
        for peer in self.core.services.by_address.values():
            self._send(peer, now)
        self._write_to_clients()

    def _send(self, peer: ServicePeer, now: float) -> None:
        # An envelope that cannot be sent is missed by its receiver, and then sent again.
        address = peer.address.encode()
        for up in peer.link.envelopes():
            self.heard = self._outside.to_worker([address, encode(up)])
        if envelope := peer.queries.take_envelope(now):
            self._outside.to_answerer(peer.address, [address, envelope])

    def _write_to_clients(self) -> None:
        output = self.core.output
        formed: dict[tuple[object, ...], bytes] = {}

        def once(form: Callable[[list[bytes]], bytes], out: list[bytes]) -> bytes:
            # Members of the same rooms get the same bytes; they are joined once for all of them.
            key: tuple[object, ...] = (form, *map(id, out))
            if (data := formed.get(key)) is None:
                data = formed[key] = form(out)
            return data

        kept = []
        written_bytes = 0
        for session in output.next_to_write():
            # The rest is the next turn's, so that what comes in meanwhile does not wait long.
            if written_bytes >= limits.FAN_OUT_BYTES_MAX:
                break
            out = output.take(session)
            kept.append(out)  # Their ids are keys above, so they must live until the end.
            if session.connection is not None:
                written_bytes += session.connection.flush(out, once)
        if output.dirty:
            self._outside.turn_soon()
