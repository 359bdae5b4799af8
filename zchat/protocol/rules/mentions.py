"""Whom a text mentions: `@name`, and `@room` for everyone in the room.

Services and clients ask here, so that whoever is called is also told that it was meant.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.rules.markup import CODE, FENCE, LINK, PATH, blocks
from zchat.protocol.rules.names import InvalidName, canonical_name

ROOM: Final = "room"
"""Mentioned by `@room`, where the author may; nobody is told who only bears this name."""

# Neither ann@example.org mentions anybody nor node_modules/@types, but @ann/@bob does both.
_CALLS: Final = r"(?<![\w@./])@\w[\w.-]*(?:/@\w[\w.-]*)*"
_WORDS: Final = re.compile(_CALLS)
_WORDS_OR_OTHERS: Final = re.compile(f"{CODE}|{LINK}|{PATH}|({_CALLS})")
"""What is no word of the text comes first, and swallows what looks like a call in it."""


class Mention(NamedTuple):
    """`text[begin:end]` calls `name`, be there such a user or not."""

    begin: int
    end: int
    name: str


def mentions_in(text: str) -> Iterator[Mention]:
    """In their order."""
    if "@" not in text:  # Most texts, and each of them passes here.
        return iter(())
    if FENCE not in text:
        # No pattern goes over the end of a line.
        return _mentions_in_words(text, 0)
    return chain.from_iterable(
        _mentions_in_words(block.text, block.begin) for block in blocks(text) if not block.code
    )


def _mentions_in_words(words: str, offset: int) -> Iterator[Mention]:
    may_have_others = "`" in words or "/" in words
    for match in (_WORDS_OR_OTHERS if may_have_others else _WORDS).finditer(words):
        call, begin = match[may_have_others], offset + match.start()
        # What is no word has matched as well.
        for called in call.split("/") if call else ():
            # The end of a sentence is no part of a name.
            word = called.rstrip(".-")
            try:
                name = canonical_name(word[1:])
            except InvalidName:
                pass
            else:
                yield Mention(begin, begin + len(word), name)
            begin += len(called) + 1


def mentioned(text: str) -> frozenset[str]:
    """Canonical names of all who are called; `ROOM` for the room."""
    names: set[str] = set()
    for mention in mentions_in(text):
        names.add(mention.name)
        if len(names) == limits.MENTIONS_MAX:
            break
    return frozenset(names)
