"""What a search compares: the words of a text, and the pieces of them that an index has.

A word is found wherever it stands in a text, also within other words, be they upper or lower case.
A script that puts no spaces between its words is therefore searched like any other.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from zchat.protocol import limits

_PIECE_CHARS: Final = 3
# These two are of the index as it is stored: with others it would have to be made anew.
PART_CHARS: Final = 500
"""A longer text enters the index in parts of so many, each of twice as many pieces at most."""
BLOCK_POSITIONS: Final = 8_192
"""Each piece begins with a character that stands for a block of so many positions, so no list of
positions in the index is longer. The index reads or merges a list in one go, which with all
positions in it would take 100 ms."""
_BLOCKS: Final = 0x100000
# For the index a piece ends at what is no letter or digit of ASCII, so others stand for these.
_KEPT: Final = {code: 0x100 + code for code in range(0x80) if not chr(code).isalnum()}
# Characters of Unicode's private use, so that no piece of what people write begins with one.
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


def compared(text: str) -> str:
    """The words of it, each once, of which `pieces_of` makes pieces."""
    return " ".join(words_of(text))


def pieces_of(words: str, begin: int = 0) -> set[str]:
    """What the index has of the part from `begin` on of words with spaces between them.

    These are three characters from each one on, as far as its word goes: so two also begin
    something wherever they stand. Of other scripts than ASCII a character can be a word of its own.
    """
    pieces: set[str] = set()
    at, upto = begin, min(begin + PART_CHARS, len(words))
    for word in words[begin : upto + _PIECE_CHARS - 1].split(" "):
        kept = word.translate(_KEPT)
        here = len(kept[: max(0, upto - at)])
        pieces.update([kept[begun : begun + _PIECE_CHARS] for begun in range(here)])
        if not kept.isascii():
            pieces.update([_SINGLE + char for char in kept[:here] if not char.isascii()])
        at += len(word) + 1
    return pieces


def next_part(words: str, begin: int) -> int | None:
    """Where the part after that from `begin` on begins, if there is one."""
    following = begin + PART_CHARS
    return following if following < len(words) else None


def block_piece(position: int) -> str:
    """What all pieces of the entry at that position begin with.

    After eight billion positions blocks come again, which costs time and nothing else.
    """
    return chr(0x10000 + position // BLOCK_POSITIONS % _BLOCKS)


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
