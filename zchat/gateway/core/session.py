"""A client's session: its state and how that changes, and a log that sessions follow."""

import enum
from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol, TypeAlias

from zchat.gateway.core.allowance import Allowance
from zchat.protocol import limits
from zchat.protocol.internal import SessionOpened
from zchat.protocol.messages import Scope, Standing
from zchat.protocol.rules.permissions import at_least


class SessionState(enum.Enum):
    NEW = enum.auto()
    """Connected; not said hello."""
    GREETED = enum.auto()
    """Has said hello."""
    LOGGING_IN = enum.auto()
    """The user-service, then the logs' services, are asked."""
    LOGGED_IN = enum.auto()
    CLOSING = enum.auto()
    """What is in `out` still goes out; nothing more is read."""
    CUT = enum.auto()
    """The client does not even read its goodbye: the connection is broken off."""
    CLOSED = enum.auto()


_OVER = (SessionState.CLOSING, SessionState.CUT, SessionState.CLOSED)


Once: TypeAlias = Callable[[Callable[[list[bytes]], bytes], list[bytes]], bytes]
"""`once(form, out)` is `form(out)`, made once for all who are written the same in the same form."""


class Connection(Protocol):
    """A session's connection, which the shell has made."""

    @property
    def unsent_bytes(self) -> int:
        """What was written and the network has not taken yet."""

    def flush(self, out: list[bytes], once: Once) -> int:
        """Writes this as one, then goes by the session's state; returns how many bytes it was."""


