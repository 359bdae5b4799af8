"""Who serves which address and who is alive: every rule of the router."""

from typing import NamedTuple

from zchat.protocol import limits
from zchat.protocol.cluster import RoutingTable, WorkerHeartbeat


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

    @property
    def table(self) -> RoutingTable:
        return RoutingTable({address: worker.epoch for address, worker in self._workers.items()})

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
        if known is not None and known.epoch > heartbeat.epoch:
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
        return known is None or (known.identity, known.epoch) != (identity, heartbeat.epoch)

    def asker_heard(self, identity: bytes, now: float) -> bool:
        """Notes that the asker lives; True if it is new and wants the table."""
        new = identity not in self._askers
        if new and len(self._askers) >= limits.PEERS_MAX:
            return False
        self._askers[identity] = now
        return new

    def expire(self, now: float) -> bool:
        """Forgets who has been silent for too long; True if the table has changed."""
        for asker, heard_at in list(self._askers.items()):
            if now - heard_at > limits.PEER_EXPIRY_S:
                del self._askers[asker]
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
        return True
