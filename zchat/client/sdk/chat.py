"""The programmer's view of a chat: awaitable commands and queries, and entries to iterate over."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self, assert_never

from zchat import __version__
from zchat.client.core import checks
from zchat.client.core.credentials import Credentials
from zchat.client.core.events import (
    Answered,
    ConnectionFailed,
    ConnectionLost,
    Delayed,
    EntryArrived,
    Event,
    Fatal,
    LoggedOut,
    SessionBegun,
    State,
)
from zchat.client.core.machine import ClientCore, LoggingOut
from zchat.client.sdk.connection import Connection
from zchat.client.sdk.event_queue import WaitingEvents
from zchat.client.sdk.requests import Asking, RefusedError
from zchat.client.sdk.tls import AUTOMATIC, Tls
from zchat.protocol import limits
from zchat.protocol.messages import (
    Answer,
    Done,
    Entry,
    LogStateChanged,
    PresenceChanged,
    Refused,
    Register,
    Request,
    SetAway,
    SlowedDown,
    TypingSeen,
)

DEFAULT_ADDRESS: Final = "127.0.0.1:7447"
QUIT_TIMEOUT_S: Final = 10.0
"""So long leaving waits for the answers that are still to come."""
HASTY_QUIT_TIMEOUT_S: Final = 1.0
"""After an error, which is not to wait long for a goodbye."""

HOW_TO_BEGIN: Final = "enter it by 'async with connect(...) as chat:'"
HOW_TO_CALL: Final = (
    "from another thread, call asyncio.run_coroutine_threadsafe(chat.say(...), loop), with the "
    "loop that the chat was entered in"
)


class CannotConnectError(ConnectionError):
    """No address led to a server in time; the text says what was tried last."""


class OtherClusterError(ConnectionError):
    """The server is the cluster `found`, and not the one that is meant; nothing was sent to it.

    It is empty if the server does not say which it is.
    """

    def __init__(self, reason: str, found: str) -> None:
        super().__init__(reason)
        self.found = found


class UnconfirmedError(Exception):
    """The chat ended while the server had not confirmed `count` requests."""

    def __init__(self, count: int) -> None:
        messages = "1 message is" if count == 1 else f"{count} messages are"
        super().__init__(f"{messages} not confirmed by the server and may be lost")
        self.count = count


def connect(
    name: str,
    address: str | Sequence[str] = DEFAULT_ADDRESS,
    password: str | None = None,
    *,
    token: bytes | None = None,
    as_guest: bool = False,
    cluster: str = "",
    device: str = "",
    code: str = "",
    register: bool = False,
    invitation: str = "",
    new_password: str | None = None,
    tls: Tls = AUTOMATIC,
    cursors: Mapping[str, int] | None = None,
    mark_read: bool = True,
    away: str | None = None,
    logs: Sequence[str] | None = None,
    from_head: bool = False,
    bot: bool = False,
    at_once: bool = False,
    connect_timeout_s: float = 10.0,
    quit_timeout_s: float = QUIT_TIMEOUT_S,
) -> "Chat":
    """A chat to enter with `async with`.

    `address` is `HOST:PORT`, or several of which one is used at a time. Entering raises
    `CannotConnectError` after `connect_timeout_s`, and `RefusedError` if the login is refused;
    `InvalidRequest` says that `name` is no name, or `password` none. Inside, broken connections
    heal by themselves. Leaving waits `quit_timeout_s` for the answers, and raises
    `UnconfirmedError`. A server that does not prove who it is, as `tls` demands, is told nothing:
    `UntrustedServerError` is raised, also when a broken connection is made again.

    `token` is 32 bytes, of an app token or a remembered device, and needs no password. One that is
    of no account is refused, unless `as_guest` is given. With a `cluster`, as `Chat.cluster` names
    it, any other cluster is sent nothing, and `OtherClusterError` is raised. With a `device` the
    account remembers the token, new or given, under that name: `Chat.token`. `code` is a one-time
    or recovery code. `register` makes a new account, with an `invitation` where one is needed; an
    operator's code as the `password` takes a `new_password` besides.

    `cursors` are the sequences, by log, of the last entries that this application has: what follows
    comes, where the server still has it. With `logs` only these come, `#room` or the own inbox as
    `@name`; with an empty list only answers do, which is enough to say something. A log without a
    cursor begins at what the user has read, or, with `from_head`, at what is new. Without
    `mark_read` what was handed on does not count as read until `Chat.mark_read` says so. With
    `away` every login says that the user is away, and with `bot` that it is a program, whose
    messages are marked as such, as those by an app token are.

    `at_once` enters without waiting for the server: requests are kept, `SessionBegun` comes when
    there is a session, `ConnectionFailed` if it takes longer, and a refused login ends `events()`.
    """
    credentials = _credentials(password, token, device, code, invitation, new_password, register)
    credentials.account = not (token is None or password or register or as_guest)
    credentials.cluster, own = cluster, checks.user_name(name)
    core = _core(own, credentials, cursors or {}, away, logs, from_head, bot)
    where = [address] if isinstance(address, str) else address
    times_s = connect_timeout_s, quit_timeout_s
    return Chat(core, where, credentials, tls, times_s, marks_read=mark_read, at_once=at_once)


def _core(
    name: str,
    credentials: Credentials,
    cursors: Mapping[str, int],
    away: str | None,
    logs: Sequence[str] | None,
    from_head: bool,
    bot: bool,
) -> ClientCore:
    """Raises `InvalidRequest`."""
    if isinstance(logs, str):
        raise checks.InvalidRequest(f"logs are a list of names, and {logs!r:.40} is one name")
    return ClientCore(
        name,
        credentials,
        secrets.token_bytes(limits.NONCE_PREFIX_BYTES),
        f"zchat-client {__version__}",
        cursors={checks.log_name(log): sequence for log, sequence in cursors.items()},
        away=checks.checked(SetAway(away=away)).away,
        logs=None if logs is None else list(map(checks.log_name, logs)),
        from_head=from_head,
        bot=bot,
    )


def _credentials(
    password: str | None,
    token: bytes | None,
    device: str,
    code: str,
    invitation: str,
    new_password: str | None,
    register: bool,
) -> Credentials:
    """Raises `InvalidRequest`."""
    return Credentials(
        secrets.token_bytes(limits.TOKEN_BYTES) if token is None else checks.token(token),
        password if password is None else checks.password(password),
        checks.device_name(device) if device else "",
        checks.one_time_code(code) if code else "",
        register,
        checks.invitation_code(invitation) if invitation else "",
        None if new_password is None else checks.new_password(new_password),
    )


class Chat(Asking):
    """One user's session, over any number of connections. Made by `connect`."""

    def __init__(
        self,
        core: ClientCore,
        addresses: Sequence[str],
        credentials: Credentials,
        tls: Tls,
        times_s: tuple[float, float],
        *,
        marks_read: bool,
        at_once: bool,
    ) -> None:
        self._core = core
        self._credentials = credentials
        self._addresses = addresses
        self._tls = tls
        self._marks_read = marks_read
        self._at_once = at_once
        self._connect_timeout_s, self._quit_timeout_s = times_s
        self._entered: Connection | None = None
        self._loop: asyncio.AbstractEventLoop
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._events = WaitingEvents(self._core)
        self._settled = asyncio.Event()
        self._begun = asyncio.Event()
        self._over = asyncio.Event()
        self._fatal: Fatal | None = None
        self._trouble = ""
        """Why the last attempt has led to no session."""
        self._leaving = False
        self.guest = not credentials.account and credentials.password is None
        """Whether the name is not registered; as far as it is known, before the server says it."""
        self.has_begun = False
        """The server has let the user in, at least once."""

    @property
    def name(self) -> str:
        """One's own name, as the server spells it."""
        return self._core.name

    @property
    def token(self) -> bytes:
        """A secret: whoever has it needs no password, if the account remembers it."""
        return self._credentials.token

    @property
    def device(self) -> str:
        """The name under which the account remembers this client; empty if it does not."""
        return "" if self.guest else self._credentials.device

    @property
    def cluster(self) -> str:
        """By what the cluster is known, whatever addresses lead there; empty if it is too old."""
        return self._core.cluster

    @property
    def state(self) -> State:
        return self._core.state

    @property
    def connected(self) -> bool:
        """There is a session at this moment."""
        return self._core.state is State.ONLINE

    @property
    def away_word(self) -> str | None:
        """With what word the user is away; None while they are here."""
        return self._core.away_word

    @property
    def latency_s(self) -> float | None:
        """What the last ping took, None before its answer. It is sent when all is quiet."""
        return self._core.latency_s

    @property
    def rooms_followed(self) -> frozenset[str]:
        """The rooms whose entries come here."""
        return frozenset(log[1:] for log in self._core.followed if log[0] == "#")

    @property
    def unanswered(self) -> int:
        """How many requests wait for their answers."""
        return self._core.unanswered

    @property
    def unconfirmed(self) -> int:
        """How many of them were to say or change something."""
        return self._core.unconfirmed

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    async def answered(self) -> None:
        """Until the next answer comes, or the session ends."""
        self._settled.clear()
        if not self._over.is_set():
            await self._settled.wait()

    @property
    def _connection(self) -> Connection:
        """Raises `RuntimeError` where nothing would ever come of using it."""
        if self._entered is None:
            raise RuntimeError(f"this chat has not begun: {HOW_TO_BEGIN}")
        try:
            is_ours = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_ours = False
        if not is_ours:
            raise RuntimeError(f"this chat belongs to another event loop: {HOW_TO_CALL}")
        return self._entered

    # --- Begin and end --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._entered is not None:
            raise RuntimeError("this chat was entered before; connect once more for another one")
        self._loop = asyncio.get_running_loop()
        self._entered = Connection(self._core, self._addresses, self._on_event, self._tls)
        self._connection.start()
        if self._at_once:
            return self
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await self._begun.wait()
        except TimeoutError:
            self._connection.stop()
            why = self._trouble or self._connection.trouble or "the server does not answer"
            raise CannotConnectError(f"cannot connect: {why}") from None
        except BaseException:
            self._connection.stop()
            raise
        if self._fatal is not None:
            self._connection.stop()
            raise self._ended_by(self._fatal)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            # Even after an error a guest gives its name back, so that it can come again.
            await self.quit(self._quit_timeout_s if kind is None else HASTY_QUIT_TIMEOUT_S)
        except UnconfirmedError:
            if kind is None:
                raise
        finally:
            self._connection.stop()
            for future in self._answers.values():
                future.cancel()

    async def quit(self, timeout_s: float | None = None) -> None:
        """Says goodbye once everything is confirmed; raises `UnconfirmedError` after `timeout_s`.

        Iterations over entries and events end. Further commands raise `LoggingOut`.
        """
        self._leaving = True
        connection = self._connection
        self._core.log_out(self._loop.time())
        connection.turn_soon()
        self._regulate()
        try:
            async with asyncio.timeout(timeout_s):
                await self._over.wait()
        except TimeoutError:
            pass
        if self.unconfirmed:
            raise UnconfirmedError(self.unconfirmed)

    def submit(self, draft: Request) -> asyncio.Future[Answer]:
        """Sends, as `Post(room="lobby", text="hello")`, without waiting; the order is kept.

        The future has the answer, or raises `RefusedError`. Raises `InvalidRequest`, `QueueFull`
        and `LoggingOut`.
        """
        request_id = self.send(draft)
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._answers[request_id] = future
        self._regulate()
        return future

    def send(self, draft: Request) -> int:
        """The same for whoever reads `events()`, where `Answered` and `Delayed` name this id.

        A screen shows the line as pending until then. `Done` says which entry it has become, which
        comes before or after; what is unanswered when the events end is not confirmed. Raises
        `QueueFull` and `LoggingOut`.
        """
        connection = self._connection
        request_id = self._core.submit(draft, self._loop.time())
        connection.turn_soon()
        return request_id

    def mark_read(self, log: str, sequence: int, *, back: bool = False) -> None:
        """The user has seen `#room` up to there, or the conversation with `@name`.

        Of a conversation it is a sequence of the own inbox, whose own marker says how far it has
        been received. The server is told within about a second, or when it is back. With `back`
        what comes after it is unread again.
        """
        if not 0 <= checks.whole(sequence, "a sequence") <= limits.INTEGER_MAX:
            raise checks.InvalidRequest(f"{sequence} is no sequence")
        self._tell_read(checks.log_name(log), sequence, back=back)

    # --- What happens ---------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[Entry]:
        return self.entries()

    def entries(self) -> AsyncIterator[Entry]:
        """Every entry of every followed log, in the order of its log, once."""
        return _Entries(self.events())

    def events(self) -> AsyncIterator[Event]:
        """Entries and all else that happens; there must be only one reader of either.

        An entry counts as read once the next event is asked for, if `connect` was told so. When
        the server ends the session, or refuses the login, `RefusedError` is raised. Whoever stops
        waiting for the next one, as `asyncio.wait_for` does, may go on later, and misses nothing.
        """
        return _Events(self)

    async def wait_for(
        self, wanted: Callable[[Entry], bool], timeout_s: float | None = None
    ) -> Entry:
        """The first entry that is `wanted`, of those that nobody has been given or waited for.

        Raises `TimeoutError`. It may be called while entries are iterated over, in the body of the
        loop or elsewhere, and takes none away from that. If nobody does, what comes before it is
        passed over for good.
        """
        self._regulate()
        future = self._events.awaited(wanted)
        if self._over.is_set() and not future.done():
            self._events.end_waiting(self._gone())
        self._regulate()
        try:
            await asyncio.wait({future}, timeout=timeout_s)
        finally:
            self._events.forget(future)
            self._regulate()
        if not future.done():
            raise TimeoutError(f"nothing that is wanted came within {timeout_s} s")
        return future.result()

    async def _next_event(self) -> Event:
        """Raises `StopAsyncIteration` at the end of the session, or why it has ended."""
        connection = self._connection
        self._events.are_taken = True
        while not self._events:
            if self._over.is_set():
                if self._fatal is not None:
                    raise self._ended_by(self._fatal)
                raise StopAsyncIteration
            await self._events.news()
        event = self._events.take()
        self._events.regulate(connection, must_read=self._must_read)
        return event

    def _has_read(self, entry: Entry) -> None:
        if self._marks_read:
            self._tell_read(entry.log, entry.sequence)

    def _tell_read(self, log: str, sequence: int, *, back: bool = False) -> None:
        connection = self._connection
        self._core.mark_read(log, sequence, back=back)
        connection.turn_soon()

    def _on_event(self, event: Event) -> None:
        match event:
            case Answered(request_id, request, answer):
                if isinstance(request, Register) and isinstance(answer, Done):
                    self.guest = False
                self._settled.set()
                if request_id in self._answers:
                    self._answer(request_id, answer)
                else:
                    self._events.add(event)
            case EntryArrived():
                self._events.add(event)
            case SessionBegun():
                self.guest, self.has_begun = event.guest, True
                self._begun.set()
                self._events.add_soft(event)
            case (
                Delayed()
                | PresenceChanged()
                | TypingSeen()
                | LogStateChanged()
                | SlowedDown()
                | ConnectionLost()
            ):
                self._events.add_soft(event)
            case ConnectionFailed():
                self._trouble = event.reason
                # Before the first session this becomes `CannotConnectError`.
                if self._at_once or self._begun.is_set():
                    self._events.add_soft(event)
            case LoggedOut():
                self._end()
            case Fatal():
                self._fatal = event
                self._end()
            case _:
                assert_never(event)
        self._events.tell()
        self._regulate()

    def _answer(self, request_id: int, answer: Answer) -> None:
        future = self._answers.pop(request_id)
        if future.done():
            return  # Whoever asked has been cancelled.
        if isinstance(answer, Refused):
            future.set_exception(RefusedError(answer))
        else:
            future.set_result(answer)

    def _end(self) -> None:
        self._begun.set()
        self._over.set()
        self._settled.set()
        for future in self._answers.values():
            if not future.done() and self._fatal is not None:
                future.set_exception(self._ended_by(self._fatal))
        self._answers.clear()
        self._events.end_waiting(self._gone())

    def _gone(self) -> Exception:
        return self._ended_by(self._fatal) if self._fatal else LoggingOut("the session is over")

    def _ended_by(self, fatal: Fatal) -> Exception:
        if fatal.other_cluster is not None:
            return OtherClusterError(fatal.refused.reason, fatal.other_cluster)
        return self._connection.untrusted or RefusedError(fatal.refused)

    def _regulate(self) -> None:
        self._events.regulate(self._connection, must_read=self._must_read)

    @property
    def _must_read(self) -> bool:
        """Somebody waits for what the server has still to say."""
        return bool(self._answers) or self._events.any_awaited or self._leaving


class _Events(AsyncIterator[Event]):
    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._given: Entry | None = None
        self._reading = False

    async def __anext__(self) -> Event:
        if self._reading:
            raise RuntimeError("somebody else waits for the next event of this iteration already")
        if self._given is not None:
            self._chat._has_read(self._given)
            self._given = None
        self._reading = True
        try:
            event = await self._chat._next_event()
        finally:
            self._reading = False
        if isinstance(event, EntryArrived):
            self._given = event.entry
        return event


class _Entries(AsyncIterator[Entry]):
    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events

    async def __anext__(self) -> Entry:
        while True:
            event = await anext(self._events)
            if isinstance(event, EntryArrived):
                return event.entry
