"""How a client says who it is, on every connection, and what the server answers to that."""

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
    request_id: int = 0
    """Of the login on the present connection."""
    resuming: bool = False
    """This client was logged in before."""

    def say(self, request_id: int, cursors: dict[str, int]) -> tuple[Hello, LogIn]:
        self.request_id = request_id
        log_in = self.credentials.log_in(request_id, self.name, cursors)
        return Hello(PROTOCOL_VERSION, self.software), replace(
            log_in, away=self.away, instance=self.instance
        )

    def answered(self, answer: LoggedIn) -> SessionBegun:
        if answer.id != self.request_id:
            raise ProtocolError("an answer to no login")
        self.name = answer.name
        self.credentials.logged_in(guest=answer.guest)
        resumed, self.resuming = self.resuming, True
        since_ms, standing = answer.since_ms, answer.standing
        return SessionBegun(answer.name, answer.guest, answer.logs, resumed, since_ms, standing)

    def submitted(self, request: Request) -> None:
        if isinstance(request, SetAway):
            self.away = request.away
