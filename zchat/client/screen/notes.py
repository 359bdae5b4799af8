"""Where the client itself says something: answers to commands, and what did not work."""

from collections.abc import Sequence
from typing import Final

from zchat.client.screen.cells import drawable, slices
from zchat.client.screen.layout import Line
from zchat.client.screen.lines import Lines
from zchat.client.screen.markup import Ink, Piece

LINES_KEPT: Final = 500
SHARE: Final = 0.5
"""Of the screen, at most."""


class Notes(Lines):
    def __init__(self) -> None:
        super().__init__(id="notes", panel=True)
        self._said: list[str] = []

    def say(self, lines: Sequence[str]) -> None:
        if not self.display:
            self._said = []
        self._said += [part for line in lines for part in drawable(line).split("\n")]
        del self._said[:-LINES_KEPT]
        self._show_said()

    def _show_said(self) -> None:
        width = max(20, (self.size.width or self.app.size.width) - 4)
        shown: list[Line] = []
        for line in self._said:
            ink = Ink.TROUBLE if line.startswith("! ") else Ink.TEXT
            shown += [(Piece("  "), Piece(part, ink)) for part in slices(line, width)]
        most = max(1, int(self.app.size.height * SHARE))
        if len(shown) > 1:
            shown.append((Piece("  Esc takes this away", Ink.DIM),))
        self.styles.height = min(len(shown), most)
        self.display = True
        self.show(shown)
        self.top = max(0, len(shown) - most)

    def hide(self) -> None:
        self.display = False
        self._said = []
