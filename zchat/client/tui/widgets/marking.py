"""What somebody marks with the mouse: from one cell of the conversation to another.

Both ends are places in what was said, and stay there when other lines come.
"""

from typing import Final, NamedTuple

from zchat.client.model.conversation import Item, Said
from zchat.client.tui.view.cells import drawable, width
from zchat.client.tui.view.layout import FOLD, Line
from zchat.client.tui.view.markup import Ink
from zchat.client.tui.view.view import View

JOINT_CHARS: Final = 12
"""So much of two lines says what stood between them in the text."""


class End(NamedTuple):
    """A cell of a line of an item."""

    item: Item
    line: int
    x: int


class Place(NamedTuple):
    """The same in the order of what is seen."""

    item: int
    line: int
    x: int


class Marked(NamedTuple):
    """`first` comes before `last`, and both are marked themselves."""

    first: Place
    last: Place

    def cells(self, index: int, line: int, gutter: int, end: int) -> tuple[int, int] | None:
        """Of that line of that item: from which cell on and up to which it is marked.

        Of several lines only what stands right of the `gutter`, where times and names are.
        """
        here = (index, line)
        if not self.first[:2] <= here <= self.last[:2]:
            return None
        if self.first[:2] == self.last[:2]:
            return self.first.x, self.last.x + 1
        begin = max(gutter, self.first.x) if here == self.first[:2] else gutter
        return begin, max(begin, self.last.x + 1) if here == self.last[:2] else end


def marked(view: View, anchor: End, end: End) -> Marked | None:
    """None if one of the ends is not here any more."""
    places = []
    for each in (anchor, end):
        # From the newest on: what is marked is seldom far above.
        backwards = range(len(view.items) - 1, -1, -1)
        index = next((n for n in backwards if view.items[n] is each.item), None)
        if index is None:
            return None
        places.append(Place(index, each.line, each.x))
    return Marked(min(places), max(places))


def text_of(view: View, found: Marked) -> str:
    """What is marked, with the lines of a paragraph in one piece again."""
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
    """Days, what is new, and what is folded: nobody has said that."""
    return any(piece.ink in (Ink.DAY, Ink.NEW) or piece.target == FOLD for piece in line)


def _between(before: str, text: str, source: str) -> str:
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
        # A mark takes no cell, and goes with what it stands on.
        if begin <= (x if size else x - 1) < end:
            chars.append(char)
        x += size
    return "".join(chars)
