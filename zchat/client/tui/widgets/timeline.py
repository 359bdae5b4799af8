"""The open conversation: draws what its view shows, and turns keys and clicks into actions.

It draws line by line (`render_line`), with a scroll bar of its own: Textual's needs the height of
the whole, which is not known before everything is laid out.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget

from zchat.client.model.conversation import Conversation, Item, Said
from zchat.client.tui import keys
from zchat.client.tui.view import layout, themes
from zchat.client.tui.view.cells import drawable, width
from zchat.client.tui.view.hints import FirstKeys
from zchat.client.tui.view.layout import FOLD, Calendar, Line, Page
from zchat.client.tui.view.markup import Ink, Piece, links
from zchat.client.tui.view.viewport import Row, Viewport
from zchat.client.tui.widgets import painting

WHEEL_LINES: Final = 3
OLDER_WHEN_ITEMS: Final = 60
"""Older items are loaded once so few are left above the window, so that scrolling need not wait."""
HANDLE: Final = Piece("▐", Ink.DIM)
"""The scroll bar's handle."""
BESIDE: Final = Piece(" ")
"""The rest of the scroll bar's column."""
CHOOSES_NEWEST: Final = ("reply", "edit", "react", "copy", "open", "before")
"""These are done to the newest message if none is selected."""
VIEWS_MAX: Final = 12
"""So many conversations come back where they were left. Not all of them do, since each view keeps
the lines that it has laid out."""


class Shown(NamedTuple):
    """What one line of the window shows."""

    line: Line
    selected: bool
    bar: bool
    """The handle of the scroll bar is beside it."""
    marked: tuple[int, int] | None = None
    """The first cell that is marked with the mouse, and the one after the last."""


class End(NamedTuple):
    """One end of what is marked with the mouse: a cell of a line of an item.

    It is a place in a message, not on the screen: it stays there when other messages come.
    """

    item: Item
    line: int
    x: int


class EndAt(NamedTuple):
    """The same with the index of the item, so that it can be compared."""

    item: int
    line: int
    x: int


class Marked(NamedTuple):
    """What is marked, both ends included; `first` comes before `last`."""

    first: EndAt
    last: EndAt

    def cells(self, index: int, line: int, gutter: int, end: int) -> tuple[int, int] | None:
        """Of that line of that item: the first marked cell, and the one after the last.

        Where several lines are marked, times and names are left out: they are in the `gutter`.
        """
        here = (index, line)
        if not self.first[:2] <= here <= self.last[:2]:
            return None
        if self.first[:2] == self.last[:2]:
            return self.first.x, self.last.x + 1
        begin = max(gutter, self.first.x) if here == self.first[:2] else gutter
        return begin, max(begin, self.last.x + 1) if here == self.last[:2] else end


