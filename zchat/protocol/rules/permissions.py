"""Who may do what: one table, and the order of those whom it speaks of.

Services ask it in one place each before they do anything, a gateway for the scopes of app tokens,
and clients before they offer anything. docs/permissions.md is generated from it.
"""

import enum
from typing import Final, NamedTuple

from zchat.protocol.messages import (
    REQUESTS,
    AddReaction,
    Announce,
    BanMember,
    BanUsers,
    BlockUser,
    ChangePassword,
    CloseRoom,
    ConfigureRoom,
    CreateAppToken,
    CreateInvitation,
    CreateRoom,
    DeleteAccount,
    DeleteMessage,
    DemoteMember,
    DisableTotp,
    DisconnectUser,
    EditMessage,
    EnableTotp,
    InviteMember,
    JoinRoom,
    KickMember,
    KickUsers,
    LeaveRoom,
    ListBans,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListMembers,
    ListPins,
    ListRooms,
    ListUserBans,
    ListUsers,
    LogOutEverywhere,
    MarkRead,
    Message,
    MuteMember,
    Ping,
    PinMessage,
    Post,
    PromoteMember,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    Register,
    RemoveReaction,
    ReportMessage,
    RestoreUser,
    RevokeDevice,
    RevokeInvitation,
    Role,
    SayTyping,
    Scope,
    SearchMessages,
    SendPrivate,
    SetAway,
    SetNotify,
    SetStanding,
    SetTopic,
    Standing,
    StartConversation,
    SuspendUser,
    TransferRoom,
    UnbanMember,
    UnbanUsers,
    UnblockUser,
    UnmuteMember,
    UnpinMessage,
)


class Place(enum.IntEnum):
    """What somebody is to a room, least first."""

    BANNED = 0
    OUTSIDER = 1
    MUTED = 2
    MEMBER = 3
    MODERATOR = 4
    OWNER = 5


PLACE_OF_ROLE: Final = {
    Role.MUTED: Place.MUTED,
    Role.MEMBER: Place.MEMBER,
    Role.MODERATOR: Place.MODERATOR,
    Role.OWNER: Place.OWNER,
}
STANDINGS: Final = tuple(Standing)
"""Least first."""


class Permission(NamedTuple):
    """`standing` and `place` are the least that it takes; without a place it is about no room.

    Whoever has the standing `anywhere` needs no place. An app token needs `scope`; with None there
    no app token may.
    """

    standing: Standing
    place: Place | None = None
    anywhere: Standing | None = None
    scope: Scope | None = None

    def allows(self, standing: Standing, place: Place | None) -> bool:
        """Whether it is allowed to somebody of this standing, and of this place in the room."""
        rank = STANDINGS.index(standing)
        if rank < STANDINGS.index(self.standing):
            return False
        if self.anywhere is not None and rank >= STANDINGS.index(self.anywhere):
            return True
        return self.place is None or (place is not None and place >= self.place)


_GUEST, _ACCOUNT = Standing.GUEST, Standing.ACCOUNT
_MODERATOR, _OPERATOR = Standing.MODERATOR, Standing.OPERATOR

