"""Every rule of a client's session: what it may send when, where that goes, what comes back.

Pure: frames, envelopes and time come in; what goes out waits in the sessions' `out`, in the links
and in the queries, until the shell takes it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import assert_never

from msgspec import Raw

from zchat import __version__
from zchat.gateway import answers
from zchat.gateway.contexts import (
    CommandSent,
    LogsAsked,
    MembersAsked,
    PageAsked,
    PresenceAsked,
    QueryContext,
    QueryForwarded,
    RoomsAsked,
    SessionClosing,
    SessionOpening,
    StreamAsked,
)
from zchat.gateway.fanout import FanOut
from zchat.gateway.login import Login, Logins
from zchat.gateway.presence import PresenceFollower
from zchat.gateway.services import ServicePeer, Services, stamp
from zchat.gateway.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.cluster import (
    AnnounceSessions,
    CloseSession,
    Down,
    LogPage,
    OpenSession,
    PresenceDelta,
    PresenceSnapshot,
    ReadLog,
    ReadPresence,
    ReadUserLogs,
    ReportActivity,
    RoutingTable,
    SessionEnded,
    SessionHere,
    SessionOpened,
    StreamPage,
    UserLogs,
)
from zchat.protocol.codec import Decoder, ProtocolError, client_messages, encode
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Command,
    Done,
    GoingAway,
    Hello,
    ListMembers,
    ListRooms,
    ListUsers,
    LogIn,
    LogOut,
    MarkRead,
    Message,
    Ping,
    PingTarget,
    Pong,
    Query,
    ReadHistory,
    RefusalCode,
    Refused,
    Welcome,
)
from zchat.protocol.names import InvalidName, canonical_name

_NOT_LOGGED_IN = (SessionState.NEW, SessionState.GREETED)
_user_replies: Decoder[SessionOpened | Refused] = Decoder(
    SessionOpened | Refused  # type: ignore[arg-type]
)
_words = Decoder(SessionEnded)
_user_logs = Decoder(UserLogs)
_log_pages = Decoder(LogPage)
_stream_pages = Decoder(StreamPage)
_snapshots = Decoder(PresenceSnapshot)


class GatewayCore:
    """Everything that one gateway knows; `services` are its links, queries and streams."""

    def __init__(self, partitions: int) -> None:
        self.fan_out = FanOut()
        self.presence = PresenceFollower()
        self.sessions: dict[int, Session] = {}
        self.protocol_errors = 0
        self.services = Services(partitions, self._announce)
        self._logins = Logins(self.fan_out)
        self._held: dict[Session, None] = {}
        """Sessions that nothing more is read from, because a link is full."""
        self._released: dict[Session, None] = {}
        """Sessions whose backlog may be taken up again."""
        self._last_number = 0
        self._reading_presence = False
        self._next_activity_at = 0.0
        self._activity_reported_ms = 0

    # --- Connections --------------------------------------------------------------------------

    def connect(self, now: float, now_ms: int) -> Session:
        self._last_number += 1
        session = Session(self._last_number, now, now_ms)
        self.sessions[session.number] = session
        if len(self.sessions) > limits.SESSIONS_MAX:
            self._end(session, RefusalCode.LIMIT_REACHED, "this gateway is full; try another")
        return session

    def receive(self, session: Session, frames: Sequence[bytes], now: float, now_ms: int) -> None:
        """Takes whole messages from a client."""
        session.heard_at = now
        for frame in frames:
            if session.backlog is not None:
                session.backlog.append(frame)
            elif session.open:
                self._receive_frame(session, frame, now, now_ms)

    def refuse_stream(self, session: Session, error: ProtocolError) -> None:
        """The client's bytes make no sense: that ends its session, and nobody else's."""
        self.protocol_errors += 1
        self._end(session, RefusalCode.MALFORMED, str(error))

    def disconnected(self, session: Session) -> None:
        self.sessions.pop(session.number, None)
        self._held.pop(session, None)
        self._logins.drop(session)
        if session.name and session.state is not SessionState.CLOSED:
            self.services.users.command(session, CloseSession(quit=False), None)
        self.fan_out.leave(session)
        session.state = SessionState.CLOSED

    def _receive_frame(self, session: Session, frame: bytes, now: float, now_ms: int) -> None:
        try:
            message = client_messages.decode(frame)
        except ProtocolError as error:
            self.refuse_stream(session, error)
            return
        if not isinstance(message, Hello) and session.state is SessionState.NEW:
            self._end(session, RefusalCode.MALFORMED, "the first message must be a hello")
            return
        try:
            self._take(session, message, Raw(frame), now, now_ms)
        except InvalidName as error:
            request = getattr(message, "id", 0)
            self._answer(session, Refused(request, RefusalCode.INVALID_NAME, str(error)))

    def _take(
        self,
        session: Session,
        message: Hello | LogIn | LogOut | Command | Query,
        frame: Raw,
        now: float,
        now_ms: int,
    ) -> None:
        match message:
            case Hello():
                self._greet(session, message)
                return
            case LogIn():
                self._log_in(session, message)
                return
            case Ping(target=PingTarget.GATEWAY):
                self._answer(session, Pong(message.id))
                return
        if session.state is not SessionState.LOGGED_IN:
            refused = Refused(message.id, RefusalCode.NOT_LOGGED_IN, "log in first")
            self._answer(session, refused)
            return
        if not isinstance(message, MarkRead | Ping):
            session.active_ms = now_ms
        match message:
            case LogOut():
                closing = SessionClosing(session, message)
                self._count(session)
                self.services.users.command(session, CloseSession(quit=True), closing)
            case ReadHistory() | ListRooms() | ListMembers() | ListUsers() | Ping():
                self._query(session, message, frame, now)
            case _:
                self._command(session, message, frame, now)

    def _greet(self, session: Session, hello: Hello) -> None:
        if hello.version != PROTOCOL_VERSION:
            self._end(
                session,
                RefusalCode.UNSUPPORTED_VERSION,
                f"protocol version {hello.version} is not spoken here; {PROTOCOL_VERSION} is",
            )
        else:
            if session.state is SessionState.NEW:
                session.state = SessionState.GREETED
            self._answer(session, Welcome(PROTOCOL_VERSION, f"zchat {__version__}"))

    # --- Sessions -----------------------------------------------------------------------------

    def _log_in(self, session: Session, log_in: LogIn) -> None:
        if session.state is not SessionState.GREETED:
            reason = f"this session is logged in as {session.name}"
            self._answer(session, Refused(log_in.id, RefusalCode.ALREADY_LOGGED_IN, reason))
            return
        name = canonical_name(log_in.name)
        session.state = SessionState.LOGGING_IN
        session.token = log_in.token
        self._count(session)
        opening = OpenSession(log_in.id, name, log_in.token, log_in.password)
        self.services.users.command(session, opening, SessionOpening(session, log_in))

    def _session_opened(
        self, opening: SessionOpening, reply: SessionOpened | Refused, now: float
    ) -> None:
        session, log_in = opening
        if isinstance(reply, Refused):
            session.state = SessionState.GREETED if session.open else session.state
            self._answered(session, encode(reply))
            return
        if not session.open:
            # The client is gone before it was in; a name without a session would stay behind.
            session.name = reply.name
            self.services.users.command(session, CloseSession(quit=False), None)
            return
        session.name = reply.name
        addresses = set(self.services.by_address)
        self._logins.begin(Login(session, log_in, reply.guest, addresses))
        for address in sorted(addresses):
            context = LogsAsked(session, address)
            self.services.by_address[address].ask(session, ReadUserLogs(session.name), context, now)

    def _user_logs(self, asked: LogsAsked, answer: UserLogs) -> None:
        follower = self.services.by_address[asked.address].follower
        follower.begin(answer.position)
        assert follower.position is not None
        session = asked.session
        logged_in = self._logins.user_logs(session, asked.address, answer, follower.position)
        if logged_in is not None:
            session.state = SessionState.LOGGED_IN
            self._answered(session, encode(logged_in))
            self.fan_out.unblocked(session)

    def _login_failed(self, session: Session) -> None:
        if login := self._logins.drop(session):
            reason = "a service does not answer at the moment; connect again"
            self._answered(
                session, encode(Refused(login.log_in.id, RefusalCode.UNAVAILABLE, reason))
            )
            self._end(session, RefusalCode.UNAVAILABLE, reason)

    def _announce(self) -> Iterable[bytes]:
        """What a user-service that knows nothing of this gateway hears first."""
        here = [
            SessionHere(s.number, s.name, s.token, s.since_ms, s.active_ms)
            for s in self.sessions.values()
            if s.name and s.open
        ]
        return [stamp(None, AnnounceSessions(here))]

    def _end(self, session: Session, code: RefusalCode, reason: str) -> None:
        """Tells the client why, and closes the connection."""
        if session.open:
            self._write(session, encode(Refused(None, code, reason)))
            session.state = SessionState.CLOSING

    def go_away(self, reason: str) -> None:
        """The gateway stops: clients are told to connect elsewhere, and heard no more."""
        frame = encode(GoingAway(reason))
        for session in self.sessions.values():
            if session.open:
                self._write(session, frame)
                session.state = SessionState.CLOSING

    # --- Commands and queries -----------------------------------------------------------------

    def _command(self, session: Session, command: Command, frame: Raw, now: float) -> None:
        peer = self.services.of_command(command)
        self._count(session)
        peer.command(session, frame, CommandSent(session, command.id, now))
        if peer.link.queue_bytes > limits.LINK_QUEUE_BYTES_MAX:
            self._held[session] = None
            self._hold(session)

    def _query(self, session: Session, query: Query, frame: Raw, now: float) -> None:
        asked = self.services.of_query(session, query)
        if any(peer.queries.full for peer, _ in asked):
            reason = "too many ask at once; ask again in a moment"
            self._answer(session, Refused(query.id, RefusalCode.BUSY, reason))
            return
        self._count(session)
        for peer, context in asked:
            peer.ask(session, frame, context, now)

    def _count(self, session: Session) -> None:
        session.unanswered += 1
        if session.unanswered >= limits.SESSION_REQUESTS_MAX or (
            session.state is SessionState.LOGGING_IN
        ):
            self._hold(session)

    def _hold(self, session: Session) -> None:
        """Nothing more is taken from the session for now; the shell stops reading from it."""
        if session.backlog is None:
            session.backlog = deque()
            self.fan_out.dirty[session] = None

    def _release(self, session: Session, now: float, now_ms: int) -> None:
        """Goes on with what the session has sent meanwhile, as far as that may be taken now."""
        if (
            session.backlog is None
            or session in self._held
            or session.state is SessionState.LOGGING_IN
            or session.unanswered >= limits.SESSION_REQUESTS_MAX
        ):
            return
        backlog, session.backlog = session.backlog, None
        self.fan_out.dirty[session] = None
        self.receive(session, list(backlog), session.heard_at, now_ms)

    def _answer(self, session: Session, message: Message) -> None:
        self._write(session, encode(message))

    def _answered(self, session: Session, frame: bytes) -> None:
        """Hands a service's answer on, and takes the next request if that was held back."""
        session.unanswered -= 1
        if session.backlog is not None:
            self._released[session] = None
        self._write(session, frame)

    def _write(self, session: Session, frame: bytes) -> None:
        if session.open:
            session.out.append(frame)
            self.fan_out.dirty[session] = None

    # --- What services say --------------------------------------------------------------------

    def receive_table(self, table: RoutingTable) -> None:
        for address, peer in self.services.by_address.items():
            peer.link.worker_changed(table.epochs.get(address))

    def receive_down(self, address: str, down: Down, now: float, now_ms: int) -> None:
        link = self.services.by_address[address].link
        for context, frame in link.receive(down, now):
            match context:
                case None:
                    self._sessions_ended(_words.decode(frame))
                case CommandSent(session=session):
                    if context.timed_out:
                        self._write(session, frame)
                    else:
                        self._answered(session, frame)
                case SessionOpening():
                    self._session_opened(context, _user_replies.decode(frame), now)
                case SessionClosing(session=session, log_out=log_out):
                    self._answered(session, encode(Done(log_out.id)))
                    session.state = SessionState.CLOSING
                case _:
                    assert_never(context)
        if self._held and link.queue_bytes < limits.LINK_QUEUE_BYTES_MAX // 2:
            self._released.update(self._held)
            self._held = {}
        self._release_all(now, now_ms)

    def _release_all(self, now: float, now_ms: int) -> None:
        while self._released:
            session, _ = self._released.popitem()
            self._release(session, now, now_ms)

    def _sessions_ended(self, word: SessionEnded) -> None:
        for number in word.sessions:
            if session := self.sessions.get(number):
                reason = "this client has connected again, or its session has ended"
                self._end(session, RefusalCode.SESSION_ENDED, reason)

    def receive_stream(self, address: str, page: StreamPage, now: float) -> None:
        """A page as published, or read again."""
        peer = self.services.by_address[address]
        for chunk in peer.follower.receive(page):
            self._logins.published(chunk, page.last)
            self.fan_out.publish(chunk)
        peer.read_missing(now)

    def receive_presence(self, delta: PresenceDelta) -> None:
        self.presence.delta(delta)

    def receive_answers(self, address: str, body: bytes, now: float, now_ms: int) -> None:
        for context, answer in self.services.by_address[address].queries.receive(body):
            if answer:
                self._receive_answer(context, answer, now)
            else:
                self._query_failed(context)
        self._release_all(now, now_ms)

    def _receive_answer(self, context: QueryContext, answer: bytes, now: float) -> None:
        match context:
            case QueryForwarded(session=session):
                self._answered(session, answer)
            case MembersAsked(session=session, query=query):
                self._answered(session, answers.members(query, answer, self.presence.online))
            case RoomsAsked(session=session, query=rooms, parts=parts):
                parts.append(answer)
                if len(parts) == len(self.services.rooms):
                    self._answered(session, answers.rooms(rooms, parts))
            case LogsAsked():
                self._user_logs(context, _user_logs.decode(answer))
            case PageAsked(fetch=fetch):
                self.fan_out.page(fetch, _log_pages.decode(answer))
            case StreamAsked(address=address):
                self.services.by_address[address].reading_stream = False
                self.receive_stream(address, _stream_pages.decode(answer), now)
            case PresenceAsked():
                self._reading_presence = False
                self.presence.snapshot(_snapshots.decode(answer))
            case _:
                assert_never(context)

    def _query_failed(self, context: QueryContext) -> None:
        match context:
            case QueryForwarded(session=session, request=request):
                self._unavailable(session, request)
            case MembersAsked(session=session, query=members):
                self._unavailable(session, members.id)
            case RoomsAsked(session=session, query=rooms, parts=parts):
                # Only the first part that fails says so; the list cannot become complete now.
                if len(parts) < len(self.services.rooms):
                    parts.extend([b""] * len(self.services.rooms))
                    self._unavailable(session, rooms.id)
            case LogsAsked(session=session):
                self._login_failed(session)
            case PageAsked(fetch=fetch):
                self.fan_out.fetch_failed(fetch)
            case StreamAsked(address=address):
                self.services.by_address[address].reading_stream = False
            case PresenceAsked():
                self._reading_presence = False
            case _:
                assert_never(context)

    def _unavailable(self, session: Session, request: int) -> None:
        reason = "the service does not answer at the moment; try again"
        self._answered(session, encode(Refused(request, RefusalCode.UNAVAILABLE, reason)))

    # --- Time ---------------------------------------------------------------------------------

    def fetch_pages(self, now: float) -> None:
        """Asks for the pages that sessions want by now; to be called once a turn."""
        for fetch in self.fan_out.take_fetches():
            log, cursor = fetch
            self.services.of_log(log).ask(None, ReadLog(log, cursor), PageAsked(fetch), now)

    def tick(self, now: float, now_ms: int) -> None:
        """What happens without anybody asking for it; every `HEARTBEAT_INTERVAL_S`."""
        for peer in self.services.by_address.values():
            peer.link.heartbeat()
            peer.read_missing(now)
            for late in peer.queries.expire(now):
                self._query_failed(late)
            self._time_out(peer, now)
        if self.presence.wants_snapshot and not self._reading_presence:
            self._reading_presence = True
            self.services.users.ask(None, ReadPresence(), PresenceAsked(), now)
        self._tell_presence()
        if now >= self._next_activity_at:
            self._next_activity_at = now + limits.ACTIVITY_INTERVAL_S
            self._report_activity(now_ms)
            self._close_idle(now)
            self.fan_out.retry_all()
        self._release_all(now, now_ms)

    def _time_out(self, peer: ServicePeer, now: float) -> None:
        """Says so for commands that wait for too long; they are delivered all the same."""
        for unanswered in peer.link.unanswered.values():
            context = unanswered.context
            if not isinstance(context, CommandSent) or context.timed_out:
                continue
            if now - context.sent_at < limits.COMMAND_TIMEOUT_S:
                break
            context.timed_out = True
            reason = "no answer yet; it is delivered when the service is back"
            refused = Refused(context.request, RefusalCode.UNAVAILABLE, reason)
            self._answered(context.session, encode(refused))

    def _tell_presence(self) -> None:
        change = self.presence.take_change()
        if change is None:
            return
        frame = encode(change)
        for session in self.fan_out.everyone():
            # Soft state: whoever reads too slowly or is just coming in can do without.
            if not session.blocked:
                self._write(session, frame)

    def _report_activity(self, now_ms: int) -> None:
        active_ms = {
            session.number: session.active_ms
            for session in self.fan_out.everyone()
            if session.active_ms > self._activity_reported_ms
        }
        self._activity_reported_ms = now_ms
        if active_ms:
            self.services.users.command(None, ReportActivity(active_ms), None)

    def _close_idle(self, now: float) -> None:
        for session in self.sessions.values():
            silent_s = now - session.heard_at
            if session.state in _NOT_LOGGED_IN and silent_s > limits.HELLO_TIMEOUT_S:
                reason = f"no log in within {limits.HELLO_TIMEOUT_S:.0f} s"
                self._end(session, RefusalCode.TIMED_OUT, reason)
            elif (
                session.state is SessionState.LOGGED_IN
                and session.backlog is None
                and silent_s > limits.SESSION_IDLE_TIMEOUT_S
            ):
                reason = f"nothing heard for {limits.SESSION_IDLE_TIMEOUT_S:.0f} s"
                self._end(session, RefusalCode.TIMED_OUT, reason)
