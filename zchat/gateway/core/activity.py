"""Liveness of sessions: what the user-service is told of them, and who has been silent too long."""

from collections.abc import Collection, Iterable
from typing import Final

from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Output
from zchat.gateway.core.services import Services
from zchat.gateway.core.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.internal import AnnounceSessions, SessionHere
from zchat.protocol.messages import MarkRead, Ping, SetAway

BY_ITSELF: Final = frozenset({MarkRead, Ping, SetAway})
"""What clients send whether anybody sits there or not."""


class Review:
    """What is to be done for every session now and then."""

    def __init__(self, services: Services, output: Output, fan_out: FanOut) -> None:
        self._services = services
        self._output = output
        self._fan_out = fan_out
        self._next_at = 0.0
        self._taken_at_ms = 0

    def take(
        self, sessions: Collection[Session], now: float, now_ms: int
    ) -> list[tuple[Session, str]]:
        """If it is time: tells who was active, feeds who lags; returns who must end, and why."""
        if now < self._next_at:
            return []
        self._next_at = now + limits.ACTIVITY_INTERVAL_S
        self._services.report_activity(since(self._fan_out.everyone(), self._taken_at_ms))
        self._taken_at_ms = now_ms
        # Of a page that was not to be had nobody tells: its service may be back by now.
        self._fan_out.retry_all()
        self._output.cut_stalled(sessions, now)
        return [(each, reason) for each in sessions if (reason := silence(each, now))]


def announcement(sessions: Iterable[Session]) -> AnnounceSessions:
    """Those of the sessions that have a user, as the user-service wants to know them."""
    return AnnounceSessions(
        [
            SessionHere(
                session.number,
                session.name,
                session.token,
                session.since_ms,
                session.active_ms,
                session.standing,
                session.address,
                session.away,
                session.instance,
            )
            for session in sessions
            if session.name
        ]
    )


def since(sessions: Iterable[Session], at_ms: int) -> dict[int, int]:
    """When each session that did something after `at_ms` did it last."""
    return {session.number: session.active_ms for session in sessions if session.active_ms > at_ms}


def silence(session: Session, now: float) -> str | None:
    """Why the session must end, if it must: its client has said nothing for too long."""
    silent_s = now - session.heard_at
    connected_s = now - session.connected_at
    match session.state:
        case SessionState.NEW | SessionState.GREETED if connected_s > limits.HELLO_TIMEOUT_S:
            return f"no log in within {limits.HELLO_TIMEOUT_S:.0f} s"
        case SessionState.LOGGED_IN if (
            # Who is not read from cannot be heard.
            session.backlog is None
            and not session.blocked
            and silent_s > limits.SESSION_IDLE_TIMEOUT_S
        ):
            return f"nothing heard for {limits.SESSION_IDLE_TIMEOUT_S:.0f} s"
        case _:
            return None
