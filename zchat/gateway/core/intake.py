"""What clients have sent, taken at the rate that they may send it, in its order."""

import math
from collections.abc import Callable, Sequence

from zchat.gateway.core.quotas import Quotas
from zchat.gateway.core.requests import Requests
from zchat.gateway.core.session import Session
from zchat.protocol.messages import Refused, SlowedDown


class Intake:
    """Hands each frame to `take` once it may pass; `refuse` ends the session of a flood."""

    def __init__(
        self,
        quotas: Quotas,
        requests: Requests,
        take: Callable[[Session, bytes, float, int], None],
        refuse: Callable[[Session, Refused], None],
    ) -> None:
        self._quotas = quotas
        self._requests = requests
        self._take = take
        self._refuse = refuse

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
        for session, frames in self._requests.take_released():
            if session.owes(now):
                self._quotas.slowed[session] = None
                self._requests.slow_down(session, frames)
                continue
            self._quotas.slowed.pop(session, None)
            paid, session.paid = session.paid, 0
            self._let_in(session, frames, paid, now, now_ms)

    def tick(self, now: float, now_ms: int) -> None:
        """Those that had to wait for their rate may say as much as has become free since."""
        for session in self._quotas.slowed:
            # It is not read from, so that it cannot be heard.
            session.heard_at = now
            self._requests.release(session)
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
        self._requests.slow_down(session, frames)
        if not session.slowed:
            session.slowed = True
            self._requests.answer(session, SlowedDown(math.ceil(wait * 1000)))
