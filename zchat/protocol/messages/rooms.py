"""Rooms and their members."""

from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages.base import (
    Command,
    MemberCommand,
    Message,
    Milliseconds,
    Name,
    Posting,
    Reason,
    Request,
    RequestId,
    RoomCommand,
    RoomKey,
    Topic,
)

# --- What happened: the bodies of entries ---------------------------------------------------------


class RoomCreated(Message, frozen=True):
    """First entry of a room: its author is the owner and the first member."""


class MemberJoined(Message, frozen=True):
    """The author is a member, and follows the room from here on."""


class MemberLeft(Message, frozen=True):
    """The author is a member no more; this is the last entry that it is sent."""


class MemberAdded(Message, frozen=True):
    """In a conversation of several: the author has brought `user` in."""

    user: str


class TopicChanged(Message, frozen=True):
    topic: str


class MemberInvited(Message, frozen=True):
    """The user may join. It hears of it in its own inbox: `InvitedToRoom`."""

    user: str


class MemberKicked(Message, frozen=True):
    user: str
    reason: str


class MemberBanned(Message, frozen=True):
    """`until_ms` is None for a ban without an end. The user need not have been a member."""

    user: str
    reason: str
    until_ms: Milliseconds | None


class MemberUnbanned(Message, frozen=True):
    user: str


class MemberMuted(Message, frozen=True):
    user: str
    reason: str


class MemberUnmuted(Message, frozen=True):
    user: str


class MemberPromoted(Message, frozen=True):
    """The user is a moderator now."""

    user: str


class MemberDemoted(Message, frozen=True):
    """The user is a plain member now."""

    user: str


class RoomTransferred(Message, frozen=True):
    """The user is the owner now, and the former one a moderator."""

    user: str


class RoomConfigured(Message, frozen=True):
    """All settings of the room as they are now. The key itself is shown to nobody."""

    private: bool
    keyed: bool
    posting: Posting
    slow_mode_s: int
    members_max: int


class RoomClosed(Message, frozen=True):
    """The last entry: nobody is in the room any more, and its name is free."""

    reason: str


class InvitedToRoom(Message, frozen=True):
    """In the inbox: the author has invited the user to `room`."""

    room: str


class RoomOpened(Message, frozen=True):
    """In the lobby: the author has created `room`."""

    room: str


# --- Commands -------------------------------------------------------------------------------------


class StartConversation(Command):
    """A private room of the user and these others, who are in it at once.

    Answered with `Done`, whose `log` is its name: made of the nonce, so that nobody need think of
    one. The room's topic names who is in it.
    """

    users: Annotated[list[Name], Meta(min_length=1, max_length=limits.CONVERSATION_USERS_MAX)]


class CreateRoom(RoomCommand):
    """The lobby is told of a room, unless it is `private` from the beginning (`ConfigureRoom`)."""

    private: bool = False


class JoinRoom(RoomCommand):
    """A room that has a key wants it from everyone who is not invited."""

    key: RoomKey = ""


class LeaveRoom(RoomCommand):
    """An owner who leaves is followed by the longest-standing moderator, or else member."""


class SetTopic(RoomCommand):
    topic: Topic


class InviteMember(MemberCommand):
    """The user may join, whatever the room's kind and key. Told in the room and to the user."""


class KickMember(MemberCommand):
    """Ends the membership; the user may join again."""

    reason: Reason = ""


class BanMember(MemberCommand):
    """Kicks a member, and keeps the user out until then, or for ever."""

    reason: Reason = ""
    until_ms: Milliseconds | None = None


class UnbanMember(MemberCommand):
    """The user may join again; that makes it no member."""


class MuteMember(MemberCommand):
    """The user may not speak there until it is unmuted, also if it leaves and comes back.

    In the lobby, which everyone is in, it may be any user.
    """

    reason: Reason = ""


class UnmuteMember(MemberCommand):
    """The user may speak again."""


class PromoteMember(MemberCommand):
    """Makes a member a moderator."""


class DemoteMember(MemberCommand):
    """Makes a moderator a plain member."""


class TransferRoom(MemberCommand):
    """Makes a member the owner; the former one is a moderator from then on."""


class ConfigureRoom(RoomCommand):
    """Changes what is not None. `private`: only who is invited may join, and it is not listed.

    An empty `key` takes it away; `slow_mode_s` is the least time between two messages of one
    member, 0 for none; `members_max` 0 is the cluster's own bound.
    """

    private: bool | None = None
    key: RoomKey | None = None
    posting: Posting | None = None
    slow_mode_s: Annotated[int, Meta(ge=0, le=limits.SLOW_MODE_S_MAX)] | None = None
    members_max: Annotated[int, Meta(ge=0, le=limits.ROOM_MEMBERS_MAX)] | None = None


class CloseRoom(RoomCommand):
    """Ends the room for everyone. Its name is free, and a new room shows nothing of this one."""

    reason: Reason = ""


# --- Queries and what is told ---------------------------------------------------------------------


class ListRooms(Request):
    """All rooms, or only `room`. Answered with `RoomList`."""

    room: Name | None = None


class RoomInfo(Message, frozen=True):
    """`members` is None for the lobby, which everyone is in; `unread` is 0 where not joined.

    `unread` are the messages of others after the read marker; of very many entries only the newest
    are looked at, and all others are counted. `mentions` are those of the user in what is unread. A
    `conversation` is called by its topic.
    """

    room: str
    topic: str
    members: int | None
    joined: bool
    unread: int
    invited: bool = False
    private: bool = False
    keyed: bool = False
    posting: str = Posting.MEMBERS
    slow_mode_s: int = 0
    members_max: int = 0
    mentions: int = 0
    notify: str = ""
    conversation: bool = False


class RoomList(Message, frozen=True):
    """By name; `total` counts also those that found no place in `rooms`."""

    id: RequestId
    rooms: list[RoomInfo]
    total: int


class ListMembers(Request):
    """Answered with `MemberList`."""

    room: Name


class MemberInfo(Message, frozen=True):
    """`role` is one of `Role`, or one that a newer server knows. `away` is None for "is here"."""

    name: str
    role: str
    online: bool
    away: str | None = None


class MemberList(Message, frozen=True):
    """Those online first, each half by name; `total` counts also those not in `members`."""

    id: RequestId
    room: str
    members: list[MemberInfo]
    total: int


class ListBans(Request):
    """Answered with `BanList`."""

    room: Name


class BanInfo(Message, frozen=True):
    """`until_ms` is None for a ban without an end."""

    user: str
    reason: str
    by: str
    until_ms: Milliseconds | None = None


class BanList(Message, frozen=True):
    id: RequestId
    room: str
    bans: list[BanInfo]
