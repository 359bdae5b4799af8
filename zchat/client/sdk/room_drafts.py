"""Requests about a room's members and settings, as the application words them."""

from zchat.client.sdk.drafts import (
    NO_NONCE,
    UNNUMBERED,
    InvalidRequest,
    room_key,
    room_name,
    short_text,
    user_name,
    whole,
)
from zchat.protocol import limits
from zchat.protocol.messages import (
    BanMember,
    CloseRoom,
    ConfigureRoom,
    DemoteMember,
    InviteMember,
    KickMember,
    ListBans,
    MuteMember,
    Posting,
    PromoteMember,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
)


def invite(room: str, user: str) -> InviteMember:
    return InviteMember(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), user=user_name(user))


def kick(room: str, user: str, reason: str = "") -> KickMember:
    return KickMember(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        room=room_name(room),
        user=user_name(user),
        reason=short_text(reason),
    )


def ban(room: str, user: str, reason: str = "", until_ms: int | None = None) -> BanMember:
    """Without `until_ms`, in milliseconds since 1970, for ever."""
    if until_ms is not None and not 0 <= whole(until_ms, "a time") <= limits.INTEGER_MAX:
        raise InvalidRequest("a ban cannot last for so long")
    why = short_text(reason)
    return BanMember(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        room=room_name(room),
        user=user_name(user),
        reason=why,
        until_ms=until_ms,
    )


def unban(room: str, user: str) -> UnbanMember:
    return UnbanMember(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), user=user_name(user))


def bans(room: str) -> ListBans:
    return ListBans(id=UNNUMBERED, room=room_name(room))


def mute(room: str, user: str, reason: str = "") -> MuteMember:
    return MuteMember(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        room=room_name(room),
        user=user_name(user),
        reason=short_text(reason),
    )


def unmute(room: str, user: str) -> UnmuteMember:
    return UnmuteMember(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), user=user_name(user))


def promote(room: str, user: str) -> PromoteMember:
    return PromoteMember(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), user=user_name(user))


def demote(room: str, user: str) -> DemoteMember:
    return DemoteMember(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), user=user_name(user))


def transfer(room: str, user: str) -> TransferRoom:
    return TransferRoom(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), user=user_name(user))


def configure(
    room: str,
    private: bool | None = None,
    key: str | None = None,
    posting: Posting | None = None,
    slow_mode_s: int | None = None,
    members_max: int | None = None,
) -> ConfigureRoom:
    """Changes what is given; an empty key, and 0, take away."""
    if key is not None:
        key = room_key(key)
    if (
        slow_mode_s is not None
        and not 0 <= whole(slow_mode_s, "slow mode") <= limits.SLOW_MODE_S_MAX
    ):
        raise InvalidRequest(f"slow mode takes 0 to {limits.SLOW_MODE_S_MAX:,} seconds")
    if (
        members_max is not None
        and not 0 <= whole(members_max, "a number of members") <= limits.ROOM_MEMBERS_MAX
    ):
        raise InvalidRequest(f"a room has at most {limits.ROOM_MEMBERS_MAX:,} members")
    return ConfigureRoom(
        id=UNNUMBERED,
        nonce=NO_NONCE,
        room=room_name(room),
        private=private,
        key=key,
        posting=posting,
        slow_mode_s=slow_mode_s,
        members_max=members_max,
    )


def close(room: str, reason: str = "") -> CloseRoom:
    return CloseRoom(id=UNNUMBERED, nonce=NO_NONCE, room=room_name(room), reason=short_text(reason))
