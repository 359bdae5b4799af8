"""Routing: who is alive and who serves which address, and where each envelope goes next."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from msgspec import structs

from zchat.fabric.core.identities import Part, is_well_formed, name_of, owns, part_of
from zchat.fabric.core.topics import may_publish
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import (
    ROUTER,
    USER_SERVICE,
    ClusterStatus,
    PeerStatus,
    RoutingTable,
    WorkerHeartbeat,
)


class _Worker(NamedTuple):
    identity: bytes
    epoch: int
    heard_at: float


class Routing:
    """One worker for each address: the one with the highest epoch that is heard from."""

    def __init__(self) -> None:
        self._workers: dict[str, _Worker] = {}
        self._addresses: dict[bytes, str] = {}
        self._askers: dict[bytes, float] = {}
        self._statuses: dict[bytes, bytes] = {}
        """The newest of each peer that is known, as it came."""
        self.settings = b""
        """What the user-service said last of changed settings, also while nobody serves."""

    @property
    def table(self) -> RoutingTable:
        epochs = {address: worker.epoch for address, worker in self._workers.items()}
        return RoutingTable(epochs, self.settings)

    @property
    def askers(self) -> list[bytes]:
        return list(self._askers)

    @property
    def asker_count(self) -> int:
        return len(self._askers)

    @property
    def worker_count(self) -> int:
        return len(self._workers)

    def worker_of(self, address: str) -> bytes | None:
        worker = self._workers.get(address)
        return worker.identity if worker else None

    def address_of(self, identity: bytes) -> str | None:
        """The address that the worker serves; None for one that has been replaced."""
        return self._addresses.get(identity)

    def worker_heard(self, identity: bytes, heartbeat: WorkerHeartbeat, now: float) -> bool:
        """Takes a worker's heartbeat; True if the table has changed."""
        known = self._workers.get(heartbeat.address)
        # A worker that was overtaken, as one that hung and woke up, serves nothing any more.
        if known is not None and known.epoch > heartbeat.epoch:
            # A writer that was overtaken, and does not know it yet: it could not commit anything.
            return False
        if heartbeat.bye:
            return (
                known is not None and known.identity == identity and self._drop(heartbeat.address)
            )
        if known is None and len(self._workers) >= limits.PEERS_MAX:
            return False
        if known is not None and known.identity != identity:
            self._drop(heartbeat.address)
        self._workers[heartbeat.address] = _Worker(identity, heartbeat.epoch, now)
        self._addresses[identity] = heartbeat.address
        self.status_heard(identity, heartbeat.status)
        changed = self._settings_heard(heartbeat)
        other = known is None or (known.identity, known.epoch) != (identity, heartbeat.epoch)
        return changed or other

    def _settings_heard(self, heartbeat: WorkerHeartbeat) -> bool:
        """Whether they are others than those that everybody knows."""
        said = heartbeat.settings
        if heartbeat.address != USER_SERVICE or said == self.settings:
            return False
        if not 0 < len(said) <= limits.SETTINGS_BYTES_MAX:
            return False
        self.settings = said
        return True

    def asker_heard(self, identity: bytes, now: float) -> bool:
        """Notes that the asker lives; True if it is new and wants the table."""
        new = identity not in self._askers
        if new and len(self._askers) >= limits.PEERS_MAX:
            return False
        self._askers[identity] = now
        return new

    def status_heard(self, identity: bytes, status: bytes) -> None:
        """Keeps what a peer says of itself, in the place of what it said before."""
        known = identity in self._askers or identity in self._addresses
        if known and 0 < len(status) <= limits.STATUS_BYTES_MAX:
            self._statuses[identity] = status

    def status(self, now: float) -> ClusterStatus:
        """Workers by address, then those that serve nothing: gateways."""
        peers = [
            self._peer(worker.identity, worker.heard_at, now)
            for _, worker in sorted(self._workers.items())
        ]
        peers.extend(
            self._peer(asker, heard_at, now)
            for asker, heard_at in sorted(self._askers.items())
            # A service asks, too, and an operator is no part of the cluster.
            if part_of(name_of(asker)) not in (Part.SERVICE, Part.ADMIN)
        )
        return ClusterStatus(self.table.epochs, peers, self.settings)

    def _peer(self, identity: bytes, heard_at: float, now: float) -> PeerStatus:
        silent_ms = max(0, int((now - heard_at) * 1000))
        return PeerStatus(name_of(identity), silent_ms, self._statuses.get(identity, b""))

    def expire(self, now: float) -> bool:
        """Forgets who has been silent for too long; True if the table has changed."""
        for asker, heard_at in list(self._askers.items()):
            if now - heard_at > limits.PEER_EXPIRY_S:
                del self._askers[asker]
                if asker not in self._addresses:
                    self._statuses.pop(asker, None)
        silent = [
            address
            for address, worker in self._workers.items()
            if now - worker.heard_at > limits.PEER_EXPIRY_S
        ]
        for address in silent:
            self._drop(address)
        return bool(silent)

    def _drop(self, address: str) -> bool:
        worker = self._workers.pop(address)
        self._addresses.pop(worker.identity, None)
        self._statuses.pop(worker.identity, None)
        return True


