"""What a person means by what is entered: a message, or a command."""

import re
from typing import Final, NamedTuple

from zchat.client.conversations.emoji import emoji_named

_EMOJI: Final = re.compile(r":([a-z0-9_+-]+):(?=\s|$)")
_ELSEWHERE: Final = frozenset(
    (
        *("away", "ban", "help", "invite", "join", "kick", "leave", "list", "me", "msg", "names"),
        *("nick", "notice", "part", "query", "quit", "topic", "whois"),
    )
)
"""What begins with a slash in other clients, and is meant for those who read in none."""


class Message(NamedTuple):
    text: str


class Command(NamedTuple):
    line: str


class Doubtful(NamedTuple):
    """A command of other clients, which everyone would read here."""

    word: str


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
    elif line.startswith("/"):
        word = line[1:].split(maxsplit=1)[0] if len(line) > 1 else ""
        if word.lower() in _ELSEWHERE:
            return Doubtful(line.split(maxsplit=1)[0])
    return Message(text)
