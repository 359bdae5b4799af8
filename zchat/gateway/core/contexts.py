"""What a gateway remembers of each outstanding command and query until it is answered."""

from typing import NamedTuple

from msgspec import Struct

from zchat.gateway.core.fanout import Fetch
from zchat.gateway.core.session import Session
from zchat.protocol.messages import ListMembers, ListRooms, LogIn, LogOut, ReadAudit, SearchMessages


class CommandSent(Struct):
    """A client's command, which is answered with the service's own words."""

    session: Session
    request: int
    sent_at: float
    timed_out: bool = False
    registers: bool = False
    """When it is done, the session's user is a guest no more."""


class SessionOpening(Struct):
    session: Session
    log_in: LogIn
    sent_at: float
    timed_out: bool = False


class SessionClosing(NamedTuple):
    session: Session
    log_out: LogOut


CommandContext = CommandSent | SessionOpening | SessionClosing


class QueryForwarded(NamedTuple):
    """A client's query, which is answered with the service's own words."""

    session: Session
    request: int


class MembersAsked(NamedTuple):
    """The service knows the members, the gateway who is online."""

    session: Session
    query: ListMembers


class PartsAsked(NamedTuple):
    """One service's part of the answer; `parts` collects all `wanted` of them."""

    session: Session
    query: ListRooms | ReadAudit | SearchMessages
    wanted: int
    parts: list[bytes]


class LogsAsked(NamedTuple):
    """Part of a login."""

    session: Session
    address: str


class PageAsked(NamedTuple):
    fetch: Fetch


class StreamAsked(NamedTuple):
    address: str


class PresenceAsked(NamedTuple):
    pass


class ClusterAsked(NamedTuple):
    pass


QueryContext = (
    QueryForwarded
    | MembersAsked
    | PartsAsked
    | LogsAsked
    | PageAsked
    | StreamAsked
    | PresenceAsked
    | ClusterAsked
)
