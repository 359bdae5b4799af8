"""The client as a pure state machine: no socket, clock, randomness or logging.

The shell calls `connected`, `received`, `disconnected` and `tick` with what happened and the time
in seconds of any steady clock; after each call it sends `take_outgoing()`, performs and hands on
`take_effects()`, and sees to it that `tick` is called at `next_call_at()`. The core promises that
every command reaches the server once and in order, and every entry the application likewise, over
any number of connections.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from msgspec.structs import replace

from zchat.client.core.credentials import Credentials
from zchat.client.core.cursors import Arrival, Cursors
from zchat.client.core.events import (
    Answered,
    CloseConnection,
    ConnectionFailed,
    ConnectionLost,
    Delayed,
    Effect,
    EntryArrived,
    Fatal,
    LoggedOut,
    OpenConnection,
    SessionBegun,
    State,
)
from zchat.client.core.outbox import Outbox, Parting
from zchat.protocol import limits
from zchat.protocol.codec import FrameReader, ProtocolError, encode
from zchat.protocol.forward_compat import from_server
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Answer,
    Command,
    Done,
    Entry,
    GoingAway,
    Hello,
    LoggedIn,
    LogIn,
    LogOut,
    LogStateChanged,
    Ping,
    PingTarget,
    Pong,
    PresenceChanged,
    RefusalCode,
    Refused,
    Request,
    ServerMessage,
    SetAway,
    SlowedDown,
    TypingSeen,
    Welcome,
)


class LoggingOut(Exception):
    """Nothing more can be submitted."""


class ClientCore:
    """`nonce_prefix` is 8 random bytes, new for every client, which is known by them.

    `cursors` are where an earlier client of this user stopped, by log; who is `away`, or a `bot`,
    says so in every login. With `logs` only these come; `from_head` leaves out what stands already
    in those that have no cursor.
    """

    def __init__(
        self,
        name: str,
        credentials: Credentials,
        nonce_prefix: bytes,
        software: str,
        *,
        cursors: Mapping[str, int] | None = None,
        away: str | None = None,
        logs: Collection[str] | None = None,
        from_head: bool = False,
        bot: bool = False,
    ) -> None:
        self._greeting = Greeting(
            name, credentials, software, nonce_prefix, away, logs, from_head, bot
        )
        self._state = State.OFFLINE
        self._outbox = Outbox(nonce_prefix)
        self._cursors = Cursors(cursors or {})
        self._reader = FrameReader()
        self._outgoing: list[bytes] = []
        self._effects: list[Effect] = []

        self._reconnect = Reconnect()
        self._leaving = False
        self._log_out_id: int | None = None
        self._sent_at = 0.0
        self._silence = Silence()
        self._latency = Latency()
        self._trouble = ""
        """Why the connection that is being closed has led to no session."""
        self._skipping_entries = False
        self.doubles_total = 0
        """Entries that came once more and were dropped."""
        self.gaps_total = 0
        """Entries that came too early, each of which cost a connection."""
        self.unwanted_total = 0
        """Entries of logs that were not asked for: the gateway is too old to leave them out."""

    @property
    def name(self) -> str:
        """The user's name; once logged in, as the server spells it."""
        return self._greeting.name

    @property
    def cluster(self) -> str:
        """The one that it is connected with, or was last; empty if that does not say so."""
        return self._greeting.cluster

    @property
    def state(self) -> State:
        return self._state

    @property
    def away_word(self) -> str | None:
        """With what word the user is away; None while they are here."""
        return self._greeting.away

    @property
    def latency_s(self) -> float | None:
        """What the last ping took; None before there is an answer on this connection."""
        return self._latency.seconds

    @property
    def unanswered(self) -> int:
        """How many requests the server has not answered yet."""
        return len(self._outbox)

    @property
    def unconfirmed(self) -> int:
        """How many of them were to change something."""
        return self._outbox.commands

    @property
    def followed(self) -> frozenset[str]:
        """The logs whose entries come here."""
        return self._cursors.followed

    # --- What the application wants -------------------------------------------------------------

    def submit(self, draft: Request, now: float) -> int:
        """Returns the id by which `Answered` and `Delayed` will name the request.

        Raises `QueueFull` and `LoggingOut`.
        """
        if self._leaving or self._state is State.ENDED:
            raise LoggingOut("the session is over; nothing more can be sent")
        request = self._outbox.add(draft)
        self._greeting.submitted(request)
        self._flush(now)
        return request.id

    def mark_read(self, log: str, sequence: int, *, back: bool = False) -> None:
        """The user has seen `log` up to `sequence`; the server is told within about a second.

        With `back` nothing after it counts as read any more.
        """
        self._cursors.mark_read(log, sequence, back=back)

    def log_out(self, now: float) -> None:
        """Ends the session once everything submitted is answered; then `LoggedOut` comes."""
        self._leaving = True
        self._flush(now)
        self._end_if_nothing_is_left()

    # --- What happened to the connection --------------------------------------------------------

    def connected(self, now: float) -> None:
        if self._state is not State.CONNECTING:
            # The session ended while the shell was connecting.
            self._effects.append(CloseConnection("the session is over"))
            return
        self._state = State.LOGGING_IN
        # What was half read or not sent on the former connection comes again: nothing is in the
        # middle of a frame here, and the outbox has all that is unanswered.
        self._reader = FrameReader()
        self._outgoing.clear()
        self._silence.listen(now)
        self._silence.owes(now, owing=True)
        for message in self._greeting.say(self._outbox.next_id(), self._cursors.for_login()):
            self._send(message, now)

    def received(self, data: bytes, now: float) -> None:
        self._silence.heard(now)
        try:
            for frame in self._reader.feed(data):
                # A message may end the connection; those after it will come again.
                if self._state not in (State.LOGGING_IN, State.ONLINE):
                    return
                message = from_server(frame)
                if message is not None:
                    self._handle(message, now)
        except ProtocolError as error:
            self._close(f"the server sent what this client does not understand: {error}")
            return
        self._flush(now)

    def disconnected(self, now: float, jitter: float, why: str = "the connection broke") -> None:
        """The connection is gone, or could not be made. `jitter` is random, from 0 to 1."""
        if self._state is State.ENDED:
            return
        self._outgoing.clear()
        self._outbox.connection_lost()
        self._cursors.marks.connection_lost()
        self._latency.connection_lost()
        if self._state is State.ONLINE:
            self._effects.append(ConnectionLost(why))
        elif self._state is not State.CLOSING:
            self._trouble = why
        self._state = State.OFFLINE
        self._reconnect.disconnected(now, jitter)
        if self._trouble:
            self._effects.append(ConnectionFailed(self._trouble, self._reconnect.due_at - now))
            self._trouble = ""
        self._end_if_nothing_is_left()

    def give_up(self, reason: str) -> None:
        """The shell was connecting, and has found out that this must not be tried again."""
        if self._state is not State.ENDED:
            self._end(Fatal(Refused(None, RefusalCode.OTHER, reason)))

    def reading_paused(self) -> None:
        """The shell reads no more for a while: silence says nothing about the server now."""
        self._silence.stop_listening()

    def reading_resumed(self, now: float) -> None:
        self._silence.listen(now)

    def skip_entries(self) -> None:
        """The application has no room for entries: remember only where it stopped."""
        self._skipping_entries = True

    def stop_skipping_entries(self) -> None:
        """Connects anew, from where the application stopped, so that nothing is missing."""
        if self._skipping_entries:
            self._skipping_entries = False
            if self._state is State.ONLINE:
                self._reconnect.want_at_once()
                self._close("reading the skipped entries")

    def tick(self, now: float) -> None:
        """Whatever is due by now. Calling it too often does no harm."""
        if self._state is State.OFFLINE and now >= self._reconnect.due_at:
            self._state = State.CONNECTING
            self._effects.append(OpenConnection(self._reconnect.attempt))
        elif self._state in (State.LOGGING_IN, State.ONLINE):
            gone_at = self._silence.gone_at
            if gone_at is not None and now >= gone_at:
                self._close("the server was silent for too long")
                return
            self._outbox.tick(now)
            self._flush(now)
            if now >= self._sent_at + limits.CLIENT_PING_INTERVAL_S:
                self._send(Ping(id=self._outbox.next_id()), now)

    def next_call_at(self) -> float | None:
        """When `tick` must be called at the latest; None if only after another input."""
        match self._state:
            case State.OFFLINE:
                return self._reconnect.due_at
            case State.CONNECTING | State.CLOSING | State.ENDED:
                return None
            case State.LOGGING_IN | State.ONLINE:
                at = self._sent_at + limits.CLIENT_PING_INTERVAL_S
                if (gone_at := self._silence.gone_at) is not None:
                    at = min(at, gone_at)
                if self._outbox.retry_at is not None:
                    at = min(at, self._outbox.retry_at)
                if self._state is State.ONLINE:
                    at = min(at, self._cursors.marks.due_at)
                return at
        assert_never(self._state)

    def take_outgoing(self) -> bytes:
        outgoing = b"".join(self._outgoing)
        self._outgoing.clear()
        return outgoing

    def take_effects(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    # --- What the server says -------------------------------------------------------------------

    def _handle(self, message: ServerMessage, now: float) -> None:
        match message:
            case Welcome():
                self._welcomed(message, now)
            case LoggedIn():
                self._begin_session(message)
            case Entry():
                self._take_entry(message)
            case Refused():
                self._take_refusal(message, now)
            case SlowedDown():
                self._silence.excuse(now + message.wait_ms / 1000)
                self._effects.append(message)
            case PresenceChanged() | TypingSeen() | LogStateChanged():
                self._effects.append(message)
            case GoingAway():
                self._reconnect.want_at_once()
                self._close(message.reason)
            case _:
                if isinstance(message, Pong):
                    self._latency.answered(message.id, now)
                self._take_answer(message.id, message)

    def _welcomed(self, welcome: Welcome, now: float) -> None:
        try:
            log_in = self._greeting.welcomed(welcome)
        except (OtherCluster, UnknownCluster) as why:
            if isinstance(why, UnknownCluster) and self._greeting.resuming:
                # Others of its gateways may have been restarted with a newer release.
                self._close(str(why))
                return
            refused = Refused(None, RefusalCode.OTHER, str(why))
            self._end(Fatal(refused, welcome.cluster))
        else:
            if log_in is not None:
                self._send(log_in, now)

    def _begin_session(self, message: LoggedIn) -> None:
        if self._state is State.ONLINE:
            raise ProtocolError("a second answer to a login")
        try:
            begun = self._greeting.answered(message)
        except MadeAGuest as why:
            self._end(Fatal(Refused(None, RefusalCode.UNKNOWN_TOKEN, str(why))))
            return
        self._state = State.ONLINE
        self._reconnect.logged_in()
        self._cursors.logged_in(begun.logs)
        self._effects.append(begun)

    def _take_entry(self, entry: Entry) -> None:
        if self._state is not State.ONLINE:
            raise ProtocolError("an entry before the login")
        if not self._greeting.wants(entry.log):
            self.unwanted_total += 1
            return
        if self._skipping_entries:
            return
        match self._cursors.take(entry, self.name):
            case Arrival.NEXT:
                self._effects.append(EntryArrived(entry, self._cursors.is_missed(entry)))
            case Arrival.DOUBLE:
                self.doubles_total += 1
            case Arrival.GAP:
                self.gaps_total += 1
                self._close(f"an entry before number {entry.sequence} of {entry.log} is missing")

    def _take_answer(self, request_id: int, answer: Answer) -> None:
        if request_id == self._log_out_id:
            self._end(LoggedOut())
            return
        request = self._outbox.sent(request_id)
        if request is None:
            # Answers to our own pings, and second answers to what was sent twice.
            self._cursors.marks.answered(request_id)
            return
        self._outbox.settle(request_id)
        self._effects.append(Answered(request_id, request, answer))
        if isinstance(answer, Done):
            self._greeting.credentials.done(request)
            if isinstance(request, Parting):
                self._end(LoggedOut())

    def _take_refusal(self, refused: Refused, now: float) -> None:
        if refused.id is None or refused.id == self._greeting.request_id:
            self._connection_refused(refused)
            return
        request = self._outbox.sent(refused.id)
        not_now = refused.code in (RefusalCode.UNAVAILABLE, RefusalCode.BUSY)
        if isinstance(request, Command) and not_now:
            # A busy server has done nothing, so that what follows must wait or would overtake; an
            # unavailable one keeps the command in its place.
            hold = refused.code is RefusalCode.BUSY
            if self._outbox.postpone(refused.id, now, hold):
                self._effects.append(Delayed(refused.id, request, refused.reason))
        else:
            self._take_answer(refused.id, refused)

    def _connection_refused(self, refused: Refused) -> None:
        self._reconnect.wait_at_least(refused.retry_after_ms / 1000)
        logging_in = self._state is State.LOGGING_IN
        resuming = self._greeting.resuming
        if not ends_client(refused, logging_in=logging_in, resuming=resuming):
            self._close(refused.reason)
        elif resuming and (parting := self._outbox.take_parting()) is not None:
            # It has been done, and has ended the session before its answer came.
            self._effects.append(Answered(parting.id, parting, Done(parting.id)))
            self._end(LoggedOut())
        else:
            self._end(Fatal(last_word(refused, resuming=resuming)))

    # --- What goes out --------------------------------------------------------------------------

    def _send(self, message: Hello | Request, now: float) -> None:
        self._outgoing.append(encode(message))
        self._latency.sent(message, now)
        self._sent_at = now

    def _flush(self, now: float) -> None:
        if self._state is not State.ONLINE:
            return
        for request in self._outbox.to_send():
            self._send(request, now)
        self._silence.owes(now, owing=len(self._outbox) > 0)
        leaving_now = self._leaving and not self._outbox and self._log_out_id is None
        if leaving_now or now >= self._cursors.marks.due_at:
            for mark in self._cursors.marks.to_send(now, self._outbox.next_id):
                self._send(mark, now)
        if leaving_now:
            self._log_out_id = self._outbox.next_id()
            self._send(LogOut(id=self._log_out_id), now)

    # --- Ends -----------------------------------------------------------------------------------

    def _close(self, reason: str) -> None:
        """Asks the shell to close; once it says that it did, we connect again."""
        if self._state is State.ONLINE:
            self._effects.append(ConnectionLost(reason))
        else:
            self._trouble = reason
        self._state = State.CLOSING
        self._effects.append(CloseConnection(reason))

    def _end(self, event: LoggedOut | Fatal) -> None:
        self._state = State.ENDED
        self._effects += [event, CloseConnection("the session is over")]

    def _end_if_nothing_is_left(self) -> None:
        """Without a connection there is nothing to say goodbye to."""
        offline = self._state in (State.OFFLINE, State.CONNECTING)
        if self._leaving and offline and not self._outbox:
            self._end(LoggedOut())


# --- Logging in: who the client is, said on every connection --------------------------------------

UNKNOWN_CLUSTER: Final = (
    "the server does not say which cluster it is, and the login is for one: nothing was sent"
)
OTHER_CLUSTER: Final = "this is another cluster than the login is for: nothing was sent"


class UnknownCluster(Exception):
    """The gateway is too old to say which cluster it is of."""


class OtherCluster(Exception):
    """What is kept for a cluster is not shown to another one."""


class MadeAGuest(Exception):
    """An older server takes a token for a guest's that is meant to be an account's."""


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
    """The id of the login on the present connection."""
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


# --- Latency, measured by every ping that goes there anyway ---------------------------------------


class Latency:
    def __init__(self) -> None:
        self.seconds: float | None = None
        """What the last ping on this connection took; None before its first answer."""
        self._sent_at: dict[int, float] = {}

    def sent(self, message: Hello | Request, now: float) -> None:
        if isinstance(message, Ping) and message.target is PingTarget.GATEWAY:
            self._sent_at[message.id] = now

    def answered(self, request_id: int, now: float) -> None:
        sent_at = self._sent_at.pop(request_id, None)
        if sent_at is not None:
            self.seconds = now - sent_at

    def connection_lost(self) -> None:
        self.seconds = None
        self._sent_at.clear()


# --- Connecting again, and after which refusals not -----------------------------------------------

JITTER: Final = 0.5
"""Up to this share of a wait is left to chance, so that a crowd does not come back as one."""

TOKEN_REVOKED: Final = "this client has been logged out: the server knows its token no more"

_TRY_AGAIN: Final = frozenset(
    {
        RefusalCode.BUSY,
        RefusalCode.UNAVAILABLE,
        RefusalCode.TIMED_OUT,
        # A client has one connection at a time, so what was taken for a newer one is a login of its
        # own that was delayed on its way through another gateway.
        RefusalCode.SESSION_ENDED,
    }
)
_TRY_AGAIN_TO_RESUME: Final = _TRY_AGAIN | {
    RefusalCode.NAME_IN_USE,
    RefusalCode.LIMIT_REACHED,
    RefusalCode.TOO_FAST,
}
"""Our own former session may still hold the name or the place, or is why we must wait."""
_CONNECTION_OVER: Final = frozenset(
    {
        RefusalCode.MALFORMED,
        RefusalCode.UNSUPPORTED_VERSION,
        RefusalCode.NOT_LOGGED_IN,
        # Whoever is put out is not let in again: the person has to read why, and until when.
        RefusalCode.BANNED,
        RefusalCode.SUSPENDED,
        RefusalCode.GUESTS_NOT_ALLOWED,
    }
)
"""Repeating what led to these would lead to them again."""


def ends_client(refused: Refused, *, logging_in: bool, resuming: bool) -> bool:
    """Whether the refusal of a login, or of a whole connection, is the server's last word."""
    code = refused.code
    if not logging_in:
        return code in _CONNECTION_OVER
    if code is RefusalCode.LIMIT_REACHED and refused.retry_after_ms:
        # Other programs of the account have all the places, and one of them is free again soon.
        return False
    return code not in (_TRY_AGAIN_TO_RESUME if resuming else _TRY_AGAIN)


def last_word(refused: Refused, *, resuming: bool) -> Refused:
    """The same in words that fit a client that was logged in a moment ago."""
    if resuming and refused.code is RefusalCode.PASSWORD_REQUIRED:
        return replace(refused, reason=TOKEN_REVOKED)
    return refused


class Reconnect:
    """The waits between attempts: doubling up to a bound, begun anew after each login."""

    def __init__(self) -> None:
        self.attempt = 0
        self.due_at = -math.inf
        self._wait_s = limits.CLIENT_RECONNECT_S
        self._at_once = False
        self._least_s = 0.0

    def logged_in(self) -> None:
        self._wait_s = limits.CLIENT_RECONNECT_S

    def want_at_once(self) -> None:
        """The next wait is left out: nothing is wrong with the server."""
        self._at_once = True

    def wait_at_least(self, seconds: float) -> None:
        """The server has said how long the next wait is."""
        self._least_s = min(seconds, limits.CLIENT_RETRY_AFTER_S_MAX)

    def disconnected(self, now: float, jitter: float) -> None:
        self.attempt += 1
        if self._at_once:
            self._at_once = False
            self.due_at = now
        else:
            self.due_at = now + self._wait_s * (1 - JITTER * jitter)
            self._wait_s = min(2 * self._wait_s, limits.CLIENT_RECONNECT_S_MAX)
        if self._least_s:
            # Later than that by chance, as the others that were told so.
            later_s = min(self._least_s * JITTER, limits.CLIENT_RECONNECT_S_MAX) * jitter
            self.due_at = max(self.due_at, now + self._least_s + later_s)
            self._least_s = 0.0


# --- Silence: when a server that says nothing counts as gone --------------------------------------


class Silence:
    """A broken connection may look like a quiet one for ever; only the clock tells them apart.

    A server that owes an answer is gone sooner.
    """

    def __init__(self) -> None:
        self._heard_at = 0.0
        self._owed_since: float | None = None
        """Since when, at least, something is unanswered and nothing was heard."""
        self._deaf = False
        self._excused_until = 0.0

    def heard(self, now: float) -> None:
        """The server has said something, or the connection has just been made."""
        self._heard_at = now
        if self._owed_since is not None:
            self._owed_since = now

    def owes(self, now: float, *, owing: bool) -> None:
        """Whether the server owes an answer."""
        if not owing:
            self._owed_since = None
        elif self._owed_since is None:
            self._owed_since = now

    def excuse(self, until: float) -> None:
        """The server has said that it answers nothing before then."""
        self._excused_until = min(until, self._heard_at + limits.CLIENT_RETRY_AFTER_S_MAX)

    def stop_listening(self) -> None:
        """We read no more for a while: silence says nothing about the server now."""
        self._deaf = True

    def listen(self, now: float) -> None:
        self._deaf = False
        self._excused_until = 0.0
        self.heard(now)

    @property
    def gone_at(self) -> float | None:
        """When the server is gone if nothing is heard until then; None if we do not listen."""
        if self._deaf:
            return None
        quiet_until = max(self._heard_at, self._excused_until) + limits.CLIENT_SILENCE_S
        if self._owed_since is None:
            return quiet_until
        owed_since = max(self._owed_since, self._excused_until)
        return min(quiet_until, owed_since + limits.CLIENT_ANSWER_SILENCE_S)
