"""Rate limits of one session: token buckets that it shares with its account and its address.

Apart from `flow_control.py`, which fills these, since sessions know what they owe.
"""

import enum
from collections.abc import Sequence
from typing import Final, NamedTuple

from zchat.runtime.core.rate_limit import Bucket


class Whose(enum.StrEnum):
    """Of whom it is limited what is said."""

    ACCOUNT = "account"
    NEWCOMER = "newcomer"
    GUESTS = "guests"
    ADDRESS = "address"


class Allowance(NamedTuple):
    """What a session says is taken from all of these: in messages, in bytes, and in work.

    What something costs is known only when it is done. So work may be owed, and whoever owes any
    waits.
    """

    messages: tuple[Bucket, ...] = ()
    sizes: tuple[Bucket, ...] = ()
    work: tuple[Bucket, ...] = ()
    whose: tuple[Whose, ...] = ()
    """Of each of the three, in their order."""

    def try_take(self, frames: Sequence[bytes], now: float) -> bool:
        """All of the frames, or none."""
        if self.owes(now):
            return False
        count, size = len(frames), sum(map(len, frames))
        taken = 0
        for bucket in self.messages:
            if bucket.take_or_wait_s(count, now):
                break
            taken += 1
        else:
            for bucket in self.sizes:
                if bucket.take_or_wait_s(size, now):
                    break
                taken += 1
            else:
                return True
        for bucket in self.messages[:taken]:
            bucket.give_back(count)
        for bucket in self.sizes[: max(0, taken - len(self.messages))]:
            bucket.give_back(size)
        return False

    def charge(self, cost_us: int, now: float) -> None:
        for bucket in self.work:
            bucket.take(cost_us, now)

    def owes(self, now: float) -> bool:
        return any(bucket.wait_s(0, now) for bucket in self.work)

    def wait_s(self, frames: Sequence[bytes], now: float) -> float:
        """In how many seconds all of the frames may be said, if nothing else is."""
        count, size = len(frames), sum(map(len, frames))
        waits_s = [bucket.wait_s(count, now) for bucket in self.messages]
        waits_s += [bucket.wait_s(size, now) for bucket in self.sizes]
        waits_s += [bucket.wait_s(0, now) for bucket in self.work]
        return max(waits_s, default=0.0)

    def short_of(self, frames: Sequence[bytes], now: float) -> Whose:
        """Whose bucket it is that they have to wait for longest."""
        count, size = len(frames), sum(map(len, frames))
        waits_s = [
            (bucket.wait_s(amount, now), whose)
            for buckets, amount in ((self.messages, count), (self.sizes, size), (self.work, 0))
            for bucket, whose in zip(buckets, self.whose, strict=False)
        ]
        return max(waits_s, key=lambda each: each[0], default=(0.0, Whose.ACCOUNT))[1]

    def is_half_full(self, now: float) -> bool:
        return all(bucket.is_half_full(now) for bucket in (*self.messages, *self.sizes, *self.work))


NO_ALLOWANCE: Final = Allowance()
