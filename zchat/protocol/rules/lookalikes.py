"""Which names look alike: those that have one skeleton, as in Unicode's UTS 39, section 4.

Names of ASCII alone are never compared with each other: `bill` and `bi11` have one skeleton, but
the fonts of terminals tell them apart, and people do number their names.
"""

import functools
import unicodedata
from collections.abc import Collection, Container
from typing import Final

_MARKS: Final = str.maketrans("", "", "\u200e\u200f")
"""Of direction, which the table has around letters that are written from right to left."""
OF_ASCII: Final = str.maketrans(
    {"0": "o", "1": "l", "I": "l", "m": "rn", "|": "l", '"': "''", "`": "'"}
    | {"%": "\u00ba/\u2080", "&": "\ua778", "}": "\u2775"}
)
"""What `prototypes` says of ASCII, of which most names are: a test compares."""


@functools.cache
def prototypes() -> dict[int, str]:
    """What stands in a skeleton for each character, in lower case as all names are.

    The table tells of each character which look like it. A prototype has many, and what it stands
    for has it alone; of two that have only each other, either stands for both.

    Made when it is first needed, which in many clusters is never: it takes 40 ms and 4 MiB.
    """
    # Unicode's own table of what looks alike, and nothing else to install. Skeletons it has none.
    from confusable_homoglyphs.utils import load  # noqa: PLC0415

    like = {
        char.translate(_MARKS): [other["c"].translate(_MARKS) for other in others]
        for char, others in load("confusables.json").items()
    }
    alike = {
        char: max((char, *others), key=lambda each: (len(like[each]), len(each), each))
        for char, others in like.items()
        if len(char) == 1 and len(others) == 1
    }
    return {
        ord(char): "".join(alike.get(each, each) for each in _decomposed(prototype.lower()))
        for char, prototype in alike.items()
    }


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


# Each new name is compared with all that are kept for the system.
@functools.lru_cache(maxsize=256)
def skeleton(name: str) -> str:
    """What a canonical name looks like; it is no name itself, and is shown to nobody."""
    if name.isascii():
        return name.translate(OF_ASCII)
    return _decomposed(_decomposed(name).translate(prototypes()))


def looks_like_one_of(name: str, others: Collection[str]) -> str | None:
    """Which of a few others the name looks like, be both ASCII or not."""
    seen = skeleton(name)
    return next((other for other in others if skeleton(other) == seen), None)


class Lookalikes:
    """Finds, for a new name, one that is there and that it can be mistaken for.

    `names` has all that are there. Most names are their own skeleton and are found in it, so that
    only the others take a place here.
    """

    def __init__(self, names: Container[str]) -> None:
        self._names = names
        # Tuples, since most are of one name, for which a list has twice the weight.
        self._plain: dict[str, tuple[str, ...]] = {}
        """By skeleton the names of ASCII alone: `bill` is not here, `bi11` and `anna.m` are."""
        self._beyond: dict[str, tuple[str, ...]] = {}
        """By skeleton those that are not: `оwner` with a Cyrillic letter."""

    def add(self, name: str) -> None:
        seen = skeleton(name)
        if seen != name:
            like = self._like(name)
            like[seen] = (*like.get(seen, ()), name)

    def discard(self, name: str) -> None:
        """The name is free."""
        like, seen = self._like(name), skeleton(name)
        if seen != name:
            if left := tuple(other for other in like[seen] if other != name):
                like[seen] = left
            else:
                del like[seen]

    def of(self, name: str) -> str | None:
        """One that `name`, which is not there itself, can be mistaken for."""
        seen, plain = skeleton(name), name.isascii()
        if seen in self._beyond:
            return self._beyond[seen][0]
        if seen in self._names and not (plain and seen.isascii()):
            return seen
        return None if plain else self._plain.get(seen, (None,))[0]

    def _like(self, name: str) -> dict[str, tuple[str, ...]]:
        return self._plain if name.isascii() else self._beyond
