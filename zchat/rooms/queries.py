"""What may be asked of the room-service, answered from what is committed."""

from collections.abc import Collection
from typing import assert_never

from zchat.log.store import Store
from zchat.protocol import limits
from zchat.protocol.cluster import ReadLog, ReadStream, ReadUserLogs, RoomQuery, UserLog, UserLogs
from zchat.protocol.codec import encode, fitting
from zchat.protocol.messages import (
    LOBBY,
    ListMembers,
    ListRooms,
    MemberInfo,
    MemberList,
    Ping,
    Pong,
    ReadHistory,
    RefusalCode,
    Refused,
    RoomInfo,
    RoomList,
    room_log,
)
from zchat.protocol.names import InvalidName, canonical_name, printable
from zchat.protocol.operating import CountExpired, ListKept
from zchat.rooms.core import Room, RoomCore
from zchat.service import logs, operators


def answer(core: RoomCore, store: Store, user: str, query: RoomQuery, at_ms: int) -> bytes:
    match query:
        case ReadLog():
            return logs.read_log(store, query, core.timeline.heads.get(query.log, 0))
        case ReadStream():
            return logs.read_stream(store, query)
        case ReadUserLogs():
            return encode(_user_logs(core, store, query.user))
        case ReadHistory():
            room = _find(core, query.log[1:])
            refused = _refusal(query.id, room, query.log[1:], user)
            log = room_log(room.name if room else "")
            return refused or logs.read_history(store, query, log, 0)
        case ListRooms(room=name):
            if name is None:
                return encode(_room_list(core, store, user, query.id, core.rooms))
            if (room := _find(core, name)) is None:
                return encode(_no_room(query.id, name))
            return encode(_room_list(core, store, user, query.id, [room.name]))
        case ListMembers():
            room = _find(core, query.room)
            if refused := _refusal(query.id, room, query.room, user):
                return refused
            assert room is not None
            return encode(_member_list(room, query.id))
        case Ping():
            return encode(Pong(query.id))
        case CountExpired() | ListKept():
            return operators.answer(store, core.timeline.heads, query, at_ms)
        case _:
            assert_never(query)


def _find(core: RoomCore, name: str) -> Room | None:
    """The room, however its name is spelled."""
    try:
        return core.rooms.get(canonical_name(name))
    except InvalidName:
        return None


def _no_room(request: int, name: str) -> Refused:
    return Refused(request, RefusalCode.UNKNOWN_ROOM, f"there is no room {printable(name)}")


def _refusal(request: int, room: Room | None, name: str, user: str) -> bytes | None:
    if room is None:
        return encode(_no_room(request, name))
    if room.name != LOBBY and user not in room.members:
        reason = f"you are not in {room.name}; join it first"
        return encode(Refused(request, RefusalCode.NOT_A_MEMBER, reason))
    return None


def _user_logs(core: RoomCore, store: Store, user: str) -> UserLogs:
    user_logs: list[UserLog] = []
    names = [LOBBY] if LOBBY in core.rooms else []
    for name in names + sorted(core.rooms_of.get(user, ())):
        log = room_log(name)
        head = core.timeline.heads[log]
        member = core.rooms[name].members.get(user)
        # Who comes to the lobby for the first time sees what is said from now on.
        floor = max(member.floor if member else 0, store.floors.get(log, 0))
        marker = member.marker if member else head
        user_logs.append(UserLog(log, floor, marker, head))
    return UserLogs(core.timeline.position, user_logs)


def _room_list(
    core: RoomCore, store: Store, user: str, request: int, names: Collection[str]
) -> RoomList:
    infos = [_room_info(core, store, core.rooms[name], user) for name in sorted(names)]
    return RoomList(request, fitting(infos, limits.ANSWER_BYTES_MAX), len(infos))


def _room_info(core: RoomCore, store: Store, room: Room, user: str) -> RoomInfo:
    member = room.members.get(user)
    log = room_log(room.name)
    head, floor = core.timeline.heads[log], store.floors.get(log, 0)
    unread = head - max(floor, member.floor, member.marker or 0) if member else 0
    if room.name == LOBBY:
        return RoomInfo(room.name, room.topic, None, True, unread)
    return RoomInfo(room.name, room.topic, len(room.members), member is not None, unread)


def _member_list(room: Room, request: int) -> MemberList:
    """Who is online, and who is in the lobby, is the gateway's to add."""
    members = room.members if room.name != LOBBY else {}
    infos = [MemberInfo(name, member.role, False) for name, member in sorted(members.items())]
    return MemberList(request, room.name, infos, len(infos))
