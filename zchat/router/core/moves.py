"""Where each envelope goes next: every move of the router, without its sockets."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import structs

from zchat.fabric.core.identities import is_well_formed, name_of, owns
from zchat.fabric.core.topics import may_publish
from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.internal import (
    ROUTER,
    PeerStatus,
    WorkerHeartbeat,
)
from zchat.router.core.routing import Routing

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
