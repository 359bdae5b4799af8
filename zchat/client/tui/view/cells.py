"""Text that every terminal draws alike: what it may hold, how wide it is, and where it breaks.

Terminals disagree about the width of several code points that form one character: a family of
emoji that are joined by invisible characters takes two cells in one terminal and eight in another,
and everything behind it would be drawn in the wrong place. So what only joins or varies is left
out, and each character has a width of its own, from one table that does not depend on the terminal.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from rich.cells import cached_cell_len, get_character_cell_size

from zchat.protocol.rules.names import safe_text

TAB: Final = "    "
"""In place of a tab, which each terminal draws as wide as it likes."""
MARKS_MAX: Final = 3
"""Combining marks on one character; more would cover the lines above and below."""

_LEFT_OUT: Final = re.compile(
    "["
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # Drawn by some terminals, not by others.
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\uffff"
    "\ufe00-\ufe0f\U000e0000-\U000e0fff"  # Variation selectors and tags.
    "\U0001f3fb-\U0001f3ff"  # Skin tones.
    "\u20e3"  # The frame of a keycap.
    "\ud800-\udfff"
    "]"
)
_FLAG_LETTERS: Final = {0x1F1E6 + number: chr(ord("A") + number) for number in range(26)}
_BREAKS: Final = re.compile(r"\s+|\S+")


def drawable(text: str) -> str:
    """`text` without control sequences or characters of unclear width; line breaks stay."""
    if "\t" in text:
        text = text.replace("\t", TAB)
    text = safe_text(text)
    if text.isascii():
        return text
    return _drawable(text)


def drawable_line(text: str) -> str:
    """The same on one line, for names, topics and titles."""
    return " ".join(drawable(text).split())


def _drawable(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    text = _LEFT_OUT.sub("", text).translate(_FLAG_LETTERS)
    kept: list[str] = []
    marks = 0
    for char in text:
        if get_character_cell_size(char) == 0 and char != "\n":
            marks += 1
            # At the beginning of a line a mark would join whatever is drawn before the text.
            if marks > MARKS_MAX or not kept or kept[-1] == "\n":
                continue
        else:
            marks = 0
        kept.append(char)
    return "".join(kept)


def width(text: str) -> int:
    """The cells that drawable text takes."""
    # Most texts are ASCII, and this is called for each piece of each frame.
    if text.isascii():
        return len(text)
    return cached_cell_len(text) if len(text) < 512 else sum(map(get_character_cell_size, text))


def cut(text: str, cells: int) -> str:
    """`text` if it fits in so many cells, else its beginning and an ellipsis."""
    if width(text) <= cells:
        return text
    return f"{_beginning(text, max(0, cells - 1))}…" if cells > 0 else ""


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """`text` in exactly so many cells, cut if it must be."""
    text = cut(text, cells)
    space = " " * (cells - width(text))
    return space + text if right else text + space


def words(text: str) -> Iterator[str]:
    """The parts of a line between which it may be broken; spaces are parts, too."""
    for match in _BREAKS.finditer(text):
        word = match[0]
        if word.isascii():
            yield word
        else:
            yield from _around_wide(word)


def slices(word: str, cells: int) -> Iterator[str]:
    """A word in pieces that each fit on a line."""
    while width(word) > cells:
        begin = _beginning(word, cells) or word[0]
        yield begin
        word = word[len(begin) :]
    yield word


def _around_wide(word: str) -> Iterator[str]:
    """Ideographs have no spaces between them, and a line may break before each."""
    rest = ""
    for char in word:
        if get_character_cell_size(char) == 2 and rest:
            yield rest
            rest = char
        else:
            rest += char
    yield rest


@lru_cache(maxsize=1_024)
def _beginning(text: str, cells: int) -> str:
    """As much of `text` as fits; combining marks stay with their character."""
    taken = 0
    for index, char in enumerate(text):
        taken += get_character_cell_size(char)
        if taken > cells:
            return text[:index]
    return text
