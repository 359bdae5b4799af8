"""Which names came from which addresses lately, for operators who have to keep order.

No room and no inbox knows addresses. Who has spammed is found here, also when they are gone.
"""

from itertools import islice

from zchat.protocol import limits
from zchat.users.core.model import DropSighting, SaveSighting, UserRow


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
