"""How much one gateway lets in: from each account and address, and how many connections of each.

Nothing that was let in is refused for its rate: a later command would overtake it. Frames that come
too early wait, their sender is not read from meanwhile, and only a flood ends its connection.
"""

import enum
import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, Refused, Standing
from zchat.protocol.rules.networks import is_of_this_machine, network_of
from zchat.runtime.core.rate_limit import Bucket, Buckets, Rate


class Quota(NamedTuple):
    """The rates of one gateway; None for as much as comes."""

    messages: Rate | None = None
    """Of an account."""
    bytes: Rate | None = None
    """Of an account."""
    work: Rate | None = None
    """Of an account, in microseconds: what all that it asks for costs (`costs.py`)."""
    connections: Rate | None = None
    """New ones of an address."""
    connections_per_address: int | None = None


UNLIMITED: Final = Quota()
_TOLD: Final = Rate(limits.REFUSALS_TOLD_BURST, limits.REFUSALS_TOLD_PER_S)
_ASIDES: Final = Rate(
    limits.TYPING_FREE_PLACES, limits.TYPING_FREE_PLACES / limits.TYPING_INTERVAL_S
)


class Arrival(NamedTuple):
    """A connection that is counted; until it has departed it is in the way of others."""

    address: str = ""
    """The client's, without its port; clients without one share no limits."""
    network: str = ""
    """What the address is counted as."""
    refused: Refused | None = None
    """Why it must end, if it must."""


UNCOUNTED: Final = Arrival()


class Whose(enum.StrEnum):
    """Of whom it is limited what is said."""

    ACCOUNT = "account"
    NEWCOMER = "newcomer"
    GUESTS = "guests"
    ADDRESS = "address"


_TOO_MUCH: Final = {
    Whose.ACCOUNT: "more than an account may",
    Whose.NEWCOMER: "more than somebody new may",
    Whose.GUESTS: "more than all guests and new accounts of an address may",
    Whose.ADDRESS: "more than an address may",
}


class Allowance(NamedTuple):
    """What a session says is taken from all of these: in messages, in bytes, and in work.

    What something costs is known only when it is done. So work may be owed, and whoever owes any
    waits.
    """

    messages: tuple[Bucket, ...] = ()
    sizes: tuple[Bucket, ...] = ()
    work: tuple[Bucket, ...] = ()
    whose: tuple["Whose", ...] = ()
    """Of each of the three, in their order."""

    def try_take(self, frames: Sequence[bytes], now: float) -> bool:
        """All of the frames, or none."""
        if self.owes(now):
            return False
        count, size = len(frames), sum(map(len, frames))
        taken = 0
        for bucket in self.messages:
            if bucket.try_take(count, now):
                break
            taken += 1
        else:
            for bucket in self.sizes:
                if bucket.try_take(size, now):
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

    def short_of(self, frames: Sequence[bytes], now: float) -> "Whose":
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


class _Shares:
    """The buckets of each name; the least recently used are forgotten."""

    def __init__(self, quota: Quota, whose: Whose, shares: float, work_shares: float) -> None:
        self._whose = whose
        # Something passes at a time, or nobody would ever get on.
        self._messages = _buckets(quota.messages, shares, 1)
        self._bytes = _buckets(quota.bytes, shares, limits.FRAME_BYTES_MAX)
        self._work = _buckets(quota.work, work_shares, 1)

    def of(self, name: str, now: float, rest: Allowance = NO_ALLOWANCE) -> Allowance:
        """The name's, and those of `rest`."""
        messages, sizes, work, whose = rest
        if self._messages is not None:
            messages = (self._messages.of(name, now), *messages)
        if self._bytes is not None:
            sizes = (self._bytes.of(name, now), *sizes)
        if self._work is not None:
            work = (self._work.of(name, now), *work)
        return Allowance(messages, sizes, work, (self._whose, *whose))


def _buckets(rate: Rate | None, shares: float = 1, burst_min: float = 0) -> Buckets | None:
    if rate is None:
        return None
    burst = max(rate.burst * shares, min(rate.burst, burst_min))
    return Buckets(Rate(burst, rate.per_s * shares), limits.QUOTA_NAMES_MAX)


_WORK_SHARES: Final = {
    Standing.GUEST: limits.GUEST_WORK_SHARES,
    Standing.ACCOUNT: 1,
    Standing.MODERATOR: limits.MODERATOR_WORK_SHARES,
    Standing.OPERATOR: limits.MODERATOR_WORK_SHARES,
}
"""Of the work of an account, by what somebody is in the cluster."""


_MAY_BE_NEW: Final = (Standing.GUEST, Standing.ACCOUNT)


