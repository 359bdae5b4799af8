"""Admission of TLS handshakes: bounded in all and by network; who is pushed out for a new one."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from zchat.protocol import limits

H = TypeVar("H", bound=Hashable)


class Handshakes(Generic[H]):
    """So many at a time, and so many of one network.

    One more is always let in. What goes for it is the oldest of its own network if that has too
    many, and otherwise the oldest of the network that has the most: so whoever comes with thousands
    pushes out its own. Nothing here takes longer the more there are.
    """

    def __init__(self, most: int, most_per_network: int, chance_s: float = 0.0) -> None:
        self._most = most
        self._chance_s = chance_s
        self._crowd = max(2, most // limits.TLS_CROWD_SHARE)
        self._most_per_network = most_per_network
        self._networks: dict[H, str] = {}
        self._begun: dict[H, float] = {}
        self._of: dict[str, dict[H, None]] = {}
        """Those of each network, the oldest first."""
        self._having: dict[int, dict[str, None]] = {}
        """The networks that have so many, first the one that has had as many for the longest."""
        self._largest = 0

    def wait_s(self, now: float) -> float:
        """In how many seconds one more should begin.

        It is 0.0 if there is room or a crowd to push out. Anybody else gets a chance first: after a
        restart many come at once, each from elsewhere, and all of them in earnest.
        """
        if len(self._networks) < self._most or self._largest >= self._crowd:
            return 0.0
        return max(0.0, self._begun[self._first_to_go()] + self._chance_s - now)

    def begin(self, handshake: H, network: str, now: float) -> H | None:
        """Lets it in; returns the one that must be ended for it, if one must."""
        own = self._of.setdefault(network, {})
        own[handshake] = None
        self._networks[handshake] = network
        self._begun[handshake] = now
        self._recount(network, len(own) - 1, len(own))
        if len(own) > self._most_per_network:
            oldest = next(iter(own))
        elif len(self._networks) > self._most:
            oldest = self._first_to_go()
        else:
            return None
        self.end(oldest)
        return oldest

    def _first_to_go(self) -> H:
        return next(iter(self._of[next(iter(self._having[self._largest]))]))

    def end(self, handshake: H) -> None:
        """It is over, however; one that was pushed out is known no more."""
        network = self._networks.pop(handshake, None)
        if network is None:
            return
        del self._begun[handshake]
        own = self._of[network]
        del own[handshake]
        if not own:
            del self._of[network]
        self._recount(network, len(own) + 1, len(own))

    def _recount(self, network: str, before: int, after: int) -> None:
        if before:
            alike = self._having[before]
            del alike[network]
            if not alike:
                del self._having[before]
        if after:
            self._having.setdefault(after, {})[network] = None
        # The largest number grows and shrinks by one at a time, as all of them do.
        if after > self._largest or (before == self._largest and before not in self._having):
            self._largest = after

    def __len__(self) -> int:
        return len(self._networks)

    def __contains__(self, handshake: object) -> bool:
        return handshake in self._networks
