"""Logging in: once the user-service lets a user in, the room-services are asked what it follows."""

from dataclasses import dataclass, field

from zchat import __version__
from zchat.gateway.core import scopes
from zchat.gateway.core.contexts import ClusterAsked
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Output
from zchat.gateway.core.requests import Requests
from zchat.gateway.core.services import Services
from zchat.gateway.core.session import Session
from zchat.protocol.internal import (
    Chunk,
    MembershipChange,
    OpenSession,
    ReadCluster,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import PROTOCOL_VERSION, LoggedIn, LogIn, LogState, Standing, Welcome
from zchat.protocol.rules.membership import EVERYONE
from zchat.protocol.rules.names import canonical_name


@dataclass(slots=True)
class Login:
    """One login on its way, from when the user-service is asked on.

    From then on it counts what the stream brings: a service may have said before that which logs
    the user follows, and its word comes another way, on which it may be overtaken.
    """

    session: Session
    log_in: LogIn
    name: str
    """Who wants to come in."""
    waiting: set[str] = field(default_factory=set)
    """Addresses that have not said which logs they have, once the user is let in."""
    logs: list[LogState] = field(default_factory=list)
    changes: dict[str, dict[str, list[MembershipChange]]] = field(default_factory=dict)
    """By address and log: what the stream has brought of joins and leaves since it entered."""


def opening_of(session: Session, log_in: LogIn) -> OpenSession:
    """What the user-service is asked. Raises `InvalidName`."""
    return OpenSession(
        log_in.id,
        canonical_name(log_in.name),
        log_in.token,
        log_in.password,
        log_in.device,
        log_in.code,
        log_in.register,
        log_in.invitation,
        session.address,
        log_in.away,
        log_in.new_password,
        session.instance,
        log_in.account,
    )


def logs_wanted(log_in: LogIn) -> frozenset[str] | None:
    """The logs that the client asks for; None for all. Raises `InvalidName`."""
    if log_in.logs is None:
        return None
    return frozenset(log[0] + canonical_name(log[1:]) for log in log_in.logs)


class Logins:
    def __init__(self, output: Output, fan_out: FanOut) -> None:
        self._output = output
        self._fan_out = fan_out
        self._logins: dict[Session, Login] = {}
        self._by_name: dict[str, list[Login]] = {}
        self._answers: dict[str, list[tuple[Session, UserLogs]]] = {}
        """By address, in the order of their positions."""
        self._heads: dict[str, int] = {}
        """How far the stream has come in each log since the oldest login began."""

    def begin(self, login: Login) -> None:
        """The user-service is asked whether it may come in."""
        self._logins[login.session] = login
        self._by_name.setdefault(login.name, []).append(login)

    def opened(self, session: Session, addresses: set[str]) -> None:
        """It may; the services at these addresses say which logs its user follows."""
        self._logins[session].waiting = addresses
        # Nothing may flow before the client knows where each of its logs begins.
        self._output.block(session)
        self._fan_out.enter(session)

    def drop(self, session: Session) -> Login | None:
        login = self._logins.pop(session, None)
        if login is not None:
            others = self._by_name[login.name]
            others.remove(login)
            if not others:
                del self._by_name[login.name]
        return login

    def published(self, address: str, chunk: Chunk) -> None:
        """What the stream says of a log is newer than an answer on its way."""
        if not self._logins:
            self._heads.clear()
            return
        self._heads[chunk.log] = chunk.last
        for change in chunk.changes:
            for login in self._concerned(change):
                logs = login.changes.setdefault(address, {})
                logs.setdefault(chunk.log, []).append(change)

    def _concerned(self, change: MembershipChange) -> list[Login]:
        if change.user == EVERYONE:
            return list(self._logins.values())
        return self._by_name.get(change.user, [])

    def answered(self, session: Session, address: str, answer: UserLogs) -> None:
        """One service has said which of its logs the user follows."""
        self._answers.setdefault(address, []).append((session, answer))

    def proceed(self, address: str, stream_position: int) -> list[tuple[Session, LoggedIn]]:
        """Takes the answers that the service's stream has come as far as; returns who is in.

        What the stream has still to bring would be older than the answer, and undo it.
        """
        complete: list[tuple[Session, LoggedIn]] = []
        answers = self._answers.get(address)
        while answers and answers[0][1].position <= stream_position:
            session, answer = answers.pop(0)
            login = self._logins.get(session)
            if login is None or address not in login.waiting:
                continue
            login.waiting.discard(address)
            self._follow(login, address, answer)
            if not login.waiting:
                complete.append(self._completed(login))
        return complete

    def nothing_to_follow(self, session: Session) -> list[tuple[Session, LoggedIn]]:
        """No service has to be asked for a client that wants none of its logs; it is in."""
        return [self._completed(self._logins[session])]

    def _completed(self, login: Login) -> tuple[Session, LoggedIn]:
        session = login.session
        self.drop(session)
        return session, LoggedIn(
            login.log_in.id,
            session.name,
            session.standing is Standing.GUEST,
            login.logs,
            session.standing,
            session.owned_since_ms,
        )

    def _follow(self, login: Login, address: str, answer: UserLogs) -> None:
        """Follows what the answer names, but for what has changed after it."""
        changes = login.changes.get(address, {})
        for log in changes:
            # The stream may have brought joins that are older than the answer: those would show
            # what the client has had from another gateway, or is not to have.
            self._fan_out.unfollow(login.session, log)
        newer = {
            log: change
            for log, changes_of_log in changes.items()
            if (change := changes_of_log[-1]).position > answer.position
        }
        for user_log in answer.logs:
            if user_log.log not in newer and scopes.follows(login.session, user_log.log):
                cursor = _cursor(login.log_in, user_log)
                head = max(user_log.head, self._heads.get(user_log.log, 0))
                marker, notify = user_log.marker or 0, user_log.notify
                login.logs.append(LogState(user_log.log, cursor, head, marker, notify))
                self._fan_out.follow(login.session, user_log.log, cursor, head)
        for log, change in newer.items():
            if change.joined:
                self._fan_out.follow(login.session, log, change.sequence - 1, self._heads[log])


def _cursor(log_in: LogIn, user_log: UserLog) -> int:
    """Where the session goes on: at the client's own cursor, else at what the user has read."""
    cursor = log_in.cursors.get(user_log.log)
    if cursor is None:
        cursor = user_log.head if log_in.from_head else user_log.marker or 0
    return min(max(cursor, user_log.floor), user_log.head)


# --- Greetings ------------------------------------------------------------------------------------


class Greetings:
    """Who says hello is told which cluster this is, and waits until that is known here.

    A client with a token for one cluster shows it to no other, so it has to know before.

    The user-service has the id, and tells it with each session, too: an answer to a login never
    comes before its welcome.
    """

    def __init__(self, services: Services, requests: Requests) -> None:
        self._services = services
        self._requests = requests
        self._cluster: str | None = None
        """None until the user-service has said it; empty if it is too old to have one."""
        self._waiting: dict[Session, None] = {}
        self._asked = False

    def hello(self, session: Session, now: float) -> None:
        self._waiting[session] = None
        if self._cluster is None:
            self.ask(now)
        else:
            self.welcome(session)

    def ask(self, now: float) -> None:
        """Asks for the id, unless it is known or on its way."""
        if self._cluster is None and not self._asked:
            self._asked = True
            self._services.users.ask(None, ReadCluster(), ClusterAsked(), now)

    def not_answered(self) -> None:
        """`ask` does so again."""
        self._asked = False

    def learned(self, cluster: str) -> None:
        self._cluster, self._asked = cluster, False
        for session in list(self._waiting):
            self.welcome(session)

    def welcome(self, session: Session) -> None:
        """This one waits no longer, if it does, be the cluster known or not.

        Whoever waits to show a token would end at a welcome that does not say.
        """
        if session in self._waiting:
            del self._waiting[session]
            software = f"zchat {__version__}"
            welcome = Welcome(PROTOCOL_VERSION, software, self._cluster or "")
            self._requests.answer(session, welcome)

    def forget(self, session: Session) -> None:
        self._waiting.pop(session, None)
