"""Who follows a log: which entries let a user begin, and which are the last one for a user.

Services tell gateways by this to whom a log goes, and clients know by it that nothing more comes.
"""

from typing import Final, NamedTuple

from zchat.protocol.messages import (
    LOBBY,
    Entry,
    EntryBody,
    MemberAdded,
    MemberBanned,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MessagePosted,
    PrivateMessageSent,
    RoomClosed,
    RoomCreated,
    room_log,
)

EVERYONE: Final = ""
"""In the place of a user: all who follow the log."""
_LOBBY_LOG: Final = room_log(LOBBY)


class Change(NamedTuple):
    """The user begins (`joined`) or ceases to follow the log."""

    user: str
    joined: bool


def change_by(log: str, author: str, body: EntryBody) -> Change | None:
    """What an entry of the log says about who follows it."""
    match body:
        case MessagePosted() | PrivateMessageSent():  # Most of all, so that they stand first.
            return None
        case RoomCreated() | MemberJoined():
            return Change(author, joined=True)
        case MemberAdded(user=user):
            return Change(user, joined=True)
        case MemberLeft():
            return Change(author, joined=False)
        case MemberKicked(user=user):
            return Change(user, joined=False)
        case MemberBanned(user=user) if log != _LOBBY_LOG:
            # From the lobby nobody is put out: who is banned there reads on.
            return Change(user, joined=False)
        case RoomClosed():
            return Change(EVERYONE, joined=False)
        case _:
            return None


def ends_following(entry: Entry, name: str) -> bool:
    """Whether it is the last entry of its log that comes to `name`."""
    change = change_by(entry.log, entry.author, entry.body)
    return change is not None and not change.joined and change.user in (name, EVERYONE)
