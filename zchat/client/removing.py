"""Finds what somebody has said in a room of late, and deletes it, for whoever keeps order there."""

from zchat.client.chat import Chat
from zchat.client.finding import NoSuchMessage
from zchat.protocol import limits
from zchat.protocol.messages import Entry, MessagePosted


async def said_lately(chat: Chat, log: str, author: str, since_ms: int) -> list[Entry]:
    """Newest first, as far back as that. Raises `NoSuchMessage`, and what the chat raises."""
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


def _some(found: list[Entry], log: str, author: str) -> list[Entry]:
    if not found:
        raise NoSuchMessage(f"{author} has said nothing in {log} of late")
    return found
