"""How much one gateway lets in: from each account and address, and how many connections of each.

Nothing that was let in is refused for its rate: a later command would overtake it. Frames that come
too early wait, their sender is not read from meanwhile, and only a flood ends its connection.
"""

import ipaddress
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from zchat.gateway.session import Session
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, Refused
from zchat.rates import Bucket, Buckets, Rate


class Quota(NamedTuple):
    """The rates of one gateway; None for as much as comes."""

    messages: Rate | None = None
    """Of an account."""
    bytes: Rate | None = None
    """Of an account."""
    connections: Rate | None = None
    """New ones of an address."""
    connections_per_address: int | None = None


UNLIMITED: Final = Quota()


class Allowance:
    """What one account or one address may still say."""

    __slots__ = ("_bytes", "_messages")

    def __init__(self, messages: Bucket | None, size: Bucket | None) -> None:
        self._messages = messages
        self._bytes = size

    def wait_s(self, count: int, size: int, now: float) -> float:
        """In how many seconds so many messages, of so many bytes, may be said; 0.0 for now."""
        wait_s = 0.0
        if self._messages is not None:
            wait_s = self._messages.wait_s(count, now)
        if self._bytes is not None:
            wait_s = max(wait_s, self._bytes.wait_s(size, now))
        return wait_s

    def is_half_full(self, now: float) -> bool:
        buckets = [bucket for bucket in (self._messages, self._bytes) if bucket is not None]
        return all(bucket.is_half_full(now) for bucket in buckets)

    def take(self, count: int, size: int, now: float) -> None:
        if self._messages is not None:
            self._messages.take(count, now)
        if self._bytes is not None:
            self._bytes.take(size, now)


class _Allowances:
    """One for each name; the least recently used are forgotten."""

    def __init__(self, quota: Quota, shares: int) -> None:
        self._messages = _buckets(quota.messages, shares)
        self._bytes = _buckets(quota.bytes, shares)

    def of(self, name: str, now: float) -> Allowance:
        messages, size = self._messages, self._bytes
        return Allowance(
            None if messages is None else messages.of(name, now),
            None if size is None else size.of(name, now),
        )


def _buckets(rate: Rate | None, shares: int = 1) -> Buckets | None:
    if rate is None:
        return None
    return Buckets(Rate(rate.burst * shares, rate.per_s * shares), limits.QUOTA_NAMES_MAX)


class Quotas:
    """What all clients of a gateway may do; `slowed` are those that nothing is read from now."""

    def __init__(self, quota: Quota = UNLIMITED) -> None:
        self._quota = quota
        self._limited = quota.messages is not None or quota.bytes is not None
        self._accounts = _Allowances(quota, 1)
        self._addresses = _Allowances(quota, limits.ADDRESS_SHARES)
        self._arrivals = _buckets(quota.connections)
        self._connected: dict[str, int] = {}
        self._shut_out: dict[str, float] = {}
        """Until when nobody of an address may connect, because it has flooded us."""
        self._notes: dict[str, int] = {}
        self._notes_at = -math.inf
        self.slowed: dict[Session, None] = {}

    # --- Connections ----------------------------------------------------------------------------

    def connected(self, session: Session, now: float) -> Refused | None:
        """Counts a new connection; returns why it must end, if it must."""
        if not session.address:
            return None
        session.network = where = network(session.address)
        self._connected[where] = count = self._connected.get(where, 0) + 1
        if self._limited:
            session.allowances = (self._addresses.of(where, now),)
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

    def logged_in(self, session: Session, now: float) -> None:
        """From here on the session shares what its account may say with the others of it."""
        if self._limited:
            session.allowances = (self._accounts.of(session.name, now), *session.allowances[:1])

    def disconnected(self, session: Session) -> None:
        self.slowed.pop(session, None)
        where = session.network
        if where and self._connected[where] > 1:
            self._connected[where] -= 1
        elif where:
            del self._connected[where]

    # --- Frames ---------------------------------------------------------------------------------

    def take(self, session: Session, frames: Sequence[bytes], now: float) -> int:
        """How many of the frames may pass now; those count as said."""
        count = len(frames)
        if not session.allowances or not count:
            return count
        if session.slowed and all(one.is_half_full(now) for one in session.allowances):
            # It was quiet for a while, so that it is worth a word anew.
            session.slowed = False
        if self._try_take(session, frames, now):
            return count
        # Halves: the longest beginning that passes is found without a look at each frame.
        passed = 0
        while count > 1:
            count = (count + 1) // 2
            while self._try_take(session, frames[passed : passed + count], now):
                passed += count
        return passed

    def _try_take(self, session: Session, frames: Sequence[bytes], now: float) -> bool:
        count, size = len(frames), sum(map(len, frames))
        for allowance in session.allowances:
            if allowance.wait_s(count, size, now):
                return False
        for allowance in session.allowances:
            allowance.take(count, size, now)
        return count > 0

    def slow_down(self, session: Session, waiting: Sequence[bytes], now: float) -> float | Refused:
        """So many of its frames must wait: for how many seconds, or why the session must end."""
        self.slowed[session] = None
        count, size = len(waiting), sum(map(len, waiting))
        wait_s = max(allowance.wait_s(count, size, now) for allowance in session.allowances)
        if len(waiting) > limits.FLOOD_FRAMES and wait_s > limits.FLOOD_WAIT_S:
            wait_s = min(wait_s, limits.SHUT_OUT_S_MAX)
            where = session.network
            self._note(f"flood of {where or 'a client'}: its connection is ended")
            if where:
                self._shut_out.pop(where, None)
                self._shut_out[where] = now + wait_s
            if len(self._shut_out) > limits.QUOTA_NAMES_MAX:
                del self._shut_out[next(iter(self._shut_out))]
            return _too_fast("you say far more than may be said", wait_s)
        return wait_s

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


def network(address: str) -> str:
    """Whom an address is counted as: one of IPv6 as its /64, which is what one customer gets."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def _too_fast(what: str, wait_s: float) -> Refused:
    reason = f"{what}; try again in {math.ceil(wait_s)} s"
    return Refused(None, RefusalCode.TOO_FAST, reason, math.ceil(wait_s * 1000))
