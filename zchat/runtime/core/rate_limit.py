"""Rate limits: token buckets, and many of them by name."""

from heapq import heappop, heappush
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

_LOOKED_AT_MAX: Final = 32
"""Buckets that are looked at to find one that may be forgotten."""


class Rate(NamedTuple):
    """So many at once, and so many more each second."""

    burst: float
    per_s: float

    def __str__(self) -> str:
        return "/".join(f"{number:.12g}" for number in (self.per_s, self.burst))


class Bucket:
    """Holds up to `rate.burst` tokens and is filled again by and by."""

    __slots__ = ("__weakref__", "_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def take(self, tokens: float, now: float) -> float:
        """Takes the tokens; returns how many seconds too early that was, and 0.0 if it was not.

        What is taken too early is owed: whoever takes it all the same waits for so long.
        """
        wait_s = self.take_or_wait_s(tokens, now)
        if wait_s:
            self._tokens -= tokens
        return wait_s

    def take_or_wait_s(self, tokens: float, now: float) -> float:
        """The same, but if it is too early takes nothing, and says how long to wait."""
        self._fill(now)
        left = self._tokens - tokens
        if left < 0:
            return -left / self._rate.per_s
        self._tokens = left
        return 0.0

    def wait_s(self, tokens: float, now: float) -> float:
        """In how many seconds there are so many, if none are taken meanwhile; 0.0 for now."""
        self._fill(now)
        return max(0.0, (tokens - self._tokens) / self._rate.per_s)

    def give_back(self, tokens: float) -> None:
        self._tokens = min(self._rate.burst, self._tokens + tokens)

    @property
    def full_at(self) -> float:
        """When it is full again, if nothing is taken meanwhile; in the past for one that is."""
        burst, per_s = self._rate
        return self._at + (burst - self._tokens) / per_s

    def is_half_full(self, now: float) -> bool:
        self._fill(now)
        return 2 * self._tokens >= self._rate.burst

    def _fill(self, now: float) -> None:
        if now > self._at:
            burst, per_s = self._rate
            self._tokens = min(burst, self._tokens + (now - self._at) * per_s)
            self._at = now


class Buckets:
    """A bucket for each name, at most `names_max`: of more, the one that is full first goes.

    A full one says as much as none. So nobody is let off by names that come later, unless each of
    them has taken as much.
    """

    def __init__(self, rate: Rate, names_max: int) -> None:
        self._rate = rate
        self._names_max = names_max
        self._buckets: dict[str, Bucket] = {}
        self._order: list[tuple[float, str]] = []
        """A heap of the same names, by when each bucket was full when it was last looked at."""
        self._held: WeakValueDictionary[str, Bucket] = WeakValueDictionary()
        """Forgotten here, and still in use by whoever has asked for them."""

    def of(self, name: str, now: float) -> Bucket:
        """To be taken from at once, or it may be forgotten for the next one."""
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= self._names_max:
                self._forget_one()
            bucket = self._held.pop(name, None) or Bucket(self._rate, now)
            self._buckets[name] = bucket
            heappush(self._order, (bucket.full_at, name))
        return bucket

    def wait_s(self, name: str, tokens: float, now: float) -> float:
        """As of its bucket; 0.0 for a name that has none, and gets none by this."""
        bucket = self._buckets.get(name)
        return bucket.wait_s(tokens, now) if bucket else 0.0

    def give_back(self, name: str, tokens: float) -> None:
        """If it is known what was taken."""
        if bucket := self._buckets.get(name):
            bucket.give_back(tokens)

    def _forget_one(self) -> None:
        # What was taken since they were last looked at has put most of them further back.
        looked_at: list[tuple[float, str]] = []
        while self._order and len(looked_at) < _LOOKED_AT_MAX:
            full_at, name = heappop(self._order)
            looked_at.append((self._buckets[name].full_at, name))
            if looked_at[-1][0] <= full_at:
                break
        looked_at.sort(reverse=True)
        _, name = looked_at.pop()
        self._held[name] = self._buckets.pop(name)
        for each in looked_at:
            heappush(self._order, each)

    def __len__(self) -> int:
        return len(self._buckets)


class Samples:
    """Of many alike lets a few through and counts the others, lest a flood of them fill a log."""

    def __init__(self, rate: Rate, names_max: int) -> None:
        self._buckets = Buckets(rate, names_max)
        self._names_max = names_max
        self._held: dict[str, int] = {}

    def admit(self, name: str, now: float) -> int | None:
        """How many of this name were held back since the last one; None if this one is, too."""
        if not self._buckets.of(name, now).take_or_wait_s(1, now):
            return self._held.pop(name, 0)
        self._held[name] = self._held.get(name, 0) + 1
        if len(self._held) > self._names_max:
            del self._held[next(iter(self._held))]
        return None

    def __len__(self) -> int:
        return max(len(self._buckets), len(self._held))
