"""Sentences that more than one client shows: what happened, what is told aloud, what is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zchat.client.model.conversation import Conversation, Item, Kind, Said
from zchat.client.text.entries import in_short, room_before, words
from zchat.client.text.style import Style
from zchat.protocol.messages import Entry, MemberAdded, MessagePinned, MessageUnpinned
from zchat.protocol.rules.names import printable


def sentence(entry: Entry, me: str) -> str:
    """What happened besides what was said. The room is not named: there it is read anyway."""
    who = "you" if entry.author == me else printable(entry.author)
    match entry.body:
        case MessagePinned():
            return f"{who} pinned a message"
        case MessageUnpinned():
            return f"{who} unpinned a message"
        case MemberAdded(user=user):
            return f"{who} brought in {'you' if user == me else printable(user)}"
        case _:
            style = Style(me, None, colour=False)
            text = words(style, entry).removeprefix("* ")
            return text.removeprefix(room_before(style, entry.log))


def words_of(item: Item, me: str) -> str:
    """What it says, whatever it is."""
    return in_short(item.text) if isinstance(item, Said) else sentence(item.entry, me)


# --- Notifications --------------------------------------------------------------------------------

BODY_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Notification:
    """Both texts are one line, and safe to show. `key` is where to look."""

    title: str
    body: str
    key: str


def notification(told: Sequence[tuple[Conversation, Item]], me: str) -> Notification:
    """Of one or more items as one; `told` is not empty."""
    conversation, item = told[-1]
    key, place = conversation.key, printable(conversation.title)
    if len(told) == 1:
        body = printable(words_of(item, me))
        if len(body) > BODY_CHARS_MAX:
            body = body[: BODY_CHARS_MAX - 1] + "…"
        author = printable(item.author)
        in_place = "" if conversation.kind in (Kind.PRIVATE, Kind.NOTICES) else f" in {place}"
        return Notification(author + in_place, body, key)
    keys = {each.key for each, _ in told}
    messages = f"{len(told):,} messages"
    if len(keys) > 1:
        return Notification("zchat", f"{messages} in {len(keys):,} conversations", key)
    preposition = "from" if conversation.kind is Kind.PRIVATE else "in"
    return Notification("zchat", f"{messages} {preposition} {place}", key)


# --- What a guest loses by quitting ---------------------------------------------------------------

NAMED_MAX: Final = 3
"""More rooms than these are counted."""


def rooms_lost(owned: Sequence[str]) -> str:
    """Of the guest who owns these rooms, given by their logs; empty for none."""
    if not owned:
        return ""
    named = [printable(log) for log in owned[:NAMED_MAX]]
    more = f" and {len(owned) - NAMED_MAX:,} more" if len(owned) > NAMED_MAX else ""
    return (
        f"You own {', '.join(named)}{more}: a guest who quits owns nothing any more. It falls to "
        "the next of its members, or to whoever comes first. :register keeps it yours, and "
        ":transfer gives it to whom you want."
    )
