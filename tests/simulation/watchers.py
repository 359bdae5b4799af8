"""Checks along the way: bounds that are kept, markers that only rise, what must be seen at once."""

from collections.abc import Sequence
from typing import Any

from zchat.log.store import Write
from zchat.protocol import limits

from .checkers import Broken
from .cluster import Cluster
from .gateways import GatewayProcess


class Watchers:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.floors: dict[str, set[int]] = {}
        """All the beginnings of inboxes, by name."""
        self._markers: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._epochs: dict[str, tuple[int, int]] = {}
        """By address: which life of the service wrote last, and with which epoch."""
        for gateway in cluster.gateways:
            gateway.at_turn_end = self._gateway_turned
        for service in cluster.services:
            service.on_commit = self._committed

    def check(self) -> None:
        for service in self.cluster.services:
            if service.bugs:
                raise Broken(service.bugs[0])

    def _gateway_turned(self, gateway: GatewayProcess) -> None:
        core = gateway.turns.core
        for session in core.sessions.values():
            if session.unanswered > limits.SESSION_REQUESTS_MAX:
                raise Broken(f"a session has {session.unanswered} unanswered requests")
            if session.unanswered < 0:
                raise Broken("a session has fewer than no unanswered requests")
            if not 0 <= session.fetching <= limits.SESSION_FETCHES_MAX:
                raise Broken(f"a session waits for {session.fetching} pages")
        for peer in core.services.by_address.values():
            early = len(peer.follower._early)
            if early > limits.FOLLOWER_ENVELOPES_MAX:
                raise Broken(f"a follower holds {early} envelopes")

    def _committed(self, address: str, writes: Sequence[Write]) -> None:
        service = next(s for s in self.cluster.services if s.service.address == address)
        assert service.store is not None
        life, epoch = self._epochs.get(address, (0, 0))
        if life != service.life and service.store.epoch <= epoch:
            raise Broken(f"{address} writes with an epoch that is over")
        self._epochs[address] = (service.life, service.store.epoch)
        for _, rows in writes:
            for row in rows:
                if row.keys() == {"old_user"}:
                    # The guest is gone, and the next one of its name begins anew.
                    self._markers.pop((address, "", row["old_user"]), None)
                if "inbox_floor" in row:
                    self.floors.setdefault(row["name"], set()).add(row["inbox_floor"])
                if "marker" in row:
                    self._marked(address, row)

    def _marked(self, address: str, row: dict[str, Any]) -> None:
        key = (address, row.get("room", ""), row.get("user") or row.get("name", ""))
        floor = row["floor"] if "floor" in row else row["inbox_floor"]
        known_floor, known = self._markers.get(key, (floor, 0))
        marker = row["marker"] or 0
        # The lobby's floor is always 0; a guest that ends leaves its place to the next one.
        if floor == known_floor and marker < known and row.get("room") != "lobby":
            raise Broken(f"the read marker of {key} goes back from {known} to {marker}")
        self._markers[key] = (floor, marker)
