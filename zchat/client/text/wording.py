"""What happened besides what was said, as a sentence of its conversation."""

from zchat.client.text.entries import room_before, words
from zchat.client.text.style import Look
from zchat.protocol.messages import Entry, MemberAdded, MessagePinned, MessageUnpinned
from zchat.protocol.rules.names import printable


def sentence(entry: Entry, me: str) -> str:
    """Without the name of the room, in which it is read anyway."""
    who = "you" if entry.author == me else printable(entry.author)
    match entry.body:
        case MessagePinned():
            return f"{who} pinned a message"
        case MessageUnpinned():
            return f"{who} unpinned a message"
        case MemberAdded(user=user):
            return f"{who} brought in {'you' if user == me else printable(user)}"
        case _:
            look = Look(me, None, colour=False)
            text = words(look, entry).removeprefix("* ")
            return text.removeprefix(room_before(look, entry.log))
