"""Presence at a gateway: follows who is online, and tells clients of changes in few frames."""

from collections.abc import Iterable

from zchat.protocol import limits
from zchat.protocol.internal import PresenceDelta, PresenceSnapshot
from zchat.protocol.messages import PresenceChanged


class PresenceFollower:
    """Applies numbered deltas; after a missed one it wants the whole again.

    Nothing is lost by that: the difference between what was known and the whole is what clients
    are told.
    """

    def __init__(self) -> None:
        self.online: set[str] = set()
        self.wants_snapshot = True
        self.away: dict[str, str] = {}
        """What those of them who are away have said about it."""
        self._asked = False
        self._has_waited = False
        """Somebody may have logged in here before it was known who is online."""
        self._epoch = 0
        self._number = 0
        self._told: dict[str, bool] = {}
        """Those that came or went since, and whether clients were told that they are online."""
        self._told_away: dict[str, str | None] = {}
        """Those that went away or are back since, and what clients were told of them."""

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
        heartbeat = not (delta.came or delta.went or delta.away)
        if heartbeat or delta.epoch != self._epoch or delta.number != self._number + 1:
            # A heartbeat repeats the number of a change; with a new one we have missed that.
            self.wants_snapshot = True
            return
        self._number = delta.number
        self._touch(delta.came)
        self._touch(delta.went)
        self._touch_away([*delta.went, *delta.away])
        self.online.update(delta.came)
        self.online.difference_update(delta.went)
        for name in delta.went:
            self.away.pop(name, None)
        for name, word in delta.away.items():
            if word is None:
                self.away.pop(name, None)
            else:
                self.away[name] = word

    def snapshot(self, snapshot: PresenceSnapshot) -> None:
        """The whole; one that is not settled is asked for again, and what was known stays."""
        self._asked = False
        if not snapshot.settled:
            self._has_waited = True
            return
        self.wants_snapshot = False
        first = self._epoch == 0 and not self._has_waited
        self._epoch, self._number = snapshot.epoch, snapshot.number
        online = set(snapshot.online)
        if not first:
            # Else whoever is here was here before this gateway, and is no news.
            self._touch(online ^ self.online)
            self._touch_away(
                name
                for name in snapshot.away.keys() | self.away.keys()
                if snapshot.away.get(name) != self.away.get(name)
            )
        self.online, self.away = online, snapshot.away

    def _touch(self, names: Iterable[str]) -> None:
        for name in names:
            self._told.setdefault(name, name in self.online)

    def _touch_away(self, names: Iterable[str]) -> None:
        for name in names:
            self._told_away.setdefault(name, self.away.get(name))

    def take_change(self) -> PresenceChanged | None:
        """What clients have not been told yet, with as many names as they care to read."""
        told, self._told = self._told, {}
        came = sorted(name for name, was in told.items() if not was and name in self.online)
        went = sorted(name for name, was in told.items() if was and name not in self.online)
        away = self._take_away()
        if not came and not went and not away:
            return None
        names = limits.PRESENCE_NAMES_MAX
        return PresenceChanged(
            came[:names],
            went[:names],
            max(0, len(came) - names),
            max(0, len(went) - names),
            len(self.online),
            away,
        )

    def _take_away(self) -> dict[str, str | None]:
        """Of those who are online: who went has no word any more. The others' turn comes later."""
        changed = sorted(
            name
            for name, was in self._told_away.items()
            if name in self.online and self.away.get(name) != was
        )
        named, later = changed[: limits.PRESENCE_NAMES_MAX], changed[limits.PRESENCE_NAMES_MAX :]
        self._told_away = {name: self._told_away[name] for name in later}
        return {name: self.away.get(name) for name in named}
