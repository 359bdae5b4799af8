"""Rooms and members in the database: what the core is loaded from, and where its changes go."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, insert, select

from zchat.log.store import Store, Write
from zchat.log.timeline import Timeline
from zchat.protocol.messages import Posting, Role, room_log
from zchat.rooms.core import RoomCore
from zchat.rooms.model import (
    Ban,
    DropBan,
    DropInvitation,
    DropMember,
    DropMute,
    DropRoom,
    Member,
    Room,
    RoomRow,
    SaveBan,
    SaveInvitation,
    SaveMember,
    SaveMute,
    SaveRoom,
)
from zchat.rooms.tables import bans, invitations, members, mutes, partition, rooms
from zchat.service.rows import runs_of_latest

_OF_ROOMS: Final = (members, bans, invitations, mutes)
_SAVED_IN: Final[dict[type[RoomRow], Table]] = {
    SaveRoom: rooms,
    SaveMember: members,
    SaveBan: bans,
    SaveInvitation: invitations,
    SaveMute: mutes,
}
_DROPPED_FROM: Final[dict[type[RoomRow], Table]] = {
    DropMember: members,
    DropBan: bans,
    DropInvitation: invitations,
    DropMute: mutes,
}
_TABLE_OF: Final = _SAVED_IN | _DROPPED_FROM
_insert: Final = {table: insert(table) for table in (rooms, *_OF_ROOMS)}
_drop: Final = {
    rooms: delete(rooms).where(rooms.c.name == bindparam("old_name")),
    **{
        table: delete(table).where(
            table.c.room == bindparam("old_room"), table.c.user == bindparam("old_user")
        )
        for table in _OF_ROOMS
    },
}
_drop_all: Final = [
    delete(table).where(table.c.room == bindparam("old_name")) for table in _OF_ROOMS
]


class WrongPartition(Exception):
    """The database belongs to another partition, or to another number of them."""


def claim(store: Store, number: int, partitions: int) -> None:
    """Notes which partition the database is. Raises `WrongPartition` if it is another one."""
    rows = store.select(select(partition))
    if not rows:
        row = {"number": number, "partitions": partitions}
        store.commit([], [(insert(partition), [row])], [], [])
    elif (rows[0].number, rows[0].partitions) != (number, partitions):
        raise WrongPartition(
            f"this database is partition {rows[0].number} of {rows[0].partitions}, and rooms "
            f"cannot move; set partitions back to {rows[0].partitions}"
        )


def load(store: Store, lobby_address: str) -> RoomCore:
    """The core as of the last commit."""
    rows = store.select(select(rooms))
    heads = store.heads(room_log(row.name) for row in rows)
    core = RoomCore(Timeline(store.position, heads), lobby_address)
    for row in rows:
        posting = Posting(row.posting)
        core.state.add_room(
            Room(
                row.name,
                row.topic,
                row.created_at_ms,
                row.floor,
                row.private,
                row.key,
                posting,
                row.slow_mode_s,
                row.members_max,
            )
        )
    for row in store.select(select(members)):
        member = Member(Role(row.role), row.floor, row.marker)
        core.state.add_member(core.rooms[row.room], row.user, member)
    for row in store.select(select(bans)):
        core.rooms[row.room].bans[row.user] = Ban(row.reason, row.by, row.until_ms)
    for row in store.select(select(invitations)):
        core.state.add_invitation(core.rooms[row.room], row.user)
    for row in store.select(select(mutes)):
        core.state.add_mute(core.rooms[row.room], row.user)
    return core


def statements(rows: Sequence[RoomRow]) -> list[Write]:
    """The rows as statements, in order."""
    runs = runs_of_latest(rows, _key)
    return [write for kind, group in runs for write in _writes(kind, group)]


def _key(row: RoomRow) -> tuple[str, ...]:
    if isinstance(row, DropRoom):
        # Whatever is saved of the next room of this name, all of this one goes.
        return ("closed", row.name)
    return (_TABLE_OF[type(row)].name, *_place(row).values())


def _writes(kind: type[RoomRow], rows: list[Any]) -> Iterable[Write]:
    if kind is DropRoom:
        names = [{"old_name": row.name} for row in rows]
        return [(statement, names) for statement in (*_drop_all, _drop[rooms])]
    places = [_place(row) for row in rows]
    if kind in _DROPPED_FROM:
        return [(_drop[_DROPPED_FROM[kind]], places)]
    # Saving is dropping and inserting: the one way to replace a row that every database knows.
    table = _SAVED_IN[kind]
    return [(_drop[table], places), (_insert[table], [row._asdict() for row in rows])]


def _place(row: Any) -> dict[str, str]:
    """Which row it is, for the statement that drops it."""
    if isinstance(row, SaveRoom):
        return {"old_name": row.name}
    return {"old_room": row.room, "old_user": row.user}
