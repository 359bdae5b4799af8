"""Selecting text with the mouse: from one cell of the conversation to another.

Both ends are places in messages, not on the screen: they stay there when other messages come.
"""

from typing import Final, NamedTuple

from zchat.client.model.conversation import Item, Said
from zchat.client.tui.view.cells import drawable, width
from zchat.client.tui.view.layout import FOLD, Line
from zchat.client.tui.view.markup import Ink
from zchat.client.tui.view.viewport import Viewport

JOINT_CHARS: Final = 12
"""So much of the end of one line and the beginning of the next is searched in the text."""


class End(NamedTuple):
    """One end of the selection: a cell of a line of an item."""

    item: Item
    line: int
    x: int


class Place(NamedTuple):
    """The same, by the index of the item: this can be compared."""

    item: int
    line: int
    x: int


class Marked(NamedTuple):
    """What is selected, both ends included; `first` comes before `last`."""

    first: Place
    last: Place

    def cells(self, index: int, line: int, gutter: int, end: int) -> tuple[int, int] | None:
        """Of that line of that item: the first selected cell, and the one after the last.

        Where several lines are selected, times and names are left out: they are in the `gutter`.
        """
        here = (index, line)
        if not self.first[:2] <= here <= self.last[:2]:
            return None
        if self.first[:2] == self.last[:2]:
            return self.first.x, self.last.x + 1
        begin = max(gutter, self.first.x) if here == self.first[:2] else gutter
        return begin, max(begin, self.last.x + 1) if here == self.last[:2] else end


def marked(view: Viewport, anchor: End, end: End) -> Marked | None:
    """None if one of the ends is not in the conversation any more."""
    places = []
    for each in (anchor, end):
        # From the newest on: what is on the screen is seldom far above.
        backwards = range(len(view.items) - 1, -1, -1)
        index = next((n for n in backwards if view.items[n] is each.item), None)
        if index is None:
            return None
        places.append(Place(index, each.line, each.x))
    return Marked(min(places), max(places))


def text_of(view: Viewport, found: Marked) -> str:
    """The selected text, with the lines of a paragraph joined again."""
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
