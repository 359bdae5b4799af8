"""The names of people and rooms that the user may mean: for completion, and for where to go."""

from collections.abc import Iterable, Sequence
from typing import Final

from zchat.client.commands.table import COMMANDS
from zchat.client.core.events import Answered, EntryArrived, Event
from zchat.client.model.book import Book
from zchat.client.model.conversation import Conversation, Said
from zchat.client.tui.view.completion import Completion, complete
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    Entry,
    History,
    MemberList,
    RoomList,
    SearchResults,
    UserList,
)

AUTHORS_LOOKED_AT: Final = 200
"""Whoever wrote one of the newest messages is the likeliest to be named."""


class Roster:
    def __init__(self, book: Book) -> None:
        self._book = book
        self._names: dict[str, None] = {}
        """Everybody who was heard of, online or not; a dictionary, since it keeps their order."""
        self.rooms: dict[str, None] = {}
        for conversation in book.conversations.values():
            self._names.update(dict.fromkeys(_authors(conversation)))

    def hear(self, event: Event) -> None:
        match event:
            case EntryArrived(Entry(author=author)):
                self._names[author] = None
            case Answered(answer=History(entries=entries) | SearchResults(entries=entries)):
                self._learn(entry.author for entry in entries)
            case Answered(answer=MemberList(members=members)):
                self._learn(member.name for member in members)
            case Answered(answer=UserList(users=users)):
                self._learn(user.name for user in users)
            case Answered(answer=RoomList(rooms=rooms)):
                self.rooms.update(dict.fromkeys(room.room for room in rooms))
            case _:
                pass

    def _learn(self, names: Iterable[str]) -> None:
        self._names.update(dict.fromkeys(names))

    def people(self, first: Sequence[str] = ()) -> list[str]:
        """The likeliest first: `first`, then private conversations, then who is online."""
        book = self._book
        private = [key[1:] for key in book.conversations if key[0] == "@" and len(key) > 1]
        everyone = dict.fromkeys([*first, *private, *sorted(book.presence.here), *self._names])
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
        return complete(before, self.people(authors), self.room_names(), COMMANDS, first_line)


def _authors(conversation: Conversation) -> list[str]:
    """The newest first."""
    recent = conversation.items[-AUTHORS_LOOKED_AT:]
    return [item.author for item in reversed(recent) if isinstance(item, Said)]
