"""What people do with messages that stand, and with the conversations that those are in."""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    Entry,
    ListConversations,
    ListPins,
    MessagePosted,
    Notify,
    PinMessage,
    Post,
    PrivateMessageSent,
    ReadEdits,
    ReadHistory,
    RemoveReaction,
    Request,
    SayTyping,
    SearchMessages,
    SendPrivate,
    SetAway,
    SetNotify,
    StartConversation,
    UnpinMessage,
    room_log,
)

KINDS: Final = {
    "edit": 8,
    "delete": 5,
    "react": 8,
    "take a reaction back": 3,
    "reply": 4,
    "mention": 10,
    "pin": 3,
    "unpin": 1,
    "start": 2,
    "notify": 2,
    "type": 3,
    "away": 2,
    "pins": 2,
    "edits": 1,
    "conversations": 1,
    "search": 6,
    "old history": 3,
}
"""What people do, and how often."""
DEEDS: Final = (
    EditMessage,
    DeleteMessage,
    AddReaction,
    RemoveReaction,
    PinMessage,
    UnpinMessage,
    StartConversation,
)
EMOJI: Final = ("+1", "🎉", "👍🏽")
SEEN_MAX: Final = 12
"""Messages that somebody remembers."""
OLD_MAX: Final = 60
"""Messages that it has read of in a history, which may be as old as the log."""
OLD: Final = 0.4
"""How often somebody thinks of those, if there are any."""
OWN: Final = 0.7
"""How often somebody thinks of the own messages only."""
PREFIX: Final = "talk-"
"""How the names of conversations of several begin."""


@dataclass
class Memory:
    """The messages that a client has seen last, and some that it has read of."""

    seen: deque[Entry] = field(default_factory=lambda: deque(maxlen=SEEN_MAX))
    old: deque[Entry] = field(default_factory=lambda: deque(maxlen=OLD_MAX))
    heads: dict[str, int] = field(default_factory=dict)
    """Of the logs that it follows."""

    def sees(self, entry: Entry) -> None:
        self.heads[entry.log] = entry.sequence
        if isinstance(entry.body, MessagePosted | PrivateMessageSent):
            self.seen.append(entry)

    def reads(self, entries: Iterable[Entry]) -> None:
        self.old.extend(
            entry for entry in entries if isinstance(entry.body, MessagePosted | PrivateMessageSent)
        )

    def some(self, chat: random.Random) -> list[Entry]:
        return list(self.old if self.old and chat.random() < OLD else self.seen)

    def message(self, chat: random.Random, user: str) -> tuple[str, int]:
        """One to do something with; without any, one that may not be there."""
        seen = self.some(chat)
        own = [entry for entry in seen if entry.author == user]
        seen = own if own and chat.random() < OWN else seen
        if not seen or chat.random() < 0.05:
            return chat.choice([room_log("den"), f"@{user}"]), chat.randint(1, 30)
        entry = chat.choice(seen)
        return entry.log, entry.sequence


def draft(
    kind: str,
    chat: random.Random,
    memory: Memory,
    user: str,
    joined: str,
    room: str,
    other: str,
    text: str,
) -> Request:
    """`joined` is a room that the user is in, if any; `room` is any, and so is `other`."""
    log, sequence = memory.message(chat, user)
    place = room_log(room) if chat.random() < 0.6 else f"@{other}"
    match kind:
        case "edit":
            return EditMessage(log=log, sequence=sequence, text=text)
        case "delete":
            return DeleteMessage(log=log, sequence=sequence, reason=chat.choice(["", "noise"]))
        case "react":
            return AddReaction(log=log, sequence=sequence, emoji=chat.choice(EMOJI))
        case "take a reaction back":
            return RemoveReaction(log=log, sequence=sequence, emoji=chat.choice(EMOJI))
        case "reply":
            return _reply(chat, memory, user, text)
        case "mention":
            return Post(room=joined or room, text=f"{text} @{chat.choice([other, other, 'room'])}")
        case "pin":
            return PinMessage(room=log[1:] if log[0] == "#" else room, sequence=sequence)
        case "unpin":
            return UnpinMessage(room=log[1:] if log[0] == "#" else room, sequence=sequence)
        case "start":
            return StartConversation(users=[other, chat.choice("abcdefg")])
        case "notify":
            return SetNotify(log=place, level=chat.choice(list(Notify)))
        case "type":
            return SayTyping(log=place)
        case "away":
            return SetAway(away=chat.choice([None, "lunch", "asleep"]))
        case "pins":
            return ListPins(room=room)
        case "edits":
            return ReadEdits(log=log, sequence=sequence)
        case "search":
            words = chat.choice(
                [text.split(maxsplit=1)[0], f"client {chat.randint(1, 99)}", "client", "old"]
            )
            return SearchMessages(text=words, log=chat.choice([None, place, room_log(room)]))
        case "old history":
            return _old_history(chat, memory, place)
        case "conversations":
            return ListConversations()
        case _:
            raise AssertionError(kind)


def _old_history(chat: random.Random, memory: Memory, place: str) -> Request:
    """Of anywhere in a log, most of all of its beginning, its end and the bounds of pages."""
    log = chat.choice([place, *memory.heads])
    head = memory.heads.get(log, 30)
    before = chat.choice([None, head, head + 1, chat.randint(1, head + 1), chat.randint(1, 60)])
    limit = chat.choice([1, 2, 50, limits.HISTORY_ENTRIES_MAX])
    return ReadHistory(log=log, limit=limit, before=before)


def _reply(chat: random.Random, memory: Memory, user: str, text: str) -> Request:
    seen = memory.some(chat)
    if not seen:
        return Post(room="den", text=text, reply_to=chat.randint(1, 30))
    entry = chat.choice(seen)
    if isinstance(entry.body, PrivateMessageSent):
        to = entry.body.to if entry.author == user else entry.author
        return SendPrivate(to=to, text=text, reply_to=entry.sequence)
    return Post(room=entry.log[1:], text=text, reply_to=entry.sequence)
