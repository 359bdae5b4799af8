"""The full-screen client: puts the parts together, and says which key does what."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, Final

from textual import events, on
from textual.app import App, ComposeResult, SystemCommand
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from zchat.client.commands.table import is_secret
from zchat.client.core.events import Event, SessionBegun
from zchat.client.line.line_client import LineClient
from zchat.client.model import highlighting
from zchat.client.model.book import Book
from zchat.client.model.conversation import Conversation, Item
from zchat.client.sdk.chat import Chat
from zchat.client.storage.cache import Cache
from zchat.client.storage.config import Config
from zchat.client.storage.log_files import LogFiles
from zchat.client.text.renderer import Renderer
from zchat.client.tui import keymap, keys
from zchat.client.tui.controller.controller import Desk
from zchat.client.tui.controller.message_actions import Acts
from zchat.client.tui.controller.navigation import Ways
from zchat.client.tui.controller.questioning import Questioner, Questioning
from zchat.client.tui.gc_policy import Garbage
from zchat.client.tui.notifications import Aloud, How, Notifier, is_quiet
from zchat.client.tui.panels import Around
from zchat.client.tui.parts import BINDINGS, CSS
from zchat.client.tui.view import captions, themes
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.widgets.composer import Composer
from zchat.client.tui.widgets.dialogs import Confirm, Prompt, Reading
from zchat.client.tui.widgets.lines import Lines
from zchat.client.tui.widgets.members import MemberActs, Members
from zchat.client.tui.widgets.notes import Notes
from zchat.client.tui.widgets.status import Network
from zchat.client.tui.widgets.timeline import Timeline
from zchat.protocol.messages import LogStateChanged

TOUCHES: Final = (events.Key, events.Paste, events.MouseDown)
"""What tells that the person is at something."""
FRAME_S: Final = 1 / 40
TICK_S: Final = 1.0
THEME: Final = "theme"


class ScreenClient(App[int]):
    CSS = CSS
    TITLE = "zchat"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = BINDINGS
    # What is marked with the mouse is text of messages, and not cells of the screen.
    ALLOW_SELECT = False

    def __init__(
        self,
        chat: Chat,
        book: Book,
        cache: Cache,
        render: Renderer,
        *,
        forget: Callable[[bool], None] = lambda everywhere: None,
        seen: Callable[[Event], None] = lambda event: None,
        how: How = How.OFF,
        driver: type[Driver] | None = None,
        zone: tzinfo | None = None,
        first_time: bool = False,
        config: Config | None = None,
        log_files: LogFiles | None = None,
    ) -> None:
        """`seen` gets each event once the book has it; `how` the person is told aloud of some.

        Times are shown as in `zone`; None is the local one.
        """
        # Said at once: it decides how colours are taken away before it knows of any theme.
        super().__init__(driver, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.config = config or Config()
        themes.adopt(self.config)
        for each in themes.themes():
            self.register_theme(each)
        settings = cache.settings()
        theme = settings.get(THEME) or self._theme_of_file() or themes.DARK
        self.theme = themes.PLAIN if self.no_color or theme not in themes.names() else theme
        self.aloud = Aloud(book, Notifier(how, self._write), cache, quiet=is_quiet(settings))
        self.chat = chat
        self.book = book
        self._cache = cache
        self._questioner = Questioner(self)
        line = LineClient(chat, render, self.note, self._questioner.ask, forget)
        self.desk = Desk(chat, book, cache, line, self, log_files)
        self.network = Network()
        self.garbage = Garbage()
        self.acts = Acts(self)
        self.member_acts = MemberActs(self)
        self.ways = Ways(self, cache)
        self.conversation: Conversation | None = None
        self.first_time = first_time
        self.has_attention = True
        """The terminal is in front, as far as it says so."""
        self.over: BaseException | None = None
        """Why the chat ended by itself, if it did."""
        self._log_files = log_files
        self._seen = seen
        self._trouble_told = ""
        self._zone = zone
        self._frame_due = False
        self.around: Around | None = None
        self._following: asyncio.Task[None] | None = None
        self._dialogue: asyncio.Task[None] | None = None

    def _theme_of_file(self) -> str:
        if not self.config.theme:
            return ""
        theme = themes.PREFIX + self.config.theme
        if theme in themes.names():
            return theme
        known = ", ".join(each.removeprefix(themes.PREFIX) for each in themes.names())
        self.config.complain("theme", f"there is no theme {self.config.theme}; there are {known}")
        return ""

    # --- Parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield Lines(id="sidebar", panel=True)
            with Vertical(id="main"):
                yield Lines(id="header", panel=True)
                yield Timeline(self.book.me, self._zone, self._asked, folds=self.config.fold_moves)
                yield Notes()
                yield Lines(id="choices", panel=True)
                yield Lines(id="hint")
                with Horizontal(id="writing"):
                    yield Lines(id="prompt")
                    yield Composer(self._completions, self._submit, self._want)
            yield Members(self._asked_of_member)
        yield Lines(id="status", panel=True)

    def on_mount(self) -> None:
        # Of the screen that is always there; a dialog is another one.
        self.timeline = self.query_one(Timeline)
        self.timeline.words = self.book.words
        self.composer = self.query_one(Composer)
        self.notes = self.query_one(Notes)
        self.members = self.query_one(Members)
        keymap.bind(self._bound, self.config)
        self.first_keys = keymap.first_keys(self._bound)
        self.around = Around(self)
        self.open_to_write(self.ways.left_at())
        self.around.arrange()
        self._following = asyncio.create_task(self._follow())
        self.composer.remember_all(self._cache.inputs())
        self._tell_trouble()
        troubles = [*self.config.troubles]
        if self._log_files is not None and self._log_files.trouble:
            troubles.append(f"{self._log_files.trouble}.")
        self.note([f"! {trouble}" for trouble in troubles])
        self.set_interval(TICK_S, self._tick)
        # The terminal has shown something else meanwhile.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    async def _follow(self) -> None:
        try:
            await self.desk.follow(self._happened)
        except Exception as error:  # noqa: BLE001
            # It is raised again where the screen was opened, once the terminal is as it was.
            self.over = error
        self.exit(0)

    def _happened(self, event: Event) -> None:
        self.network.happened(event, asyncio.get_running_loop().time())
        if isinstance(event, SessionBegun):
            self.timeline.me = self.book.me
            self.member_acts.standing = event.standing
            self.desk.look_around()
            if self.conversation is not None:
                self.desk.look_into(self.conversation)
        if isinstance(event, LogStateChanged) and event.back:
            self.ways.leave_unread(event.log)
        self.aloud.hear(event, self.looked_at)
        self.note(captions.notices(event, self.book.me))
        self.ways.show_found()
        self._seen(event)

    @property
    def looked_at(self) -> str:
        """The key of the conversation whose newest messages the person sees."""
        view = self.timeline.view
        return self.book.looking_at if self.has_attention and view and view.at_end else ""

    def _write(self, text: str) -> None:
        """To the terminal, after what is being drawn."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(text)

    # --- Frames ---------------------------------------------------------------------------------

    def wake(self) -> None:
        """Draws soon; however much happens, once a frame."""
        if not self._frame_due and self.is_running:
            self._frame_due = True
            self.set_timer(FRAME_S, self._frame)

    def _tick(self) -> None:
        self.keep()
        self._tell_trouble()
        self.aloud.tell()
        self.garbage.tick()
        self._frame()

    def _tell_trouble(self) -> None:
        """Of what is kept, as soon as there is any."""
        if self._cache.trouble != self._trouble_told:
            self._trouble_told = self._cache.trouble
            self.note([f"! {self._trouble_told}"])

    @property
    def keeps(self) -> bool:
        """What is seen and written here is there the next time."""
        return self._cache.keeps

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self.garbage.input_seen()
        if isinstance(event, TOUCHES):
            self.desk.going.seen_to(event.time)
        if (
            isinstance(event, events.Key | events.Paste)
            and not event.is_forwarded
            and self._in_turn(event)
        ):
            # By way of those who have the keys that came before: none overtakes another.
            self.app_focus = True
            self.composer._forward_event(event)
            return
        await super().on_event(event)

    def _in_turn(self, event: events.Key | events.Paste) -> bool:
        if isinstance(self.screen, Questioning):
            return getattr(event, "key", "") != "ctrl+q"
        return len(self.screen_stack) == 1 or self.composer.has_opened(self.screen)

    def post_message(self, message: Message) -> bool:
        # Also of keys whose turn comes later: what they write is not to be taken elsewhere.
        if isinstance(message, TOUCHES):
            self.desk.going.touched(message.time)
        return super().post_message(message)

    def _frame(self) -> None:
        self._frame_due = False
        self.timeline.update_from_changes()
        self.ways.keep_up()
        self.show_around()

    def show_around(self) -> None:
        """All but the timeline, which knows itself when it is not as it was."""
        if self.around is not None:
            self.around.show()

    # --- Which conversation ---------------------------------------------------------------------

    def open_key(self, key: str) -> None:
        self.keep_draft()
        self.acts.leave_place(self.conversation)
        conversation = self.book.open(key)
        self.book.looking_at = key
        self.aloud.forget(key)
        self.conversation = conversation
        self.desk.going.went(key)
        self.notes.go_on()
        self.ways.arrive(key)
        self.timeline.open(conversation)
        self.acts.come_to_place(conversation)
        self.desk.look_into(conversation)
        self.ways.keep_up()
        self.show_around()

    def open_to_write(self, key: str) -> None:
        self.open_key(key)
        self.focus_on(self.composer)

    def opens(self, key: str, request: int) -> None:
        goes = self.desk.going.opened(request, key, time.monotonic())
        if goes and len(self.screen_stack) == 1:
            self.open_to_write(key)
        else:
            self.desk.going.open = key
        self.wake()

    def action_go_to_opened(self) -> None:
        if self.desk.going.open:
            self.open_to_write(self.desk.going.open)
        else:
            self.note(["nothing has opened that you have not been to"])

    def begin_questions(self) -> None:
        self._questioner.begin()
        self._dialogue = asyncio.create_task(self._end_questions())

    async def _end_questions(self) -> None:
        line = self.desk.line
        await line.dialogue_over()
        was_typing = self._questioner.end()
        if was_typing or line.answers_failed:
            # Whoever was quick goes on with an answer that nobody has asked for.
            self.desk.going.asked_secret()

    def remember(self, text: str) -> None:
        """So that Up brings it again, also the next time."""
        if not is_secret(text):
            self._cache.keep_input(text)
            self.composer.remember(text)

    def keep_draft(self) -> None:
        """What is being written stays with its conversation."""
        if self.conversation is not None:
            self.put_by(self.conversation, self.acts.draft())

    def put_by(self, conversation: Conversation, draft: str) -> None:
        """Until somebody goes there again."""
        if draft != conversation.draft:
            conversation.draft = draft
            self._cache.keep_draft(conversation.key, draft)

    @staticmethod
    def focus_on(part: Widget) -> None:
        """At once, and on the screen behind the dialog that may be open."""
        part.screen.set_focus(part)

    # --- What is written ------------------------------------------------------------------------

    def _completions(self, before: str, first_line: bool) -> Completion:
        return self.desk.known.completions(self.conversation, before, first_line=first_line)

    @on(Composer.Completing)
    def _complete(self, event: Composer.Completing) -> None:
        if self.around is not None:
            self.around.offer(event.completion, event.at)

    @on(Composer.Changed)
    def typed(self) -> None:
        conversation, text = self.conversation, self.composer.text
        if conversation is None or self.acts.is_editing or text == conversation.draft:
            return
        if text and not text.startswith(":"):
            self.desk.says_typing(conversation)

    def _submit(self, text: str) -> None:
        if self.conversation is not None:
            self.first_time = False
            self.desk.going.seen_to(self.composer.pressed_at_s)
            self._cache.keep_draft(self.conversation.key, "")
            if self.around is not None:
                self.around.leave_choices()
            self.acts.submit(self.conversation, text)
            self.show_around()

    def go_on_writing(self, text: str) -> None:
        self.focus_on(self.composer)
        self.composer.insert(text)

    def _want(self, what: str) -> None:
        match what:
            case "page up" | "page down":
                by = -1 if what == "page up" else 1
                if not self.notes.scroll_pages(by):
                    self.timeline.action_half_page(2 * by)
            case "escape" if self.ways.back():
                pass
            case "end":
                self.timeline.action_newest()
            case _:
                self.focus_on(self.timeline)
                self.timeline.action_step(-1)
        self.show_around()

    # --- What is asked for ----------------------------------------------------------------------

    @on(Timeline.Moved)
    def _moved(self) -> None:
        self.ways.keep_up()
        self.wake()

    def _asked(self, what: str, item: Item | None, about: str) -> None:
        if self.conversation is None:
            return
        if what == "jump":
            self.ways.jump(int(about))
        else:
            self.acts.do(what, self.conversation, item, about)
        self.show_around()

    def _asked_of_member(self, what: str, name: str) -> None:
        if self.conversation is not None:
            self.member_acts.do(what, name, self.conversation)
            self.show_around()

    @on(Lines.Clicked)
    def _clicked(self, event: Lines.Clicked) -> None:
        if self.around is not None:
            self.around.clicked(event.target)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Behind a dialog only what ends is done."""
        own = action in type(self).__dict__ or f"action_{action}" in type(self).__dict__
        return not own or action == "leave" or len(self.screen_stack) == 1

    def action_nth(self, number: int) -> None:
        self.ways.nth(number)

    def action_neighbour(self, by: int) -> None:
        self.ways.neighbour(by)

    def action_next_unread(self) -> None:
        self.ways.next_unread()

    def action_first_unread(self) -> None:
        self.ways.first_unread()
        self.show_around()

    def action_go_to(self) -> None:
        self.ways.go_to()

    def action_search(self) -> None:
        self.ways.search()

    def action_pins(self) -> None:
        self.ways.pins()

    def action_copy_or_clear(self) -> None:
        self.acts.copy_or_clear()

    def action_members(self) -> None:
        if self.around is not None:
            self.around.toggle_members()

    def action_sidebar(self) -> None:
        if self.around is not None:
            self.around.toggle_sidebar()

    def on_resize(self) -> None:
        if self.around is not None:
            # Once the app has taken over its new size, which comes after this.
            self.call_later(self.around.arrange)

    @on(events.AppFocus)
    @on(events.AppBlur)
    def _came_or_went(self, event: events.AppFocus | events.AppBlur) -> None:
        self.has_attention = isinstance(event, events.AppFocus)
        self.wake()

    def action_quiet(self) -> None:
        self.note([self.aloud.toggle()])
        self.show_around()

    def action_editor(self) -> None:
        self.run_worker(self.acts.write_in_editor(), exclusive=True)

    def action_words(self) -> None:
        """Asks for the words that are chosen here; those of the file are there besides."""
        question = "Words that call you as your name does, with commas between them:"
        chosen = self._cache.settings().get(highlighting.WORDS, "")
        self.push_screen(Prompt(question, text=chosen), self._highlight)

    def _highlight(self, text: str | None) -> None:
        if text is None:
            return
        chosen = highlighting.split(text)
        self._cache.keep_setting(highlighting.WORDS, ", ".join(chosen))
        self.book.highlight([*self.config.highlight, *chosen])
        self.timeline.words = self.book.words
        self.timeline.look_again()
        words = [*self.config.highlight, *chosen]
        self.note([f"what calls you besides your name: {', '.join(words) or 'nothing'}"])

    def action_mute(self) -> None:
        if self.conversation is not None:
            self.desk.mute(self.conversation)

    def action_keep(self) -> None:
        if self.conversation is not None:
            self.desk.keep_at_top(self.conversation)
            self.show_around()

    def action_next_theme(self) -> None:
        names = themes.names()
        at = names.index(self.theme) if self.theme in names else -1
        theme = names[(at + 1) % len(names)]
        self.wear(theme)
        self.note([f"colours: {theme.removeprefix(themes.PREFIX)}"])

    def wear(self, theme: str) -> None:
        """From now on, also the next time."""
        self.theme = theme
        self._cache.keep_setting(THEME, theme)

    def action_keys(self) -> None:
        self.push_screen(Reading(partial(keys.page, self._bound)))

    @property
    def _bound(self) -> list[DOMNode]:
        """What has keys: the first everywhere, the others where they are."""
        return [self, self.timeline, self.members, self.composer]

    def action_leave(self) -> None:
        self.ways.out()

    def leave_at_once(self) -> None:
        """With nothing asked."""
        self.keep()
        self.exit(0)

    def keep(self) -> None:
        """What was written, and what has come, is there the next time."""
        self.keep_draft()
        self.desk.keep()

    # --- What the client says and offers ----------------------------------------------------------

    def note(self, lines: Sequence[str]) -> None:
        """A quiet word of the client's own, until something is sent or Esc takes it away."""
        if lines:
            self.notes.say(lines)
            self.wake()

    def ask(self, question: str, yes: str, then: Callable[[], object]) -> None:
        def answered(said: bool | None) -> None:
            if said:
                then()

        self.push_screen(Confirm(question, yes, self.go_on_writing), answered)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        return keys.commands(self, self.timeline, self.acts.begin_command, self.wear)
