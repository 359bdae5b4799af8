"""What a message's text means beside its words: code, emphasis, links and mentions.

It is plain text that people write so anyhow; what does not close is just text.
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
    """What a piece of a line is; a theme says how that looks."""

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
"""What ends a sentence rather than a link."""


_NAMED: Final = re.compile(r"(?<![\w:]):([+\-\w]+):(?![\w:])")
_CODE: Final = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def inline(text: str, me: str, words: re.Pattern[str] | None = None) -> Iterator[Piece]:
    """The pieces of one line; `words` call whoever reads it, as `me` does."""
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
    """Those of `calls` that stand there, and what is between them."""
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
    """The addresses in a text, once each."""
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
    """`text` with an emoji in the place of each name between colons; code stays as it is."""
    if ":" not in text:
        return text
    parts = _CODE.split(text)
    parts[::2] = [
        _NAMED.sub(lambda match: emoji_named(match[1]) or match[0], part) for part in parts[::2]
    ]
    return "".join(parts)
