"""Follows who is online, and says in few frames what has changed."""

from zchat.protocol import limits
from zchat.protocol.cluster import PresenceDelta, PresenceSnapshot
from zchat.protocol.messages import PresenceChanged


class PresenceFollower:
    """Applies numbered deltas; after a missed one it wants the whole again.

    Nothing is lost by that: the difference between what was known and the whole is what clients
    are told.
    """

    def __init__(self) -> None:
        self.online: set[str] = set()
        self.wants_snapshot = True
        self._asked = False
        self._epoch = 0
        self._number = 0
        self._told: set[str] = set()

    def take_want(self) -> bool:
        """Whether to ask for the whole now; the answer is awaited then."""
        wanted = self.wants_snapshot and not self._asked
        self._asked = self._asked or wanted
        return wanted

    def not_answered(self) -> None:
        self._asked = False

    def delta(self, delta: PresenceDelta) -> None:
        if delta.epoch == self._epoch and delta.number <= self._number:
            return
        heartbeat = not delta.came and not delta.went
        if heartbeat or delta.epoch != self._epoch or delta.number != self._number + 1:
            # A heartbeat repeats the number of a change; with a new one we have missed that.
            self.wants_snapshot = True
            return
        self._number = delta.number
        self.online.update(delta.came)
        self.online.difference_update(delta.went)

    def snapshot(self, snapshot: PresenceSnapshot) -> None:
        """The whole; one that is not settled is asked for again, and what was known stays."""
        self._asked = False
        if not snapshot.settled:
            return
        self.wants_snapshot = False
        first = self._epoch == 0
        self._epoch, self._number = snapshot.epoch, snapshot.number
        self.online = set(snapshot.online)
        if first:
            # Whoever was here before this gateway is no news.
            self._told = set(self.online)

    def take_change(self) -> PresenceChanged | None:
        """What clients have not been told yet, with as many names as they care to read."""
        came, went = sorted(self.online - self._told), sorted(self._told - self.online)
        if not came and not went:
            return None
        self._told = set(self.online)
        names = limits.PRESENCE_NAMES_MAX
        return PresenceChanged(
            came[:names],
            went[:names],
            max(0, len(came) - names),
            max(0, len(went) - names),
            len(self.online),
        )