class Session:
    """What a gateway knows of one client.

    Its state changes by the methods below and nowhere else. How much is taken from it and written
    to it is for `flow_control.py` alone to set, and what it follows for `fanout.py`.
    """

    __slots__ = (
        "active_ms",
        "address",
        "allowance",
        "away",
        "backlog",
        "blocked",
        "bot",
        "closing_at",
        "connected_at",
        "connection",
        "established_at",
        "fetching",
        "follows",
        "heard_at",
        "instance",
        "name",
        "network",
        "number",
        "only",
        "out",
        "owned_since_ms",
        "paid",
        "rooms",
        "scopes",
        "since_ms",
        "slowed",
        "stalled_at",
        "standing",
        "state",
        "token",
        "unanswered",
        "undelivered",
        "unsent_bytes",
    )

    def __init__(
        self, number: int, now: float, now_ms: int, connection: Connection | None = None
    ) -> None:
        self.number = number
        self.connection = connection
        self.state = SessionState.NEW
        self.connected_at = now
        self.since_ms = self.active_ms = now_ms
        """When it began, and when its user did something last."""
        self.closing_at = 0.0
        self.instance = b""
        self.bot = False
        """A program, which acts for the user."""

        self.name = ""
        """The user's; empty until the user-service has let it in."""
        self.token = b""
        self.standing = Standing.GUEST
        self.owned_since_ms = 0
        """When the name became the user's."""
        self.scopes: Collection[Scope] = ()
        self.rooms: Collection[str] = ()
        """What an app token may do, and where; none for all that its user may, and everywhere."""
        self.only: Collection[str] | None = None
        """The logs that its client wants to see; None for all."""
        self.away: str | None = None
        """What the client's user has said about being away; None for "is here"."""

        # Fan-out's.
        self.follows: list[FollowedLog] = []
        self.fetching = 0
        """Pages on their way to this session."""

        # Flow control's: what is written to it.
        self.out: list[bytes] = []
        """What the next write takes: bytes shared with other sessions, not copied."""
        self.blocked = False
        """The client reads too slowly; what it misses is read again from its logs later."""
        self.unsent_bytes = 0
        """What has been written and was not taken by the network, when that was last looked at."""
        self.stalled_at = 0.0
        """Since when that has not become less, while the client is blocked."""

        # Flow control's: what is taken from it.
        self.heard_at = now
        self.unanswered = 0
        self.undelivered = 0
        """Commands that no service has answered, whatever the client has been told meanwhile."""
        self.backlog: deque[bytes] | None = None
        """Frames read while it is held; None while it is read from."""
        self.paid = 0
        """How many of the first of them count as said already."""
        self.address = self.network = ""
        """Where the client connects from, without its port, and what that is counted as."""
        self.established_at = 0.0
        """From when on its user is not new any more, for which it is held back earlier."""
        self.allowance: Allowance | None = None
        """What may still be said; None for as much as comes."""
        self.slowed = False
        """The client was told that it says too much, and has not been quiet since."""

    def goes_on_with(self, connection: Connection) -> None:
        """The client is the same one, and speaks in another way than was thought."""
        self.connection = connection

    # --- From hello to the end ----------------------------------------------------------------

    def greeted(self, instance: bytes, bot: bool) -> None:
        if self.state is SessionState.NEW:
            self.state = SessionState.GREETED
            self.instance, self.bot = instance, bot

    def log_in(self, token: bytes, away: str | None, only: Collection[str] | None) -> None:
        """The user-service is asked whether this may come in."""
        self.state = SessionState.LOGGING_IN
        self.token, self.away, self.only = token, away, only

    def login_refused(self) -> None:
        """The client may try again."""
        if self.open:
            self.state = SessionState.GREETED

    def opened(self, reply: SessionOpened) -> None:
        """The user-service knows it as a session of this user."""
        self.name, self.owned_since_ms = reply.name, reply.owned_since_ms
        self.standing, self.scopes, self.rooms = reply.standing, reply.scopes, reply.rooms
        # With an app token it is one, whether it said so in its hello or not.
        self.bot = self.bot or bool(reply.scopes)

    def opened_too_late(self, name: str) -> None:
        """The client has gone before it was in; whoever ends the session must know its name."""
        self.name = name

    def logged_in(self) -> None:
        self.state = SessionState.LOGGED_IN

    def registered(self) -> None:
        """A guest has become an account. A moderator, made one meanwhile, stays one."""
        if not at_least(self.standing, Standing.ACCOUNT):
            self.standing = Standing.ACCOUNT

    def was_active(self, now_ms: int) -> None:
        self.active_ms = now_ms

    def is_away(self, away: str | None) -> None:
        self.away = away

    def close(self, now: float) -> None:
        """What is in `out` still goes out; nothing more is read."""
        # Who does not read even that is cut off after `CLOSING_TIMEOUT_S`.
        self.state, self.closing_at = SessionState.CLOSING, now

    def cut(self) -> None:
        """The connection is broken off, whatever is in `out`."""
        self.state = SessionState.CUT

    def disconnected(self) -> None:
        self.state = SessionState.CLOSED

    # --- What it is now -----------------------------------------------------------------------

    @property
    def open(self) -> bool:
        return self.state not in _OVER

    @property
    def out_bytes(self) -> int:
        return sum(map(len, self.out))

    @property
    def is_behind(self) -> bool:
        """So much is to be written to the client that a long answer had better wait."""
        return self.blocked or self.out_bytes >= limits.SESSION_ANSWERS_BYTES_MAX

    def owes(self, now: float) -> bool:
        """More has been done for it, its account or its address than they may ask for."""
        return self.allowance is not None and self.allowance.owes(now)


class FollowedLog:
    """A log that at least one local session follows."""

    __slots__ = ("head", "lagging", "live", "name")

    def __init__(self, name: str, head: int) -> None:
        self.name = name
        self.head = head
        """Newest sequence that the stream has brought: nobody sees more than that yet."""
        self.live: dict[Session, None] = {}
        self.lagging: dict[Session, int] = {}
        """How far each has come that has not come to the head."""

    def followed_by(self, session: Session) -> bool:
        return session in self.live or session in self.lagging

    def caught_up(self, session: Session) -> None:
        del self.lagging[session]
        self.live[session] = None
        if not self.lagging:
            # A dict keeps its size when it is emptied, and there is a log for each inbox.
            self.lagging = {}
