"""Who is online, and who was lately, from which addresses: what sessions leave behind.

That somebody is online is told to all gateways and never stored. Addresses are kept for operators
alone, who have to keep order: no room and no inbox knows them, and who has spammed is found here
also when the sessions are gone.
"""

from itertools import islice

from zchat.protocol import limits
from zchat.protocol.internal import PresenceDelta, PresenceSnapshot
from zchat.users.core.model import DropSighting, SaveSighting, UserRow


class Presence:
    """Changes, collected until the next heartbeat and numbered, so that a follower sees a gap.

    Soft state: after a restart it is silent until the gateways have said who is here, or they would
    be told that everybody has gone.

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
        """What has changed since the last call, if anything.

        Whoever has come is there and not away, unless `away` says so as well; whoever has gone is
        not in `away` besides.
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
        # The number 0 says that nothing is known yet, so the first delta counts though it be empty.
        if not (came or went or away) and self._number:
            return None
        self._number += 1
        return PresenceDelta(self._epoch, self._number, came, went, away)

    def newest_number(self) -> PresenceDelta | None:
        """By it whoever follows sees that the last change was missed; None before the first one."""
        return PresenceDelta(self._epoch, self._number, [], []) if self._number else None


class Sightings:
    """At most `SIGHTINGS_MAX` pairs of a name and an address, for `SIGHTINGS_KEPT_S` each."""

    def __init__(self, rows: list[UserRow]) -> None:
        self._rows = rows
        """Of the beat: what is to be written."""
        self.by_pair: dict[tuple[str, str], SaveSighting] = {}
        """In the order in which they were last seen, those that go first being the first."""
        self._unwritten: dict[tuple[str, str], None] = {}

    def restore(self, sightings: list[SaveSighting]) -> None:
        for seen in sorted(sightings, key=lambda seen: seen.last_ms):
            self.by_pair[seen.user, seen.address] = seen

    def saw(self, user: str, address: str, at_ms: int) -> None:
        """Somebody of this name was connected from there at that time."""
        if not address:
            return
        pair = user, address
        known = self.by_pair.get(pair)
        if known is None:
            if len(self.by_pair) >= limits.SIGHTINGS_MAX:
                self._forget(next(iter(self.by_pair)))
            seen = SaveSighting(user, address, at_ms, at_ms)
        elif at_ms < known.last_ms + limits.SIGHTING_INTERVAL_S * 1000:
            # Whoever comes and goes all the time is no reason to write all the time.
            return
        else:
            del self.by_pair[pair]
            seen = known._replace(last_ms=at_ms)
        self.by_pair[pair] = seen
        self._unwritten[pair] = None

    def addresses_of(self, user: str, since_ms: int) -> list[str]:
        """From where the user was connected since then."""
        return [
            seen.address
            for seen in self.by_pair.values()
            if seen.user == user and seen.last_ms >= since_ms
        ]

    def tick(self, at_ms: int) -> None:
        """Writes some, and forgets some that are too old; the rest with the next heartbeats.

        When a gateway dies, thousands go at once, and no login shall wait for that to be written.
        What is lost if this service dies is seen again as gateways say who is here.
        """
        for pair in list(islice(self._unwritten, limits.SIGHTINGS_WRITTEN_MAX)):
            del self._unwritten[pair]
            self._rows.append(self.by_pair[pair])
        since_ms = at_ms - limits.SIGHTINGS_KEPT_S * 1000
        for pair, seen in list(islice(self.by_pair.items(), limits.SIGHTINGS_WRITTEN_MAX)):
            if seen.last_ms > since_ms:
                return
            self._forget(pair)

    def forget(self, user: str) -> None:
        """Of somebody who is to be erased nothing is kept here either."""
        for pair in [pair for pair in self.by_pair if pair[0] == user]:
            self._forget(pair)

    def _forget(self, pair: tuple[str, str]) -> None:
        del self.by_pair[pair]
        self._unwritten.pop(pair, None)
        self._rows.append(DropSighting(*pair))
