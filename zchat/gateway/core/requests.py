"""The clients' commands and queries on their way: who waits for what, and how much at a time."""

from collections import deque
from collections.abc import Iterable
from typing import assert_never

from msgspec import Raw

from zchat.gateway.core import answers
from zchat.gateway.core.contexts import (
    CommandSent,
    MembersAsked,
    PartsAsked,
    QueryForwarded,
    SessionClosing,
    SessionOpening,
)
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.presence import PresenceFollower
from zchat.gateway.core.services import ServicePeer, Services
from zchat.gateway.core.session import Session, SessionState
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
    Standing,
)
from zchat.protocol.rules.permissions import STANDINGS

_results: Decoder[Done | Refused] = Decoder(Done | Refused)  # type: ignore[arg-type]
ClientQueryContext = QueryForwarded | MembersAsked | PartsAsked


class Requests:
    """What one session may have unanswered is bounded: past that nothing more is taken from it.

    So nothing is refused for want of room, and one sender's commands keep their order.
    """

    def __init__(self, services: Services, fan_out: FanOut, presence: PresenceFollower) -> None:
        self._services = services
        self._fan_out = fan_out
        self._presence = presence
        self._held: dict[ServicePeer, dict[Session, None]] = {}
        """Sessions that nothing more is taken from, because this link is full."""
        self.departing: dict[Session, None] = {}
        """Sessions whose connection broke while their commands were still on their way."""
        self._departed: list[Session] = []
        self._leaving: set[Session] = set()
        """Sessions that take leave, for which everything is to be answered first."""
        self._released: dict[Session, None] = {}
        """Sessions whose backlog may be taken up again."""

    # --- Up -----------------------------------------------------------------------------------

    def command(self, session: Session, command: AnyCommand, frame: Raw, now: float) -> None:
        """Sends a client's command, as it is, to the service that it is for."""
        peer = self._services.of_command(command)
        self.count(session)
        session.undelivered += 1
        context = CommandSent(session, command.id, now, registers=type(command) is Register)
        peer.command(session, frame, context)
        if peer.full:
            self._held.setdefault(peer, {})[session] = None
            self._hold(session)

    def query(self, session: Session, query: Query, now: float) -> None:
        """Asks a client's query of the services that know the answer."""
        asked = self._services.of_query(session, query)
        if any(peer.queries.full for peer, _ in asked):
            reason = "too many ask at once; ask again in a moment"
            self.answer(session, Refused(query.id, RefusalCode.BUSY, reason))
            return
        self.count(session)
        for peer, context in asked:
            peer.ask_for(session, query, context, now)

    def count(self, session: Session) -> None:
        """One more request of the session waits for its answer."""
        session.unanswered += 1
        full = session.unanswered >= limits.SESSION_REQUESTS_MAX
        if full or session.state is SessionState.LOGGING_IN:
            self._hold(session)

    def all_done(self, session: Session) -> bool:
        """Nothing that the client has sent is still on its way."""
        return not session.unanswered and not session.undelivered

    def wait_for_all(self, session: Session, frame: Raw) -> None:
        """Takes the frame again when all is done."""
        self._hold(session)
        assert session.backlog is not None
        session.backlog.append(bytes(frame))
        session.paid += 1
        self._leaving.add(session)

    def slow_down(self, session: Session, frames: Iterable[bytes]) -> None:
        """These come too early: they wait, and nothing more is read, until it is released."""
        self._hold(session)
        assert session.backlog is not None
        session.backlog.extend(frames)

    def _hold(self, session: Session) -> None:
        if session.backlog is None:
            session.backlog = deque()
            self._fan_out.dirty[session] = None

    # --- Down ---------------------------------------------------------------------------------

    def write(self, session: Session, frame: bytes) -> None:
        """To the client, with whatever else this turn has for it."""
        if session.open:
            session.out.append(frame)
            self._fan_out.dirty[session] = None

    def answer(self, session: Session, message: Message) -> None:
        """Answers at once what was not counted."""
        self.write(session, encode(message))

    def answered(self, session: Session, frame: bytes) -> None:
        """Hands an answer on; the session may have one request more."""
        session.unanswered -= 1
        if session.backlog is not None:
            self._released[session] = None
        self.write(session, frame)

    def command_answered(self, command: CommandSent, frame: bytes) -> None:
        session = command.session
        session.undelivered -= 1
        if command.registers and isinstance(_results.decode(frame), Done):
            session.standing = max(session.standing, Standing.ACCOUNT, key=STANDINGS.index)
        if not command.timed_out:
            self.answered(session, frame)
        else:
            # The client was told that it must wait, and that was counted as the answer.
            self.write(session, frame)
            if session in self._leaving:
                self._released[session] = None
        if session in self.departing and not session.undelivered:
            del self.departing[session]
            self._departed.append(session)

    def query_answered(self, context: ClientQueryContext, answer: bytes) -> None:
        match context:
            case QueryForwarded(session=session):
                self.answered(session, answer)
            case MembersAsked(session=session, query=listing):
                online = self._presence.online | self._fan_out.users
                whole = answers.members(listing, answer, online, self._presence.away)
                self.answered(session, whole)
            case PartsAsked(session=session, query=query, wanted=wanted, parts=parts):
                parts.append(answer)
                if len(parts) == wanted:
                    self.answered(session, answers.joined(query, parts))
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
                break
            context.timed_out = True
            if isinstance(context, SessionOpening):
                openings.append(context)
                continue
            reason = "no answer yet; it is delivered when the service is back"
            refused = Refused(context.request, RefusalCode.UNAVAILABLE, reason)
            self.answered(context.session, encode(refused))
        return openings

    def release(self, session: Session) -> None:
        """The session may go on, if nothing else holds it."""
        if session.backlog is not None:
            self._released[session] = None

    def link_drained(self, peer: ServicePeer) -> None:
        """The link has room again for those that were held because of it."""
        if peer in self._held and peer.link.queue_bytes < limits.LINK_QUEUE_BYTES_MAX // 2:
            self._released.update(self._held.pop(peer))

    def take_released(self) -> list[tuple[Session, list[bytes]]]:
        """Sessions that may go on, each with the frames that it has sent meanwhile."""
        released, self._released = self._released, {}
        going_on: list[tuple[Session, list[bytes]]] = []
        for session in released:
            if (
                session.backlog is None
                # Who does not read its answers gets no more of them to wait for it here.
                or session.blocked
                or any(session in held for held in self._held.values())
                or session.state is SessionState.LOGGING_IN
                or session.unanswered >= limits.SESSION_REQUESTS_MAX
                or (session in self._leaving and not self.all_done(session))
            ):
                continue
            self._leaving.discard(session)
            going_on.append((session, list(session.backlog)))
            session.backlog = None
            self._fan_out.dirty[session] = None
        return going_on

    def take_departed(self) -> list[Session]:
        """Sessions that have broken, and whose commands have all been answered by now."""
        departed, self._departed = self._departed, []
        return departed

    def dropped(self, sessions: Iterable[Session]) -> None:
        """What these, and those that are gone, had on its way has been forgotten."""
        self.departing.clear()
        for session in sessions:
            session.undelivered = 0

    def forget(self, session: Session) -> None:
        """The session's connection is gone."""
        for peer in self._services.by_address.values():
            peer.queries.forget(session)
        if session.undelivered:
            self.departing[session] = None
        else:
            self._departed.append(session)
        for held in self._held.values():
            held.pop(session, None)
        self._released.pop(session, None)
        self._leaving.discard(session)
