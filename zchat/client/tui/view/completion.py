"""Completion of the word before the cursor: commands, emoji, and the names of people and rooms."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zchat.client.commands.table import COMMANDS, named_by_last
from zchat.client.core.events import Answered, EntryArrived, Event
from zchat.client.model import emoji
from zchat.client.model.book import Book
from zchat.client.model.conversation import Conversation, Said
from zchat.client.model.known_names import remember
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    Entry,
    History,
    MemberList,
    RoomList,
    SearchResults,
    UserList,
)

CHOICES_MAX: Final = 8
_WORD: Final = re.compile(r"(?:^|(?<=[\s(]))([@#:]?[\w.+-]*)$")
EMOJI_CHARS_MIN: Final = 2
"""A word this short is rarely meant as an emoji: ":)" and ":D" are not."""


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
    before: str, names: Iterable[str], rooms: Iterable[str], first_line: bool
) -> Completion:
    """`before` is the line up to the cursor; `names` and `rooms` come in order of likelihood."""
    match = _WORD.search(before)
    word = match[1] if match else ""
    in_command = first_line and before.startswith(":")
    if in_command and " " not in before:
        found = [
            Choice(f":{command.name} ", f"{command.arguments}  {command.summary}".strip())
            for command in COMMANDS.values()
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
        return _argument(before, word, list(names), list(rooms))
    return NONE


def _argument(before: str, word: str, names: list[str], rooms: list[str]) -> Completion:
    match named_by_last(before.split(" ")):
        case "command":
            return _matching(word, [Choice(f"{name} ") for name in COMMANDS])
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


# --- The names that may be meant ------------------------------------------------------------------

AUTHORS_LOOKED_AT: Final = 200
"""Whoever wrote one of the newest messages is the likeliest to be named."""


class Roster:
    """Names of people and rooms that the user may mean: for completion, and for where to go."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._names: dict[str, None] = {}
        """People who were heard of, online or not, the newest last."""
        self.rooms: dict[str, None] = {}
        for conversation in book.conversations.values():
            remember(self._names, reversed(_authors(conversation)))

    def hear(self, event: Event) -> None:
        match event:
            case EntryArrived(Entry(author=author)):
                remember(self._names, [author])
            case Answered(answer=History(entries=entries) | SearchResults(entries=entries)):
                remember(self._names, (entry.author for entry in entries))
            case Answered(answer=MemberList(members=members)):
                # Backwards, so that they are offered in the order of the list.
                remember(self._names, (member.name for member in reversed(members)))
            case Answered(answer=UserList(users=users)):
                remember(self._names, (user.name for user in reversed(users)))
            case Answered(answer=RoomList(rooms=rooms)):
                remember(self.rooms, (room.room for room in rooms))
            case _:
                pass

    def people(self, first: Sequence[str] = ()) -> list[str]:
        """The likeliest first: `first`, then private conversations, then who is online, and then
        who was heard of last."""
        book = self._book
        private = [key[1:] for key in book.conversations if key[0] == "@" and len(key) > 1]
        everyone = dict.fromkeys(
            [*first, *private, *sorted(book.presence.here), *reversed(self._names)]
        )
        for nobody in (book.me, SYSTEM_AUTHOR):
            everyone.pop(nobody, None)
        return list(everyone)

    def room_names(self) -> list[str]:
        joined = [key[1:] for key in self._book.conversations if key[0] == "#"]
        return list(dict.fromkeys([*joined, *self.rooms]))

    def completions(
        self, conversation: Conversation | None, before: str, *, first_line: bool
    ) -> Completion:
        """Of the last word of `before`."""
        authors = _authors(conversation) if conversation is not None else ()
        return complete(before, self.people(authors), self.room_names(), first_line)


def _authors(conversation: Conversation) -> list[str]:
    """The newest first."""
    recent = conversation.items[-AUTHORS_LOOKED_AT:]
    return [item.author for item in reversed(recent) if isinstance(item, Said)]
