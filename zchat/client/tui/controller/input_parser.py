"""What a person means by what is entered: a message, or a command."""

import re
from typing import Final, NamedTuple

from zchat.client.commands import table
from zchat.client.model.emoji import emoji_named

_EMOJI: Final = re.compile(r":([a-z0-9_+-]+):(?=\s|$)")


class Message(NamedTuple):
    text: str


class Command(NamedTuple):
    line: str


def meant(text: str) -> Message | Command:
    """Whatever begins like a command is none but a command, spaces before it or lines after it.

    Others might read a password in it, or what was for one of them only.
    """
    line = text.strip()
    if table.is_command(line) and not _is_emoji(line):
        return Command(line)
    return Message(table.said_of(text))


def to_say(text: str) -> str:
    """What is entered to say this."""
    return text if meant(text) == Message(text) else table.escaped(text)


def _is_emoji(line: str) -> bool:
    found = _EMOJI.match(line)
    return found is not None and emoji_named(found[1]) is not None
