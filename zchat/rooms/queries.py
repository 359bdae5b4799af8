"""What may be asked of the room-service, answered from what is committed."""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from zchat.eventlog import audit, edits
from zchat.eventlog.search import Place
from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode, fitting
from zchat.protocol.internal import (
    MembersOf,
    ReadLog,
    ReadStream,
    ReadUserLogs,
    RoomQuery,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    LOBBY,
    AuditList,
    BanInfo,
    BanList,
    EditList,
    Entry,
    ListBans,
    ListMembers,
    ListPins,
    ListRooms,
    Message,
    Ping,
    PinList,
    Pong,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    RefusalCode,
    Refused,
    Role,
    RoomInfo,
    RoomList,
    SearchMessages,
    Standing,
    room_log,
)
from zchat.protocol.operators import (
    CountExpired,
    FindMessages,
    ListAllRooms,
    ListKept,
    RoomDetails,
    RoomPage,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.names import InvalidName, canonical_name, printable
from zchat.rooms.core.dispatch import RoomCore
from zchat.rooms.core.mentions import unread_mentions
from zchat.rooms.core.model import Room
from zchat.rooms.core.permission import check, is_hidden
from zchat.service.core import operators
from zchat.service.core import queries as shared_queries
from zchat.service.core.effects import Refusal
from zchat.service.core.queries import count_unread, first_names, is_wanted

_ClientQuery = (
    ReadHistory
    | ReadEdits
    | SearchMessages
    | ListRooms
    | ListMembers
    | ListBans
    | ListPins
    | ReadAudit
    | Ping
)
_entries = Decoder(Entry)
_ROOMS_SHOWN_MAX = limits.ANSWER_BYTES_MAX // 32
"""The shortest description of a room has so many bytes."""


class Asker(NamedTuple):
    """Who asks, as the gateway knows; an operator may have no name."""

    user: str
    standing: Standing


def answer(
    core: RoomCore, store: Store, asker: Asker, query: RoomQuery, at_ms: int
) -> Steps[bytes]:
    yield costs.QUERY_US
    match query:
        case ReadLog():
            # Of a closed room only the store knows how far it went.
            head = core.timeline.heads.get(query.log) or store.heads([query.log])[query.log]
            return (yield from shared_queries.read_log(store, query, head))
        case ReadStream():
            return (yield from shared_queries.read_stream(store, query))
        case ReadUserLogs():
            return encode(_user_logs(core, store, query.user))
        case ListAllRooms():
            return (yield from _all_rooms(core, asker.user, query))
        case CountExpired() | FindMessages() | ListKept():
            return (yield from operators.answer(store, query, at_ms))
        case _:
            pass
    try:
        return (yield from _answer(core, store, asker, query, at_ms))
    except Refusal as refusal:
        refused = refusal.answer
        core.effects.refused.append((asker.user, query, refused))
        assert refused.code is not None
        return encode(Refused(query.id, refused.code, refused.reason))


def _answer(
    core: RoomCore, store: Store, asker: Asker, query: _ClientQuery, at_ms: int
) -> Steps[bytes]:
    """Raises `Refusal`."""
    match query:
        case ReadHistory():
            room = _readable(core, asker, type(query), query.log[1:], at_ms)
            log = room_log(room.name)
            return (yield from shared_queries.read_history(store, query, log, room.floor))
        case ReadEdits():
            room = _readable(core, asker, type(query), query.log[1:], at_ms)
            return encode((yield from _edit_list(core, store, room, query)))
        case SearchMessages():
            check(SearchMessages, asker.standing, asker.user, None, at_ms)
            places = _places(core, asker, query, at_ms)
            return (yield from shared_queries.search(store, query, places))
        case ListRooms(room=name):
            check(ListRooms, asker.standing, asker.user, None, at_ms)
            names = core.rooms if name is None else [_find(core, asker, name).name]
            return encode((yield from _room_list(core, store, asker, query.id, names)))
        case ListMembers():
            room = _readable(core, asker, type(query), query.room, at_ms)
            yield len(room.members) * costs.ITEM_US
            return encode(_members(room))
        case ListBans():
            room = _readable(core, asker, type(query), query.room, at_ms)
            yield len(room.bans) * costs.ITEM_US
            return encode(_ban_list(room, query.id, at_ms))
        case ListPins():
            room = _readable(core, asker, type(query), query.room, at_ms)
            return encode((yield from _pin_list(core, store, room, query.id)))
        case ReadAudit():
            check(ReadAudit, asker.standing, asker.user, None, at_ms)
            records = yield from audit.read(store, query.limit, query.before_ms)
            return encode(AuditList(query.id, records))
        case Ping():
            return encode(Pong(query.id))
        case _:
            assert_never(query)


def _find(core: RoomCore, asker: Asker, name: str) -> Room:
    """The room, however its name is spelled, if the asker may know of it."""
    try:
        room = core.rooms.get(canonical_name(name))
    except InvalidName:
        room = None
    hidden = room is not None and is_hidden(room, asker.user, asker.standing)
    if room is None or hidden:
        reason = f"there is no room {printable(name)}"
        raise Refusal(RefusalCode.UNKNOWN_ROOM, reason, suspicious=hidden)
    return room


def _readable(core: RoomCore, asker: Asker, kind: type[Message], name: str, at_ms: int) -> Room:
    """The room, if the asker may ask this of it."""
    room = _find(core, asker, name)
    check(kind, asker.standing, asker.user, room, at_ms)
    return room


def _places(core: RoomCore, asker: Asker, query: SearchMessages, at_ms: int) -> list[Place]:
    """What can be read there can be found."""
    if query.log is not None:
        rooms = [_readable(core, asker, ReadHistory, query.log[1:], at_ms)]
    else:
        names = [LOBBY] if LOBBY in core.rooms and asker.user else []
        rooms = [core.rooms[name] for name in names + sorted(core.rooms_of.get(asker.user, ()))]
    return [Place(room_log(room.name), room.floor) for room in rooms]


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
        user_logs.append(UserLog(log, floor, marker, head, member.notify if member else ""))
    return UserLogs(core.timeline.position, user_logs)


def _room_list(
    core: RoomCore, store: Store, asker: Asker, request: int, names: Iterable[str]
) -> Steps[RoomList]:
    """Of very many rooms the first in order of their names."""

    def is_listed(name: str) -> bool:
        # The room may have been closed since the list was begun.
        room = core.rooms.get(name)
        return room is not None and not is_hidden(room, asker.user, asker.standing)

    first, count = yield from first_names(names, is_listed, _ROOMS_SHOWN_MAX)
    unread = yield from _unread(core, store, asker.user, first)
    # More rooms may have been closed meanwhile.
    rooms = (core.rooms[name] for name in first if name in core.rooms)
    infos = (_room_info(room, asker.user, unread.get(room.name, _NOTHING_UNREAD)) for room in rooms)
    return RoomList(request, fitting(infos, limits.ANSWER_BYTES_MAX), count)


class _Unread(NamedTuple):
    messages: int
    mentions: int


_NOTHING_UNREAD: Final = _Unread(0, 0)


def _unread(
    core: RoomCore, store: Store, user: str, names: Iterable[str]
) -> Steps[dict[str, _Unread]]:
    """Of those rooms that the user is in. Past the bound entries are not read: all are messages."""
    left_bytes = limits.UNREAD_READ_BYTES_MAX
    found: dict[str, _Unread] = {}
    for name in names:
        room = core.rooms.get(name)
        member = room.members.get(user) if room is not None else None
        if room is None or member is None:
            continue
        log = room_log(name)
        read = max(store.floors.get(log, 0), member.floor, member.marker or 0)
        mentioned = unread_mentions(room, user, member, read)
        if core.timeline.heads[log] > read:
            counted = yield from count_unread(store, log, user, read, left_bytes)
            left_bytes -= counted.read_bytes
            found[name] = _Unread(counted.unread + counted.since - 1 - read, mentioned)
    return found


def _room_info(room: Room, user: str, unread: _Unread) -> RoomInfo:
    member = room.members.get(user)
    return RoomInfo(
        room.name,
        room.topic,
        None if room.lobby else len(room.members),
        room.lobby or member is not None,
        unread.messages,
        user in room.invited,
        room.private,
        bool(room.key),
        room.posting,
        room.slow_mode_s,
        room.members_max,
        unread.mentions,
        member.notify if member else "",
        room.conversation,
    )


def _members(room: Room) -> MembersOf:
    """Who is online, and who is in the lobby, is the gateway's to add."""
    if room.lobby:
        return MembersOf(room.name, [], {})
    more = (name for name, member in room.members.items() if member.role is not Role.MEMBER)
    muted = (name for name in room.muted if name in room.members)
    roles = {name: room.role_of(name) for name in (*more, *muted)}
    return MembersOf(room.name, sorted(room.members), roles)


def _ban_list(room: Room, request: int, at_ms: int) -> BanList:
    bans = (
        BanInfo(user, ban.reason, ban.by, ban.until_ms)
        for user, ban in sorted(room.bans.items())
        if room.ban_of(user, at_ms)
    )
    return BanList(request, room.name, fitting(bans, limits.ANSWER_BYTES_MAX))


def _pin_list(core: RoomCore, store: Store, room: Room, request: int) -> Steps[PinList]:
    """The newest pins first, as many as fit."""
    log, found_bytes = room_log(room.name), 0
    found: list[Entry] = []
    for at in reversed(core.state.pins(room)):
        for entry in store.read_log(log, at - 1, 1, 1):
            found.append(_entries.decode(entry.frame))
            found_bytes += len(entry.frame)
            yield costs.of_rows(1, len(entry.frame))
        if found_bytes > limits.ANSWER_BYTES_MAX:
            break
    return PinList(request, room.name, fitting(found, limits.ANSWER_BYTES_MAX))


def _edit_list(core: RoomCore, store: Store, room: Room, query: ReadEdits) -> Steps[EditList]:
    # What was kept once is shown to nobody when it is to be kept no more.
    if not core.messages.keeps_edits or query.sequence <= room.floor:
        return EditList(query.id, [])
    said = yield from edits.read(store, room_log(room.name), query.sequence)
    return EditList(query.id, said)


# --- Every room that there is, for operators ------------------------------------------------------


def _all_rooms(core: RoomCore, asking: str, query: ListAllRooms) -> Steps[bytes]:
    if asking:
        # No client can send it; a gateway that somebody has broken into could, in a user's name.
        return encode(Refused(None, RefusalCode.NOT_ALLOWED, "this is for operators"))

    def is_listed(name: str) -> bool:
        return is_wanted(name, query.after, query.pattern)

    names, count = yield from first_names(core.rooms, is_listed, limits.LIST_PAGE_MAX)
    infos: list[RoomDetails] = []
    for name in names:
        if room := core.rooms.get(name):
            infos.append(_details(core, room))
            # Its owner is looked for among all members.
            yield (16 + len(room.members)) * costs.ITEM_US // 16
    fit = fitting(infos, limits.ANSWER_BYTES_MAX)
    return encode(RoomPage(fit, len(fit) < count))


def _details(core: RoomCore, room: Room) -> RoomDetails:
    owners = (user for user, member in room.members.items() if member.role is Role.OWNER)
    return RoomDetails(
        room.name,
        None if room.name == LOBBY else len(room.members),
        next(owners, ""),
        room.created_at_ms,
        core.timeline.heads[room_log(room.name)],
        room.private,
        bool(room.key),
        room.topic,
    )
