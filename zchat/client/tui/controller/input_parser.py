"""Whether a text that was entered is a message or a command."""

import re
from dataclasses import dataclass
from typing import Final

from zchat.client.commands import table
from zchat.client.model.emoji import emoji_named

_EMOJI: Final = re.compile(r":([a-z0-9_+-]+):(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Message:
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    line: str


def meant(text: str) -> Message | Command:
    """Whatever begins like a command is never sent as a message, whatever precedes or follows it.

    It might hold a password, or words for one person only, and the others would read them.
    """
    line = text.strip()
    if table.is_command(line) and not _is_emoji(line):
        return Command(line)
    return Message(table.said_of(text))


def to_say(text: str) -> str:
    """What the user has to enter so that this text is sent."""
    return text if meant(text) == Message(text) else table.escaped(text)


def _is_emoji(line: str) -> bool:
    found = _EMOJI.match(line)
    return found is not None and emoji_named(found[1]) is not None
