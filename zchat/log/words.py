"""What a search compares: the words of a text, and the pieces of them that an index has.

A word is found wherever it stands in a text, also within other words, be they upper or lower case.
A script that puts no spaces between its words is therefore searched like any other.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from zchat.protocol import limits

_PIECE_CHARS: Final = 3
# An index takes what is not a letter or digit of ASCII for the end of a piece; all else it keeps.
_KEPT: Final = {code: 0x100 + code for code in range(0x80) if not chr(code).isalnum()}
# Of private use, so that what begins with one is no piece of what people write.
_SINGLE: Final = "\ue000"
_PLACES: Final = {False: "\ue001", True: "\ue002"}
_AUTHOR: Final = "\ue003"


class Piece(NamedTuple):
    """What an index must have of an entry, or, with `prefix`, something that begins like it."""

    text: str
    prefix: bool = False


def words_of(text: str) -> tuple[str, ...]:
    """Each once, as they are compared."""
    return tuple(dict.fromkeys(text.casefold().split()))


def holds(text: str, words: Sequence[str]) -> bool:
    """Whether every one of the words is in the text."""
    folded = text.casefold()
    return all(word in folded for word in words)


def pieces_of(text: str) -> set[str]:
    """All that the index has of a text.

    These are three characters from each one on, as far as its word goes: so two also begin
    something wherever they stand. Of other scripts than ASCII a character can be a word of its own.
    """
    pieces: set[str] = set()
    for word in words_of(text):
        kept = word.translate(_KEPT)
        pieces.update([kept[at : at + _PIECE_CHARS] for at in range(len(kept))])
        if not kept.isascii():
            pieces.update([_SINGLE + char for char in kept if not char.isascii()])
    return pieces


def pieces_wanted(words: Iterable[str]) -> list[Piece]:
    """Of what holds all of the words the index has these, and more often than not only of that.

    None for a single letter or digit, which is nearly everywhere.
    """
    wanted: dict[Piece, None] = {}
    for word in words:
        kept = word.translate(_KEPT)
        last = len(kept) - _PIECE_CHARS
        if last >= 0:
            # Each character once is enough, for what is found is compared with the words again.
            ats = [*range(0, last, _PIECE_CHARS), last]
            wanted.update((Piece(kept[at : at + _PIECE_CHARS]), None) for at in ats)
        elif len(kept) > 1:
            wanted[Piece(kept, prefix=True)] = None
        elif not kept.isascii():
            wanted[Piece(_SINGLE + kept)] = None
    return list(wanted)[: limits.SEARCH_PIECES_MAX]


def place_piece(log: str, thread: str | None, *, imported: bool) -> str:
    """Stands for the entries of a log, or those of one conversation in it."""
    place = log if thread is None else f"{log} {thread}"
    return _PLACES[imported] + place.translate(_KEPT)


def author_piece(author: str) -> str:
    return _AUTHOR + author.translate(_KEPT)
