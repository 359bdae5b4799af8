"""What stands around the timeline: lists, header, hint and status; and for what there is room."""

import asyncio
from typing import TYPE_CHECKING, Final

from zchat.client.model.conversation import Conversation, Said
from zchat.client.tui.view import captions, listing
from zchat.client.tui.view.completion import Completion
from zchat.client.tui.view.layout import Line
from zchat.client.tui.view.listing import label
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.widgets.lines import Lines
from zchat.client.tui.widgets.status import status_line
from zchat.protocol import limits

if TYPE_CHECKING:
    from zchat.client.tui.app import ScreenClient

SIDE_CELLS: Final = 24
"""Of each list at the side, on a terminal that is not broad,"""
SIDE_CELLS_MAX: Final = limits.NAME_CHARS_MAX + 10
"""and where the longest name has room beside a sign, a role and a count."""
SIDE_SHARE: Final = 5
"""Of a broad terminal a list takes one part in so many."""
SIDEBAR_FROM: Final = 78
"""Columns below which the list of conversations makes room,"""
BOTH_FROM: Final = 104
"""and below which it does so for the members."""
CHOICES_LINES: Final = 8


def side_cells(columns: int) -> int:
    return max(SIDE_CELLS, min(SIDE_CELLS_MAX, columns // SIDE_SHARE))


class Around:
    def __init__(self, app: "ScreenClient") -> None:
        self._app = app
        self._lines = {each.id: each for each in app.query(Lines) if each.id is not None}
        self._listed: list[Conversation] = []
        self._lines["sidebar"].beyond = self._beyond
        self._lines["prompt"].show([(Piece("› ", Ink.ACCENT),)])
        self._wants_sidebar = True
        self._wants_members = False

    # --- What is shown --------------------------------------------------------------------------

    def show(self) -> None:
        """Whatever is not as it was."""
        app, lines, cells = self._app, self._lines, self._app.size.width
        conversation = app.conversation
        if conversation is None:
            return
        side = side_cells(cells)
        now = asyncio.get_running_loop().time()
        if lines["sidebar"].display:
            listed = app.ways.listed()
            if listed != self._listed:
                self._listed = listed
                lines["sidebar"].refresh()
            lines["sidebar"].show(captions.sidebar(listed, conversation, app.desk, side))
            # Below the heading.
            lines["sidebar"].follow(listed.index(conversation) + 1)
        app.desk.look_at_people()
        if lines["members"].display:
            app.desk.look_at_members(conversation)
            lines["members"].show(captions.members(conversation, app.desk, side))
        lines["header"].show(
            [captions.header(conversation, lines["header"].size.width or cells, app.desk)]
        )
        lines["hint"].show([self._hint(conversation, now)])
        status = status_line(
            app.chat,
            app.network,
            cells,
            now,
            where=self._where(),
            first_keys=app.first_keys,
            unconfirmed=app.desk.unconfirmed,
            quiet=app.aloud.quiet,
            opened=self._opened(),
            unkept=not app.keeps,
        )
        lines["status"].show([status])
        app.timeline.set_empty(captions.empty(conversation, app.chat, first_time=app.first_time))

    def _where(self) -> str:
        app = self._app
        if app.members.has_focus:
            return "members"
        return "timeline" if app.timeline.has_focus else "composer"

    def _beyond(self, hidden: range) -> Line:
        """What is unread in those conversations that are above the list's window, or below."""
        listed = self._listed[max(0, hidden.start - 1) : hidden.stop - 1]
        side = side_cells(self._app.size.width)
        return captions.beyond(listed, self._app.conversation, side, below=hidden.start > 0)

    def _opened(self) -> str:
        key = self._app.desk.going.open
        return label(self._app.book.open(key)) if key else ""

    def _hint(self, conversation: Conversation, now: float) -> Line:
        acting = self._app.acts.hint(self._lines["hint"].size.width)
        if acting is not None:
            return acting
        view = self._app.timeline.view
        pieces: list[Piece] = []
        if keys := self._app.notes.hint:
            pieces.append(Piece(f"  {keys}", Ink.DIM))
        chosen = view.chosen if view is not None and self._app.timeline.has_focus else None
        if isinstance(chosen, Said) and (
            known := captions.about(chosen, conversation, self._app.desk)
        ):
            pieces.append(Piece(f"  {known}", Ink.DIM))
        if view is not None and view.missed:
            pieces.append(Piece(f"  ↓ {view.missed:,} new · End", Ink.MENTIONED, captions.NEWEST))
        elif view is not None and not view.at_end:
            pieces.append(Piece("  ↓ End goes to the newest", Ink.DIM, captions.NEWEST))
        if not self._lines["sidebar"].display and (
            elsewhere := captions.unread_elsewhere(self._app.ways.listed(), conversation)
        ):
            pieces.append(Piece(f"  {elsewhere} · Alt-A", Ink.MENTIONED))
        if typing := captions.typing(conversation, now):
            pieces.append(Piece(f"  {typing}", Ink.DIM))
        if not pieces and self._app.first_time:
            pieces.append(Piece(captions.FIRST_HINT, Ink.DIM))
        return tuple(pieces)

    def offer(self, completion: Completion, at: int) -> None:
        """Shows what may come in the place of the word that is being written."""
        lines = self._lines["choices"]
        shown = captions.offered(completion, self._lines["hint"].size.width)
        lines.display = bool(shown)
        lines.styles.height = min(CHOICES_LINES, len(shown))
        lines.show(shown, at)

    def leave_choices(self) -> bool:
        """Whether there were any."""
        lines = self._lines["choices"]
        was, lines.display = bool(lines.display), False
        return was

    def clicked(self, target: str) -> None:
        """Goes where the piece leads that was clicked."""
        app = self._app
        if target.startswith(listing.OPEN):
            app.open_to_write(target.removeprefix(listing.OPEN))
        elif target == captions.NEWEST:
            app.timeline.action_newest()
        elif target == captions.UNREAD:
            app.ways.next_unread()
        elif target == captions.PINS:
            app.ways.pins()
        elif target.startswith(captions.CHOICE):
            app.composer.choose(int(target.removeprefix(captions.CHOICE)))
            app.focus_on(app.composer)

    # --- For what there is room -----------------------------------------------------------------

    def toggle_members(self) -> None:
        """Shows them, goes to them, and takes them away again."""
        app = self._app
        if self._wants_members and not app.members.has_focus:
            app.focus_on(app.members)
        else:
            if self._wants_members:
                app.focus_on(app.composer)
            self._wants_members = not self._wants_members
            self.arrange()
        self.show()

    def toggle_sidebar(self) -> None:
        """Also where there is little room."""
        self._wants_sidebar = not self._lines["sidebar"].display
        self.arrange(forced=self._wants_sidebar)

    def arrange(self, *, forced: bool = False) -> None:
        needed = BOTH_FROM if self._wants_members else SIDEBAR_FROM
        has_room = forced or self._app.size.width >= needed
        for name in ("sidebar", "members"):
            self._lines[name].styles.width = side_cells(self._app.size.width)
        self._lines["sidebar"].display = self._wants_sidebar and has_room
        self._lines["members"].display = self._wants_members
        self.show()
