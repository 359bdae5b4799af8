"""A client's session, as far as it is no socket, and a log that sessions follow."""

import enum
from collections import deque
from collections.abc import Collection
from typing import TYPE_CHECKING

from zchat.protocol import limits
from zchat.protocol.messages import Scope, Standing

if TYPE_CHECKING:
    from zchat.gateway.core.quotas import Allowance


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


class Session:
    """`out` is what the next write takes: bytes shared with other sessions, not copied."""

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

    def __init__(self, number: int, now: float, now_ms: int) -> None:
        self.number = number
        self.state = SessionState.NEW
        self.name = ""
        """The user's; empty until logged in."""
        self.token = b""
        self.instance = b""
        self.address = ""
        """Where the client connects from, without its port."""
        self.network = ""
        """What the address is counted as."""
        self.established_at = 0.0
        """From when on its user is not new any more, for which it is held back earlier."""
        self.allowance: Allowance | None = None
        """What may still be said; None for as much as comes."""
        self.slowed = False
        """The client was told that it says too much, and has not been quiet since."""
        self.standing = Standing.GUEST
        self.scopes: Collection[Scope] = ()
        """What an app token may do; none for a session that may do what its user may."""
        self.rooms: Collection[str] = ()
        """All that an app token may do it in; none for everywhere."""
        self.only: Collection[str] | None = None
        """The logs that its client wants to see; None for all."""
        self.bot = False
        """A program, which acts for the user."""
        self.away: str | None = None
        """What the client's user has said about being away; None for "is here"."""
        self.owned_since_ms = 0
        """When the name became the user's."""
        self.since_ms = now_ms
        self.active_ms = now_ms
        self.connected_at = now
        self.heard_at = now
        self.closing_at = 0.0
        self.unanswered = 0
        self.undelivered = 0
        """Commands that no service has answered, whatever the client has been told meanwhile."""
        self.backlog: deque[bytes] | None = None
        """Frames read while too many requests were unanswered; nothing more is read until then."""
        self.paid = 0
        """How many of the first of them count as said already."""
        self.blocked = False
        """The client reads too slowly; what it misses is read again from its logs later."""
        self.unsent_bytes = 0
        """What has been written and was not taken by the network, when that was last looked at."""
        self.stalled_at = 0.0
        """Since when that has not become less, while the client is blocked."""
        self.fetching = 0
        """Pages on their way to this session."""
        self.out: list[bytes] = []
        self.follows: list[FollowedLog] = []
        self.connection: object = None
        """The shell's; the core never looks at it."""

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
