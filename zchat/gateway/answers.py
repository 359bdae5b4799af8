"""Answers that a gateway completes: who is online it knows best, and lists come in parts."""

from collections.abc import Collection, Sequence

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode, fitting
from zchat.protocol.messages import (
    LOBBY,
    ListMembers,
    ListRooms,
    MemberInfo,
    MemberList,
    Refused,
    Role,
    RoomList,
)

_member_lists: Decoder[MemberList | Refused] = Decoder(MemberList | Refused)  # type: ignore[arg-type]
_room_lists = Decoder(RoomList)


def members(query: ListMembers, answer: bytes, online: Collection[str]) -> bytes:
    """The service's `MemberList` with those online first; in the lobby is who is online."""
    listed = _member_lists.decode(answer)
    if isinstance(listed, Refused):
        return answer
    if listed.room == LOBBY:
        infos = [MemberInfo(name, Role.MEMBER, True) for name in sorted(online)]
    else:
        infos = [MemberInfo(m.name, m.role, m.name in online) for m in listed.members]
        infos.sort(key=lambda member: (not member.online, member.name))
    shown = fitting(infos, limits.ANSWER_BYTES_MAX)
    return encode(MemberList(query.id, listed.room, shown, len(infos)))


def rooms(query: ListRooms, parts: Sequence[bytes]) -> bytes:
    """One list of all partitions' lists, by name."""
    if len(parts) == 1:
        return parts[0]
    lists = [_room_lists.decode(part) for part in parts]
    infos = sorted((info for part in lists for info in part.rooms), key=lambda info: info.room)
    shown = fitting(infos, limits.ANSWER_BYTES_MAX)
    return encode(RoomList(query.id, shown, sum(part.total for part in lists)))
