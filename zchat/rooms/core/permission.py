"""Who may do what to a room: the one place that asks the table of permissions."""

from typing import Final

from zchat.protocol.messages import Message, RefusalCode, Role, Standing
from zchat.protocol.rules import permissions
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.permissions import (
    PLACE_OF_ROLE,
    Permission,
    Place,
    at_least,
    keeps_order,
    outranks,
)
from zchat.rooms.core.model import Ban, Room
from zchat.service.core.effects import Refusal
from zchat.service.core.refusals import duration

_CALLED: Final = {Place.MODERATOR: "a moderator", Place.OWNER: "the owner"}


def place_of(room: Room, user: str, at_ms: int) -> Place:
    if room.lobby and user:
        # Everyone is in it and reads it; a ban, too, only keeps one from speaking there.
        silenced = user in room.muted or room.ban_of(user, at_ms)
        return Place.MUTED if silenced else Place.MEMBER
    member = room.members.get(user)
    if member is None:
        return Place.BANNED if room.ban_of(user, at_ms) else Place.OUTSIDER
    return Place.MUTED if user in room.muted else PLACE_OF_ROLE[member.role]


def rank_of(room: Room, user: str) -> Place:
    """The place that counts when somebody else acts on the user: mutes and bans lower nobody.

    In the lobby nobody has one: only moderators and operators of the cluster act on others there.
    """
    member = room.members.get(user)
    return PLACE_OF_ROLE[member.role] if member else Place.OUTSIDER


def is_hidden(room: Room, user: str, standing: Standing) -> bool:
    """Whether it is kept from the user that there is this room."""
    if not room.private or user in room.members or user in room.invited:
        return False
    return not at_least(standing, Standing.MODERATOR)


def permission_of(kind: type[Message], room: Room | None) -> Permission:
    return permissions.permission_of(kind, conversation=room is not None and room.conversation)


def moderates(room: Room, standing: Standing, user: str, at_ms: int) -> bool:
    """Whether the user keeps order there: as the room's moderator or owner, or the cluster's."""
    return keeps_order(standing, place_of(room, user, at_ms))


def check(
    kind: type[Message], standing: Standing, user: str, room: Room | None, at_ms: int
) -> Place | None:
    """What the user is to the room. Raises `Refusal` if it may not do it there, or at all."""
    permission = permission_of(kind, room)
    place = None if room is None else place_of(room, user, at_ms)
    if permission.allows(standing, place):
        return place
    # It is the standing that is missing where there is no room, or where no place would do.
    if room is None or place is None or not at_least(standing, permission.standing):
        called = f"{permission.standing}s of the cluster"
        raise Refusal(RefusalCode.NOT_ALLOWED, f"only {called} may do that")
    raise _refusal(permission, room, user, place, at_ms)


def check_target(
    kind: type[Message], standing: Standing, user: str, room: Room, target: str
) -> None:
    """Raises `Refusal` unless the user acts on somebody of a lower place."""
    if outranks(kind, standing, rank_of(room, user), rank_of(room, target)):
        return
    if user == target:
        raise Refusal(RefusalCode.NOT_ALLOWED, "nobody can do that to themselves")
    member = room.members[target]
    called = "the owner" if member.role is Role.OWNER else f"a {member.role}"
    raise Refusal(
        RefusalCode.NOT_ALLOWED,
        f"{printable(target)} is {called} of {room.name}; that takes somebody of a higher place",
    )


def _refusal(permission: Permission, room: Room, user: str, place: Place, at_ms: int) -> Refusal:
    # The reason that helps most comes first: a ban, then that one has not joined, then a mute.
    speaking = permission.place is Place.MEMBER
    ban = room.ban_of(user, at_ms)
    if ban and (place is Place.BANNED or (room.lobby and speaking)):
        return Refusal(RefusalCode.BANNED, _banned(room, ban, at_ms))
    if place <= Place.OUTSIDER:
        reason = f"you are not in {room.name}; join it first"
        return Refusal(RefusalCode.NOT_A_MEMBER, reason)
    if place is Place.MUTED and speaking:
        whose = "the cluster's moderators" if room.lobby else "its moderators"
        reason = f"you are muted in {room.name} until {whose} let you speak again"
        return Refusal(RefusalCode.MUTED, reason)
    if room.lobby:
        # It has no moderator and no owner of its own, so that nobody may what only those may do.
        may = f"only {permission.anywhere}s of the cluster" if permission.anywhere else "nobody"
        return Refusal(RefusalCode.NOT_ALLOWED, f"in the lobby {may} may do that")
    called = _CALLED[permission.place or Place.OWNER]
    return Refusal(RefusalCode.NOT_ALLOWED, f"only {called} of {room.name} may do that")


def _banned(room: Room, ban: Ban, at_ms: int) -> str:
    how_long = "" if ban.until_ms is None else f" for another {duration(ban.until_ms - at_ms)}"
    why = f": {ban.reason}" if ban.reason else ""
    return f"you are banned from {room.name}{how_long}{why}"
