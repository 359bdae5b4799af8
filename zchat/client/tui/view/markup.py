"""What is special in the text of a message: code, emphasis, links, mentions and emoji.

Only signs that people use in plain text anyway; whatever does not close is just text.
"""

import enum
import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from zchat.client.model.emoji import emoji_named
from zchat.protocol.rules.markup import CODE
from zchat.protocol.rules.mentions import ROOM, Mention, mentions_in


class Ink(enum.Enum):
    """What a piece of a line is; the theme decides how that looks."""

    TEXT = enum.auto()
    STRONG = enum.auto()
    EMPHASIS = enum.auto()
    CODE = enum.auto()
    LINK = enum.auto()
    MENTION = enum.auto()
    """Of somebody."""
    MENTIONED = enum.auto()
    """Of oneself."""
    DIM = enum.auto()
    AUTHOR = enum.auto()
    MYSELF = enum.auto()
    HAPPENED = enum.auto()
    PENDING = enum.auto()
    TROUBLE = enum.auto()
    QUOTE = enum.auto()
    REACTION = enum.auto()
    REACTED = enum.auto()
    """With one's own among them."""
    NEW = enum.auto()
    DAY = enum.auto()
    HINT = enum.auto()
    ACCENT = enum.auto()
    GOOD = enum.auto()


class Piece(NamedTuple):
    """`target` is what a click on it means: a link, or as `layout.py` says."""

    text: str
    ink: Ink = Ink.TEXT
    target: str = ""


_INLINE: Final = re.compile(
    rf"(?P<code>{CODE})"
    r"|(?<![\w*])\*\*(?P<strong>[^\s*](?:[^*\n]*[^\s*])?)\*\*(?![\w*])"
    r"|(?<![\w*])\*(?P<emphasis>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?P<link>https?://[^\s<>\"`]+)",
    re.IGNORECASE,
)
_AFTER_LINKS: Final = ".,;:!?'*_"
"""At the end of a link it belongs to the sentence."""


_NAMED: Final = re.compile(r"(?<![\w:]):([+\-\w]+):(?![\w:])")
_CODE: Final = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def inline(text: str, me: str, words: re.Pattern[str] | None = None) -> Iterator[Piece]:
    """The pieces of one line; `words` count as mentions of `me`."""
    found = list(mentions_in(text))
    if words is not None:
        found += [Mention(*match.span(), me) for match in words.finditer(text)]
        found.sort()
    calls = deque(found)
    done = 0
    for match in _INLINE.finditer(text):
        yield from _words(text, done, match.start(), Ink.TEXT, calls, me)
        done = match.end()
        kind = match.lastgroup
        if kind == "link":
            link = _trimmed(match[0])
            yield Piece(link, Ink.LINK, link)
            done = match.start() + len(link)
        elif kind == "code":
            yield Piece(match[0][1:-1], Ink.CODE)
        else:
            assert kind is not None
            yield from _words(text, *match.span(kind), Ink[kind.upper()], calls, me)
    yield from _words(text, done, len(text), Ink.TEXT, calls, me)


def _words(
    text: str, begin: int, end: int, ink: Ink, calls: deque[Mention], me: str
) -> Iterator[Piece]:
    """The text from `begin` to `end`, with the mentions in it as pieces of their own."""
    while calls and calls[0].begin < end:
        call = calls.popleft()
        if call.begin < begin:
            continue
        if begin < call.begin:
            yield Piece(text[begin : call.begin], ink)
        whom = Ink.MENTIONED if call.name in (me, ROOM) else Ink.MENTION
        yield Piece(text[call.begin : call.end], whom)
        begin = call.end
    if begin < end:
        yield Piece(text[begin:end], ink)


def links(text: str) -> list[str]:
    """The links in a text, without duplicates."""
    found = (_trimmed(match["link"]) for match in _INLINE.finditer(text) if match["link"])
    return list(dict.fromkeys(found))


def _trimmed(link: str) -> str:
    end = len(link)
    unopened = link.count(")") - link.count("(")
    while link[end - 1] in _AFTER_LINKS or (link[end - 1] == ")" and unopened > 0):
        unopened -= link[end - 1] == ")"
        end -= 1
    return link[:end]


def emojied(text: str) -> str:
    """`text` with each name between colons replaced by its emoji, except in code."""
    if ":" not in text:
        return text
    parts = _CODE.split(text)
    parts[::2] = [
        _NAMED.sub(lambda match: emoji_named(match[1]) or match[0], part) for part in parts[::2]
    ]
    return "".join(parts)
