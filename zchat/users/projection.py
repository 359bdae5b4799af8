"""Users and tokens in the database: what the core is loaded from, and where its changes go."""

from collections.abc import Collection, Sequence
from typing import Any, assert_never

from sqlalchemy import bindparam, delete, insert, select

from zchat.log.store import Store, Write
from zchat.log.timeline import Timeline
from zchat.protocol.messages import inbox_log
from zchat.service.rows import runs_of_latest
from zchat.users.core import END_GUEST_KEY, UserCore
from zchat.users.model import DropToken, DropUser, SaveToken, SaveUser, User, UserRow
from zchat.users.tables import tokens, users

# Saving is dropping and inserting: the one way to replace a row that every database knows.
_drop_user = delete(users).where(users.c.name == bindparam("old_name"))
_insert_user = insert(users)
_drop_tokens = delete(tokens).where(tokens.c.user == bindparam("old_user"))
_drop_token = _drop_tokens.where(tokens.c.digest == bindparam("old_digest"))
_insert_token = insert(tokens)


def load(store: Store, room_addresses: Collection[str], now: float, at_ms: int) -> UserCore:
    """The core as of the last commit."""
    rows = store.select(select(users))
    heads = store.heads(inbox_log(row.name) for row in rows)
    core = UserCore(Timeline(store.position, heads), room_addresses, now, at_ms)
    for row in rows:
        user = User(row.name, row.created_at_ms, row.inbox_floor)
        user.password_hash, user.registered_at_ms = row.password_hash, row.registered_at_ms
        user.marker, user.ended = row.marker, row.ended
        core.add_user(user, now)
    for row in store.select(select(tokens).order_by(tokens.c.seen_at_ms)):
        core.users[row.user].tokens.append(row.digest)
    for owed in store.owed():
        if owed.key.startswith(END_GUEST_KEY):
            core.add_owed(owed.key)
    return core


def statements(rows: Sequence[UserRow]) -> list[Write]:
    """The rows as statements, in order."""
    runs = runs_of_latest(rows, _key)
    return [write for kind, group in runs for write in _writes(kind, group)]


def _key(row: UserRow) -> tuple[str | bytes, ...]:
    match row:
        case SaveUser():
            return (row.name,)
        case DropUser():
            # Its tokens go, too, even if the next of its name comes in the same beat.
            return ("drop", row.name, "")
        case SaveToken() | DropToken():
            return (row.user, row.digest)
        case _:
            assert_never(row)


def _writes(kind: type[UserRow], rows: list[Any]) -> list[Write]:
    if kind is SaveUser or kind is DropUser:
        drop: Write = (_drop_user, [{"old_name": row.name} for row in rows])
        if kind is SaveUser:
            return [drop, (_insert_user, [row._asdict() for row in rows])]
        return [drop, (_drop_tokens, [{"old_user": row.name} for row in rows])]
    drop = (_drop_token, [{"old_user": row.user, "old_digest": row.digest} for row in rows])
    if kind is SaveToken:
        return [drop, (_insert_token, [row._asdict() for row in rows])]
    return [drop]
