"""Messages of the client itself: answers to commands, and what did not work."""

from collections.abc import Sequence
from typing import Final

from textual.widget import Widget

from zchat.client.tui.view.cells import drawable
from zchat.client.tui.view.hints import FirstKeys, hint
from zchat.client.tui.view.layout import Line, wrapped
from zchat.client.tui.view.markup import Ink, Piece
from zchat.client.tui.widgets.lines import Lines

LINES_KEPT: Final = 500
WORDS_KEPT: Final = 3
"""Single lines that are kept: troubles, which do not replace each other."""
HINTED_LINES: Final = 2
"""From so many lines on, the hint tells how to scroll and close them."""
SHARE: Final = 0.5
"""Notes take at most this share of the screen."""


class Notes(Lines):
    def __init__(self) -> None:
        super().__init__(id="notes", panel=True)
        self._said: list[str] = []
        self._only_words = True
        """Everything shown came as single lines."""

    def say(self, lines: Sequence[str]) -> None:
        """Adds lines. Single lines replace each other, unless both tell of trouble."""
        said = [part for line in lines for part in drawable(line).split("\n")]
        is_word = len(said) == 1
        if not self.display or (
            self._only_words and is_word and not _are_troubles(self._said[-1], *said)
        ):
            self._said, self._only_words = [], True
        self._only_words = self._only_words and is_word
        if self._only_words and said[0] in self._said:
            self._said.remove(said[0])
        begin = len(self._said)
        self._said += said
        excess = len(self._said) - (WORDS_KEPT if self._only_words else LINES_KEPT)
        if excess > 0:
            del self._said[:excess]
            begin = max(0, begin - excess)
        self._show_said(begin)

    def go_on(self) -> None:
        """The user goes elsewhere: a single line has been read by now, a longer answer perhaps
        not."""
        if self._only_words:
            self.hide()

    def _show_said(self, begin: int = 0) -> None:
        """Scrolls to that line, or to the last ones if there is room for lines before it."""
        # The parent's size: while hidden it has none, or the one from when it was last seen.
        around = self.parent
        width = max(20, (around.size.width if isinstance(around, Widget) else 0) - 6)
        shown: list[Line] = []
        top = 0
        for number, line in enumerate(self._said):
            if number == begin:
                top = len(shown)
            ink = Ink.TROUBLE if line.startswith("! ") else Ink.TEXT
            first, *others = wrapped([Piece(line, ink)], width)
            shown += [(Piece("  "), *first), *((Piece("    "), *other) for other in others)]
        most = max(1, int(self.app.size.height * SHARE))
        self.styles.height = min(len(shown), most)
        self.display = True
        self.show(shown)
        self.top = max(0, min(top, len(shown) - most))

    def hint(self, keys: FirstKeys) -> str:
        """What keys do here."""
        if not self.display or len(self.shown) < HINTED_LINES:
            return ""
        can_scroll = len(self.shown) > self.size.height
        scrolls = ["{scroll-up} and {scroll-down} scroll"] if can_scroll else []
        return hint(keys, *scrolls, "{escape} closes this")

    def scroll_pages(self, by: int) -> bool:
        """Whether there was anything to scroll."""
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


def _are_troubles(*lines: str) -> bool:
    return all(line.startswith("! ") for line in lines)
