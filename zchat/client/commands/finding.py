"""Which message a person means who counts back from the last one."""

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
