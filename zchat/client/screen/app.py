"""The full-screen client: puts the parts together, and says which key does what."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar, Final

from textual import events, on
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from zchat.client.actions import Question
from zchat.client.chat import Chat
from zchat.client.conversations.book import Book
from zchat.client.conversations.model import Conversation, Kind, Said
from zchat.client.events import Event, SessionBegun
from zchat.client.render import Renderer
from zchat.client.screen import choices, listing, saying, themes
from zchat.client.screen.completion import NONE, Completion, complete
from zchat.client.screen.composer import Composer
from zchat.client.screen.desk import Desk
from zchat.client.screen.dialogs import Confirm, Picker, Prompt, Reading
from zchat.client.screen.emoji import of as emoji_of
from zchat.client.screen.layout import Line
from zchat.client.screen.lines import Lines
from zchat.client.screen.markup import Ink, Piece
from zchat.client.screen.notes import Notes
from zchat.client.screen.status import Network, status_line
from zchat.client.screen.timeline import Timeline
from zchat.protocol.messages import LOBBY, room_log

FRAME_S: Final = 1 / 40
SIDEBAR_FROM: Final = 78
"""Columns below which the list of conversations makes room."""
MEMBERS_FROM: Final = 104
SIDEBAR_CELLS: Final = 24
TICK_S: Final = 1.0
SEARCH_DELAY_S: Final = 0.25
LOBBY_KEY: Final = room_log(LOBBY)


class ScreenClient(App[int]):
    CSS = """
    #body { height: 1fr; }
    #sidebar { width: 24; height: 100%; }
    #members { width: 24; height: 100%; display: none; }
    #main { width: 1fr; height: 100%; }
    #header { height: 1; width: 1fr; }
    #notes, #choices { height: auto; width: 1fr; display: none; }
    #hint { height: 1; width: 1fr; }
    #writing { height: auto; max-height: 8; width: 1fr; }
    #prompt { width: 2; height: 1; }
    #status { height: 1; width: 1fr; }
    """
    TITLE = "zchat"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "go_to", "Go to a room or person", priority=True),
        Binding("ctrl+f", "search", "Search on the server", priority=True),
        Binding("alt+a", "next_unread", "Next unread", priority=True),
        Binding("alt+down", "neighbour(1)", "Conversation below", priority=True),
        Binding("alt+up", "neighbour(-1)", "Conversation above", priority=True),
        *(
            Binding(f"alt+{number}", f"nth({number})", "Conversation by its place")
            for number in range(1, 10)
        ),
        Binding("f2,ctrl+b", "members", "Who is in it", priority=True),
        Binding("f3", "sidebar", "List of conversations", priority=True),
        Binding("f4", "quiet", "Do not disturb", priority=True),
        Binding("f5", "mute", "Mute this conversation", priority=True),
        Binding("f6", "keep", "Pin this conversation to the top", priority=True),
        Binding("f7", "next_theme", "Next theme", priority=True),
        Binding("f1", "keys", "All keys", priority=True),
        Binding("question_mark", "keys", "All keys", show=False),
        Binding("ctrl+q", "leave", "Quit", priority=True),
        Binding("ctrl+c", "copy_or_clear", "Copy what is selected, or clear the input", show=False),
    ]

    def __init__(
        self,
        chat: Chat,
        book: Book,
        render: Renderer,
        *,
        forget: Callable[[bool], None] = lambda everywhere: None,
        seen: Callable[[Event], None] = lambda event: None,
        theme: str = themes.DARK,
        first_time: bool = False,
    ) -> None:
        """`seen` gets each event once the book has it."""
        super().__init__()
        for each in themes.themes():
            self.register_theme(each)
        self.theme = themes.PLAIN if self.no_color else theme
        self.book = book
        self.chat = chat
        self.desk = Desk(
            chat, book, self.note, self.wake, self.open_when_there, render, self._put, forget
        )
        self._seen = seen
        self.network = Network()
        self._conversation: Conversation | None = None
        self._reply: Said | None = None
        self._edited: Said | None = None
        self._before_edit = ""
        self._frame_due = False
        self._all_is_new = True
        self._focused_app = True
        self._first_time = first_time
        self._completion: Completion = NONE
        self._chosen = -1
        self._jump_to = 0
        self.quiet = False
        """Nothing is told aloud."""
        self._wants_sidebar = True
        self._wants_members = False
        self._search_timer: asyncio.TimerHandle | None = None
        self.following: asyncio.Task[None] | None = None
        self._over: BaseException | None = None

    # --- Parts ----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield Lines(id="sidebar", panel=True)
            with Vertical(id="main"):
                yield Lines(id="header", panel=True)
                yield Timeline(self.book.me)
                yield Notes()
                yield Lines(id="choices", panel=True)
                yield Lines(id="hint")
                with Horizontal(id="writing"):
                    yield Lines(id="prompt")
                    yield Composer(self._completions, self._submit, self._want)
            yield Lines(id="members", panel=True)
        yield Lines(id="status", panel=True)

    def on_mount(self) -> None:
        # The parts of the one screen that is always there; a dialog is another screen.
        self.timeline = self.query_one(Timeline)
        self.composer = self.query_one(Composer)
        self.notes = self.query_one(Notes)
        self._lines = {
            each.id: each for each in self.query(Lines).results(Lines) if each.id is not None
        }
        self._lines["prompt"].show([(Piece("› ", Ink.ACCENT),)])
        self.open_key(self._first_key())
        self._focus(self.composer)
        self.following = asyncio.create_task(self._follow())
        self.set_interval(TICK_S, self._tick)
        self.wake()

    def _first_key(self) -> str:
        return LOBBY_KEY

    async def _follow(self) -> None:
        try:
            await self.desk.follow(self._happened)
        except Exception as error:  # noqa: BLE001
            # It is raised again where the screen was started, once the terminal is as it was.
            self._over = error
        self.exit(0)

    def _happened(self, event: Event) -> None:
        self.network.happened(event, asyncio.get_running_loop().time())
        if isinstance(event, SessionBegun):
            self.timeline.me = self.book.me
            self.desk.look_around()
            if self._conversation is not None:
                self.desk.look_into(self._conversation)
        self._seen(event)

    @property
    def over(self) -> BaseException | None:
        """Why the chat ended by itself, if it did."""
        return self._over

    # --- Frames ---------------------------------------------------------------------------------

    def wake(self) -> None:
        """Draws soon; however much happens, once a frame."""
        if not self._frame_due and self.is_running:
            self._frame_due = True
            self.set_timer(FRAME_S, self._frame)

    def _frame(self) -> None:
        self._frame_due = False
        if self._conversation is None:
            return
        self.book.take_touched()
        self.timeline.update_from_changes()
        self._keep_up()
        self._show_all()

    def _tick(self) -> None:
        self._keep_up()
        self._show_all()

    def _keep_up(self) -> None:
        """Marks as read what is seen, and asks for what will be."""
        conversation, view = self._conversation, self.timeline.view
        if conversation is None or view is None:
            return
        if view.at_end and self._focused_app and len(self.screen_stack) == 1:
            self.desk.read(conversation)
        if self._jump_to:
            self._jump_on()
        elif self.timeline.wants_older:
            self.desk.load_older(conversation)

    def _show_all(self) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        now = asyncio.get_running_loop().time()
        self._lines["sidebar"].show(self._sidebar(conversation))
        self._lines["header"].show([saying.header(conversation, self.size.width, self.desk)])
        self._lines["hint"].show([self._hint(conversation, now)])
        keys = "timeline" if self.timeline.has_focus else "composer"
        self._lines["status"].show(
            [status_line(self.chat, self.network, self.size.width, now, keys, quiet=self.quiet)]
        )
        if self._lines["members"].display:
            self._lines["members"].show(saying.members(conversation, self.desk, 24))
        self.timeline.set_empty(saying.empty(conversation, self.chat, self._first_time))

    def _sidebar(self, opened: Conversation) -> list[Line]:
        cells = SIDEBAR_CELLS
        lines: list[Line] = [listing.heading("conversations", cells, "Ctrl-K")]
        for number, each in enumerate(self.listed(), 1):
            present = saying.present(each.key, self.desk)
            lines.append(
                listing.row(
                    each,
                    cells,
                    number if number < 10 else 0,
                    opened=each is opened,
                    present=present,
                )
            )
        return lines

    def listed(self) -> list[Conversation]:
        """As they stand in the list."""
        return listing.ordered(self.book.conversations.values(), self._conversation)

    def _hint(self, conversation: Conversation, now: float) -> Line:
        view = self.timeline.view
        if self._edited is not None:
            return (Piece("  editing your message · Enter saves · Esc leaves it", Ink.HINT),)
        if self._reply is not None:
            return saying.replying(self._reply, self._lines["hint"].size.width)
        parts: list[Piece] = []
        if view is not None and view.missed:
            parts.append(Piece(f"  ↓ {view.missed:,} new · End", Ink.MENTIONED, "newest:"))
        elif view is not None and not view.at_end:
            parts.append(Piece("  ↓ newest: End", Ink.DIM, "newest:"))
        typing = saying.typing(conversation, now)
        if typing:
            parts.append(Piece(f"  {typing}", Ink.DIM))
        if not parts and self._first_time:
            parts.append(Piece(saying.FIRST_HINT, Ink.DIM))
        return tuple(parts)

    # --- Which conversation ---------------------------------------------------------------------

    def open_key(self, key: str) -> None:
        self._keep_draft()
        conversation = self.book.open(key)
        self.book.looking_at = key
        self._reply = self._edited = None
        self._conversation = conversation
        self.timeline.open(conversation)
        self.composer.load(conversation.draft)
        self.desk.look_into(conversation)
        self._jump_to = 0
        if self.is_running:
            self._keep_up()
            self._show_all()

    def open_when_there(self, key: str) -> None:
        self.open_key(key)
        self._focus(self.composer)

    @staticmethod
    def _focus(part: Widget) -> None:
        """At once, and on the screen behind the dialog that may be open."""
        part.screen.set_focus(part)

    def _keep_draft(self) -> None:
        if self._conversation is not None:
            editing = self._edited is not None
            self._conversation.draft = self._before_edit if editing else self.composer.text

    def action_nth(self, number: int) -> None:
        listed = self.listed()
        if number <= len(listed):
            self.open_key(listed[number - 1].key)

    def action_neighbour(self, by: int) -> None:
        listed = self.listed()
        if self._conversation in listed:
            at = listed.index(self._conversation)
            self.open_key(listed[(at + by) % len(listed)].key)

    def action_next_unread(self) -> None:
        waiting = [each for each in self.listed() if each.unread and not listing.is_muted(each)]
        waiting.sort(key=lambda each: -each.mentions)
        others = [each for each in waiting if each is not self._conversation]
        if others:
            self.open_key(others[0].key)
        else:
            self.note(["nothing more is unread"])

    def action_go_to(self) -> None:
        if len(self.screen_stack) > 1:
            return
        self.desk.look_around()
        picker = Picker(
            "a room or a person…",
            lambda query: choices.places(query, self.desk, self.listed()),
            "nothing like that; Esc, then :cr NAME makes a room",
        )
        self.push_screen(picker, self._go)

    def _go(self, value: str | None) -> None:
        if value is None:
            return
        what, _, name = value.partition(":")
        if what == choices.JOIN:
            self.desk.join(name)
        elif what == choices.CREATE:
            self.desk.enter(f":cr {name}", self.book.open(LOBBY_KEY))
        else:
            self.open_when_there(name)

    # --- What is written ------------------------------------------------------------------------

    def _completions(self, before: str, first_line: bool) -> Completion:
        conversation = self._conversation
        authors: list[str] = []
        if conversation is not None:
            recent = conversation.items[-200:]
            authors = [item.author for item in reversed(recent) if isinstance(item, Said)]
        return complete(before, self.desk.people(authors), self.desk.room_names(), first_line)

    @on(Composer.Completing)
    def _complete(self, event: Composer.Completing) -> None:
        lines = self._lines["choices"]
        cells = max(10, lines.size.width or self.size.width)
        shown = saying.offered(event.completion, cells)
        lines.display = bool(shown)
        lines.styles.height = min(8, len(shown))
        lines.show(shown, event.at)

    @on(Composer.Changed)
    def _typed(self) -> None:
        conversation = self._conversation
        text = self.composer.text
        if conversation is not None and text and not text.startswith(":") and self._edited is None:
            if text != conversation.draft:
                self.desk.says_typing(conversation)

    def _submit(self, text: str) -> None:
        conversation = self._conversation
        assert conversation is not None
        self.notes.hide()
        self._lines["choices"].display = False
        if self._edited is not None:
            edited, self._edited = self._edited, None
            if text != edited.text:
                self.desk.edit(conversation, edited, text)
            self.composer.load(self._before_edit)
            return
        if conversation.kind is Kind.NOTICES and not text.startswith(":"):
            self.note(["! nobody can be answered here; Ctrl-K goes to a room or person"])
            return
        reply_to = self._reply.sequence if self._reply is not None else 0
        self._reply, self._first_time = None, False
        if not saying.is_secret(text):
            self.composer.remember(text)
        self.composer.load("")
        conversation.draft = ""
        self.timeline.action_newest()
        if not self.desk.enter(text, conversation, reply_to):
            self.action_leave()
        self._show_all()

    def _want(self, what: str) -> None:
        match what:
            case "page up":
                self.timeline.action_half_page(-2)
            case "page down":
                self.timeline.action_half_page(2)
            case "up":
                self._focus(self.timeline)
                self.timeline.action_step(-1)
            case "escape":
                self._escape()
            case _:
                self._focus(self.timeline)
        self._show_all()

    def _escape(self) -> None:
        if self._lines["choices"].display:
            self._lines["choices"].display = False
        elif self.notes.display:
            self.notes.hide()
        elif self._edited is not None:
            self._edited = None
            self.composer.load(self._before_edit)
        elif self._reply is not None:
            self._reply = None
        elif self.timeline.view is not None and not self.timeline.view.at_end:
            self.timeline.action_newest()
        else:
            self._focus(self.timeline)
            self.timeline.action_step(-1)

    def action_copy_or_clear(self) -> None:
        selected = self.composer.selected_text
        if selected:
            self.copy_to_clipboard(selected)
        elif self.composer.text:
            self.composer.load("")
        else:
            self.note(["Ctrl-Q quits"])

    # --- What is done to a message --------------------------------------------------------------

    @on(Timeline.Moved)
    def _moved(self) -> None:
        self._keep_up()
        self.wake()

    @on(Timeline.Asked)
    def _asked(self, event: Timeline.Asked) -> None:
        conversation, item = self._conversation, event.item
        if conversation is None:
            return
        match event.what:
            case "write":
                self.timeline.action_newest()
                self._focus(self.composer)
            case "find":
                self.push_screen(
                    Prompt("Find in what is here:", text=self.timeline.found), self._find
                )
            case "jump":
                self._jump(int(event.about))
            case "open":
                self._open_link(event.about)
            case what if isinstance(item, Said):
                self._do(what, conversation, item, event.about)
            case _:
                self.note(["! that can be done to messages only"])
        self._show_all()

    def _do(self, what: str, conversation: Conversation, said: Said, about: str) -> None:
        if what == "copy":
            self.copy_to_clipboard(said.text)
            self.note(["copied"])
        elif what == "reply" and saying.has_failed(said):
            self.desk.retry(conversation, said)
        elif what == "delete":
            self._delete(conversation, said)
        elif not said.sequence:
            self.note(["! it is not confirmed yet; that can be done once it is"])
        elif what == "reply":
            self._reply = said
            self._focus(self.composer)
        elif what == "edit":
            self._edit(said)
        elif what == "react":
            self._react(conversation, said, about)
        elif what == "pin":
            self.desk.pin(conversation, said)

    def _edit(self, said: Said) -> None:
        if not self.book.is_own(said) or said.deleted_by:
            self.note(["! only your own messages can be edited"])
            return
        self._before_edit = self.composer.text
        self._edited, self._reply = said, None
        self.composer.load(said.text)
        self._focus(self.composer)

    def _delete(self, conversation: Conversation, said: Said) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.desk.delete(conversation, said)

        if said.deleted_by:
            return
        question = (
            f"Delete this message of {saying.whose(said, self.book.me)}?\n\n{saying.short(said)}"
        )
        self.push_screen(Confirm(question, "deletes it for everyone"), answered)

    def _react(self, conversation: Conversation, said: Said, emoji: str) -> None:
        def picked(value: str | None) -> None:
            if value:
                self.desk.react(conversation, said, emoji_of(value))

        if emoji:
            picked(emoji)
            return
        picker = Picker(
            "an emoji by its name…", choices.reactions, "any short word can be one, too"
        )
        self.push_screen(picker, picked)

    def _open_link(self, link: str) -> None:
        if not link.startswith(("http://", "https://")):
            self.note(["! there is no link in it"])
            return
        self.open_url(link)
        self.note([f"opened {link}"])

    def _find(self, text: str | None) -> None:
        if text:
            self.timeline.found = text
            self._focus(self.timeline)
            if self.timeline.view is None or not self.timeline.view.find(text, -1):
                self.note([f"{text!r} is nowhere in what is here; Ctrl-F asks the server"])
            self.timeline.look_again()

    # --- Search ---------------------------------------------------------------------------------

    def action_search(self) -> None:
        if len(self.screen_stack) > 1:
            return
        self.desk.found, self.desk.search_trouble = None, ""
        picker = Picker(
            "search in all that you can read…",
            lambda query: choices.found(query, self.desk),
            "every word of it is looked for",
            typed=self._search_soon,
        )
        self.push_screen(picker, self._go_to_found)

    def _search_soon(self, text: str) -> None:
        if self._search_timer is not None:
            self._search_timer.cancel()
        self.desk.found = None
        loop = asyncio.get_running_loop()
        self._search_timer = loop.call_later(SEARCH_DELAY_S, self._search, text)

    def _search(self, text: str) -> None:
        self._search_timer = None
        if text.strip():
            self.desk.search(text.strip(), None)
            self._show_found()

    def _show_found(self) -> None:
        screen = self.screen
        if isinstance(screen, Picker):
            screen.show_again(choices.search_state(self.desk))

    def _go_to_found(self, value: str | None) -> None:
        if value is not None:
            sequence, _, key = value.partition(":")
            self.open_key(key)
            self._jump(int(sequence))
            self._focus(self.timeline)

    def _jump(self, sequence: int) -> None:
        view = self.timeline.view
        if view is not None and view.index_of(sequence) is not None:
            self.timeline.jump(sequence)
            self._jump_to = 0
        else:
            self._jump_to = sequence
            self._jump_on()

    def _jump_on(self) -> None:
        """Loads pages until the message is there."""
        conversation, view = self._conversation, self.timeline.view
        if conversation is None or view is None:
            return
        if view.index_of(self._jump_to) is not None:
            sequence, self._jump_to = self._jump_to, 0
            self.timeline.jump(sequence)
        elif (
            not conversation.more_before
            or saying.begins_after(conversation, self._jump_to) is False
        ):
            self._jump_to = 0
            self.note(["! that message is not there any more"])
        else:
            self.desk.load_older(conversation)

    # --- Everything else ------------------------------------------------------------------------

    def note(self, lines: Sequence[str]) -> None:
        """Says something of the client's own, quietly; the next thing that is sent takes it away."""
        if lines:
            self.notes.say(lines)

    async def _put(self, questions: Sequence[Question]) -> list[str] | None:
        answers: list[str] = []
        for question in questions:
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self.push_screen(Prompt(question.text, secret=question.secret), answer.set_result)
            given = await answer
            if not given:
                return None
            answers.append(given)
        return answers

    def action_members(self) -> None:
        self._wants_members = not self._wants_members
        if self._wants_members and self.size.width < SIDEBAR_FROM:
            # On a narrow screen there is room for one of both.
            self._wants_sidebar = False
        self._arrange()

    def action_sidebar(self) -> None:
        self._wants_sidebar = not self._lines["sidebar"].display
        self._arrange(forced=self._wants_sidebar)

    def _arrange(self, *, forced: bool = False) -> None:
        width = self.size.width
        self._lines["sidebar"].display = self._wants_sidebar and (forced or width >= SIDEBAR_FROM)
        self._lines["members"].display = self._wants_members
        if self._wants_members and width < MEMBERS_FROM:
            self._lines["sidebar"].display = False
        if self._wants_members and self._conversation is not None:
            self.desk.look_into(self._conversation)
        self._show_all()

    def on_resize(self) -> None:
        if hasattr(self, "_lines"):
            self._arrange()

    @on(events.AppFocus)
    def _came(self) -> None:
        self._focused_app = True
        self.wake()

    @on(events.AppBlur)
    def _went(self) -> None:
        self._focused_app = False

    @on(Lines.Clicked)
    def _clicked(self, event: Lines.Clicked) -> None:
        target = event.target
        if target.startswith(listing.OPEN):
            self.open_when_there(target.removeprefix(listing.OPEN))
        elif target == "newest:":
            self.timeline.action_newest()
        elif target.startswith(saying.CHOICE):
            self.composer.choose(int(target.removeprefix(saying.CHOICE)))
            self._focus(self.composer)

    def action_quiet(self) -> None:
        self.quiet = not self.quiet
        self.note(["do not disturb is on; F4 ends it" if self.quiet else "do not disturb is off"])
        self._show_all()

    def action_mute(self) -> None:
        if self._conversation is not None:
            self.desk.mute(self._conversation)

    def action_keep(self) -> None:
        if self._conversation is not None:
            self._conversation.pinned = not self._conversation.pinned
            self._show_all()

    def action_next_theme(self) -> None:
        names = [themes.DARK, themes.LIGHT, themes.CONTRAST, themes.PLAIN]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]
        self.refresh(layout=True)

    def action_keys(self) -> None:
        if len(self.screen_stack) == 1:
            self.push_screen(Reading(saying.keys([self, self.timeline, self.composer])))

    def action_leave(self) -> None:
        waiting = self.chat.unanswered
        if not waiting or self.chat.is_over:
            self._leave(yes=True)
            return
        what = "1 message is" if waiting == 1 else f"{waiting:,} messages are"
        question = f"{what} not confirmed by the server yet, and may be lost."
        self.push_screen(Confirm(question, "quits all the same", "Esc stays"), self._leave)

    def _leave(self, yes: bool | None) -> None:
        if yes:
            self._keep_draft()
            self.exit(0)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        for binding in saying.bindings_of(self):
            yield SystemCommand(
                binding.description,
                f"Key: {saying.key_name(binding.key)}",
                self._runs(binding.action),
            )
        for name in (themes.DARK, themes.LIGHT, themes.CONTRAST, themes.PLAIN):
            yield SystemCommand(
                f"Theme: {name.removeprefix('zchat-')}", "How everything looks", self._wears(name)
            )

    def _runs(self, action: str) -> Callable[[], Coroutine[Any, Any, bool]]:
        return lambda: self.run_action(action)

    def _wears(self, name: str) -> Callable[[], None]:
        def wear() -> None:
            self.theme = name

        return wear
