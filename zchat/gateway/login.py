"""Logging in: once the user-service lets a user in, every service is asked what it follows."""

from dataclasses import dataclass, field

from zchat.gateway.fanout import FanOut
from zchat.gateway.session import Session
from zchat.protocol.cluster import Chunk, UserLog, UserLogs
from zchat.protocol.messages import LoggedIn, LogIn, LogState


@dataclass(slots=True)
class Login:
    """One login on its way. The session is blocked until it is complete, so nothing flows yet."""

    session: Session
    log_in: LogIn
    guest: bool
    waiting: set[str]
    """Addresses that have not said which logs they have."""
    logs: list[LogState] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)
    """Logs that the user joined or left since it entered, with the position of the page."""


class Logins:
    def __init__(self, fan_out: FanOut) -> None:
        self._fan_out = fan_out
        self._logins: dict[Session, Login] = {}

    def begin(self, login: Login) -> None:
        session = login.session
        self._logins[session] = login
        session.blocked = True
        self._fan_out.enter(session)

    def drop(self, session: Session) -> Login | None:
        return self._logins.pop(session, None)

    def published(self, chunk: Chunk, position: int) -> None:
        """What the stream says of who follows what is newer than an answer on its way."""
        if not self._logins:
            return
        for change in chunk.changes:
            for session in self._fan_out.sessions_of(change.user):
                if login := self._logins.get(session):
                    login.changed[chunk.log] = position

    def user_logs(
        self, session: Session, address: str, answer: UserLogs, stream_position: int
    ) -> LoggedIn | None:
        """Takes one service's answer; the last one completes the login."""
        login = self._logins.get(session)
        if login is None or address not in login.waiting:
            return None
        login.waiting.discard(address)
        for user_log in answer.logs:
            if login.changed.get(user_log.log, 0) <= answer.position:
                state = LogState(user_log.log, _cursor(login.log_in, user_log), user_log.head)
                login.logs.append(state)
                # The stream may have gone past the answer before anybody here followed the log.
                certain = answer.position >= stream_position
                self._fan_out.follow(
                    session, state.log, state.cursor, state.head if certain else None
                )
        if login.waiting:
            return None
        del self._logins[session]
        return LoggedIn(login.log_in.id, session.name, login.guest, login.logs)


def _cursor(log_in: LogIn, user_log: UserLog) -> int:
    """Where the session goes on: at the client's own cursor, else at what the user has read."""
    cursor = log_in.cursors.get(user_log.log)
    if cursor is None:
        cursor = user_log.marker or 0
    return min(max(cursor, user_log.floor), user_log.head)
