"""How a client says who it is, on every connection, and what the server answers to that."""

from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from zchat.client.credentials import Credentials
from zchat.client.drafts import Request
from zchat.client.events import SessionBegun
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import PROTOCOL_VERSION, Hello, LoggedIn, LogIn, SetAway


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
    """Said in each login, like `away`."""
    request_id: int = 0
    """Of the login on the present connection."""
    resuming: bool = False
    """This client was logged in before."""

    def say(self, request_id: int, cursors: dict[str, int]) -> tuple[Hello, LogIn]:
        self.request_id = request_id
        log_in = self.credentials.log_in(request_id, self.name, cursors)
        log_in = replace(
            log_in,
            away=self.away,
            bot=self.bot,
            instance=self.instance,
            logs=None if self.logs is None else sorted(self.logs),
            # A log that has come meanwhile is read from where the user came in.
            from_head=self.from_head and not self.resuming,
        )
        return Hello(PROTOCOL_VERSION, self.software), log_in

    def wants(self, log: str) -> bool:
        """An older gateway sends all logs."""
        return self.logs is None or log in self.logs

    def answered(self, answer: LoggedIn) -> SessionBegun:
        if answer.id != self.request_id:
            raise ProtocolError("an answer to no login")
        self.name = answer.name
        self.credentials.logged_in(guest=answer.guest)
        resumed, self.resuming = self.resuming, True
        since_ms, standing = answer.since_ms, answer.standing
        logs = [state for state in answer.logs if self.wants(state.log)]
        return SessionBegun(answer.name, answer.guest, logs, resumed, since_ms, standing)

    def submitted(self, request: Request) -> None:
        if isinstance(request, SetAway):
            self.away = request.away
