"""Flow control: how a slow reader is kept, who waits before more is taken from it, and floods.

Three things bound what one client can make a gateway keep, and none loses or reorders anything:

- `Output`: who reads too slowly is *blocked*. It is written nothing more and not read from; what it
  misses stays in its logs, and fan-out reads it again from there when the client has caught up.
- `Intake`: who has too much unanswered, or is too early for its rate, is *held*. Its frames wait in
  its backlog in their order, and it is not read from, so that TCP makes the client itself wait.
- `Quotas`: how much an account and an address may say, ask for, and connect. Only a flood, and
  whoever takes nothing at all of what is written to it, is disconnected.

Nothing that was let in is refused for its rate: a later command would overtake it.
"""

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from zchat.gateway.core.allowance import NO_ALLOWANCE, Allowance, Whose
from zchat.gateway.core.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import RefusalCode, Refused, SlowedDown, Standing
from zchat.protocol.rules.networks import is_of_this_machine, network_of
from zchat.runtime.core.rate_limit import Buckets, Rate

# --- Output: a slow reader ------------------------------------------------------------------------

_LOOKED_AT_MAX: Final = 4 * limits.FAN_OUT_WRITES_MAX
"""Sorting all who are to be written to would cost more than it wins; these are enough."""
_FEW: Final = 8
"""To write to so many takes no time that is worth a thought."""


class Output:
    """What clients are to be written, and who reads too slowly for that.

    The write buffer of a connection is bounded by `WRITE_BUFFER_BYTES_MAX`: past that its session
    is blocked until the buffer has drained. The connection tells both (`filled`, `drained`).
    """

    def __init__(self) -> None:
        self.dirty: dict[Session, None] = {}
        """With something to write, or whose connection must be paused, resumed or ended."""
        self.blocked_sessions: set[Session] = set()
        self._slow: dict[Session, None] = {}
        """Sessions whose connection has not sent what it was given, looked at every heartbeat."""

    def write(self, session: Session, frame: bytes) -> None:
        """To the client, with whatever else this turn has for it."""
        if session.open:
            session.out.append(frame)
            self.dirty[session] = None

    def write_all(self, sessions: Iterable[Session], frames: bytes) -> list[Session]:
        """Hands the same bytes to all of them; returns those that are blocked, who get nothing."""
        blocked, dirty = [], self.dirty
        for session in sessions:
            if session.blocked:
                blocked.append(session)
            else:
                session.out.append(frames)
                dirty[session] = None
        return blocked

    def look_at(self, session: Session) -> None:
        """The state of the session has changed, and its connection is to follow."""
        self.dirty[session] = None

    def forget(self, session: Session) -> None:
        """The session's connection is gone."""
        self.dirty.pop(session, None)
        self.blocked_sessions.discard(session)
        self._slow.pop(session, None)

    # What one turn writes.

    def next_to_write(self) -> list[Session]:
        """As many as one turn writes to; each is then taken with `take`.

        Who is to read a short message does not wait while long ones are written to a crowd; the
        others come in their order.
        """
        some = list(islice(self.dirty, _LOOKED_AT_MAX))
        if len(some) > _FEW:
            some.sort(key=_reads_much)
        return some[: limits.FAN_OUT_WRITES_MAX]

    def take(self, session: Session) -> list[bytes]:
        """What is to be written to the session's connection now."""
        del self.dirty[session]
        out, session.out = session.out, []
        return out

    # Blocked sessions.

    def block(self, session: Session) -> None:
        """Nothing of its logs flows to the session until it is unblocked."""
        session.blocked = True
        self.blocked_sessions.add(session)

    def unblock(self, session: Session) -> None:
        session.blocked = False
        self.blocked_sessions.discard(session)

    def filled(self, session: Session) -> None:
        """Its connection has more to send than it may keep: the client reads too slowly."""
        self.block(session)
        self._slow[session] = None

    def drained(self, session: Session) -> None:
        """Its connection has sent most of it. The session is unblocked by whoever feeds it then."""
        self._slow.pop(session, None)
        session.unsent_bytes = 0

    def look_at_slow_ones(self, now: float) -> None:
        """To be called every heartbeat."""
        for session in self._slow:
            if session.connection is not None:
                look_at_unsent(session, session.connection.unsent_bytes, now)

    def cut_stalled(self, sessions: Iterable[Session], now: float) -> None:
        """Breaks off the connections of clients that take nothing any more.

        They are not told why: they would not read that either.
        """
        for session in sessions:
            if is_stuck(session, now) or is_stalled(session, now):
                session.cut()
                self.look_at(session)


