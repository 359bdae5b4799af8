"""Completion of the word before the cursor: commands, names, rooms, emoji."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from zchat.client.model import emoji

CHOICES_MAX: Final = 8
_WORD: Final = re.compile(r"(?:^|(?<=[\s(]))([@#:]?[\w.+-]*)$")
EMOJI_CHARS_MIN: Final = 2
"""A word this short is rarely meant as an emoji: ":)" and ":D" are not."""


class Command(Protocol):
    """What completion needs to know of a command."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def takes(self) -> str:
        """What its first argument names: "command", "room", "user", "either", or nothing."""


@dataclass(frozen=True, slots=True)
class Choice:
    insert: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """One of `choices` may take the place of the last `length` characters before the cursor."""

    length: int
    choices: tuple[Choice, ...]


NONE: Final = Completion(0, ())


def complete(
    before: str,
    names: Iterable[str],
    rooms: Iterable[str],
    commands: Mapping[str, Command],
    first_line: bool,
) -> Completion:
    """`before` is the line up to the cursor; `names` and `rooms` come in order of likelihood."""
    match = _WORD.search(before)
    word = match[1] if match else ""
    in_command = first_line and before.startswith(":")
    if first_line and before.startswith(":") and " " not in before:
        found = [
            Choice(f":{command.name} ", f"{command.arguments}  {command.summary}".strip())
            for command in commands.values()
            if command.name.startswith(before[1:].lower())
        ]
        return Completion(len(before), tuple(found[: CHOICES_MAX * 4]))
    if word.startswith("@"):
        return _matching(word, [Choice(f"@{name} ") for name in (*names, "room")])
    if word.startswith("#"):
        return _matching(word, [Choice(f"#{room} ") for room in rooms])
    if word.startswith(":") and not in_command:
        if len(word) <= EMOJI_CHARS_MIN:
            return NONE
        found_emoji = emoji.completions(word, CHOICES_MAX)
        choices = [Choice(f"{char} ", f":{name}:") for name, char in found_emoji]
        return Completion(len(word), tuple(choices))
    if in_command:
        return _argument(before, word, list(names), list(rooms), commands)
    return NONE


def _argument(
    before: str,
    word: str,
    names: list[str],
    rooms: list[str],
    commands: Mapping[str, Command],
) -> Completion:
    words = before.split(" ")
    command = commands.get(words[0][1:].lower())
    if command is None or len(words) != 2:
        return NONE
    match command.takes:
        case "command":
            return _matching(word, [Choice(f"{name} ") for name in commands])
        case "room":
            return _matching(word, [Choice(f"{room} ") for room in rooms])
        case "user":
            return _matching(word, [Choice(f"{name} ") for name in names])
        case "either":
            both = [f"#{room} " for room in rooms] + [f"@{name} " for name in names]
            return _matching(word, [Choice(one) for one in both])
        case _:
            return NONE


def _matching(word: str, choices: list[Choice]) -> Completion:
    wanted = word.lower()
    found = [
        choice
        for choice in dict.fromkeys(choices)
        if choice.insert.startswith(wanted) and choice.insert.strip() != wanted
    ]
    return Completion(len(word), tuple(found[:CHOICES_MAX]))
