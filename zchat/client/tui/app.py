"""The full-screen client: puts widgets and controllers together, and passes keys and events on.

What a key does is said in `keys.py`; an action here has one line and names who does it.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, Final, TypeVar

from textual import events, on
from textual.app import App, ComposeResult, SystemCommand
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.driver import Driver
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from zchat.client.commands.executor import Executor
from zchat.client.core.events import Event, SessionBegun
from zchat.client.model.book import Book
from zchat.client.model.conversation import Item
from zchat.client.model.entries import HIGHLIGHT_SETTING, split_words
from zchat.client.sdk.chat import Chat
from zchat.client.storage.cache import Cache
from zchat.client.storage.config import Config
from zchat.client.storage.log_files import LogFiles
from zchat.client.text.renderer import Renderer
from zchat.client.tui import keys
from zchat.client.tui.controller.actions import MemberActions, MessageActions
from zchat.client.tui.controller.composing import Composing
from zchat.client.tui.controller.controller import AnswerNotes, Controller, Outcome
from zchat.client.tui.controller.navigation import Navigation
from zchat.client.tui.controller.panels import Panels
from zchat.client.tui.gc_policy import GcPolicy
from zchat.client.tui.notifications import How, Notifications, Notifier, is_quiet, notices
from zchat.client.tui.view import themes
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.view.hints import hint
from zchat.client.tui.view.layout import Calendar
from zchat.client.tui.widgets import painting
from zchat.client.tui.widgets.composer import Composer
from zchat.client.tui.widgets.dialogs import Confirm, Dialog, Prompt, Reading
from zchat.client.tui.widgets.lines import Lines, Members
from zchat.client.tui.widgets.notes import Notes
from zchat.client.tui.widgets.questions import QuestionDialog, Questioner
from zchat.client.tui.widgets.timeline import Timeline

T = TypeVar("T")

CSS: Final = """
#body { height: 1fr; }
#sidebar, #members { width: 24; height: 100%; }
#members { display: none; }
#main { width: 1fr; height: 100%; }
#header { height: 1; width: 1fr; }
#notes, #choices { height: auto; width: 1fr; display: none; }
#hint { height: 1; width: 1fr; }
#writing { height: auto; max-height: 8; width: 1fr; }
#prompt { width: 2; height: 1; }
#status { height: 1; width: 1fr; }
"""
PANELS: Final = ("sidebar", "header", "choices", "status")
PLAIN_LINES: Final = ("hint", "prompt")
TOUCHES: Final = (events.Key, events.Paste, events.MouseDown)
"""What shows that the user is doing something."""
FRAME_S: Final = 1 / 40
"""What others do is drawn at most this often, since a flood of messages must not take a whole core.
What the user does is drawn at once."""
TICK_S: Final = 1.0
"""How often clocks on the screen go on, and what has come is written to disk: what is lost with a
dead terminal comes from the server again."""
THEME: Final = "theme"


class ScreenClient(App[int]):
    CSS = CSS
    TITLE = "zchat"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS = keys.EVERYWHERE
    # The timeline has a selection of its own: of the text of messages, not of cells.
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
        """`seen` gets each event once the book has it; `how` notifications reach the user.

        Times are shown in `zone`; None is the machine's own.
        """
        # Given here: Textual chooses in its `__init__` how it takes colours away, before it knows
        # of our themes.
        super().__init__(driver, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.config = config or Config()
        themes.adopt(self.config.themes, self.config.complain)
        for each in painting.textual_themes():
            self.register_theme(each)
        settings = cache.settings()
        theme = settings.get(THEME) or self._theme_of_file() or themes.DARK
        self.theme = themes.PLAIN if self.no_color or theme not in themes.names() else theme
        self.chat = chat
        self.book = book
        self.gc_policy = GcPolicy()
        self.has_attention = True
        self.over: BaseException | None = None
        """Why the chat ended by itself, if it did."""
        self._cache = cache
        self._log_files = log_files
        self._seen = seen
        self._trouble_told = ""
        self._frame_due = False
        self._following: asyncio.Task[None] | None = None
        self._dialogue: asyncio.Task[None] | None = None
        self._questioner = Questioner(self)
        answers = AnswerNotes(render, self.note)
        executor = Executor(chat, answers, self._questioner.ask, forget)
        self.controller = Controller(chat, book, cache, executor, self, log_files)
        calendar = LocalCalendar(zone)
        self._make_widgets(calendar)
        self._make_controllers(calendar, how, quiet=is_quiet(settings), first_time=first_time)

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

    def _make_widgets(self, calendar: Calendar) -> None:
        book, folds = self.book, self.config.fold_moves
        self.lines = {each: Lines(id=each, panel=True) for each in PANELS}
        self.lines |= {each: Lines(id=each) for each in PLAIN_LINES}
        self.timeline = Timeline(book.me, calendar, self._asked, folds=folds)
        self.timeline.words = book.words
        self.composer = Composer(self._completions, self._submit, self._want)
        self.notes = Notes()
        self.members = Members(self._asked_of_member)
        keys.bind(self._bound, self.config)
        self._first_keys = self.timeline.first_keys = keys.first_keys(self._bound)

    def _make_controllers(
        self, calendar: Calendar, how: How, *, quiet: bool, first_time: bool
    ) -> None:
        """Each is given those before it that it needs. None knows the app, but for `Screen`."""
        controller, cache = self.controller, self._cache
        timeline, composer, notes = self.timeline, self.composer, self.notes
        self.notifications = Notifications(
            self.book, Notifier(how, self._write), cache, quiet=quiet
        )
        self.composing = Composing(self, controller, cache, composer, timeline, notes)
        self.navigation = Navigation(
            self,
            controller,
            self.composing,
            self.notifications,
            cache,
            calendar,
            composer,
            timeline,
            notes,
        )
        self.message_actions = MessageActions(
            self, controller, self.composing, self.navigation, timeline, notes
        )
        self.member_actions = MemberActions(self, controller, self.composing, self.navigation)
        self.panels = Panels(
            self,
            controller,
            self.composing,
            self.navigation,
            self.notifications,
            self.lines,
            timeline,
            self.members,
            composer,
            notes,
            first_keys=self._first_keys,
            keeps=lambda: cache.keeps,
            first_time=first_time,
        )

    @property
    def _bound(self) -> list[DOMNode]:
        """Those with keys of their own, which for the first work everywhere, else with the
        focus."""
        return [self, self.timeline, self.members, self.composer]

    def compose(self) -> ComposeResult:
        lines = self.lines
        with Horizontal(id="body"):
            yield lines["sidebar"]
            with Vertical(id="main"):
                yield lines["header"]
                yield self.timeline
                yield self.notes
                yield lines["choices"]
                yield lines["hint"]
                with Horizontal(id="writing"):
                    yield lines["prompt"]
                    yield self.composer
            yield self.members
        yield lines["status"]

    def on_mount(self) -> None:
        self.navigation.open_last()
        self.panels.arrange()
        self._following = asyncio.create_task(self._follow())
        self.composer.remember_all(self._cache.inputs())
        self._tell_trouble()
        troubles = [*self.config.troubles]
        if self._log_files is not None and self._log_files.trouble:
            troubles.append(f"{self._log_files.trouble}.")
        self.note([f"! {trouble}" for trouble in troubles])
        self.set_interval(TICK_S, self._tick)
        # After Ctrl-Z and fg: another program had the terminal, and nothing is there as it was
        # drawn.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    # --- Events ---------------------------------------------------------------------------------

    async def _follow(self) -> None:
        try:
            await self.controller.follow(self._happened)
        except Exception as error:  # noqa: BLE001
            # Whatever ended the chat ends the screen. It is raised again where the screen was
            # opened, once the terminal is as it was.
            self.over = error
        self.exit(0)

    def _happened(self, event: Event) -> None:
        self.panels.hear(event)
        if isinstance(event, SessionBegun):
            # The server may spell the user's name differently from what was typed.
            self.timeline.me = self.book.me
        self.navigation.hear(event)
        self.notifications.hear(event, self.navigation.looked_at)
        self.note(notices(event, self.book.me))
        self._seen(event)

    def _write(self, text: str) -> None:
        """To the terminal, between two frames."""
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
        self.notifications.tell()
        self.gc_policy.tick()
        self._frame()

    def _tell_trouble(self) -> None:
        """Tells of each new trouble of the cache, once."""
        if self._cache.trouble != self._trouble_told:
            self._trouble_told = self._cache.trouble
            self.note([f"! {self._trouble_told}"])

    def _frame(self) -> None:
        self._frame_due = False
        self.timeline.update_from_changes()
        self.navigation.keep_up()
        self.panels.show()

    def show_around(self) -> None:
        """Draws all but the timeline, which notices by itself that something has changed."""
        self.panels.show()

    # --- Keys -----------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.InputEvent):
            self.gc_policy.input_seen()
        if isinstance(event, TOUCHES):
            self.controller.guard.handled(event.time)
        if (
            isinstance(event, events.Key | events.Paste)
            and not event.is_forwarded
            and self._in_turn(event)
        ):
            # Through the composer's queue, where the keys before it may still wait: so no key
            # overtakes another. `app_focus` is set as Textual would, since whoever types is here.
            self.app_focus = True
            self.composer._forward_event(event)
            return
        await super().on_event(event)

    def _in_turn(self, event: events.Key | events.Paste) -> bool:
        """Whether the key waits for those before it, in the composer's queue.

        That is so for all but those of a dialog that no key has opened, which Textual hands on.
        """
        if isinstance(self.screen, QuestionDialog):
            # Its answers come through the composer, too; but quitting must always be possible.
            return getattr(event, "key", "") != "ctrl+q"
        return self.is_uncovered or self.composer.has_opened(self.screen)

    def post_message(self, message: Message) -> bool:
        # Keys are noted when they come, and not only when it is their turn: a conversation that
        # opens in between must not take along somebody who is typing.
        if isinstance(message, TOUCHES):
            self.controller.guard.touched(message.time)
        return super().post_message(message)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Behind a dialog only quitting works, besides actions of Textual's own."""
        own = action in type(self).__dict__ or f"action_{action}" in type(self).__dict__
        return not own or action == "leave" or self.is_uncovered

    def action_go_to(self) -> None:
        self.navigation.go_to()

    def action_search(self) -> None:
        self.navigation.search()

    def action_go_to_opened(self) -> None:
        self.navigation.go_to_opened()

    def action_next_unread(self) -> None:
        self.navigation.next_unread()

    def action_first_unread(self) -> None:
        self.navigation.first_unread()
        self.show_around()

    def action_neighbour(self, by: int) -> None:
        self.navigation.neighbour(by)

    def action_nth(self, number: int) -> None:
        self.navigation.nth(number)

    def action_members(self) -> None:
        self.panels.toggle_members()

    def action_sidebar(self) -> None:
        self.panels.toggle_sidebar()

    def action_quiet(self) -> None:
        self.note([self.notifications.toggle(self.hint("; {quiet} ends it"))])
        self.show_around()

    def action_mute(self) -> None:
        if self.navigation.conversation is not None:
            self.controller.mute(self.navigation.conversation)

    def action_keep(self) -> None:
        if self.navigation.conversation is not None:
            self.controller.keep_at_top(self.navigation.conversation)
            self.show_around()

    def action_next_theme(self) -> None:
        names = themes.names()
        at = names.index(self.theme) if self.theme in names else -1
        theme = names[(at + 1) % len(names)]
        self._wear(theme)
        self.note([f"theme: {theme.removeprefix(themes.PREFIX)}"])

    def _wear(self, theme: str) -> None:
        """Changes the theme, also for the next run of the client."""
        self.theme = theme
        self._cache.keep_setting(THEME, theme)

    def action_pins(self) -> None:
        self.navigation.pins()

    def action_editor(self) -> None:
        self.run_worker(self.composing.write_in_editor(), exclusive=True)

    def action_words(self) -> None:
        """Asks for highlight words, which are added to those in the file of settings."""
        question = "Words that notify you as your name does, with commas between them:"
        chosen = self._cache.settings().get(HIGHLIGHT_SETTING, "")
        self.push_screen(Prompt(question, text=chosen), self._highlight)

    def _highlight(self, text: str | None) -> None:
        if text is None:
            return  # The user left the dialog.
        chosen = split_words(text)
        self._cache.keep_setting(HIGHLIGHT_SETTING, ", ".join(chosen))
        words = [*self.config.highlight, *chosen]
        self.book.highlight(words)
        self.timeline.words = self.book.words
        self.timeline.look_again()
        self.note([f"words that notify you as your name does: {', '.join(words) or 'none'}"])

    def action_keys(self) -> None:
        self.push_screen(Reading(partial(keys.page, self._bound)))

    def action_copy_or_clear(self) -> None:
        self.composing.copy_or_clear()

    def action_leave(self) -> None:
        self.navigation.quit()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        return keys.commands(self, self.timeline, self.composing.begin_command, self._wear)

    # --- What the widgets ask for ---------------------------------------------------------------

    def _completions(self, before: str, first_line: bool) -> Completion:
        return self.composing.completions(before, first_line)

    def _submit(self, text: str) -> None:
        self.panels.first_time = False
        self.panels.leave_choices()
        if self.composing.submit(text) is Outcome.QUIT:
            self.navigation.quit()
        self.show_around()

    def _want(self, what: str) -> None:
        """A key of the composer that means nothing for a text."""
        match what:
            case "page up" | "page down":
                by = -1 if what == "page up" else 1
                if not self.notes.scroll_pages(by):
                    self.timeline.action_half_page(2 * by)
            case "escape" if self.panels.leave_choices() or self.navigation.back():
                pass
            case "end":
                self.timeline.action_newest()
            case _:
                self.focus_on(self.timeline)
                self.timeline.action_step(-1)
        self.show_around()

    def _asked(self, what: str, item: Item | None, about: str) -> None:
        self.message_actions.do(what, item, about)
        self.show_around()

    def _asked_of_member(self, what: str, name: str) -> None:
        self.member_actions.do(what, name)
        self.show_around()

    @on(Composer.Completing)
    def _complete(self, event: Composer.Completing) -> None:
        self.panels.offer(event.completion, event.at)

    @on(Composer.Changed)
    def _typed(self) -> None:
        self.composing.typed()

    @on(Timeline.Moved)
    def _moved(self) -> None:
        self.navigation.keep_up()
        self.wake()

    @on(Lines.Clicked)
    def _clicked(self, event: Lines.Clicked) -> None:
        self.panels.clicked(event.target)

    @on(events.AppFocus)
    @on(events.AppBlur)
    def _came_or_went(self, event: events.AppFocus | events.AppBlur) -> None:
        self.has_attention = isinstance(event, events.AppFocus)
        self.wake()

    def on_resize(self) -> None:
        # Called later: Textual sets the new size of the app only after this.
        self.call_later(self.panels.arrange)

    # --- What the controllers ask for, as in `controller/screen.py` -----------------------------

    @property
    def is_uncovered(self) -> bool:
        return len(self.screen_stack) == 1

    @property
    def columns(self) -> int:
        return self.size.width

    def note(self, lines: Sequence[str]) -> None:
        """Shows a note, until something is sent or Escape takes it away."""
        if lines:
            self.notes.say(lines)
            self.wake()

    def ask(self, question: str, yes: str, then: Callable[[], object]) -> None:
        def answered(said: bool | None) -> None:
            if said:
                then()

        self.push_screen(Confirm(question, yes, self.composing.go_on), answered)

    def show_dialog(
        self, dialog: Dialog[T], then: Callable[[T | None], None] | None = None
    ) -> None:
        self.push_screen(dialog, then)

    def hint(self, *parts: str) -> str:
        return hint(self._first_keys, *parts)

    @staticmethod
    def focus_on(part: Widget) -> None:
        # By the widget's own screen: the app's `set_focus` is for the one in front, maybe a dialog.
        part.screen.set_focus(part)

    def open_to_write(self, key: str) -> None:
        self.navigation.open_to_write(key)

    def opens(self, key: str, request: int) -> None:
        self.navigation.opens(key, request)
        self.wake()

    def begin_questions(self) -> None:
        self._questioner.begin()
        self._dialogue = asyncio.create_task(self._end_questions())

    async def _end_questions(self) -> None:
        executor = self.controller.executor
        await executor.dialogue_over()
        was_typing = self._questioner.end()
        if was_typing or executor.answers_failed:
            # Whoever types fast may still be typing an answer, which nobody asks for any more.
            self.controller.guard.secret_asked()

    def keep(self) -> None:
        """Writes to disk what the user was writing, and what has come."""
        self.composing.keep_draft()
        self.controller.keep()

    def leave_at_once(self) -> None:
        """Quits without a question."""
        self.keep()
        self.exit(0)


@dataclass(frozen=True, slots=True)
class LocalCalendar:
    """When something was said, in words, in the reader's time zone; None is that of the machine.

    It is handed to the view, which so needs no time zone, and thus no machine, of its own. Servers
    may send years that Python's calendar lacks.
    """

    zone: tzinfo | None = None

    def _at(self, at_ms: int) -> datetime | None:
        try:
            return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)
        except (OverflowError, ValueError, OSError):
            return None

    def day(self, at_ms: int) -> int | None:
        at = self._at(at_ms)
        return None if at is None else at.toordinal()

    def day_name(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "unknown day" if at is None else f"{at:%A}, {at.day} {at:%B %Y}"

    def clock(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "--:--" if at is None else f"{at:%H:%M}"

    def day_and_clock(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "--:--" if at is None else f"{at:%d %b %H:%M}"

    def date_and_clock(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "unknown time" if at is None else f"{at.day} {at:%B %Y, %H:%M}"