class Timeline(Widget, can_focus=True):
    DEFAULT_CSS = """
    Timeline { height: 1fr; width: 1fr; }
    """

    BINDINGS = keys.TIMELINE

    # With Textual's own, each change would lay out and draw the whole screen a second time. Here it
    # is always the size of the widget, whose change has done that.
    virtual_size = Reactive(Size(), repaint=False)

    class Moved(Message):
        """Other lines are visible now."""

    def __init__(
        self,
        me: str,
        calendar: Calendar,
        ask: Callable[[str, Item | None, str], None],
        *,
        folds: bool = True,
    ) -> None:
        """`ask` gets what is to be done, to which item, and with what; `folds` is as for the view.

        It is called at once, so that it is done before the next key is handled. A message of
        Textual would wait in a queue behind that key.
        """
        super().__init__()
        self.me = me
        self._calendar = calendar
        self._ask = ask
        self._folds = folds
        self.words: re.Pattern[str] | None = None
        self.first_keys: FirstKeys = {}
        """The highlight words."""
        self.view: Viewport | None = None
        self.found = ""
        """The text that was searched for last."""
        self._views: dict[Conversation, Viewport] = {}
        self._anchor: End | None = None
        """Where the mouse was pressed."""
        self._marked_to: End | None = None
        """Where it was last, if that is somewhere else."""
        self._is_dragging = False
        self._rows: list[Row] = []
        """The lines of messages that the window shows,"""
        self._shown: list[Shown] = []
        """and all that it draws: also the blank lines above few messages, and the scroll bar."""
        self._fitted = Size()
        """The size for which these were made."""
        self._welcome: list[Line] = []

    # --- What is shown --------------------------------------------------------------------------

    def open(self, conversation: Conversation) -> None:
        """Shows it where it was left, or its newest messages."""
        view = self._views.pop(conversation, None)
        if view is None:
            view = Viewport(conversation, self.page, folds=self._folds)
        else:
            view.read_until(conversation)
            view.selected = None
        # As the newest: those that were not open for the longest time go first.
        self._views[conversation] = view
        while len(self._views) > VIEWS_MAX:
            del self._views[next(iter(self._views))]
        self.view = view
        self._unmark()
        self.look_again()

    def update_from_changes(self) -> bool:
        """Whether anything in the conversation has changed."""
        if self.view is None or not self.view.keep_up():
            return False
        self.look_again()
        return True

    def look_again(self) -> None:
        before = self._shown
        self._fit()
        if len(self._shown) != len(before):
            self.refresh()
        elif changed := [y for y, shown in enumerate(self._shown) if shown != before[y]]:
            # Only the lines that differ: drawing is most of what a key costs.
            begin, end = changed[0], changed[-1] + 1
            self.refresh(Region(0, begin, self.size.width, end - begin))
        self.post_message(self.Moved())

    def _fit(self) -> None:
        """Lays out what the window shows, in its size of now."""
        view = self.view
        self._fitted = self.size
        if view is not None:
            view.resize(self.page, self.size.height)
            self._rows = view.rows()
            self._shown = self._lines(view)

    def _lines(self, view: Viewport) -> list[Shown]:
        """All lines of the window; none if there are no messages."""
        if not self._rows:
            return []
        bar = self._bar(view)
        # Few messages are at the bottom, where the next one will be.
        space = max(0, self.size.height - len(self._rows))
        blank = [Shown((), selected=False, bar=y in bar) for y in range(space)]
        found = self._marked()
        return blank + [
            Shown(row.line, row.index == view.selected, y in bar, self._cells(found, y))
            for y, row in enumerate(self._rows, space)
        ]

    def _marked(self) -> Marked | None:
        if self.view is None or self._anchor is None or self._marked_to is None:
            return None
        return marked_between(self.view, self._anchor, self._marked_to)

    def _cells(self, found: Marked | None, y: int) -> tuple[int, int] | None:
        if found is None:
            return None
        page = self.page
        index, line = self._line_at(y)
        return found.cells(index, line, page.gutter, page.width)

    def _line_at(self, y: int) -> tuple[int, int]:
        """The index of the item nearest to that line, and which of its lines it is."""
        view = self.view
        assert view is not None
        number = max(0, min(len(self._rows) - 1, y - (self.size.height - len(self._rows))))
        index = self._rows[number].index
        above = next(n for n, row in enumerate(self._rows) if row.index == index)
        skipped = view.skipped if index == view.top else 0
        return index, skipped + number - above

    def _bar(self, view: Viewport) -> range:
        """The lines beside which the scroll bar has its handle; none if everything is seen."""
        height, total = self.size.height, max(view.heights.total, 1)
        if view.at_end and total <= view.height:
            return range(0)
        length = max(1, height * height // total)
        last = height - length
        begin = last if view.at_end else min(last, view.line * height // total)
        return range(begin, begin + length)

    @property
    def wants_older(self) -> bool:
        """Few items are left above the window."""
        view = self.view
        return view is not None and view.top < OLDER_WHEN_ITEMS

    def set_empty(self, lines: list[Line]) -> None:
        """What to show while there are no messages."""
        if lines != self._welcome:
            self._welcome = lines
            self.refresh()

    @property
    def page(self) -> Page:
        # The last column is the scroll bar's, and the one before it stays blank.
        return Page(
            max(1, self.size.width - 2), self.me, self._calendar, self.words, self.first_keys
        )

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return container.height

    def on_resize(self) -> None:
        self.look_again()

    def render_lines(self, crop: Region) -> list[Strip]:
        # After a change of size Textual draws at once, and sends the event later: what was laid out
        # for the old size would be visible for a moment.
        if self.size != self._fitted:
            self._fit()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        theme = self.app.theme
        ground = themes.ground(theme)
        cells = self.size.width
        if not self._shown:
            return self._empty_line(y, theme, ground)
        if y >= len(self._shown):
            return Strip.blank(cells, ground)
        line, selected, bar, marked = self._shown[y]
        if selected:
            ground += themes.selected(theme, focused=self.has_focus)
            if line and line[0].text == " ":
                line = (Piece("›", Ink.ACCENT), *line[1:])
        strip = painting.strip(line, theme, cells, ground, HANDLE if bar else BESIDE)
        return strip if marked is None else painting.marked(strip, *marked)

    def _empty_line(self, y: int, theme: str, ground: Style) -> Strip:
        begin = max(0, (self.size.height - len(self._welcome)) // 2)
        if begin <= y < begin + len(self._welcome):
            return painting.strip(self._welcome[y - begin], theme, self.size.width, ground)
        return Strip.blank(self.size.width, ground)

    # --- Keys and mouse -------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        view = self.view
        if view is None or not view.items:
            return
        if by > 0 and view.selected is None:
            return
        view.step(by)
        self.look_again()

    def action_oldest(self) -> None:
        if self.view is not None and self.view.items:
            self.view.select(0)
            self.look_again()

    def action_newest(self) -> None:
        if self.view is not None:
            self.view.to_end()
            self.look_again()

    def action_half_page(self, by: int) -> None:
        self.scroll_lines(by * max(1, self.size.height // 2))

    def action_unfold(self) -> None:
        view = self.view
        if view is None or view.selected is None:
            return
        item = view.chosen
        if isinstance(item, Said) and item.reply_to and not view.is_folded(view.selected):
            self.jump(item.reply_to)
            return
        view.toggle_fold(view.selected)
        self.look_again()

    def action_find(self, by: int) -> None:
        if self.view is not None and self.found:
            if not self.view.find(self.found, by):
                self._ask("nothing further", None, "")
            self.look_again()

    def action_say(self, what: str) -> None:
        view = self.view
        item = None if view is None else view.chosen
        if item is None and what in CHOOSES_NEWEST and view is not None:
            view.step(-1)
            item = view.chosen
            self.look_again()
        about = ""
        if what == "open" and isinstance(item, Said):
            found = links(item.text)
            about = found[0] if found else ""
        self._ask(what, item, about)

    def choose_none(self) -> None:
        if self.view is not None:
            self.view.select(None)
            self.look_again()

    def scroll_lines(self, lines: int) -> None:
        if self.view is not None:
            self.view.scroll(lines)
            self.look_again()

    def show(self, index: int | None) -> None:
        """Selects that item, with some messages around it."""
        if self.view is not None and index is not None:
            self.view.show(index)
            self.look_again()

    def jump(self, sequence: int) -> bool:
        """Selects the message with that sequence, if it is loaded."""
        view = self.view
        index = None if view is None else view.index_of(sequence)
        if view is None or index is None:
            self._ask("jump", None, str(sequence))
            return False
        view.show(index)
        self.look_again()
        return True

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(WHEEL_LINES)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._unmark()
        # The last column is the scroll bar.
        if event.button == 1 and event.x < self.size.width - 1 and self._rows:
            self._anchor = self._end_at(event.x, event.y)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._anchor is not None and event.button == 1:
            self._drag(event.x, event.y)
        elif event.button and event.x >= self.size.width - 1:
            self._seek(event.y)

    def _drag(self, x: int, y: int) -> None:
        """Marks up to there; beyond an edge it scrolls."""
        if y < 0 or y >= self.size.height:
            self.scroll_lines(-1 if y < 0 else 1)
        end = self._end_at(x, y)
        if end != self._anchor or self._is_dragging:
            self._is_dragging, self._marked_to = True, end
            self.look_again()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.release_mouse()
        if self._is_dragging and self.view is not None and (found := self._marked()) is not None:
            self._ask("marked", None, marked_text(self.view, found))
        elif not self._is_dragging:
            self._anchor = None

    def _end_at(self, x: int, y: int) -> End:
        assert self.view is not None
        index, line = self._line_at(y)
        return End(self.view.items[index], line, max(0, min(x, self.page.width - 1)))

    def _unmark(self) -> None:
        was = self._marked_to is not None
        self._anchor = self._marked_to = None
        self._is_dragging = False
        if was:
            self.look_again()

    def on_click(self, event: events.Click) -> None:
        view = self.view
        if view is None or self._is_dragging:
            # The end of marking is no click.
            return
        if event.x >= self.size.width - 1:
            self._seek(event.y)
            return
        number = event.y - max(0, self.size.height - len(self._rows))
        if not 0 <= number < len(self._rows):
            return
        row = self._rows[number]
        view.selected = row.index
        self._follow_target(painting.target_at(row.line, event.x), view.items[row.index])
        self.look_again()

    def _follow_target(self, target: str, item: Item) -> None:
        if target.startswith(layout.JUMP):
            self.jump(int(target.removeprefix(layout.JUMP)))
        elif target.startswith(layout.REACT):
            self._ask("react", item, target.removeprefix(layout.REACT))
        elif target == layout.FOLD:
            self.action_unfold()
        elif target == layout.RETRY:
            self._ask("reply", item, "")
        elif target:
            self._ask("open", item, target)

    def _seek(self, y: int) -> None:
        view = self.view
        if view is not None and self.size.height > 1:
            view.seek(y * view.heights.total // (self.size.height - 1))
            self.look_again()


# --- What is marked with the mouse ----------------------------------------------------------------

JOINT_CHARS: Final = 12
"""Two lines are joined as their message has them: so much of the end of the one, and of the
beginning of the other, is searched in its text."""


def marked_between(view: Viewport, anchor: End, end: End) -> Marked | None:
    """What is between the two; None if one of them is not in the conversation any more."""
    places = []
    for each in (anchor, end):
        # From the newest backwards, since what is on the screen is seldom far above.
        backwards = range(len(view.items) - 1, -1, -1)
        index = next((n for n in backwards if view.items[n] is each.item), None)
        if index is None:
            return None
        places.append(EndAt(index, each.line, each.x))
    return Marked(min(places), max(places))


def marked_text(view: Viewport, found: Marked) -> str:
    """The text that is marked, with the lines of a paragraph joined again."""
    parts: list[str] = []
    for index in range(found.first.item, min(found.last.item + 1, len(view.items))):
        item = view.items[index]
        source = drawable(item.text) if isinstance(item, Said) else ""
        before = ""
        for number, line in enumerate(view.lines(index)):
            cells = found.cells(index, number, view.page.gutter, view.page.width)
            if cells is None or _is_beside(line):
                continue
            text = _slice(line, *cells).rstrip()
            if parts:
                parts.append(_between(before, text, source) if before else "\n")
            parts.append(text)
            before = text if isinstance(item, Said) else ""
    return "".join(parts)


def _is_beside(line: Line) -> bool:
    """Lines for days, for what is new, and of folded items: they are no part of a message."""
    return any(piece.ink in (Ink.DAY, Ink.NEW) or piece.target == FOLD for piece in line)


def _between(before: str, text: str, source: str) -> str:
    """A space, nothing, or a line break: what the message has between two of its lines."""
    end, begin = before[-JOINT_CHARS:], text[:JOINT_CHARS]
    for joint in (" ", ""):
        if f"{end}{joint}{begin}" in source:
            return joint
    return "\n"


def _slice(line: Line, begin: int, end: int) -> str:
    """The characters in those cells."""
    chars: list[str] = []
    x = 0
    for char in "".join(piece.text for piece in line):
        size = width(char)
        # A combining mark takes no cell, and goes with its character.
        if begin <= (x if size else x - 1) < end:
            chars.append(char)
        x += size
    return "".join(chars)
