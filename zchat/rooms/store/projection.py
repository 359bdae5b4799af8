"""Rooms and members in the database: what the core is loaded from, and where its changes go."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, insert, select

from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.schema import StoreUnusable
from zchat.eventlog.store import Store, Write
from zchat.protocol.messages import Posting, Role, room_log
from zchat.rooms.core.dispatch import RoomCore
from zchat.rooms.core.model import (
    Ban,
    DropBan,
    DropInvitation,
    DropMember,
    DropMention,
    DropMute,
    DropPin,
    DropRoom,
    Member,
    Room,
    RoomRow,
    SaveBan,
    SaveInvitation,
    SaveMember,
    SaveMention,
    SaveMute,
    SavePin,
    SaveRoom,
)
from zchat.rooms.store.tables import (
    bans,
    invitations,
    members,
    mentions,
    mutes,
    partition,
    pins,
    rooms,
)
from zchat.service.core.effects import runs_of_latest

_OF_ROOMS: Final = (members, bans, invitations, mutes, pins, mentions)
_SAVED_IN: Final[dict[type[RoomRow], Table]] = {
    SaveRoom: rooms,
    SaveMember: members,
    SaveBan: bans,
    SaveInvitation: invitations,
    SaveMute: mutes,
    SavePin: pins,
    SaveMention: mentions,
}
_DROPPED_FROM: Final[dict[type[RoomRow], Table]] = {
    DropMember: members,
    DropBan: bans,
    DropInvitation: invitations,
    DropMute: mutes,
    DropPin: pins,
    DropMention: mentions,
}
_TABLE_OF: Final = _SAVED_IN | _DROPPED_FROM
_insert: Final = {table: insert(table) for table in (rooms, *_OF_ROOMS)}
_KEY_OF: Final = {
    table: [column.name for column in table.primary_key] for table in (rooms, *_OF_ROOMS)
}
_drop: Final = {
    table: delete(table).where(*(table.c[name] == bindparam(f"old_{name}") for name in key))
    for table, key in _KEY_OF.items()
}
_drop_all: Final = [
    delete(table).where(table.c.room == bindparam("old_name")) for table in _OF_ROOMS
]


class WrongPartition(StoreUnusable):
    """The database belongs to another partition, or to another number of them."""


def claim(store: Store, number: int, partitions: int) -> None:
    """Notes which partition the database is. Raises `WrongPartition` if it is another one."""
    rows = store.select(select(partition))
    if not rows:
        row = {"number": number, "partitions": partitions}
        store.commit([], [(insert(partition), [row])], [], [])
    elif (rows[0].number, rows[0].partitions) != (number, partitions):
        raise WrongPartition(
            f"it is partition {rows[0].number} of {rows[0].partitions}, and rooms "
            f"cannot move; set partitions back to {rows[0].partitions}"
        )


def load(store: Store, lobby_address: str, *, keeps_edits: bool = False) -> RoomCore:
    """The core as of the last commit."""
    rows = store.select(select(rooms))
    heads = store.heads(room_log(row.name) for row in rows)
    timeline = Timeline(store.position, heads)
    core = RoomCore(timeline, lobby_address, store.floors, keeps_edits=keeps_edits)
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
                row.conversation,
            )
        )
    for row in store.select(select(members)):
        member = Member(Role(row.role), row.floor, row.marker, row.notify)
        core.state.add_member(core.rooms[row.room], row.user, member)
    for row in store.select(select(bans)):
        core.rooms[row.room].bans[row.user] = Ban(row.reason, row.by, row.until_ms)
    for row in store.select(select(invitations)):
        core.state.add_invitation(core.rooms[row.room], row.user)
    for row in store.select(select(mutes)):
        core.state.add_mute(core.rooms[row.room], row.user)
    for row in store.select(select(pins).order_by(pins.c.pinned)):
        core.rooms[row.room].pins[row.sequence] = row.pinned
    for row in store.select(select(mentions).order_by(mentions.c.sequence)):
        core.rooms[row.room].add_mention(row.user, row.sequence, row.author)
    return core


def statements(rows: Sequence[RoomRow]) -> list[Write]:
    """The rows as statements, in order."""
    runs = runs_of_latest(rows, _key)
    return [write for kind, group in runs for write in _writes(kind, group)]


def _key(row: RoomRow) -> tuple[Any, ...]:
    if isinstance(row, DropRoom):
        # Whatever is saved of the next room of this name, all of this one goes.
        return ("closed", row.name)
    table = _TABLE_OF[type(row)]
    return (table.name, *_place(table, row).values())


def _writes(kind: type[RoomRow], rows: list[Any]) -> Iterable[Write]:
    if kind is DropRoom:
        names = [{"old_name": row.name} for row in rows]
        return [(statement, names) for statement in (*_drop_all, _drop[rooms])]
    table = _TABLE_OF[kind]
    places = [_place(table, row) for row in rows]
    if kind in _DROPPED_FROM:
        return [(_drop[table], places)]
    # Saving is dropping and inserting: the one way to replace a row that every database knows.
    return [(_drop[table], places), (_insert[table], [row._asdict() for row in rows])]


def _place(table: Table, row: Any) -> dict[str, Any]:
    """Which row it is, for the statement that drops it."""
    return {f"old_{name}": getattr(row, name) for name in _KEY_OF[table]}
