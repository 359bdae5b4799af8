"""Rooms and members in the database: what the core is loaded from, and where its changes go."""

from collections.abc import Sequence
from typing import Any, assert_never

from sqlalchemy import bindparam, delete, insert, select

from zchat.log.store import Store, Write
from zchat.log.timeline import Timeline
from zchat.protocol.messages import Role, room_log
from zchat.rooms.core import DropMember, Member, Room, RoomCore, RoomRow, SaveMember, SaveRoom
from zchat.rooms.tables import members, partition, rooms
from zchat.service.rows import runs_of_latest

# Saving is dropping and inserting: the one way to replace a row that every database knows.
_drop_room = delete(rooms).where(rooms.c.name == bindparam("old_name"))
_insert_room = insert(rooms)
_drop_member = delete(members).where(
    members.c.room == bindparam("old_room"), members.c.user == bindparam("old_user")
)
_insert_member = insert(members)


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
        core.add_room(Room(row.name, row.topic, row.created_at_ms))
    for row in store.select(select(members)):
        core.add_member(
            core.rooms[row.room], row.user, Member(Role(row.role), row.floor, row.marker)
        )
    return core


def statements(rows: Sequence[RoomRow]) -> list[Write]:
    """The rows as statements, in order."""
    runs = runs_of_latest(rows, _key)
    return [write for kind, group in runs for write in _writes(kind, group)]


def _key(row: RoomRow) -> tuple[str, ...]:
    return (row.name,) if isinstance(row, SaveRoom) else (row.room, row.user)


def _writes(kind: type[RoomRow], rows: list[Any]) -> list[Write]:
    if kind is SaveRoom:
        return [
            (_drop_room, [{"old_name": row.name} for row in rows]),
            (_insert_room, [row._asdict() for row in rows]),
        ]
    drop: Write = (_drop_member, [{"old_room": row.room, "old_user": row.user} for row in rows])
    if kind is DropMember:
        return [drop]
    if kind is SaveMember:
        return [drop, (_insert_member, [row._asdict() for row in rows])]
    assert_never(kind)  # type: ignore[arg-type]
