"""Every rule of a client's session: what it may send when, where that goes, what comes back.

Pure: frames, envelopes and time come in; what goes out waits in the sessions' `out`, in the links
and in the queries, until the shell takes it.
"""

from collections.abc import Iterable
from typing import assert_never

from msgspec import Raw

from zchat.gateway.core import activity, scopes
from zchat.gateway.core.contexts import (
    ClusterAsked,
    CommandContext,
    CommandSent,
    LogsAsked,
    MembersAsked,
    PageAsked,
    PartsAsked,
    PresenceAsked,
    QueryContext,
    QueryForwarded,
    SessionClosing,
    SessionOpening,
    StreamAsked,
)
from zchat.gateway.core.ephemeral import EphemeralEvents
from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import (
    UNCOUNTED,
    UNLIMITED,
    Arrival,
    Intake,
    Output,
    Quota,
    Quotas,
)
from zchat.gateway.core.login import Greetings, Login, Logins, logs_wanted, opening_of
from zchat.gateway.core.operation_log import OperationLog
from zchat.gateway.core.presence import PresenceFollower
from zchat.gateway.core.requests import Requests
from zchat.gateway.core.services import Services, stamp
from zchat.gateway.core.session import Connection, Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, client_messages, encode
from zchat.protocol.internal import (
    UNFINISHED,
    USER_SERVICE,
    CloseSession,
    ClusterInfo,
    Down,
    LogPage,
    PresenceSnapshot,
    ReadUserLogs,
    SessionEnded,
    SessionReply,
    StreamPage,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    LOBBY,
    PROTOCOL_VERSION,
    ClientMessage,
    Done,
    GoingAway,
    Hello,
    LoggedIn,
    LogIn,
    LogOut,
    Message,
    Ping,
    PingTarget,
    Pong,
    Post,
    Query,
    RefusalCode,
    Refused,
    SayTyping,
    SendPrivate,
    SetAway,
    room_log,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.names import InvalidName

# What services say to the gateway alone; all else goes to clients as it is.
_read_user_replies: Decoder[SessionReply] = Decoder(SessionReply)  # type: ignore[arg-type]
_read_words = Decoder(SessionEnded)
_read_user_logs = Decoder(UserLogs)
_read_log_pages = Decoder(LogPage)
_read_stream_pages = Decoder(StreamPage)
_read_snapshots = Decoder(PresenceSnapshot)
_read_clusters = Decoder(ClusterInfo)


class GatewayCore:
    """Everything that one gateway knows; `services` are its links, queries and streams."""

    def __init__(
        self, partitions: int, sessions_max: int = limits.SESSIONS_MAX, quota: Quota = UNLIMITED
    ) -> None:
        self._sessions_max = sessions_max
        self.quotas = Quotas(quota)
        self.output = Output()
        self.fan_out = FanOut(self.output)
        self.presence = PresenceFollower()
        self.sessions: dict[int, Session] = {}
        self.protocol_errors = 0
        self.operations = OperationLog()
        self.services = Services(partitions, self._announce)
        self._logins = Logins(self.output, self.fan_out)
        self.intake = Intake(self.quotas, self.output, self._receive_frame, self._refuse)
        self.requests = Requests(
            self.services, self.output, self.intake, self.fan_out, self.presence
        )
        self.greetings = Greetings(self.services, self.requests)
        self.ephemeral = EphemeralEvents(
            self.services, self.output, self.fan_out, self.presence, self.quotas
        )
        self._last_number = 0
        self._awake_at = 0.0
        self._review = activity.Review(self.services, self.output, self.fan_out)

    # --- Connections --------------------------------------------------------------------------

    def connect(
        self,
        now: float,
        now_ms: int,
        arrival: Arrival = UNCOUNTED,
        connection: Connection | None = None,
    ) -> Session:
        self._awake_at = self._awake_at or now
        self._last_number += 1
        session = Session(self._last_number, now, now_ms, connection)
        self.sessions[session.number] = session
        self.quotas.connected(session, arrival, now)
        if arrival.refused:
            self._refuse(session, arrival.refused)
        elif len(self.sessions) > self._sessions_max:
            self._end(session, RefusalCode.LIMIT_REACHED, "this gateway is full; try another")
        return session

    def unblocked(self, session: Session, now: float, now_ms: int) -> None:
        """The client reads again."""
        self.fan_out.unblocked(session)
        self.intake.release(session)
        self.intake.go_on(now, now_ms)

    def refuse_stream(self, session: Session, error: ProtocolError) -> None:
        """The client's bytes make no sense: that ends its session, and nobody else's."""
        self.protocol_errors += 1
        self._end(session, RefusalCode.MALFORMED, str(error))

    def disconnected(self, session: Session) -> None:
        self.sessions.pop(session.number, None)
        self.quotas.disconnected(session)
        self._logins.drop(session)
        self.greetings.forget(session)
        self.fan_out.leave(session)
        self.output.forget(session)
        session.disconnected()
        self.requests.forget(session)
        self._tell_departed()

    def _tell_departed(self) -> None:
        """A guest ends after all that it has said: a join that came later would outlive it."""
        for session in self.requests.take_departed():
            if session.name:
                self._say_to_users(session, CloseSession(quit=False), None)

    def _receive_frame(self, session: Session, frame: bytes, now: float, now_ms: int) -> None:
        try:
            message = client_messages.decode(frame)
        except ProtocolError as error:
            self.refuse_stream(session, error)
            return
        if not isinstance(message, Hello) and session.state is SessionState.NEW:
            self._end(session, RefusalCode.MALFORMED, "the first message must be a hello")
            return
        if session.allowance is not None:
            followers = self.fan_out.followers_told(message)
            cost_us = costs.of_request(type(message), len(frame), followers)
            session.allowance.charge(cost_us, now)
        try:
            self._take(session, message, Raw(frame), now, now_ms)
        except InvalidName as error:
            refused = Refused(getattr(message, "id", 0), RefusalCode.INVALID_NAME, str(error))
            self.requests.answer(session, refused)

    def _take(
        self, session: Session, message: ClientMessage, frame: Raw, now: float, now_ms: int
    ) -> None:
        if self.operations.tracing:
            self.operations.received(session, message)
        if type(message) not in activity.BY_ITSELF:
            session.was_active(now_ms)
        match message:
            case Hello(version=version) if version != PROTOCOL_VERSION:
                reason = f"protocol version {version} is not spoken here; {PROTOCOL_VERSION} is"
                self._end(session, RefusalCode.UNSUPPORTED_VERSION, reason)
            case Hello(instance=instance, bot=bot):
                session.greeted(instance, bot)
                self.greetings.hello(session, now)
            case LogIn():
                self._log_in(session, message, now)
            case Ping(target=PingTarget.GATEWAY):
                self.requests.answer(session, Pong(message.id))
            case _ if session.state is not SessionState.LOGGED_IN:
                refused = Refused(message.id, RefusalCode.NOT_LOGGED_IN, "log in first")
                self.requests.answer(session, refused)
            case LogOut() if not self.intake.all_done(session):
                self.intake.wait_for_all(session, bytes(frame))
            case LogOut():
                self.intake.requested(session)
                closing = SessionClosing(session, message)
                self._say_to_users(session, CloseSession(quit=True), closing)
            case _ if why := scopes.refusal(session, message):
                self.operations.out_of_scope(session, message, now)
                self.requests.answer(session, Refused(message.id, RefusalCode.OUT_OF_SCOPE, why))
            case Post() | SendPrivate():  # Most of all, so that they stand before all queries.
                self.requests.command(session, message, frame, now)
            case _ if isinstance(message, Query):
                self.requests.query(session, message, now)
            case SayTyping() | SetAway():
                self.ephemeral.said(session, message, now)
                self.requests.command(session, message, frame, now)
            case _:
                self.requests.command(session, message, frame, now)

    # --- Sessions -----------------------------------------------------------------------------

    def _log_in(self, session: Session, log_in: LogIn, now: float) -> None:
        if session.state is not SessionState.GREETED:
            reason = f"this session is logged in as {session.name}"
            self.requests.answer(session, Refused(log_in.id, RefusalCode.ALREADY_LOGGED_IN, reason))
            return
        opening, only = opening_of(session, log_in), logs_wanted(log_in)
        if self.services.users.full:
            # Each attempt would wait on the link, and clients that are not let in try for ever.
            self._log_in_failed(session)
            return
        session.log_in(log_in.token, log_in.away, only)
        self._logins.begin(Login(session, log_in, opening.name))
        self.intake.requested(session)
        self._say_to_users(session, opening, SessionOpening(session, log_in, now))

    def _say_to_users(
        self, session: Session, command: Message, context: CommandContext | None
    ) -> None:
        """A command of the gateway's own; without a context only until the link restarts."""
        self.services.users.link.send(stamp(session, command), context)

    def _session_opened(
        self, opening: SessionOpening, reply: SessionReply, now: float, now_ms: int
    ) -> None:
        session = opening.session
        if isinstance(reply, Refused):
            self.greetings.welcome(session)
            self.operations.login_refused(session, reply.code, now)
            self._logins.drop(session)
            session.login_refused()
            self.requests.answered(session, encode(reply))
            return
        if not session.open:
            # The client is gone before it was in; a name without a session would stay behind.
            session.opened_too_late(reply.name)
            self._say_to_users(session, CloseSession(quit=False), None)
            return
        self.greetings.learned(reply.cluster)
        session.opened(reply)
        self.quotas.logged_in(session, now, now_ms)
        addresses = set(self.services.by_address)
        if session.only is not None:
            addresses = {self.services.of_log(log).address for log in session.only}
        self._logins.opened(session, addresses)
        if not addresses:
            self._logged_in(self._logins.nothing_to_follow(session))
        for address in sorted(addresses):
            logs = reply.logs if address == USER_SERVICE else None
            # Who has cursors was here before, as a guest that has ended since. What the stream has
            # still to bring of that one would be taken for the newcomer's, and come twice.
            if reply.new and logs is None and not opening.log_in.cursors:
                logs = self._logs_of_newcomer(address)
            if logs is not None:
                self._user_logs(session, address, logs)
                continue
            context = LogsAsked(session, address)
            self.services.by_address[address].ask(session, ReadUserLogs(session.name), context, now)

    def _logs_of_newcomer(self, address: str) -> UserLogs | None:
        """What the room-service there would say of a name that was not there when it was asked for.

        None if only the service itself knows. Whatever the stream has brought of the name since is
        newer than this.
        """
        if self.services.by_address[address].follower.position is None:
            return None
        if self.services.of_room(LOBBY).address != address:
            return UserLogs(0, [])
        log = room_log(LOBBY)
        head = self.fan_out.head(log)
        if head is None:
            return None
        # Who comes to the lobby for the first time sees what is said from now on.
        return UserLogs(0, [UserLog(log, head, head, head)])

    def _user_logs(self, session: Session, address: str, logs: UserLogs) -> None:
        self.services.by_address[address].follower.begin(logs.position)
        self._logins.answered(session, address, logs)
        self._complete_logins(address)

    def _complete_logins(self, address: str) -> None:
        position = self.services.by_address[address].follower.position or 0
        self._logged_in(self._logins.proceed(address, position))

    def _logged_in(self, complete: Iterable[tuple[Session, LoggedIn]]) -> None:
        for session, logged_in in complete:
            session.logged_in()
            self.operations.logged_in(session)
            self.requests.answered(session, encode(logged_in))
            self.fan_out.unblocked(session)

    def _log_in_failed(self, session: Session) -> None:
        self._logins.drop(session)
        self._end(session, RefusalCode.UNAVAILABLE, "a service does not answer; connect again")

    def _announce(self) -> Iterable[bytes]:
        """What a user-service that knows nothing of this gateway hears first."""
        here = [session for session in self.sessions.values() if session.open]
        return [stamp(None, activity.announcement([*here, *self.requests.departing]))]

    def _end(self, session: Session, code: RefusalCode, reason: str) -> None:
        """Tells the client why, and closes the connection."""
        self._refuse(session, Refused(None, code, reason))

    def _refuse(self, session: Session, refused: Refused) -> None:
        if session.open:
            self.requests.answer(session, refused)
            self._close(session)
            self.operations.ended(session, refused.code)

    def go_away(self, reason: str) -> None:
        """The gateway stops: clients are told to connect elsewhere, and heard no more."""
        for session in self.sessions.values():
            self.requests.answer(session, GoingAway(reason))
            self._close(session)

    def _close(self, session: Session) -> None:
        """The session is over: what a service still says is not for it, however slowly it goes."""
        session.close(self._awake_at)
        self._logins.drop(session)
        self.fan_out.leave(session)
        self.output.look_at(session)

    # --- What services say --------------------------------------------------------------------

    def receive_down(self, address: str, down: Down, now: float, now_ms: int) -> None:
        peer = self.services.by_address[address]
        answers = peer.link.receive(down, now)
        self.operations.answered(address, answers, now)
        for context, frame in answers:
            try:
                self._receive_reply(context, frame, now, now_ms)
            except ProtocolError:
                # The other replies are none the worse for it.
                self.protocol_errors += 1
                if isinstance(context, SessionOpening):
                    self._log_in_failed(context.session)
        self.requests.link_drained(peer)
        self._tell_departed()
        self.intake.go_on(now, now_ms)

    def _receive_reply(
        self, context: CommandContext | None, frame: bytes, now: float, now_ms: int
    ) -> None:
        match context:
            case None:
                self._sessions_ended(_read_words.decode(frame))
            case CommandSent():
                self.requests.command_answered(context, frame)
            case SessionOpening():
                reply = _read_user_replies.decode(frame)
                self._session_opened(context, reply, now, now_ms)
            case SessionClosing(session=session, log_out=log_out):
                self.requests.answered(session, encode(Done(log_out.id)))
                self._close(session)
            case _:
                assert_never(context)

    def _sessions_ended(self, word: SessionEnded) -> None:
        refused = Refused(
            None,
            word.code or RefusalCode.SESSION_ENDED,
            word.reason or "this client has connected again, or its session has ended",
            word.retry_after_ms,
        )
        for number in word.sessions:
            if session := self.sessions.get(number):
                self._refuse(session, refused)

    def receive_stream(self, address: str, page: StreamPage, now: float) -> None:
        """A page as published, or read again."""
        peer = self.services.by_address[address]
        position = peer.follower.position
        chunks = peer.follower.receive(page)
        if not page.whole and peer.follower.position != position:
            # What is gone may have said that somebody left, or was brought into a room; logins ask
            # who is where, but one that is on its way counts on what it has heard since it began.
            self._end_behind(self.sessions.values())
        for chunk in chunks:
            self._logins.published(address, chunk)
            self.fan_out.publish(chunk)
        peer.read_missing(now)
        self._complete_logins(address)

    def _end_behind(self, sessions: Iterable[Session]) -> None:
        """Entries that these had still to read have been removed."""
        reason = "entries have been removed before they were read here; connect again"
        for session in sessions:
            if session.name or session.state is SessionState.LOGGING_IN:
                self._end(session, RefusalCode.UNAVAILABLE, reason)

    def receive_answers(self, address: str, body: bytes, now: float, now_ms: int) -> None:
        for context, answer in self.services.by_address[address].queries.receive(body, now):
            if answer == UNFINISHED:
                self._charge_step(context, now)
                continue
            try:
                self._receive_answer(context, answer, now)
            except ProtocolError:
                self.protocol_errors += bool(answer)  # None at all says "not now".
                self._query_failed(context)
        self.intake.go_on(now, now_ms)

    @staticmethod
    def _charge_step(context: QueryContext, now: float) -> None:
        """What a service has done of a query beyond what was paid for is paid for by the step."""
        if isinstance(context, QueryForwarded | MembersAsked | PartsAsked):
            allowance = context.session.allowance
            if allowance is not None:
                allowance.charge(limits.QUERY_STEP_US, now)

    def _receive_answer(self, context: QueryContext, answer: bytes, now: float) -> None:
        if not answer:
            raise ProtocolError("no answer")
        match context:
            case LogsAsked():
                logs = _read_user_logs.decode(answer)
                self._user_logs(context.session, context.address, logs)
            case PageAsked(fetch=fetch):
                self.fan_out.page(fetch, _read_log_pages.decode(answer))
                self._end_behind(self.fan_out.take_overtaken())
            case StreamAsked(address=address):
                self.services.by_address[address].reading_stream = False
                self.receive_stream(address, _read_stream_pages.decode(answer), now)
            case PresenceAsked():
                self.presence.snapshot(_read_snapshots.decode(answer))
            case ClusterAsked():
                self.greetings.learned(_read_clusters.decode(answer).id)
            case _:
                self.requests.query_answered(context, answer)

    def _query_failed(self, context: QueryContext) -> None:
        match context:
            case LogsAsked(session=session):
                self._log_in_failed(session)
            case PageAsked(fetch=fetch):
                self.fan_out.fetch_failed(fetch)
            case StreamAsked(address=address):
                self.services.by_address[address].reading_stream = False
            case PresenceAsked():
                self.presence.not_answered()
            case ClusterAsked():
                self.greetings.not_answered()
            case _:
                self.requests.query_failed(context)

    # --- Time ---------------------------------------------------------------------------------

    def notice_stall(self, now: float) -> None:
        """To be called before anything is said: a gateway that hung is dead to the others.

        A guest's name may be somebody else's by now. So nothing that still waits here may be said
        in the names of its sessions; their clients connect anew, and repeat it.
        """
        if now - self._awake_at > limits.PEER_EXPIRY_S and self.sessions:
            self.go_away("this gateway hung for a while; connect again")
            self.requests.dropped(self.sessions.values())
            self.services.drop_commands()
        self._awake_at = now

    def tick(self, now: float, now_ms: int) -> None:
        """What happens without anybody asking for it; every `HEARTBEAT_INTERVAL_S`."""
        for peer in self.services.by_address.values():
            for late in peer.tick(now):
                self._query_failed(late)
            for opening in self.requests.time_out(peer, now):
                self._log_in_failed(opening.session)
        self.ephemeral.tick(now)
        self.greetings.ask(now)
        for session, reason in self._review.take(self.sessions.values(), now, now_ms):
            self._end(session, RefusalCode.TIMED_OUT, reason)
        self.intake.tick(now, now_ms)
