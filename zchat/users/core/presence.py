"""Who is online, as gateways are told: numbered changes, collected, and never stored."""

from zchat.protocol import limits
from zchat.protocol.internal import PresenceDelta, PresenceSnapshot


class Presence:
    """Soft state. After a restart it is silent until the gateways have said who is here.

    `epoch` differs between any two lives of this object, so that a follower knows that the
    numbers have begun anew.
    """

    def __init__(self, epoch: int, now: float) -> None:
        self.online: set[str] = set()
        self.away: dict[str, str] = {}
        """By name, of some who are online: the word that they have left."""
        self._epoch = epoch
        self._settled_at = now + limits.SETTLE_S
        self._number = 0
        self._before: dict[str, tuple[bool, str | None]] = {}
        """Those of whom anything has changed since the last delta: what they were before.

        That is whether they were online, and their word if they were away.
        """

    def came(self, name: str) -> None:
        self._touch(name)
        self.online.add(name)

    def went(self, name: str) -> None:
        self._touch(name)
        self.online.discard(name)
        self.away.pop(name, None)

    def set_away(self, name: str, word: str | None) -> None:
        """Somebody online is away with this word, or is not (None)."""
        if self.away.get(name) == word:
            return
        self._touch(name)
        if word is None:
            del self.away[name]
        else:
            self.away[name] = word

    def _touch(self, name: str) -> None:
        self._before.setdefault(name, (name in self.online, self.away.get(name)))

    def snapshot(self) -> PresenceSnapshot:
        """What a follower that missed a change starts from: the state after the last delta."""
        if not self._number:
            return PresenceSnapshot(self._epoch, 0, False, [])
        announced = self.online - self._before.keys()
        away = {name: word for name, word in self.away.items() if name in announced}
        for name, (was_online, word) in self._before.items():
            if was_online:
                announced.add(name)
            if word is not None:
                away[name] = word
        return PresenceSnapshot(self._epoch, self._number, True, sorted(announced), away)

    def take_delta(self, now: float) -> PresenceDelta | None:
        """What has changed since the last call; an empty one repeats the number.

        Whoever comes is not away, unless it says so as well; whoever goes is not spoken of twice.
        """
        if now < self._settled_at:
            return None
        before, self._before = self._before, {}
        came = sorted(n for n, (was, _) in before.items() if not was and n in self.online)
        went = sorted(n for n, (was, _) in before.items() if was and n not in self.online)
        away = {
            name: self.away.get(name)
            for name, (_, word) in sorted(before.items())
            if name in self.online and self.away.get(name) != word
        }
        if came or went or away or self._number == 0:
            self._number += 1
        return PresenceDelta(self._epoch, self._number, came, went, away)
