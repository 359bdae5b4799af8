"""The line client between a person's lines and the chat, whatever screen it is shown on."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final, assert_never

from msgspec.structs import replace

from zchat.client.commands.actions import (
    AccountAction,
    Action,
    Ask,
    BanFor,
    EndAccount,
    EnrolTotp,
    MeasurePing,
    Mistake,
    Nothing,
    Quit,
    Send,
    ShowHelp,
    ShowMode,
    ShowTopic,
    ShowWhoAmI,
    ToMessage,
)
from zchat.client.commands.dialogues import AccountDialogues, AmbiguousDevice
from zchat.client.commands.finding import NoSuchMessage, find_message
from zchat.client.commands.questions import AskQuestions
from zchat.client.commands.table import SECRETS_MAX, asks_secrets, is_command, parse
from zchat.client.core.checks import InvalidRequest
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
)
from zchat.client.core.machine import LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.client.model.rights import Rights
from zchat.client.sdk.chat import Chat, UnconfirmedError
from zchat.client.sdk.requests import RefusedError
from zchat.client.text.renderer import Renderer
from zchat.client.text.wording import rooms_lost
from zchat.protocol.messages import (
    Answer,
    CreateRoom,
    Done,
    EnableTotp,
    Entry,
    InvitedToRoom,
    JoinRoom,
    ListRooms,
    ListUsers,
    LogStateChanged,
    MemberAdded,
    Message,
    PingTarget,
    PresenceChanged,
    RefusalCode,
    Register,
    Request,
    RoomList,
    RoomOpened,
    SlowedDown,
    Standing,
    TopicChanged,
    TypingSeen,
    UserList,
)

KNOWN_NAMES_MAX: Final = 2_000
"""Names, and as many rooms, that completion remembers."""
ANSWERED_TIMEOUT_S: Final = 10.0
"""So long the questions stay open until the server has said what it makes of the answers."""
ASKED_ANEW: Final = (
    *(RefusalCode.WRONG_PASSWORD, RefusalCode.WRONG_CODE),
    RefusalCode.INVALID_PASSWORD,
)
"""Why the server refuses what a person has answered, and may answer better."""
_HELD_BACK: Final = (
    "not said: it might be a secret, though nothing is asked for. After a command, such as :help, "
    "all is said again"
)
OWN_ENTRIES_TIMEOUT_S: Final = 1.0
"""How long a goodbye waits to show what was said last."""


class LineClient:
    """`show` prints lines; `ask` puts questions, and is None without a terminal.

    `forget` is called when the account forgets this client, with True if it forgets all clients.
    """

    def __init__(
        self,
        chat: Chat,
        render: Renderer,
        show: Callable[[list[str]], None],
        ask: AskQuestions | None = None,
        forget: Callable[[bool], None] = lambda everywhere: None,
    ) -> None:
        self._chat = chat
        self._render = render
        self._show = show
        self._ask = ask
        self._account = AccountDialogues(chat, self._notice, self._refused, ask, forget)
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialogue: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        # Who comes with a token alone is a guest, and need not wait for the server to hear it.
        self._rights = Rights(chat.name, Standing.GUEST if chat.guest else None)
        self._told_lost = False
        self.answers_failed = False
        """The last questions have led to nothing: whoever was quick answers them once more."""
        self._answers_held = 0
        """So many of the next lines may be answers to what was not asked."""
        self._delay_shown = False
        self._own: dict[str, int] = {}
        """The newest entry that this user wrote, by log."""
        self._shown: dict[str, int] = {}
        self._own_shown = asyncio.Event()
        self.names: dict[str, None] = {}
        self.rooms: dict[str, None] = {}
        self.anything_refused = False

    # --- What the person types ------------------------------------------------------------------

    def enter(self, line: str) -> bool:
        """Does what the line says; False if it says to quit."""
        if self.holds_back(line):
            self._answers_held -= 1
            self._refused(_HELD_BACK)
            return True
        if line.strip():
            self._answers_held = 0
        goes_on = self.perform(parse(line, self.rooms.keys() | self._chat.rooms_followed))
        if asks_secrets(line) and not self.is_asking:
            self._answers_held = SECRETS_MAX
        return goes_on

    @property
    def is_holding_back(self) -> bool:
        """What is typed may be answers to what was not asked."""
        return self._answers_held > 0

    def holds_back(self, line: str) -> bool:
        """Whether the line may be a secret that is typed where nothing has asked for it."""
        return bool(self._answers_held and line.strip()) and not is_command(line)

    def may_leave(self) -> bool:
        """Whether the person quits; first it is said what that costs, where somebody reads it."""
        owned = [log for log in self._rights.owned if log not in self._render.titles]
        lost = rooms_lost(owned) if self._chat.guest and self._ask is not None else ""
        if not lost or self._told_lost:
            return True
        self._told_lost = True
        self._notice(f"{lost} Quit once more to quit all the same.")
        return False

    @property
    def is_asking(self) -> bool:
        """The keyboard is for answers, though none may be awaited at the moment."""
        return self._asking is not None and not self._asking.done()

    def perform(self, action: Action) -> bool:
        """The same of a line that was read already."""
        if isinstance(action, Ask | EnrolTotp):
            self.answers_failed = False
        try:
            return self._perform(action)
        except (QueueFull, LoggingOut) as error:
            self._refused(str(error))
            return True

    def _perform(self, action: Action) -> bool:
        match action:
            case Send(request, done):
                if isinstance(request, CreateRoom | JoinRoom):
                    # The next line may already speak of it.
                    self._know(self.rooms, request.room)
                self._send(request, self._show_answer, done)
            case ShowTopic(room):
                self._send(ListRooms(room=room), self._show_topic)
            case ShowMode(room):
                self._send(ListRooms(room=room), self._show_mode)
            case BanFor(request, seconds):
                until_ms = round(time.time() * 1000) + seconds * 1000
                self._send(replace(request, until_ms=until_ms), self._show_answer)
            case ShowHelp(lines):
                self._show(list(lines))
            case MeasurePing():
                self._spawn(self._ping())
            case ShowWhoAmI():
                kind = "a guest; :register keeps the name" if self._chat.guest else "registered"
                self._show([self._render.notice(f"you are {self._chat.name} ({kind})")])
            case ToMessage():
                self._spawn(self._to_message(action))
            case Ask(kind=kind) if why := self._may_not(kind):
                self._refused(why)
            case EnrolTotp() if why := self._may_not(EnableTotp):
                self._refused(why)
            case Ask(elsewhere=elsewhere) if self._ask is None:
                self._refused(elsewhere)
            case Ask():
                assert self._ask is not None
                self._dialogue = self._asking = self._spawn(self._put_questions(action, self._ask))
            case Mistake(text):
                self._refused(text)
            case Nothing():
                pass
            case Quit():
                return not self.may_leave()
            case _:
                self._dialogue = self._spawn(self._perform_account(action))
                if isinstance(action, EnrolTotp):
                    self._asking = self._dialogue
        return True

    def _may_not(self, kind: type[Message]) -> str:
        """Why nobody need be asked for a secret, since the server would not take it."""
        if not self._rights.may(kind):
            return "only accounts may do that; :register makes you one"
        if kind is Register and not self._chat.guest:
            return "your name is registered already; :password changes its password"
        return ""

    def look_around(self) -> None:
        """Asks for the names to complete, without showing them."""
        for draft in (ListRooms(), ListUsers()):
            self._send(draft, self._learn)

    def _send(self, draft: Request, on_answer: Callable[[Answer], None], done: str = "") -> None:
        self._chat.submit(draft).add_done_callback(partial(self._answered, on_answer, done))

    def _answered(
        self, on_answer: Callable[[Answer], None], done: str, future: asyncio.Future[Answer]
    ) -> None:
        self._delay_shown = False
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            answer = future.result()
            on_answer(answer)
            if done and isinstance(answer, Done) and not answer.sequence:
                self._notice(done)
        else:
            self._refused(str(error))

    def _show_answer(self, answer: Answer) -> None:
        self._learn(answer)
        if isinstance(answer, Done) and answer.log is not None:
            self._own[answer.log] = max(answer.sequence, self._own.get(answer.log, 0))
        self._show(self._render.answer(answer, round(time.time() * 1000)))

    def _show_topic(self, answer: Answer) -> None:
        if isinstance(answer, RoomList):
            self._show([self._render.topic(info) for info in answer.rooms])

    def _notice(self, text: str) -> None:
        self._show([self._render.notice(text)])

    def _show_mode(self, answer: Answer) -> None:
        if isinstance(answer, RoomList):
            self._show([self._render.mode(info) for info in answer.rooms])

    def _refused(self, reason: str) -> None:
        self.anything_refused = True
        self.answers_failed = self.answers_failed or self.is_asking
        self._show([self._render.problem(reason)])

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ping(self) -> None:
        for target in PingTarget:
            try:
                seconds = await self._chat.ping(target)
            except RefusedError as error:
                self._refused(f"{target}: {error.reason}")
            except LoggingOut:
                return
            else:
                self._show([self._render.ping(target, seconds)])

    async def _put_questions(self, ask: Ask, put: AskQuestions) -> None:
        if ask.notice:
            self._notice(ask.notice)
        complaint = ""
        while (answers := await put(ask.questions, complaint)) is not None:
            try:
                complaint = await self._settle(ask.then(answers))
            except InvalidRequest as error:
                complaint = str(error)
            except (QueueFull, LoggingOut) as error:
                self._refused(f"{error}.")
            if not complaint:
                return

    async def _settle(self, action: Action) -> str:
        """Does what the answers make; why they have to be other ones, or nothing."""
        try:
            match action:
                case Send(request, done):
                    future = self._chat.submit(request)
                    await asyncio.wait({future}, timeout=ANSWERED_TIMEOUT_S)
                    if not future.done():
                        self._notice("the server has not answered yet; it is told here once it has")
                        future.add_done_callback(partial(self._answered, self._show_answer, done))
                    elif isinstance(error := future.exception(), RefusedError):
                        raise error
                    else:
                        self._answered(self._show_answer, done, future)
                case EndAccount():
                    await self._account.perform(action)
                case _:
                    self._perform(action)
        except RefusedError as error:
            if error.code in ASKED_ANEW:
                return error.reason
            self._refused(error.reason)
        return ""

    async def _to_message(self, action: ToMessage) -> None:
        try:
            entry = await find_message(self._chat, action.log, action.which)
            request = action.draft(entry.log, entry.sequence)
            self._send(request, self._show_answer, action.done)
        except (RefusedError, NoSuchMessage, QueueFull, LoggingOut) as error:
            self._refused(str(error))

    async def _perform_account(self, action: AccountAction) -> None:
        try:
            await self._account.perform(action)
        except (
            *(RefusedError, InvalidRequest, AmbiguousDevice, NoSuchMessage),
            *(QueueFull, LoggingOut),
        ) as error:
            self._refused(str(error))

    # --- What happens in the chat ---------------------------------------------------------------

    async def follow(self) -> None:
        """Shows all that happens. Raises `RefusedError` if the server ends the session."""
        async for event in self._chat.events():
            self._show_event(event)

    def _show_event(self, event: Event) -> None:
        self._rights.hear(event)
        match event:
            case EntryArrived(entry):
                self._learn_entry(entry)
                self._show(self._render.entry(entry))
            case SessionBegun():
                self._render.me = event.name
                if event.resumed:
                    self._show([self._render.notice("connected again")])
                self._show(self._render.session(event))
            case PresenceChanged():
                self._know(self.names, *event.came)
                self._show(self._render.presence(event))
            case SlowedDown(wait_ms):
                wait = f"{wait_ms / 1000:.0f} s"
                self._show([self._render.notice(f"faster than this server lets you; {wait} to go")])
            case ConnectionLost():
                self._show([self._render.notice("connection lost; reconnecting…")])
            case Delayed():
                # One line for all that waits, until something is answered again.
                if not self._delay_shown:
                    self._delay_shown = True
                    self._show([self._render.notice(f"kept until it is confirmed: {event.reason}")])
            case ConnectionFailed() | TypingSeen() | LogStateChanged():
                pass  # Lines that stay are not the place for what changes every moment.
            case Answered() | LoggedOut() | Fatal():
                pass
            case _:
                assert_never(event)

    def _learn(self, answer: Answer) -> None:
        match answer:
            case RoomList():
                self._know(self.rooms, *(info.room for info in answer.rooms))
                for info in answer.rooms:
                    if info.conversation:
                        self._render.titles["#" + info.room] = info.topic
            case UserList():
                self._know(self.names, *(info.name for info in answer.users))
            case _:
                pass

    def _learn_entry(self, entry: Entry) -> None:
        self._know(self.names, entry.author)
        match entry.body:
            case RoomOpened(room) | InvitedToRoom(room):
                self._know(self.rooms, room)
            case MemberAdded() if entry.log not in self._render.titles:
                # Only of a conversation, which is called by its topic.
                self._render.titles[entry.log] = ""
                self._send(ListRooms(room=entry.log[1:]), self._learn)
            case TopicChanged(topic) if entry.log in self._render.titles:
                self._render.titles[entry.log] = topic
            case _:
                pass
        self._shown[entry.log] = entry.sequence
        self._own_shown.set()

    @staticmethod
    def _know(names: dict[str, None], *more: str) -> None:
        """The oldest are forgotten first."""
        for name in more:
            names.pop(name, None)
            names[name] = None
        while len(names) > KNOWN_NAMES_MAX:
            del names[next(iter(names))]

    async def wait_for_room(self, unanswered_max: int) -> None:
        """Until fewer than so many requests wait for their answers."""
        while self._chat.unanswered >= unanswered_max and not self._chat.is_over:
            await self._chat.answered()

    async def dialogue_over(self) -> None:
        """Until a prompt of our own, which has the keyboard meanwhile, is done."""
        if self._dialogue is not None:
            await asyncio.wait([self._dialogue])

    # --- The end --------------------------------------------------------------------------------

    async def quit(self, timeout_s: float | None) -> None:
        """Waits until all is confirmed, and shown. Raises `UnconfirmedError` after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._tasks:
                    await asyncio.wait(self._tasks)
                while self._chat.unanswered and not self._chat.is_over:
                    await self._chat.answered()
        except TimeoutError:
            raise UnconfirmedError(self._chat.unanswered) from None
        try:
            async with asyncio.timeout(OWN_ENTRIES_TIMEOUT_S):
                while any(self._shown.get(log, 0) < own for log, own in self._own.items()):
                    self._own_shown.clear()
                    await self._own_shown.wait()
        except TimeoutError:
            pass
        await self._chat.quit(timeout_s)
