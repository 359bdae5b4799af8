"""What stands around the timeline: lists, header, hint and status; and for which there is room."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from zchat.client.core.events import Event, State
from zchat.client.model.conversation import Conversation, Said
from zchat.client.tui.controller.composing import Composing
from zchat.client.tui.controller.controller import Controller
from zchat.client.tui.controller.navigation import Navigation
from zchat.client.tui.controller.screen import Screen
from zchat.client.tui.notifications import Notifications
from zchat.client.tui.view import captions
from zchat.client.tui.view.captions import label
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.view.status import Network, Status, status_line
from zchat.client.tui.widgets.composer import Composer
from zchat.client.tui.widgets.lines import Lines, Members
from zchat.client.tui.widgets.notes import Notes
from zchat.client.tui.widgets.timeline import Timeline
from zchat.protocol import limits

SIDE_CELLS: Final = 24
"""The width of each list at the side on a narrow terminal,"""
SIDE_CELLS_MAX: Final = limits.NAME_CHARS_MAX + 10
"""and on a wide one, where the longest name fits beside a sign, a role and a count."""
SIDE_SHARE: Final = 5
"""Between these two a list is as wide as the terminal divided by this."""
SIDEBAR_FROM: Final = 78
"""On a terminal with fewer columns the list of conversations is hidden;"""
BOTH_FROM: Final = 104
"""with fewer than these it is hidden while the list of members is shown."""
CHOICES_LINES: Final = 8


def side_cells(columns: int) -> int:
    return max(SIDE_CELLS, min(SIDE_CELLS_MAX, columns // SIDE_SHARE))


class Panels:
    def __init__(
        self,
        screen: Screen,
        controller: Controller,
        composing: Composing,
        navigation: Navigation,
        notifications: Notifications,
        lines: Mapping[str, Lines],
        timeline: Timeline,
        members: Members,
        composer: Composer,
        notes: Notes,
        *,
        first_keys: FirstKeys,
        keeps: Callable[[], bool],
        first_time: bool,
    ) -> None:
        """`lines` by their ids; `keeps` tells whether the cache can still write."""
        self._screen = screen
        self._controller = controller
        self._composing = composing
        self._navigation = navigation
        self._notifications = notifications
        self._lines = lines
        self._timeline = timeline
        self._members = members
        self._composer = composer
        self._notes = notes
        self._first_keys = first_keys
        self._keeps = keeps
        self._network = Network()
        self.first_time = first_time
        """The user has never sent anything with this client: the first keys are worth a hint."""
        self._listed: list[Conversation] = []
        self._lines["sidebar"].beyond = self._beyond
        self._lines["prompt"].show([(Piece("› ", Ink.ACCENT),)])
        self._wants_sidebar = True
        self._wants_members = False

    def hear(self, event: Event) -> None:
        self._network.happened(event, asyncio.get_running_loop().time())

    # --- What is shown --------------------------------------------------------------------------

    def show(self) -> None:
        """Draws what has changed."""
        lines, cells, controller = self._lines, self._screen.columns, self._controller
        conversation = self._navigation.conversation
        if conversation is None:
            return
        here, side = controller.book.presence.here, side_cells(cells)
        now = asyncio.get_running_loop().time()
        if lines["sidebar"].display:
            listed = self._navigation.listed()
            if listed != self._listed:
                self._listed = listed
                lines["sidebar"].refresh()
            lines["sidebar"].show(
                captions.sidebar(listed, conversation, here, side, keys=self._first_keys)
            )
            # One further down, below the heading.
            lines["sidebar"].follow(listed.index(conversation) + 1)
        controller.look_at_people()
        if self._members.display:
            controller.look_at_members(conversation)
            known = controller.members.get(conversation.key)
            me = controller.book.me
            self._members.show(captions.members(conversation, me, known, here, side))
        header_cells = lines["header"].size.width or cells
        pins = len(controller.pins.get(conversation.key, ()))
        lines["header"].show([captions.header(conversation, header_cells, here, pins)])
        lines["hint"].show([self._hint(conversation, now)])
        lines["status"].show([status_line(self._status(), self._network, cells, now)])
        online = controller.chat.state is State.ONLINE
        welcome = captions.empty(
            conversation, online=online, first_time=self.first_time, keys=self._first_keys
        )
        self._timeline.set_empty(welcome)

    def _status(self) -> Status:
        chat, waiting = self._controller.chat, self._controller.guard.waiting
        return Status(
            state=chat.state,
            name=chat.name,
            latency_s=chat.latency_s,
            away=chat.away_word,
            unconfirmed=self._controller.unconfirmed,
            opened=label(self._controller.book.open(waiting)) if waiting else "",
            unkept=not self._keeps(),
            quiet=self._notifications.quiet,
            focus=self._focus(),
            first_keys=self._first_keys,
        )

    def _focus(self) -> str:
        if self._members.has_focus:
            return "members"
        return "timeline" if self._timeline.has_focus else "composer"

    def _beyond(self, hidden: range) -> Line:
        """What is unread in those conversations that are above the list's window, or below."""
        listed = self._listed[max(0, hidden.start - 1) : hidden.stop - 1]
        side = side_cells(self._screen.columns)
        opened, below = self._navigation.conversation, hidden.start > 0
        return captions.beyond(listed, opened, side, below=below, keys=self._first_keys)

    def _hint(self, conversation: Conversation, now: float) -> Line:
        acting = self._composing.hint(self._lines["hint"].size.width, self._first_keys)
        if acting is not None:
            return acting
        view = self._timeline.view
        pieces: list[Piece] = []
        keys = self._first_keys
        if closes := self._notes.hint(keys):
            pieces.append(Piece(f"  {closes}", Ink.DIM))
        chosen = view.chosen if view is not None and self._timeline.has_focus else None
        if isinstance(chosen, Said):
            pinned = self._controller.is_pinned(conversation, chosen)
            if known := captions.about(chosen, pinned=pinned):
                pieces.append(Piece(f"  {known}", Ink.DIM))
        end = "{newest}" if self._timeline.has_focus else "{end}"
        if view is not None and view.missed:
            missed = f"  ↓ {view.missed:,} new" + hint(keys, f" · {end}")
            pieces.append(Piece(missed, Ink.MENTIONED, captions.NEWEST))
        elif view is not None and not view.at_end:
            goes = hint(keys, f"{end} goes to the newest") or "the newest"
            pieces.append(Piece(f"  ↓ {goes}", Ink.DIM, captions.NEWEST))
        if not self._lines["sidebar"].display and (
            elsewhere := captions.unread_elsewhere(self._navigation.listed(), conversation)
        ):
            pieces.append(Piece(f"  {elsewhere}{hint(keys, ' · {next-unread}')}", Ink.MENTIONED))
        if typing := captions.typing(conversation, now):
            pieces.append(Piece(f"  {typing}", Ink.DIM))
        if not pieces and self.first_time and (first := hint(keys, *captions.FIRST_HINTS)):
            pieces.append(Piece(f"  {first}", Ink.DIM))
        return tuple(pieces)

    def offer(self, completion: Completion, at: int) -> None:
        """Shows what may take the place of the word before the cursor."""
        lines = self._lines["choices"]
        shown = captions.offered(completion, self._lines["hint"].size.width)
        lines.display = bool(shown)
        lines.styles.height = min(CHOICES_LINES, len(shown))
        lines.show(shown, at)

    def leave_choices(self) -> bool:
        """Hides the choices; False if there were none."""
        lines = self._lines["choices"]
        was, lines.display = bool(lines.display), False
        return was

    def clicked(self, target: str) -> None:
        """Goes where the clicked piece leads."""
        if target.startswith(captions.OPEN):
            self._navigation.open_to_write(target.removeprefix(captions.OPEN))
        elif target == captions.NEWEST:
            self._timeline.action_newest()
        elif target == captions.UNREAD:
            self._navigation.next_unread()
        elif target == captions.PINS:
            self._navigation.pins()
        elif target.startswith(captions.CHOICE):
            self._composer.choose(int(target.removeprefix(captions.CHOICE)))
            self._screen.focus_on(self._composer)

    # --- What there is room for ------------------------------------------------------------------

    def toggle_members(self) -> None:
        """Shows them, then goes to them, then hides them again."""
        if self._wants_members and not self._members.has_focus:
            self._screen.focus_on(self._members)
        else:
            if self._wants_members:
                self._screen.focus_on(self._composer)
            self._wants_members = not self._wants_members
            self.arrange()
        self.show()

    def toggle_sidebar(self) -> None:
        """Shows or hides it, also where there is little room."""
        self._wants_sidebar = not self._lines["sidebar"].display
        self.arrange(forced=self._wants_sidebar)

    def arrange(self, *, forced: bool = False) -> None:
        """Shows the lists that are wanted; that of conversations only if there is room, or
        forced."""
        needed = BOTH_FROM if self._wants_members else SIDEBAR_FROM
        has_room = forced or self._screen.columns >= needed
        for each in (self._lines["sidebar"], self._members):
            each.styles.width = side_cells(self._screen.columns)
        self._lines["sidebar"].display = self._wants_sidebar and has_room
        self._members.display = self._wants_members
        self.show()