class Quotas:
    """What all clients of a gateway may do; `slowed` are those that nothing is read from now."""

    def __init__(self, quota: Quota = UNLIMITED) -> None:
        self._begin(quota)
        self._asides = Buckets(_ASIDES, limits.QUOTA_NAMES_MAX)
        self._told = Buckets(_TOLD, limits.QUOTA_NAMES_MAX)
        self._connected: dict[str, int] = {}
        self._shut_out: dict[str, float] = {}
        """Until when nobody of an address may connect, because it has flooded us."""
        self._notes: dict[str, int] = {}
        self._notes_at = -math.inf
        noted = Rate(1, limits.HELD_BACK_NOTED_PER_S)
        self._noted = Buckets(noted, limits.QUOTA_NAMES_MAX)
        self.held_back: dict[str, int] = {}
        """How often somebody had to wait, by whose limit it was."""
        self.slowed: dict[Session, None] = {}

    def _begin(self, quota: Quota) -> None:
        """What has been said so far counts no more."""
        self._quota = quota
        self._limited = any((quota.messages, quota.bytes, quota.work))
        self._accounts = {
            standing: _Shares(quota, Whose.ACCOUNT, 1, shares)
            for standing, shares in _WORK_SHARES.items()
        }
        new = limits.NEWCOMER_SHARES
        self._newcomers = _Shares(quota, Whose.NEWCOMER, new, new)
        self._guests = _Shares(quota, Whose.GUESTS, limits.GUESTS_SHARES, limits.GUESTS_WORK_SHARES)
        of_all = (limits.ADDRESS_SHARES, limits.ADDRESS_WORK_SHARES)
        self._addresses = _Shares(quota, Whose.ADDRESS, *of_all)
        self._arrivals = _buckets(quota.connections)

    def change(self, quota: Quota, sessions: Iterable[Session], now: float) -> None:
        """From now on this is what the sessions that are here may do, and all that come."""
        if quota == self._quota:
            return
        self._begin(quota)
        for session in sessions:
            session.allowance = None
            if session.name and self._limited:
                self._allow(session, now)
            else:
                self._allow_address(session, now)

    # --- Connections ----------------------------------------------------------------------------

    def arrived(self, address: str, now: float) -> Arrival:
        """Counts a new connection."""
        if not address:
            return UNCOUNTED
        where = network_of(address)
        self._connected[where] = count = self._connected.get(where, 0) + 1
        # One string, not one for each connection.
        address = where if address == where else address
        return Arrival(address, where, self._refusal(where, count, now))

    def knocked(self, address: str, now: float) -> Arrival | None:
        """The same for one that has yet to shake hands; None for one that is closed without that.

        Only after a handshake can it be told why it is refused. That costs more than to try again
        does, so that few are told.
        """
        arrival = self.arrived(address, now)
        where = arrival.network
        if arrival.refused is None:
            return arrival
        if where not in self._shut_out and not self._told.of(where, now).try_take(1, now):
            return arrival
        self.departed(arrival)
        return None

    def pushed_out(self, arrival: Arrival) -> None:
        """Its handshake was ended so that somebody else's could begin."""
        self._note(f"handshakes of {arrival.network} ended to make room")

    def departed(self, arrival: Arrival) -> None:
        """It has ended before there was a session."""
        self._leave(arrival.network)

    def connected(self, session: Session, arrival: Arrival, now: float) -> None:
        """What has arrived has become a session."""
        session.address, session.network = arrival.address, arrival.network
        self._allow_address(session, now)

    def _allow_address(self, session: Session, now: float) -> None:
        if self._limited and session.address and not is_of_this_machine(session.address):
            session.allowance = self._addresses.of(session.network, now)

    def _refusal(self, where: str, count: int, now: float) -> Refused | None:
        if (wait_s := self._shut_out.get(where, now) - now) > 0:
            self._note(f"connections of {where} refused after a flood")
            return _too_fast("this address has said far more than may be said", wait_s)
        self._shut_out.pop(where, None)
        most = self._quota.connections_per_address
        if most is not None and count > most:
            self._note(f"connections of {where} refused: too many at once")
            reason = f"{most} connections of your address are open, and no more may be"
            return Refused(None, RefusalCode.LIMIT_REACHED, reason)
        if self._arrivals is not None:
            wait_s = self._arrivals.of(where, now).try_take(1, now)
            if wait_s:
                self._note(f"connections of {where} refused: too fast")
                return _too_fast("too many connections of your address", wait_s)
        return None

    def logged_in(self, session: Session, now: float, now_ms: int) -> None:
        """From here on the session shares what its account may say with the others of it."""
        age_s = (now_ms - session.owned_since_ms) / 1000
        session.established_at = now + limits.NEWCOMER_S - max(0.0, age_s)
        if self._limited:
            self._allow(session, now)

    def _allow(self, session: Session, now: float) -> None:
        allowance = NO_ALLOWANCE
        new = session.standing in _MAY_BE_NEW and now < session.established_at
        if session.address and not is_of_this_machine(session.address):
            allowance = self._addresses.of(session.network, now)
            # Who floods makes an account if that is all it takes.
            if session.standing is Standing.GUEST or new:
                allowance = self._guests.of(session.network, now, allowance)
        accounts = self._accounts[session.standing]
        allowance = accounts.of(session.name, now, allowance)
        if new:
            allowance = self._newcomers.of(session.name, now, allowance)
        session.allowance = allowance

    def disconnected(self, session: Session) -> None:
        self.slowed.pop(session, None)
        self._leave(session.network)

    def _leave(self, where: str) -> None:
        if where and self._connected[where] > 1:
            self._connected[where] -= 1
        elif where:
            del self._connected[where]

    # --- Frames ---------------------------------------------------------------------------------

    def take(self, session: Session, frames: Sequence[bytes], now: float) -> int:
        """How many of the frames may pass now; those count as said."""
        allowance, count = session.allowance, len(frames)
        if allowance is None or not count:
            return count
        if session.slowed and allowance.is_half_full(now):
            # It was quiet for a while, so that it is worth a word anew.
            session.slowed = False
        if allowance.try_take(frames, now):
            return count
        if Whose.NEWCOMER in allowance.whose and now >= session.established_at:
            self._allow(session, now)
            return self.take(session, frames, now)
        # Halves: the longest beginning that passes is found without a look at each frame.
        passed = 0
        while count > 1:
            count = (count + 1) // 2
            while (part := frames[passed : passed + count]) and allowance.try_take(part, now):
                passed += count
        return passed

    def said_aside(self, session: Session, now: float) -> None:
        """What a client says while somebody types costs no message, unless it says so too often."""
        if session.allowance and not self._asides.of(session.name, now).try_take(1, now):
            for bucket in session.allowance.messages:
                bucket.give_back(1)

    def slow_down(self, session: Session, waiting: Sequence[bytes], now: float) -> float | Refused:
        """So many of its frames must wait: for how many seconds, or why the session must end."""
        self.slowed[session] = None
        wait_s = 0.0 if session.allowance is None else session.allowance.wait_s(waiting, now)
        if len(waiting) > limits.FLOOD_FRAMES and wait_s > limits.FLOOD_WAIT_S:
            wait_s = min(wait_s, limits.SHUT_OUT_S_MAX)
            where = session.network
            self._note(f"flood of {where or 'a client'}: its connection is ended")
            if where:
                self._shut_out[where] = now + wait_s
            if len(self._shut_out) > limits.QUOTA_NAMES_MAX:
                # Whoever is let in soonest, so that floods of others shorten nobody's time much.
                del self._shut_out[min(self._shut_out, key=self._shut_out.__getitem__)]
            return _too_fast("you say far more than may be said", wait_s)
        if not session.slowed:
            self._hold_back(session, waiting, now)
        return wait_s

    def _hold_back(self, session: Session, waiting: Sequence[bytes], now: float) -> None:
        """Says so to the operator, at times, and counts it."""
        whose, where = Whose.ACCOUNT, session.network or "no address"
        if session.allowance is not None:
            whose = session.allowance.short_of(waiting, now)
        self.held_back[whose] = self.held_back.get(whose, 0) + 1
        if whose is Whose.ACCOUNT and session.owes(now):
            who = session.name or "a client"
            self._note(f"{who} ({where}) asks for too much, and waits")
        elif not self._noted.of(where, now).try_take(1, now):
            self._note(f"clients of {where} are held back: {_TOO_MUCH[whose]}")

    # --- The log --------------------------------------------------------------------------------

    def _note(self, what: str) -> None:
        if what in self._notes or len(self._notes) < limits.QUOTA_NOTES_MAX:
            self._notes[what] = self._notes.get(what, 0) + 1

    def take_notes(self, now: float) -> list[str]:
        """What an operator should read, a few lines now and then, whatever happens."""
        if not self._notes or now < self._notes_at + limits.QUOTA_NOTES_INTERVAL_S:
            return []
        notes, self._notes, self._notes_at = self._notes, {}, now
        return [what if count == 1 else f"{what} ({count} times)" for what, count in notes.items()]


def _too_fast(what: str, wait_s: float) -> Refused:
    reason = f"{what}; try again in {math.ceil(wait_s)} s"
    return Refused(None, RefusalCode.TOO_FAST, reason, math.ceil(wait_s * 1000))
