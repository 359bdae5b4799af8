"""Who may do what: one table, and the order of those whom it speaks of.

Services ask it in one place each before they do anything, a gateway for the scopes of app tokens,
and clients before they offer anything. docs/permissions.md is generated from it.
"""

import enum
from typing import Final, NamedTuple

from zchat.protocol import messages
from zchat.protocol.messages import (
    REQUESTS,
    Message,
    Role,
    Scope,
    Standing,
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
    messages.Post: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    messages.CreateRoom: Permission(_GUEST),
    messages.JoinRoom: Permission(_GUEST, Place.OUTSIDER, _OPERATOR, Scope.READ),
    messages.LeaveRoom: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    messages.MarkRead: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    messages.EditMessage: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    messages.DeleteMessage: Permission(_GUEST, Place.MUTED, _MODERATOR, Scope.POST),
    messages.AddReaction: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    messages.RemoveReaction: Permission(_GUEST, Place.MUTED, scope=Scope.POST),
    messages.PinMessage: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.UnpinMessage: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.SayTyping: Permission(_GUEST, Place.MEMBER, scope=Scope.POST),
    messages.SetNotify: Permission(_GUEST, Place.MUTED),
    messages.SetTopic: Permission(_GUEST, Place.MEMBER, _OPERATOR),
    messages.InviteMember: Permission(_GUEST, Place.MODERATOR, _OPERATOR),
    messages.KickMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.BanMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.UnbanMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.MuteMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.UnmuteMember: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.ListBans: Permission(_GUEST, Place.MODERATOR, _MODERATOR),
    messages.PromoteMember: Permission(_GUEST, Place.OWNER, _OPERATOR),
    messages.DemoteMember: Permission(_GUEST, Place.OWNER, _OPERATOR),
    messages.TransferRoom: Permission(_GUEST, Place.OWNER, _OPERATOR),
    messages.ConfigureRoom: Permission(_GUEST, Place.OWNER, _OPERATOR),
    messages.CloseRoom: Permission(_GUEST, Place.OWNER, _MODERATOR),
    messages.ReadHistory: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    messages.ReadEdits: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    messages.ListMembers: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    messages.ListPins: Permission(_GUEST, Place.MUTED, scope=Scope.READ),
    messages.SearchMessages: Permission(_GUEST, scope=Scope.READ),
    messages.ListRooms: Permission(_GUEST, scope=Scope.READ),
    messages.ReportMessage: Permission(_GUEST, Place.MUTED),
    # Of users.
    messages.SendPrivate: Permission(_GUEST, scope=Scope.POST),
    messages.StartConversation: Permission(_GUEST),
    messages.ListConversations: Permission(_GUEST, scope=Scope.READ),
    messages.SetAway: Permission(_GUEST),
    messages.ListUsers: Permission(_GUEST, scope=Scope.READ),
    messages.Ping: Permission(_GUEST, scope=Scope.READ),
    messages.Register: Permission(_GUEST),
    messages.ChangePassword: Permission(_ACCOUNT),
    messages.LogOutEverywhere: Permission(_ACCOUNT),
    messages.DeleteAccount: Permission(_ACCOUNT),
    messages.ListDevices: Permission(_ACCOUNT),
    messages.RevokeDevice: Permission(_ACCOUNT),
    messages.CreateAppToken: Permission(_ACCOUNT),
    messages.EnableTotp: Permission(_ACCOUNT),
    messages.DisableTotp: Permission(_ACCOUNT),
    messages.BlockUser: Permission(_ACCOUNT),
    messages.UnblockUser: Permission(_ACCOUNT),
    messages.ListBlocked: Permission(_ACCOUNT),
    # Of the cluster.
    messages.Announce: Permission(_MODERATOR),
    messages.DisconnectUser: Permission(_MODERATOR),
    messages.SuspendUser: Permission(_MODERATOR),
    messages.RestoreUser: Permission(_MODERATOR),
    messages.BanUsers: Permission(_MODERATOR),
    messages.UnbanUsers: Permission(_MODERATOR),
    messages.KickUsers: Permission(_MODERATOR),
    messages.ListUserBans: Permission(_MODERATOR),
    messages.ReadAudit: Permission(_MODERATOR),
    messages.CreateInvitation: Permission(_OPERATOR),
    messages.RevokeInvitation: Permission(_OPERATOR),
    messages.SetStanding: Permission(_OPERATOR),
}
"""By kind of command or query. What is not here nobody may."""


def permission_of(kind: type[Message], *, conversation: bool) -> Permission:
    """As the table has it, but for those who have begun a conversation together."""
    permission = PERMISSIONS[kind]
    if kind is messages.InviteMember and conversation:
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
assert not (_odd := PERMISSIONS.keys() ^ REQUESTS.keys()), _odd