PERMISSIONS: Final[dict[type[Message], Permission]] = {
    # In rooms. Whoever is muted reads, and takes back what it has said: that says nothing new.
    Post: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    CreateRoom: Permission(_GUEST),
    JoinRoom: Permission(_GUEST, Place.OUTSIDER, _OPERATOR, Scope.READ),
    LeaveRoom: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    MarkRead: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    EditMessage: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    DeleteMessage: Permission(_GUEST, Place.MUTED, _MODERATOR, Scope.POST),
    AddReaction: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    RemoveReaction: Permission(_GUEST, Place.MUTED, scope=Scope.POST),
    PinMessage: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    UnpinMessage: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    SayTyping: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    SetNotify: Permission(_GUEST, Place.MUTED),
    SetTopic: Permission(_GUEST, Place.MEMBER, _OPERATOR),
    InviteMember: Permission(_GUEST, Place.MODERATOR, _OPERATOR),
    KickMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    BanMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    UnbanMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    MuteMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    UnmuteMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    ListBans: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    PromoteMember: Permission(_GUEST, Place.OWNER, _OPERATOR),
    DemoteMember: Permission(_GUEST, Place.OWNER, _OPERATOR),
    TransferRoom: Permission(_GUEST, Place.OWNER, _OPERATOR),
    ConfigureRoom: Permission(_GUEST, Place.OWNER, _OPERATOR),
    CloseRoom: Permission(_GUEST, Place.OWNER, _MODERATOR),
    ReadHistory: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    ReadEdits: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    ListMembers: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    ListPins: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    SearchMessages: Permission(_GUEST, scope=Scope.READ),
    ListRooms: Permission(_GUEST, scope=Scope.READ),
    ReportMessage: Permission(_GUEST, Place.MUTED),
    # Of users.
    SendPrivate: Permission(_GUEST, scope=Scope.POST),
    StartConversation: Permission(_GUEST),
    ListConversations: Permission(_GUEST, scope=Scope.READ),
    SetAway: Permission(_GUEST),
    ListUsers: Permission(_GUEST, scope=Scope.READ),
    Ping: Permission(_GUEST, scope=Scope.READ),
    Register: Permission(_GUEST),
    ChangePassword: Permission(_ACCOUNT),
    LogOutEverywhere: Permission(_ACCOUNT),
    DeleteAccount: Permission(_ACCOUNT),
    ListDevices: Permission(_ACCOUNT),
    RevokeDevice: Permission(_ACCOUNT),
    CreateAppToken: Permission(_ACCOUNT),
    EnableTotp: Permission(_ACCOUNT),
    DisableTotp: Permission(_ACCOUNT),
    BlockUser: Permission(_ACCOUNT),
    UnblockUser: Permission(_ACCOUNT),
    ListBlocked: Permission(_ACCOUNT),
    # Of the cluster.
    Announce: Permission(_MODERATOR),
    DisconnectUser: Permission(_MODERATOR),
    SuspendUser: Permission(_MODERATOR),
    RestoreUser: Permission(_MODERATOR),
    BanUsers: Permission(_MODERATOR),
    UnbanUsers: Permission(_MODERATOR),
    KickUsers: Permission(_MODERATOR),
    ListUserBans: Permission(_MODERATOR),
    ReadAudit: Permission(_MODERATOR),
    CreateInvitation: Permission(_OPERATOR),
    RevokeInvitation: Permission(_OPERATOR),
    SetStanding: Permission(_OPERATOR),
}
"""By kind of command or query. What is not here nobody may."""


def permission_of(kind: type[Message], *, conversation: bool) -> Permission:
    """As the table has it, but for those who have begun a conversation together."""
    permission = PERMISSIONS[kind]
    if kind is InviteMember and conversation:
        return permission._replace(place=Place.MEMBER)
    return permission


def at_least(standing: Standing, least: Standing) -> bool:
    return STANDINGS.index(standing) >= STANDINGS.index(least)


def overrules(kind: type[Message], standing: Standing) -> bool:
    """Whether whoever is this in the cluster needs no place in the room."""
    anywhere = PERMISSIONS[kind].anywhere
    return anywhere is not None and at_least(standing, anywhere)


def keeps_order(standing: Standing, place: Place) -> bool:
    """Whether somebody keeps order in a room: as its moderator or owner, or the cluster's.

    So may delete what others have said there, and call all of its members at once.
    """
    return at_least(standing, Standing.MODERATOR) or place >= Place.MODERATOR


def outranks(kind: type[Message], standing: Standing, place: Place, other: Place) -> bool:
    """Whether somebody may do it to another one, whose place is `other`: it must be a lower one.

    Those who need no place in the room are above all.
    """
    return overrules(kind, standing) or place > other


def is_own(author: str, at_ms: int, user: str, since_ms: int) -> bool:
    """Whether `user`, who has this name since then, has written what `author` wrote at that time.

    What was said under the name before is somebody else's.
    """
    return author == user and at_ms >= since_ms


# A request without a row would be refused to everybody, and nobody would know why.
assert PERMISSIONS.keys() == REQUESTS.keys()
