"""Where the client itself says something: answers to commands, and what did not work."""

from collections.abc import Sequence
from typing import Final

from textual.widget import Widget

from zchat.client.screen.cells import drawable
from zchat.client.screen.layout import Line, wrapped
from zchat.client.screen.lines import Lines
from zchat.client.screen.markup import Ink, Piece

LINES_KEPT: Final = 500
WORDS_KEPT: Final = 3
SHARE: Final = 0.5
"""Of the screen, at most."""


class Notes(Lines):
    def __init__(self) -> None:
        super().__init__(id="notes", panel=True)
        self._said: list[str] = []
        self._only_words = True
        """All that is shown came as single lines, each for itself."""

    def say(self, lines: Sequence[str]) -> None:
        """Below what is there already; of single words only the last ones, and none twice."""
        if not self.display:
            self._said, self._only_words = [], True
        said = [part for line in lines for part in drawable(line).split("\n")]
        self._only_words = self._only_words and len(said) == 1
        if self._only_words and said[0] in self._said:
            self._said.remove(said[0])
        self._said += said
        del self._said[: -(WORDS_KEPT if self._only_words else LINES_KEPT)]
        self._show_said()

    def _show_said(self) -> None:
        # While it is hidden it has no size of its own, or the one that it had when it was seen.
        around = self.parent
        width = max(20, (around.size.width if isinstance(around, Widget) else 0) - 6)
        shown: list[Line] = []
        for line in self._said:
            ink = Ink.TROUBLE if line.startswith("! ") else Ink.TEXT
            first, *others = wrapped([Piece(line, ink)], width)
            shown += [(Piece("  "), *first), *((Piece("    "), *other) for other in others)]
        most = max(1, int(self.app.size.height * SHARE))
        if len(shown) > most:
            shown.append((Piece("  PgUp and PgDn scroll · Esc takes this away", Ink.DIM),))
        elif len(shown) > 1:
            shown.append((Piece("  Esc takes this away", Ink.DIM),))
        self.styles.height = min(len(shown), most)
        self.display = True
        self.show(shown)
        self.top = max(0, len(shown) - most)

    def scroll_pages(self, by: int) -> bool:
        """Whether there is more than is seen at once."""
        if not self.display or len(self.shown) <= self.size.height:
            return False
        self.scroll_lines(by * max(1, self.size.height - 1))
        return True

    def on_resize(self) -> None:
        if self.display:
            self._show_said()

    def hide(self) -> None:
        self.display = False
        self._said = []
