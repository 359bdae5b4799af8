"""Executes a parsed command: what is sent, shown and asked because of it."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Final, Protocol

from msgspec.structs import replace

from zchat.client.commands.actions import (
    AccountAction,
    Action,
    Ask,
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
from zchat.client.commands.dialogues import (
    AccountDialogues,
    AmbiguousDevice,
    NoSuchMessage,
    find_message,
)
from zchat.client.commands.questions import AskQuestions
from zchat.client.commands.table import SECRETS_MAX, asks_secrets, is_command
from zchat.client.core.checks import InvalidRequest
from zchat.client.core.machine import LoggingOut
from zchat.client.core.outbox import QueueFull
from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.client.text import lists
from zchat.protocol.messages import (
    Answer,
    Done,
    EnableTotp,
    ListRooms,
    Message,
    PingTarget,
    RefusalCode,
    Register,
    Request,
    RoomList,
    Standing,
)
from zchat.protocol.rules.permissions import PERMISSIONS

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


class Outside(Protocol):
    """The client that the person looks at: lines that stay, or a full screen."""

    def show(self, lines: Sequence[str], /) -> None:
        """Text that is of the client itself, a table for instance."""

    def notice(self, text: str) -> None:
        """A word of the client itself."""

    def mistaken(self, reason: str) -> None:
        """Nothing was sent, since that cannot be done."""

    def refused(self, reason: str) -> None:
        """The server said no."""

    def answered(self, answer: Answer) -> None:
        """The server said yes, or what it was asked for."""

    def may_leave(self) -> bool:
        """Whether the person, who wants to quit, does; no where they hear first what it costs."""


class Executor:
    """`ask` puts questions, and is None without a terminal.

    `forget` is called when the account forgets this client, with True if it forgets all clients.
    """

    def __init__(
        self,
        chat: Chat,
        outside: Outside,
        ask: AskQuestions | None = None,
        forget: Callable[[bool], None] = lambda everywhere: None,
    ) -> None:
        self._chat = chat
        self._outside = outside
        self._ask = ask
        self._account = AccountDialogues(chat, outside.notice, self._refused, ask, forget)
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialogue: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None
        self.answers_failed = False
        """The last questions have led to nothing: whoever was quick answers them once more."""
        self._answers_held = 0
        """So many of the next lines may be answers to what was not asked."""

    def perform(self, action: Action, line: str = "") -> bool:
        """Does it; False if it is to quit.

        `line` is what was typed for it, where answers are typed on the same lines as messages.
        """
        if self.holds_back(line):
            self._answers_held -= 1
            self._mistaken(_HELD_BACK)
            return True
        if line.strip():
            self._answers_held = 0
        if isinstance(action, Ask | EnrolTotp):
            self.answers_failed = False
        try:
            goes_on = self._perform(action)
        except (QueueFull, LoggingOut) as error:
            self._mistaken(str(error))
            goes_on = True
        if asks_secrets(line) and not self.is_asking:
            # Nothing is asked, but whoever is quick has typed the answers already.
            self._answers_held = SECRETS_MAX
        return goes_on

    def _perform(self, action: Action) -> bool:
        match action:
            case Send(request, done, lasts_s):
                if lasts_s is not None:
                    until_ms = round(time.time() * 1000) + lasts_s * 1000
                    request = replace(request, until_ms=until_ms)
                self._send(request, partial(self._done, done))
            case ShowTopic(room):
                self._send(ListRooms(room=room), partial(self._show_rooms, lists.topics))
            case ShowMode(room):
                self._send(ListRooms(room=room), partial(self._show_rooms, lists.modes))
            case ShowHelp(lines):
                self._outside.show(lines)
            case MeasurePing():
                self._spawn(self._ping())
            case ShowWhoAmI():
                kind = "a guest; :register keeps the name" if self._chat.guest else "registered"
                self._outside.notice(f"you are {self._chat.name} ({kind})")
            case ToMessage():
                self._spawn(self._to_message(action))
            case Ask(kind=kind) if why := self._may_not(kind):
                self._mistaken(why)
            case EnrolTotp() if why := self._may_not(EnableTotp):
                self._mistaken(why)
            case Ask(elsewhere=elsewhere) if self._ask is None:
                self._mistaken(elsewhere)
            case Ask():
                assert self._ask is not None
                self._dialogue = self._asking = self._spawn(self._put_questions(action, self._ask))
            case Mistake(text):
                self._mistaken(text)
            case Nothing():
                pass
            case Quit():
                return not self._outside.may_leave()
            case _:
                self._dialogue = self._spawn(self._perform_account(action))
                if isinstance(action, EnrolTotp):
                    self._asking = self._dialogue
        return True

    async def finish(self) -> None:
        """Until nothing that was begun is under way any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # --- What is sent ---------------------------------------------------------------------------

    def _send(self, request: Request, on_answer: Callable[[Answer], None]) -> None:
        self._chat.submit(request).add_done_callback(partial(self._settled, on_answer))

    def _settled(self, on_answer: Callable[[Answer], None], future: asyncio.Future[Answer]) -> None:
        if future.cancelled():
            return  # The chat is over, and nobody looks any more.
        error = future.exception()
        if error is None:
            on_answer(future.result())
        else:
            self._refused(str(error))

    def _done(self, words: str, answer: Answer) -> None:
        self._outside.answered(answer)
        if words and isinstance(answer, Done) and not answer.sequence:
            self._outside.notice(words)

    def _show_rooms(self, show: Callable[[RoomList], list[str]], answer: Answer) -> None:
        if isinstance(answer, RoomList):
            self._outside.show(show(answer))

    def _mistaken(self, reason: str) -> None:
        self.answers_failed = self.answers_failed or self.is_asking
        self._outside.mistaken(reason)

    def _refused(self, reason: str) -> None:
        self.answers_failed = self.answers_failed or self.is_asking
        self._outside.refused(reason)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        # Kept, since the loop itself would forget a task that nobody holds.
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
                self._outside.show([lists.ping(target, seconds)])

    async def _to_message(self, action: ToMessage) -> None:
        try:
            entry = await find_message(self._chat, action.log, action.which)
            request = action.draft(entry.log, entry.sequence)
            self._send(request, partial(self._done, action.done))
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

    # --- What is asked --------------------------------------------------------------------------

    @property
    def is_asking(self) -> bool:
        """The keyboard is for answers, though none may be awaited at the moment."""
        return self._asking is not None and not self._asking.done()

    async def dialogue_over(self) -> None:
        """Until a prompt of our own, which has the keyboard meanwhile, is done."""
        if self._dialogue is not None:
            await asyncio.wait([self._dialogue])

    def leave_dialogue(self) -> None:
        """The person waits for it no more. What was sent is not taken back, and may be done."""
        if self._dialogue is not None and not self._dialogue.done():
            self._dialogue.cancel()
            self._outside.notice("left; what the server was sent already may still be done")

    @property
    def is_holding_back(self) -> bool:
        """What is typed may be answers to what was not asked."""
        return self._answers_held > 0

    def holds_back(self, line: str) -> bool:
        """Whether the line may be a secret that is typed where nothing has asked for it."""
        return bool(self._answers_held and line.strip()) and not is_command(line)

    def _may_not(self, kind: type[Message]) -> str:
        """Why nobody need be asked for a secret, since the server would not take it."""
        standing = Standing.GUEST if self._chat.guest else Standing.ACCOUNT
        if not PERMISSIONS[kind].allows(standing, None):
            return "only accounts may do that; :register makes you one"
        if kind is Register and not self._chat.guest:
            return "your name is registered already; :password changes its password"
        return ""

    async def _put_questions(self, ask: Ask, put: AskQuestions) -> None:
        if ask.notice:
            self._outside.notice(ask.notice)
        complaint = ""
        while (answers := await put(ask.questions, complaint)) is not None:
            try:
                complaint = await self._settle(ask.then(answers))
            except InvalidRequest as error:
                complaint = str(error)
            except (QueueFull, LoggingOut) as error:
                self._mistaken(f"{error}.")
            if not complaint:
                return

    async def _settle(self, action: Action) -> str:
        """Does what the answers make; why they have to be other ones, or nothing."""
        try:
            match action:
                case Send(request, done):
                    future = self._chat.submit(request)
                    settled = partial(self._settled, partial(self._done, done))
                    try:
                        await asyncio.wait({future}, timeout=ANSWERED_TIMEOUT_S)
                    finally:
                        # Also where the person has left it meanwhile.
                        if not future.done():
                            future.add_done_callback(settled)
                    if not future.done():
                        self._outside.notice(
                            "the server has not answered yet; it is told here once it has"
                        )
                    elif isinstance(error := future.exception(), RefusedError):
                        raise error
                    else:
                        settled(future)
                case EndAccount():
                    await self._account.perform(action)
                case _:
                    self._perform(action)
        except RefusedError as error:
            if error.code in ASKED_ANEW:
                return error.reason
            self._refused(error.reason)
        return ""
