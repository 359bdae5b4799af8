"""What a message's text means beside its words: code, emphasis, links and mentions.

It is plain text that people write so anyhow; what does not close is just text.
"""

import enum
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from zchat.client.conversations.emoji import emoji_named
from zchat.protocol.mentions import MENTION

FENCE: Final = "```"


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
    r"`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*\*(?P<strong>[^\s*](?:[^*\n]*[^\s*])?)\*\*(?![\w*])"
    r"|(?<![\w*])\*(?P<emphasis>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?P<link>https?://[^\s<>\"`]+)"
    rf"|(?P<mention>{MENTION.pattern})",
    re.IGNORECASE,
)
_AFTER_LINKS: Final = ".,;:!?'*_"
"""What ends a sentence rather than a link."""


_NAMED: Final = re.compile(r"(?<![\w:]):([+\-\w]+):(?![\w:])")
_CODE: Final = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


class Block(NamedTuple):
    """One line of the text as it was written; `code` if it stands between fences."""

    text: str
    code: bool


def blocks(text: str) -> Iterator[Block]:
    """The lines of a text; fences that close are left out."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        if lines[index].startswith(FENCE):
            end = next(
                (at for at in range(index + 1, len(lines)) if lines[at].rstrip() == FENCE), None
            )
            if end is not None:
                yield from (Block(line, code=True) for line in lines[index + 1 : end])
                index = end + 1
                continue
            # It never closes, and looking for its end again from each fence would take long.
            yield from (Block(line, code=False) for line in lines[index:])
            return
        yield Block(lines[index], code=False)
        index += 1


def inline(text: str, me: str) -> Iterator[Piece]:
    """The pieces of one line."""
    done = 0
    for match in _INLINE.finditer(text):
        if match.start() > done:
            yield Piece(text[done : match.start()])
        done = match.end()
        kind, content = match.lastgroup, match[0]
        if kind == "link":
            content = _trimmed(content)
            yield Piece(content, Ink.LINK, content)
            done = match.start() + len(content)
        elif kind == "mention":
            name = content[1:].rstrip(".-").casefold()
            yield Piece(content, Ink.MENTIONED if name in (me, "room") else Ink.MENTION)
        else:
            assert kind is not None
            yield Piece(match[kind], Ink[kind.upper()])
    if done < len(text):
        yield Piece(text[done:])


def links(text: str) -> list[str]:
    """The addresses in a text, once each."""
    found = (_trimmed(match["link"]) for match in _INLINE.finditer(text) if match["link"])
    return list(dict.fromkeys(found))


def _trimmed(link: str) -> str:
    while link[-1] in _AFTER_LINKS or (link[-1] == ")" and link.count("(") < link.count(")")):
        link = link[:-1]
    return link


def emojied(text: str) -> str:
    """`text` with an emoji in the place of each name between colons; code stays as it is."""
    if ":" not in text:
        return text
    parts = _CODE.split(text)
    parts[::2] = [
        _NAMED.sub(lambda match: emoji_named(match[1]) or match[0], part) for part in parts[::2]
    ]
    return "".join(parts)
