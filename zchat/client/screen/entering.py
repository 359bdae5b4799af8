"""What a person means by what is entered: a message, or a command."""

import re
from typing import Final, NamedTuple

from zchat.client.conversations.emoji import emoji_named

_EMOJI: Final = re.compile(r":([a-z0-9_+-]+):(?=\s|$)")
_ELSEWHERE: Final = re.compile(r"/([A-Za-z]+)(?=\s|$)")
"""How commands of other clients begin, and no path does."""
_HERE: Final = {
    **dict.fromkeys(("join", "j"), "jr"),
    **dict.fromkeys(("part", "leave"), "lr"),
    **dict.fromkeys(("msg", "query"), "pm"),
    **dict.fromkeys(("names", "who"), "lru"),
    "list": "lrs",
}
"""What some of them are called here, where that is something else."""


class Message(NamedTuple):
    text: str


class Command(NamedTuple):
    line: str


class Doubtful(NamedTuple):
    """A command of other clients, which everyone would read here, and what is most like it."""

    word: str
    here: str


def meant(text: str) -> Message | Command | Doubtful:
    """Spaces before a command do not make it a message, which others might read a password in."""
    line = text.strip()
    if "\n" in line:
        return Message(text)
    if line.startswith("::"):
        return Message(line[1:])
    if line.startswith(":"):
        emoji = _EMOJI.match(line)
        if emoji is None or emoji_named(emoji[1]) is None:
            return Command(line)
    elif elsewhere := _ELSEWHERE.match(line):
        name = elsewhere[1].lower()
        return Doubtful(elsewhere[0], ":" + _HERE.get(name, name))
    return Message(text)
