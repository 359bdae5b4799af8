"""Clients' requests in flight: commands and queries to services, and the answers back."""

from collections.abc import Iterable
from typing import assert_never

from msgspec import Raw

from zchat.gateway.core import merge
from zchat.gateway.core.contexts import (
    CommandSent,
    MembersAsked,
    PartsAsked,
    QueryForwarded,
    SessionClosing,
    SessionOpening,
)
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Intake, Output
from zchat.gateway.core.presence import PresenceFollower
from zchat.gateway.core.services import ServicePeer, Services, stamp
from zchat.gateway.core.session import Session
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import (
    AnyCommand,
    Done,
    Message,
    Query,
    RefusalCode,
    Refused,
    Register,
)

_results: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]
ClientQueryContext = QueryForwarded | MembersAsked | PartsAsked


class Requests:
    """Each request is answered once: with what the service says, or that it takes longer."""

    def __init__(
        self,
        services: Services,
        output: Output,
        intake: Intake,
        fan_out: FanOut,
        presence: PresenceFollower,
    ) -> None:
        self._services = services
        self._output = output
        self._intake = intake
        self._fan_out = fan_out
        self._presence = presence
        self.departing: dict[Session, None] = {}
        """Sessions whose connection broke while their commands were still on their way."""
        self._departed: list[Session] = []

    # --- Up -----------------------------------------------------------------------------------

    def command(self, session: Session, command: AnyCommand, frame: Raw, now: float) -> None:
        """Sends a client's command, as it is, to the service that it is for."""
        peer = self._services.of_command(command)
        self._intake.sent(session)
        context = CommandSent(session, command.id, now, registers=type(command) is Register)
        peer.link.send(stamp(session, frame), context)
        if peer.full:
            self._intake.hold_for_link(session, peer)

    def query(self, session: Session, query: Query, now: float) -> None:
        """Asks a client's query of the services that know the answer."""
        asked = self._services.of_query(session, query)
        if any(peer.queries.full for peer, _ in asked):
            reason = "too many ask at once; ask again in a moment"
            self.answer(session, Refused(query.id, RefusalCode.BUSY, reason))
            return
        self._intake.requested(session)
        for peer, context in asked:
            peer.ask_for(session, query, context, now)

    # --- Down ---------------------------------------------------------------------------------

    def answer(self, session: Session, message: Message) -> None:
        """Answers at once what was not counted."""
        self._output.write(session, encode(message))

    def answered(self, session: Session, frame: bytes) -> None:
        """Hands an answer on; the session may have one request more."""
        self._intake.answered(session)
        self._output.write(session, frame)

    def command_answered(self, command: CommandSent, frame: bytes) -> None:
        session = command.session
        self._intake.delivered(session)
        if command.registers and isinstance(_results.decode(frame), Done):
            session.registered()
        if not command.timed_out:
            self.answered(session, frame)
        else:
            # The client was told that it must wait, and that was counted as the answer.
            self._output.write(session, frame)
        if session in self.departing and not session.undelivered:
            del self.departing[session]
            self._departed.append(session)

    def query_answered(self, context: ClientQueryContext, answer: bytes) -> None:
        match context:
            case QueryForwarded(session=session):
                self.answered(session, answer)
            case MembersAsked(session=session, query=listing):
                online = self._presence.online | self._fan_out.users
                whole = merge.members(listing, answer, online, self._presence.away)
                self.answered(session, whole)
            case PartsAsked(session=session, query=query, wanted=wanted, parts=parts):
                parts.append(answer)
                if len(parts) == wanted:
                    self.answered(session, merge.joined(query, parts))
            case _:
                assert_never(context)

    def query_failed(self, context: ClientQueryContext) -> None:
        match context:
            case QueryForwarded(session=session, request=request):
                self._unavailable(session, request)
            case MembersAsked(session=session, query=members):
                self._unavailable(session, members.id)
            case PartsAsked(session=session, query=query, wanted=wanted, parts=parts):
                # Only the first part that fails says so; the list cannot become complete now.
                if len(parts) < wanted:
                    parts.extend([b""] * wanted)
                    self._unavailable(session, query.id)
            case _:
                assert_never(context)

    def _unavailable(self, session: Session, request: int) -> None:
        reason = "the service does not answer at the moment; try again"
        self.answered(session, encode(Refused(request, RefusalCode.UNAVAILABLE, reason)))

    # --- Time ---------------------------------------------------------------------------------

    def time_out(self, peer: ServicePeer, now: float) -> list[SessionOpening]:
        """Says so for commands that wait for too long; they are delivered all the same.

        Returns the logins among them: their clients had better connect again.
        """
        openings: list[SessionOpening] = []
        for unanswered in peer.link.unanswered.values():
            context = unanswered.context
            if context is None or isinstance(context, SessionClosing) or context.timed_out:
                continue
            if now - context.sent_at < limits.COMMAND_TIMEOUT_S:
                break  # They are in the order in which they were sent.
            context.timed_out = True
            if isinstance(context, SessionOpening):
                openings.append(context)
                continue
            reason = "no answer yet; it is delivered when the service is back"
            refused = Refused(context.request, RefusalCode.UNAVAILABLE, reason)
            self.answered(context.session, encode(refused))
        return openings

    def link_drained(self, peer: ServicePeer) -> None:
        """Some of the link's commands have been answered."""
        # Half, so that sessions are not held and let go again with every single answer.
        if peer.link.queue_bytes < limits.LINK_QUEUE_BYTES_MAX // 2:
            self._intake.link_has_room(peer)

    def take_departed(self) -> list[Session]:
        """Sessions that have broken, and whose commands have all been answered by now."""
        departed, self._departed = self._departed, []
        return departed

    def dropped(self, sessions: Iterable[Session]) -> None:
        """What these, and those that are gone, had on its way has been forgotten."""
        self.departing.clear()
        for session in sessions:
            self._intake.dropped(session)

    def forget(self, session: Session) -> None:
        """The session's connection is gone."""
        for peer in self._services.by_address.values():
            peer.queries.forget(session)
        if session.undelivered:
            self.departing[session] = None
        else:
            self._departed.append(session)
        self._intake.forget(session)