# --- Where each envelope goes ---------------------------------------------------------------------

_heartbeats = Decoder(WorkerHeartbeat)


class Ways(Protocol):
    """The ways out. Each says whether it took the envelope; one that it did not take is lost."""

    def to_asker(self, frames: Sequence[bytes]) -> bool: ...
    def to_worker(self, frames: Sequence[bytes]) -> bool: ...
    def to_questioner(self, frames: Sequence[bytes]) -> bool: ...
    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool: ...
    def to_subscribers(self, frames: Sequence[bytes]) -> bool: ...
    def open_answerer(self, address: str) -> None:
        """Makes the way to the worker's answers, once. Raises `ValueError` for no address."""

    def misfit(self, socket: str, owner: str | None, claim: bytes) -> None:
        """An envelope was dropped, since it claims what is not its sender's."""


class Moves:
    """Takes the envelopes that came in, one by one, with the frames that the socket has added.

    `owner` is the name that the sender has proved with its key. Where there are no keys it is None,
    and a name must only be one that somebody can have.

    `status` tells how the router itself is.
    """

    def __init__(self, ways: Ways, status: Callable[[], bytes] = bytes) -> None:
        self._ways = ways
        self._status = status
        self.routing = Routing()
        self.protocol_errors = 0
        self.unserved = 0
        """Commands for an address that nobody serves."""
        self.misfits = 0

    def command(self, frames: Sequence[bytes], now: float, owner: str | None = None) -> None:
        asker, address, *body = frames
        if not _is_own(asker, owner):
            self._drop("commands-frontend", owner, asker)
            return
        new = self.routing.asker_heard(asker, now)
        if not address:
            self.routing.status_heard(asker, b"".join(body))
            self._send_table([asker])
            return
        if new:
            self._send_table([asker])
        worker = self.routing.worker_of(address.decode(errors="replace"))
        # Dropped if nobody serves the address: the link resends when somebody does.
        if worker is None:
            self.unserved += 1
        else:
            self._ways.to_worker([worker, asker, *body])

    def reply(self, frames: Sequence[bytes], now: float, owner: str | None = None) -> None:
        worker, asker, *body = frames
        if not _is_own(worker, owner):
            self._drop("commands-backend", owner, worker)
        elif not asker:
            self._worker_heard(worker, b"".join(body), now, owner)
        # A worker that another one has replaced answers nobody any more: it may have been fenced.
        elif address := self.routing.address_of(worker):
            self._ways.to_asker([asker, address.encode(), *body])

    def query(self, frames: Sequence[bytes], now: float) -> None:
        *envelope, name, body = frames
        address = name.decode(errors="replace")
        if address == ROUTER:
            self._ways.to_questioner([*envelope, encode([self._cluster_status(now)])])
            return
        served = self.routing.worker_of(address) is not None
        # REQ waits for an answer, so it gets one also where nobody serves; then it asks again.
        if not (served and self._ways.to_answerer(address, [*envelope, body])):
            self._ways.to_questioner([*envelope, b""])

    def event(self, frames: Sequence[bytes], owner: str | None = None) -> None:
        if owner is not None and not may_publish(owner, frames[0]):
            self._drop("events-in", owner, frames[0])
            return
        self._ways.to_subscribers(frames)

    def expire(self, now: float) -> None:
        """Forgets who has been silent for too long, and says so."""
        if self.routing.expire(now):
            self._send_table(self.routing.askers)

    def _worker_heard(self, worker: bytes, body: bytes, now: float, owner: str | None) -> None:
        try:
            heartbeat = _heartbeats.decode(body)
            if heartbeat.address != name_of(worker):
                self._drop("commands-backend", owner, heartbeat.address.encode())
                return
            self._ways.open_answerer(heartbeat.address)
        except (ProtocolError, ValueError):
            self.protocol_errors += 1
            return
        if self.routing.worker_heard(worker, heartbeat, now):
            self._send_table(self.routing.askers)

    def _cluster_status(self, now: float) -> bytes:
        status = self.routing.status(now)
        own = PeerStatus(ROUTER, 0, self._status())
        return encode(structs.replace(status, peers=[own, *status.peers]))

    def _send_table(self, askers: Sequence[bytes]) -> None:
        body = encode(self.routing.table)
        for asker in askers:
            self._ways.to_asker([asker, b"", body])

    def _drop(self, socket: str, owner: str | None, claim: bytes) -> None:
        self.misfits += 1
        self._ways.misfit(socket, owner, claim)


def _is_own(identity: bytes, owner: str | None) -> bool:
    return is_well_formed(identity) if owner is None else owns(owner, identity)
