"""Who is online, as gateways are told: numbered changes, collected, and never stored."""

from zchat.protocol import limits
from zchat.protocol.cluster import PresenceDelta, PresenceSnapshot


class Presence:
    """Soft state. After a restart it is silent until the gateways have said who is here.

    `epoch` differs between any two lives of this object, so that a follower knows that the
    numbers have begun anew.
    """

    def __init__(self, epoch: int, now: float) -> None:
        self.online: set[str] = set()
        self._epoch = epoch
        self._settled_at = now + limits.SETTLE_S
        self._number = 0
        self._announced: set[str] = set()
        self._touched: set[str] = set()

    def came(self, name: str) -> None:
        self.online.add(name)
        self._touched.add(name)

    def went(self, name: str) -> None:
        self.online.discard(name)
        self._touched.add(name)

    def snapshot(self) -> PresenceSnapshot:
        """What a follower that missed a change starts from: the state after the last delta."""
        settled = self._number > 0
        return PresenceSnapshot(self._epoch, self._number, settled, sorted(self._announced))

    def take_delta(self, now: float) -> PresenceDelta | None:
        """What has changed since the last call; an empty one repeats the number."""
        if now < self._settled_at:
            return None
        came = sorted(self._touched & (self.online - self._announced))
        went = sorted(self._touched & (self._announced - self.online))
        self._touched = set()
        if came or went or self._number == 0:
            self._number += 1
            self._announced.update(came)
            self._announced.difference_update(went)
        return PresenceDelta(self._epoch, self._number, came, went)
