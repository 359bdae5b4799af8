"""What the client core tells: to the application what happened, to its shell what to do."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from zchat.protocol.messages import (
    Answer,
    Entry,
    LogState,
    LogStateChanged,
    PresenceChanged,
    Refused,
    Request,
    SlowedDown,
    Standing,
    TypingSeen,
)


@dataclass(frozen=True, slots=True)
class SessionBegun:
    """The login succeeded; `resumed` if this client was logged in before.

    `missed` counts the entries between the cursors and the heads of the logs: they come next.
    The name is the user's own since `since_ms`; `standing` is one of `Standing`, or a newer one.
    """

    name: str
    guest: bool
    logs: list[LogState]
    resumed: bool
    since_ms: int = 0
    standing: str = Standing.ACCOUNT

    @property
    def missed(self) -> int:
        return sum(max(0, state.head - state.cursor) for state in self.logs)


@dataclass(frozen=True, slots=True)
class EntryArrived:
    """The next entry of its log; `missed` if it was written before the present login."""

    entry: Entry
    missed: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a request; nothing more will come for its id."""

    id: int
    request: Request
    answer: Answer


@dataclass(frozen=True, slots=True)
class Delayed:
    """The server could not confirm a command in time. It is kept and repeated; told only once."""

    id: int
    request: Request
    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The session's connection broke; the core connects again by itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """An attempt led to no session, for this reason; the next is made in `retry_in_s`."""

    reason: str
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """All was confirmed and the session is over, as the application asked."""


@dataclass(frozen=True, slots=True)
class Fatal:
    """The server will not have this client; nothing more will happen.

    Or this client will not have the server, which says that it is the `other_cluster`, or nothing.
    """

    refused: Refused
    other_cluster: str | None = None


Event: TypeAlias = (
    SessionBegun
    | EntryArrived
    | Answered
    | Delayed
    | PresenceChanged
    | TypingSeen
    | LogStateChanged
    | SlowedDown
    | ConnectionLost
    | ConnectionFailed
    | LoggedOut
    | Fatal
)


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """For the shell: connect to address number `attempt`, modulo how many it has."""

    attempt: int


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """For the shell: close, after what is to be sent, and then call `disconnected`."""

    reason: str


Effect: TypeAlias = Event | OpenConnection | CloseConnection


# --- How far a client is on its way to the server -------------------------------------------------


class State(Enum):
    OFFLINE = auto()
    """Without a connection; the next attempt is due at some time."""
    CONNECTING = auto()
    LOGGING_IN = auto()
    ONLINE = auto()
    CLOSING = auto()
    """The shell was told to close and has not said yet that it did."""
    ENDED = auto()
    """For good: logged out, or refused."""