def look_at_unsent(session: Session, unsent_bytes: int, now: float) -> None:
    """So much waits in the session's connection now."""
    if unsent_bytes < session.unsent_bytes or not session.unsent_bytes:
        session.stalled_at = now
    session.unsent_bytes = unsent_bytes


def is_stuck(session: Session, now: float) -> bool:
    """The session is over, and its client takes too long to read the last of it."""
    closing = session.state is SessionState.CLOSING
    return closing and now - session.closing_at > limits.CLOSING_TIMEOUT_S


def is_stalled(session: Session, now: float) -> bool:
    """The client has taken nothing of what is written to it for so long that it is gone.

    One that is only slow takes some now and then.
    """
    stalled_s = now - session.stalled_at if session.unsent_bytes else 0.0
    return session.blocked and stalled_s > limits.SESSION_IDLE_TIMEOUT_S


def _reads_much(session: Session) -> bool:
    """Asked for each write of a turn, so it looks at no more than the first of what there is."""
    return bool(session.out) and len(session.out[0]) > limits.SHORT_BYTES_MAX


# --- Intake: who has to wait ----------------------------------------------------------------------


class Intake:
    """Hands each frame to `take` once it may pass; `refuse` ends the session of a flood.

    A session with a backlog is *held*: its connection is not read, and what had been read already
    waits in the backlog. It is held for any of these, and goes on when none is left:

    - `SESSION_REQUESTS_MAX` of its requests are unanswered, or it is logging in;
    - the link that its last command went to is full (`hold_for_link`);
    - it says or asks for more than its rates allow (`Quotas`);
    - it reads too slowly (`Output`), so its answers would pile up here;
    - it takes leave, for which everything is to be answered first (`wait_for_all`).

    So nothing is refused for want of room, and one sender's commands keep their order.
    """

    def __init__(
        self,
        quotas: "Quotas",
        output: Output,
        take: Callable[[Session, bytes, float, int], None],
        refuse: Callable[[Session, Refused], None],
    ) -> None:
        self._quotas = quotas
        self._output = output
        self._take = take
        self._refuse = refuse
        self.held_sessions: set[Session] = set()
        self._held: dict[Hashable, dict[Session, None]] = {}
        """By link: sessions that nothing more is taken from, because it is full."""
        self._leaving: set[Session] = set()
        """Sessions that take leave, for which everything is to be answered first."""
        self._released: dict[Session, None] = {}
        """Sessions whose backlog may be taken up again."""

    # What comes from clients.

    def receive(self, session: Session, frames: Sequence[bytes], now: float, now_ms: int) -> None:
        """Whole messages from a client; behind those that wait, if some do."""
        if session.open:
            session.heard_at = now
        if session.backlog is not None:
            session.backlog.extend(frames)
        else:
            self._let_in(session, frames, 0, now, now_ms)

    def go_on(self, now: float, now_ms: int) -> None:
        """Takes what sessions have sent while they had to wait."""
        for session, frames in self.take_released():
            if session.owes(now):
                self._quotas.slowed[session] = None
                self._wait(session, frames)
                continue
            self._quotas.slowed.pop(session, None)
            paid, session.paid = session.paid, 0
            self._let_in(session, frames, paid, now, now_ms)

    def tick(self, now: float, now_ms: int) -> None:
        """Those that had to wait for their rate may say as much as has become free since."""
        for session in self._quotas.slowed:
            # It is not read from, so that it cannot be heard.
            session.heard_at = now
            self.release(session)
        self.go_on(now, now_ms)

    def _let_in(
        self, session: Session, frames: Sequence[bytes], paid: int, now: float, now_ms: int
    ) -> None:
        """`paid` of the frames were let in before, and then had to wait for something else."""
        passed = paid + self._quotas.take(session, frames[paid:] if paid else frames, now)
        for frame in frames[:passed]:
            if session.backlog is not None:
                session.backlog.append(frame)
                session.paid += 1
            elif session.open:
                self._take(session, frame, now, now_ms)
                if session.owes(now) and session.backlog is None:
                    self._slow_down(session, (), now)
        if passed < len(frames) and session.open:
            self._slow_down(session, frames[passed:], now)

    def _slow_down(self, session: Session, frames: Sequence[bytes], now: float) -> None:
        wait = self._quotas.slow_down(session, frames, now)
        if isinstance(wait, Refused):
            self._refuse(session, wait)
            return
        self._wait(session, frames)
        if not session.slowed:
            session.slowed = True
            self._output.write(session, encode(SlowedDown(math.ceil(wait * 1000))))

    # What holds a session, and lets it go on.

    def requested(self, session: Session) -> None:
        """One more request of the session waits for its answer."""
        session.unanswered += 1
        full = session.unanswered >= limits.SESSION_REQUESTS_MAX
        if full or session.state is SessionState.LOGGING_IN:
            self._hold(session)

    def answered(self, session: Session) -> None:
        """One request less waits."""
        session.unanswered -= 1
        if session.backlog is not None:
            self._released[session] = None

    def sent(self, session: Session) -> None:
        """One more request, and that is a command, which is on its way whatever is said of it."""
        session.undelivered += 1
        self.requested(session)

    def delivered(self, session: Session) -> None:
        """A service has answered a command, in time or later."""
        session.undelivered -= 1
        if session in self._leaving:
            self.release(session)

    def dropped(self, session: Session) -> None:
        """What the session had on its way has been forgotten."""
        session.undelivered = 0

    def all_done(self, session: Session) -> bool:
        """Nothing that the client has sent is still on its way."""
        return not session.unanswered and not session.undelivered

    def wait_for_all(self, session: Session, frame: bytes) -> None:
        """Takes the frame again when all is done."""
        self._wait(session, [frame])
        session.paid += 1
        self._leaving.add(session)

    def hold_for_link(self, session: Session, link: Hashable) -> None:
        """The link is full: whoever goes on filling it waits until it has drained."""
        self._held.setdefault(link, {})[session] = None
        self._hold(session)

    def link_has_room(self, link: Hashable) -> None:
        """The link has drained for those that were held because of it."""
        if link in self._held:
            self._released.update(self._held.pop(link))

    def release(self, session: Session) -> None:
        """The session may go on, if nothing else holds it."""
        if session.backlog is not None:
            self._released[session] = None

    def take_released(self) -> list[tuple[Session, list[bytes]]]:
        """Sessions that may go on, each with the frames that it has sent meanwhile."""
        released, self._released = self._released, {}
        going_on: list[tuple[Session, list[bytes]]] = []
        for session in released:
            if (
                session.backlog is None
                # Who does not read its answers gets no more of them to wait for it here.
                or session.blocked
                or any(session in held for held in self._held.values())
                or session.state is SessionState.LOGGING_IN
                or session.unanswered >= limits.SESSION_REQUESTS_MAX
                or (session in self._leaving and not self.all_done(session))
            ):
                continue
            self._leaving.discard(session)
            going_on.append((session, list(session.backlog)))
            session.backlog = None
            self.held_sessions.discard(session)
            self._output.look_at(session)
        return going_on

    def _wait(self, session: Session, frames: Iterable[bytes]) -> None:
        """These wait, and nothing more is read, until the session is released."""
        self._hold(session)
        assert session.backlog is not None
        session.backlog.extend(frames)

    def _hold(self, session: Session) -> None:
        if session.backlog is None:
            session.backlog = deque()
            self.held_sessions.add(session)
            self._output.look_at(session)

    def forget(self, session: Session) -> None:
        """The session's connection is gone."""
        for held in self._held.values():
            held.pop(session, None)
        self._released.pop(session, None)
        self.held_sessions.discard(session)
        self._leaving.discard(session)


# --- Quotas: rates, floods, and connections of an address -----------------------------------------


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


_TOO_MUCH: Final = {
    Whose.ACCOUNT: "more than an account may",
    Whose.NEWCOMER: "more than somebody new may",
    Whose.GUESTS: "more than all guests and new accounts of an address may",
    Whose.ADDRESS: "more than an address may",
}


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

    # Connections.

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
        if where not in self._shut_out and not self._told.of(where, now).take_or_wait_s(1, now):
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
            wait_s = self._arrivals.of(where, now).take_or_wait_s(1, now)
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

    # Frames.

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
        if session.allowance and not self._asides.of(session.name, now).take_or_wait_s(1, now):
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
        elif not self._noted.of(where, now).take_or_wait_s(1, now):
            self._note(f"clients of {where} are held back: {_TOO_MUCH[whose]}")

    # What an operator reads of it.

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
