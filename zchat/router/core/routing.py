"""The routing table: who is alive, and who serves which address."""

from typing import NamedTuple

from zchat.fabric.core.identities import Part, name_of, part_of
from zchat.protocol import limits
from zchat.protocol.internal import (
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
