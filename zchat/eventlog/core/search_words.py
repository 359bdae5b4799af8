"""What a search compares: the words of a text, and the pieces of them that an index has.

A word is found wherever it stands in a text, also within other words, be they upper or lower case.
A script that puts no spaces between its words is therefore searched like any other.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from zchat.protocol import limits

_PIECE_CHARS: Final = 3
_SHORT_PIECE_CHARS: Final = 2
# These two are of the index as it is stored: with others it would have to be made anew.
PART_CHARS: Final = 500
"""A longer text enters the index in parts of so many, of three times as many pieces at most."""
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


def pieces_of(words: str, begin: int = 0, upto: int | None = None) -> set[str]:
    """What the index has of words with spaces between them, of the part from `begin` on.

    These are the three characters from each one on, and the two, for a search for as many, where
    its word goes that far. Of other scripts than ASCII a character can be a word of its own.
    """
    pieces: set[str] = set()
    at, upto = begin, min(begin + PART_CHARS if upto is None else upto, len(words))
    for word in words[begin : upto + _PIECE_CHARS - 1].split(" "):
        kept = word.translate(_KEPT)
        here = len(kept[: max(0, upto - at)])
        for chars in (_PIECE_CHARS, _SHORT_PIECE_CHARS):
            last = min(here, len(kept) - chars + 1)
            pieces.update([kept[begun : begun + chars] for begun in range(last)])
        if not kept.isascii():
            pieces.update([_SINGLE + char for char in kept[:here] if not char.isascii()])
        at += len(word) + 1
    return pieces


class Parts:
    """Gives the pieces of each part of a text, without those that a former part has.

    FTS5 wants a piece of an entry once. What was written twice can come back after it was taken
    out: a merge of the second time with the removal leaves nothing of either, and the first one,
    in a part of the index that was not merged with them, is in force again.
    """

    def __init__(self) -> None:
        # Of the text whose turn it is, or every part would be compared with all of it anew.
        self._words = ""
        self._upto = 0
        self._former: set[str] = set()

    def pieces_of(self, words: str, begin: int) -> set[str]:
        if not begin:
            self._former = set()
        elif (self._words, self._upto) != (words, begin):
            self._former = pieces_of(words, 0, begin)
        pieces = pieces_of(words, begin) - self._former
        following = next_part(words, begin)
        if following is None:
            self._words, self._upto, self._former = "", 0, set()
        else:
            self._words, self._upto = words, following
            self._former |= pieces
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


def pieces_wanted(words: Iterable[str]) -> list[str]:
    """Of what holds all of the words the index has these, and more often than not only of that.

    None for a single letter or digit, which is nearly everywhere.
    """
    wanted: dict[str, None] = {}
    for word in words:
        kept = word.translate(_KEPT)
        last = len(kept) - _PIECE_CHARS
        if last >= 0:
            # Each character once is enough, for what is found is compared with the words again.
            ats = [*range(0, last, _PIECE_CHARS), last]
            wanted.update((kept[at : at + _PIECE_CHARS], None) for at in ats)
        elif len(kept) > 1:
            wanted[kept] = None
        elif not kept.isascii():
            wanted[_SINGLE + kept] = None
    return list(wanted)[: limits.SEARCH_PIECES_MAX]


def place_piece(log: str, thread: str | None, *, imported: bool) -> str:
    """Stands for the entries of a log, or those of one conversation in it."""
    place = log if thread is None else f"{log} {thread}"
    return _PLACES[imported] + place.translate(_KEPT)


def author_piece(author: str) -> str:
    return _AUTHOR + author.translate(_KEPT)
