"""Who is online, as gateways are told: numbered changes, collected, and never stored."""

from zchat.protocol import limits
from zchat.protocol.presence import PresenceDelta, PresenceSnapshot


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
        self._before: dict[str, bool] = {}
        """Those that came or went since the last delta, and whether they were online before."""

    def came(self, name: str) -> None:
        self._before.setdefault(name, name in self.online)
        self.online.add(name)

    def went(self, name: str) -> None:
        self._before.setdefault(name, name in self.online)
        self.online.discard(name)

    def snapshot(self) -> PresenceSnapshot:
        """What a follower that missed a change starts from: the state after the last delta."""
        if not self._number:
            return PresenceSnapshot(self._epoch, 0, False, [])
        untouched = self.online - self._before.keys()
        announced = untouched.union(name for name, was_online in self._before.items() if was_online)
        return PresenceSnapshot(self._epoch, self._number, True, sorted(announced))

    def take_delta(self, now: float) -> PresenceDelta | None:
        """What has changed since the last call; an empty one repeats the number."""
        if now < self._settled_at:
            return None
        before, self._before = self._before, {}
        came = sorted(name for name, was in before.items() if not was and name in self.online)
        went = sorted(name for name, was in before.items() if was and name not in self.online)
        if came or went or self._number == 0:
            self._number += 1
        return PresenceDelta(self._epoch, self._number, came, went)
