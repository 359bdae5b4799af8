"""Finds the messages that a person means: counted back from the last one, or all of somebody's."""

from zchat.client.commands.actions import Among, Which
from zchat.client.sdk.chat import Chat
from zchat.protocol import limits
from zchat.protocol.messages import Entry, MessagePosted, PrivateMessageSent


class NoSuchMessage(Exception):
    """The text says what was looked for, and where."""


async def find_message(chat: Chat, log: str, which: Which) -> Entry:
    """Raises `NoSuchMessage`, and what the chat's methods raise."""
    # What was said on the lines before this one stands first.
    while chat.unanswered and not chat.is_over:
        await chat.answered()
    if which.among is Among.PINNED:
        newest_first = (await chat.pins(log[1:])).pins
    else:
        history = await chat.history(log, limits.HISTORY_ENTRIES_MAX)
        newest_first = list(reversed(history.entries))
    found = [entry for entry in newest_first if _is_meant(entry, which, chat.name)]
    if len(found) < which.back:
        raise NoSuchMessage(f"there {_none(which)} among the newest in {log}")
    return found[which.back - 1]


async def said_since(chat: Chat, log: str, author: str, since_ms: int) -> list[Entry]:
    """All that `author` has said there, newest first.

    Raises `NoSuchMessage`, and what the chat's methods raise.
    """
    found: list[Entry] = []
    before: int | None = None
    while True:
        history = await chat.history(log, limits.HISTORY_ENTRIES_MAX, before)
        for entry in reversed(history.entries):
            # An import is older than what stands before it, but what it has is not of late.
            if entry.at_ms < since_ms:
                return _some(found, log, author)
            if entry.author == author and isinstance(entry.body, MessagePosted):
                found.append(entry)
        if not history.more or not history.entries:
            return _some(found, log, author)
        before = history.entries[0].sequence


def _is_meant(entry: Entry, which: Which, me: str) -> bool:
    if not isinstance(entry.body, MessagePosted | PrivateMessageSent):
        return False
    if which.among is Among.EDITED and not entry.edited:
        return False
    if which.author:
        return entry.author == which.author
    match which.among:
        case Among.OWN:
            return entry.author == me
        case Among.OTHERS:
            return entry.author != me
        case Among.EDITED | Among.PINNED:
            return True


def _none(which: Which) -> str:
    words = {
        Among.OWN: "of yours",
        Among.OTHERS: "of others",
        Among.EDITED: "with edits",
        Among.PINNED: "with a pin",
    }
    whose = f"of {which.author}" if which.author else words[which.among]
    return f"is no message {whose}" if which.back == 1 else f"are no {which.back} messages {whose}"


def _some(found: list[Entry], log: str, author: str) -> list[Entry]:
    if not found:
        raise NoSuchMessage(f"{author} has said nothing in {log} of late")
    return found
