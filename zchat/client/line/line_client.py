"""The line client: lines in, and a line for each event out, of which none is changed later."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final, assert_never

from zchat.client.commands.actions import Send
from zchat.client.commands.executor import Executor
from zchat.client.commands.questions import AskQuestions
from zchat.client.commands.table import parse
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
from zchat.client.model.known_names import remember
from zchat.client.model.rights import Rights
from zchat.client.sdk.chat import Chat, UnconfirmedError
from zchat.client.text.entries import rooms_lost
from zchat.client.text.renderer import Renderer
from zchat.protocol.messages import (
    Answer,
    CreateRoom,
    Done,
    Entry,
    InvitedToRoom,
    JoinRoom,
    ListRooms,
    ListUsers,
    LogStateChanged,
    MemberAdded,
    PresenceChanged,
    Request,
    RoomList,
    RoomOpened,
    SlowedDown,
    Standing,
    TopicChanged,
    TypingSeen,
    UserList,
)

OWN_ENTRIES_TIMEOUT_S: Final = 1.0
"""How long a goodbye waits to show what was said last. All of that is confirmed by then, so that a
longer wait would gain nothing but a line on the screen."""


class LineClient:
    """`print_lines` prints; `ask` and `forget` are for the `Executor`."""

    def __init__(
        self,
        chat: Chat,
        render: Renderer,
        print_lines: Callable[[list[str]], None],
        ask: AskQuestions | None = None,
        forget: Callable[[bool], None] = lambda everywhere: None,
    ) -> None:
        self._chat = chat
        self._render = render
        self._print = print_lines
        self._is_read = ask is not None
        """Whether a person reads it, who can answer questions."""
        self.executor = Executor(chat, self, ask, forget)
        # Who comes with a token alone is a guest, and need not wait for the server to hear it.
        self._rights = Rights(chat.name, Standing.GUEST if chat.guest else None)
        self._told_lost = False
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
        """Runs the command, or sends the text; False if the line says to quit."""
        action = parse(line, self.rooms.keys() | self._chat.rooms_followed)
        if isinstance(action, Send) and isinstance(action.request, CreateRoom | JoinRoom):
            # The next line may already name it, before the server has answered.
            remember(self.rooms, [action.request.room])
        return self.executor.perform(action, line)

    def look_around(self) -> None:
        """Asks for the names to complete, without showing them."""
        for draft in (ListRooms(), ListUsers()):
            self._look_up(draft)

    def _look_up(self, request: Request) -> None:
        def learn(future: asyncio.Future[Answer]) -> None:
            if future.cancelled():
                return
            self._delay_shown = False
            if error := future.exception():
                self.refused(str(error))
            else:
                self._learn(future.result())

        # Completion can do without these names, so nothing is said if they cannot be asked for.
        with contextlib.suppress(QueueFull, LoggingOut):
            self._chat.submit(request).add_done_callback(learn)

    async def wait_for_capacity(self, unanswered_max: int) -> None:
        """Until fewer than so many requests wait for their answers."""
        while self._chat.unanswered >= unanswered_max and not self._chat.is_over:
            await self._chat.answered()

    # --- What comes of it -----------------------------------------------------------------------

    def show(self, lines: Sequence[str]) -> None:
        self._print(list(lines))

    def notice(self, text: str) -> None:
        self._print([self._render.notice(text)])

    def mistaken(self, reason: str) -> None:
        self.anything_refused = True
        self._print([self._render.problem(reason)])

    def refused(self, reason: str) -> None:
        self._delay_shown = False
        self.mistaken(reason)

    def answered(self, answer: Answer) -> None:
        self._delay_shown = False
        self._learn(answer)
        if isinstance(answer, Done) and answer.log is not None:
            self._own[answer.log] = max(answer.sequence, self._own.get(answer.log, 0))
        self._print(self._render.answer(answer, round(time.time() * 1000)))

    def may_leave(self) -> bool:
        """False the first time that a guest would lose rooms by it, who is told so."""
        owned = [log for log in self._rights.owned if log not in self._render.titles]
        lost = rooms_lost(owned) if self._chat.guest and self._is_read else ""
        if not lost or self._told_lost:
            return True
        self._told_lost = True
        self.notice(f"{lost} Quit once more to quit all the same.")
        return False

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
                self._print(self._render.entry(entry))
            case SessionBegun():
                self._render.me = event.name
                if event.resumed:
                    self.notice("connected again")
                self._print(self._render.session(event))
            case PresenceChanged():
                remember(self.names, event.came)
                self._print(self._render.presence(event))
            case SlowedDown(wait_ms):
                self.notice(f"faster than this server lets you; {wait_ms / 1000:.0f} s to go")
            case ConnectionLost():
                self.notice("connection lost; reconnecting…")
            case Delayed():
                # Once for all that waits, until something is answered again.
                if not self._delay_shown:
                    self._delay_shown = True
                    self.notice(f"kept until it is confirmed: {event.reason}")
            case ConnectionFailed() | TypingSeen() | LogStateChanged():
                pass  # Lines that stay are not the place for what changes every moment.
            case Answered() | LoggedOut() | Fatal():
                pass  # Answers come to `answered`, and an end ends `follow`.
            case _:
                assert_never(event)

    def _learn(self, answer: Answer) -> None:
        match answer:
            case RoomList():
                remember(self.rooms, (info.room for info in answer.rooms))
                self._render.learn(answer)
            case UserList():
                remember(self.names, (info.name for info in answer.users))
            case _:
                pass

    def _learn_entry(self, entry: Entry) -> None:
        remember(self.names, [entry.author])
        match entry.body:
            case RoomOpened(room) | InvitedToRoom(room):
                remember(self.rooms, [room])
            case MemberAdded() if entry.log not in self._render.titles:
                # The user was added to a group conversation, whose topic is its name.
                self._render.titles[entry.log] = ""
                self._look_up(ListRooms(room=entry.log[1:]))
            case TopicChanged(topic) if entry.log in self._render.titles:
                self._render.titles[entry.log] = topic
            case _:
                pass
        self._shown[entry.log] = entry.sequence
        self._own_shown.set()

    # --- The end --------------------------------------------------------------------------------

    async def quit(self, timeout_s: float | None) -> None:
        """Waits until all is confirmed, and shown. Raises `UnconfirmedError` after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.executor.finish()
                while self._chat.unanswered and not self._chat.is_over:
                    await self._chat.answered()
        except TimeoutError:
            raise UnconfirmedError(self._chat.unanswered) from None
        # The answer to what was said may come before its entry, which is what is shown.
        try:
            async with asyncio.timeout(OWN_ENTRIES_TIMEOUT_S):
                while any(self._shown.get(log, 0) < own for log, own in self._own.items()):
                    self._own_shown.clear()
                    await self._own_shown.wait()
        except TimeoutError:
            pass
        await self._chat.quit(timeout_s)
