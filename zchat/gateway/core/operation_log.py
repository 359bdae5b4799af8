"""What happens to sessions and their commands, counted; a shell that writes it extends this."""

from collections.abc import Sequence

from zchat.gateway.core.contexts import CommandContext, CommandSent
from zchat.gateway.core.session import Session
from zchat.protocol.messages import ClientMessage, RefusalCode
from zchat.runtime.core.measures import Histogram


class OperationLog:
    def __init__(self) -> None:
        self.tracing = False
        """Whether each single command is of interest."""
        self.refused: dict[str, int] = {}
        """Connections that the gateway has ended, by the code that their clients were told."""
        self.round_trips: dict[str, Histogram] = {}
        """From a command to its answer, by service."""
        self.logins_refused: dict[str, int] = {}
        """By the code that whoever wanted to come in was told."""

    def received(self, session: Session, message: ClientMessage) -> None:
        """A client has sent something; called only while `tracing`."""

    def answered(
        self, address: str, answers: Sequence[tuple[CommandContext | None, bytes]], now: float
    ) -> None:
        """A service has answered these commands."""
        # One of an envelope says how long all of them took, or they would be most of the work.
        if answers and isinstance(context := answers[-1][0], CommandSent):
            histogram = self.round_trips.get(address)
            if histogram is None:
                histogram = self.round_trips[address] = Histogram()
            histogram.observe(now - context.sent_at)

    def logged_in(self, session: Session) -> None: ...

    def login_refused(self, session: Session, code: RefusalCode, now: float) -> None:
        self.logins_refused[code] = self.logins_refused.get(code, 0) + 1

    def out_of_scope(self, session: Session, message: ClientMessage, now: float) -> None:
        """An app token was used for what it is not made for."""

    def ended(self, session: Session, code: RefusalCode) -> None:
        """The gateway ends a session."""
        self.refused[code] = self.refused.get(code, 0) + 1
