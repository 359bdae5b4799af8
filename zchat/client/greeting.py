"""How a client says who it is, on every connection, and what the server answers to that."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from zchat.client.credentials import Credentials
from zchat.client.drafts import Request
from zchat.client.events import SessionBegun
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Hello,
    LoggedIn,
    LogIn,
    SetAway,
    Welcome,
)

UNKNOWN_CLUSTER: Final = (
    "the server does not say which cluster it is, and the login is for one: nothing was sent"
)
OTHER_CLUSTER: Final = "this is another cluster than the login is for: nothing was sent"


class UnknownCluster(Exception):
    """The gateway is older than that it could say so."""


class OtherCluster(Exception):
    """What is kept for a cluster is not shown to another one."""


class MadeAGuest(Exception):
    """By an older server, of a token that is an account's."""


@dataclass(slots=True)
class Greeting:
    name: str
    """The user's; once logged in, as the server spells it."""
    credentials: Credentials
    software: str
    instance: bytes
    """The same on every connection, and of no other program: they may share a token."""
    away: str | None
    """Said in each login: the server forgets it with the connection."""
    logs: Collection[str] | None = None
    """The logs that are wanted; None for all."""
    from_head: bool = False
    """What stands in logs without a cursor at the first login is not wanted."""
    bot: bool = False
    """Said on each connection, like `instance`."""
    request_id: int = 0
    """Of the login on the present connection."""
    resuming: bool = False
    """This client was logged in before."""
    cluster: str = ""
    """That which has welcomed us last, if it says which it is."""
    _log_in_later: LogIn | None = None

    def say(self, request_id: int, cursors: dict[str, int]) -> list[Hello | LogIn]:
        """What can be said at once. A login that is for one cluster waits for the welcome."""
        self.request_id = request_id
        log_in = self._log_in(cursors)
        hello = Hello(PROTOCOL_VERSION, self.software, self.instance, self.bot)
        if self.credentials.cluster:
            self._log_in_later = log_in
            return [hello]
        return [hello, log_in]

    def welcomed(self, welcome: Welcome) -> LogIn | None:
        """What is to be said now. Raises `OtherCluster` and `UnknownCluster`."""
        self.cluster, expected = welcome.cluster, self.credentials.cluster
        if expected and not welcome.cluster:
            raise UnknownCluster(UNKNOWN_CLUSTER)
        if expected and welcome.cluster != expected:
            raise OtherCluster(OTHER_CLUSTER)
        log_in, self._log_in_later = self._log_in_later, None
        return log_in

    def _log_in(self, cursors: dict[str, int]) -> LogIn:
        log_in = self.credentials.log_in(self.request_id, self.name, cursors)
        return replace(
            log_in,
            away=self.away,
            logs=None if self.logs is None else sorted(self.logs),
            # A log that has come meanwhile is read from where the user came in.
            from_head=self.from_head and not self.resuming,
        )

    def wants(self, log: str) -> bool:
        """An older gateway sends all logs."""
        return self.logs is None or log in self.logs

    def answered(self, answer: LoggedIn) -> SessionBegun:
        if answer.id != self.request_id:
            raise ProtocolError("an answer to no login")
        if answer.guest and self.credentials.account:
            raise MadeAGuest(f"there is no account {answer.name} that this token is for")
        self.name = answer.name
        self.credentials.logged_in(self.cluster, guest=answer.guest)
        resumed, self.resuming = self.resuming, True
        since_ms, standing = answer.since_ms, answer.standing
        logs = [state for state in answer.logs if self.wants(state.log)]
        return SessionBegun(answer.name, answer.guest, logs, resumed, since_ms, standing)

    def submitted(self, request: Request) -> None:
        if isinstance(request, SetAway):
            self.away = request.away
