"""Users in the database: what the core is loaded from, and where its changes go."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, assert_never

from sqlalchemy import Delete, Insert, bindparam, delete, insert, select

from zchat.eventlog.core.timeline import Timeline
from zchat.eventlog.store import Store, Write
from zchat.protocol import limits
from zchat.protocol.messages import Scope, Standing, inbox_log
from zchat.service.core.effects import runs_of_latest
from zchat.users.core.dispatch import UserCore
from zchat.users.core.model import (
    DropBan,
    DropBlock,
    DropConversation,
    DropInvitation,
    DropSetting,
    DropSighting,
    DropToken,
    DropUser,
    Reset,
    SaveBan,
    SaveBlock,
    SaveConversation,
    SaveInvitation,
    SaveSetting,
    SaveSighting,
    SaveToken,
    SaveUser,
    Suspension,
    Token,
    User,
    UserRow,
)
from zchat.users.core.policy import Policy
from zchat.users.store.tables import (
    bans,
    blocks,
    changed_settings,
    cluster,
    conversations,
    invitations,
    sightings,
    tokens,
    users,
)

# Saving is dropping and inserting: the one way to replace a row that every database knows.
_drop_user = delete(users).where(users.c.name == bindparam("old_name"))
_drop_tokens = delete(tokens).where(tokens.c.user == bindparam("old_user"))
_drop_token = _drop_tokens.where(tokens.c.digest == bindparam("old_digest"))
_drop_block = delete(blocks).where(
    blocks.c.user == bindparam("old_user"), blocks.c.blocked == bindparam("old_blocked")
)
_drop_conversations = delete(conversations).where(conversations.c.user == bindparam("old_user"))
_drop_conversation = _drop_conversations.where(conversations.c.other == bindparam("old_other"))
_drop_setting = delete(changed_settings).where(changed_settings.c.name == bindparam("old_setting"))
_drop_invitation = delete(invitations).where(invitations.c.digest == bindparam("old_digest"))
_drop_ban = delete(bans).where(
    bans.c.who == bindparam("old_who"), bans.c.guests == bindparam("old_guests")
)
_drop_sighting = delete(sightings).where(
    sightings.c.user == bindparam("old_user"), sightings.c.address == bindparam("old_address")
)


def load(
    store: Store,
    room_addresses: Collection[str],
    policy: Policy,
    check_setting: Callable[[str, str], object],
    now: float,
    at_ms: int,
) -> UserCore:
    """The core as of the last commit."""
    rows = store.select(select(users))
    heads = store.heads(inbox_log(row.name) for row in rows)
    timeline = Timeline(store.position, heads)
    core = UserCore(timeline, store.floors, room_addresses, policy, check_setting, now, at_ms)
    for row in rows:
        core.add_user(_user(row), now)
    for row in store.select(select(tokens).order_by(tokens.c.device)):
        core.users[row.user].tokens.append(_token(row))
    for row in store.select(select(blocks)):
        core.users[row.user].blocked |= {row.blocked}
    for row in store.select(select(conversations)):
        core.conversations.restore(SaveConversation(*row))
    for row in store.select(select(invitations)):
        core.invitations.by_digest[row.digest] = SaveInvitation(*row)
    for row in store.select(select(bans)):
        core.directory.bans.restore(SaveBan(*row))
    seen = store.select(select(sightings))
    core.directory.sightings.restore([SaveSighting(*row) for row in seen])
    for row in store.select(select(changed_settings)):
        core.settings.restore(SaveSetting(*row))
    core.cluster = store.select(select(cluster))[0].id
    for owed in store.owed():
        core.endings.add_owed(owed.key)
    return core


def _user(row: Any) -> User:
    user = User(row.name, row.created_at_ms, row.inbox_floor)
    user.password_hash, user.registered_at_ms = row.password_hash, row.registered_at_ms
    user.marker, user.ended, user.deleted = row.marker, row.ended, row.deleted
    user.rank = Standing(row.standing)
    if row.suspended:
        user.suspension = Suspension(row.suspended_until_ms, row.suspended_reason)
    user.totp_secret, user.totp_step = row.totp_secret, row.totp_step
    size, digests = limits.DIGEST_BYTES, bytes(row.recovery or b"")
    user.recovery = tuple(digests[at : at + size] for at in range(0, len(digests), size))
    user.devices_made, user.erased_as = row.devices_made, row.erased_as
    if row.reset_digest is not None:
        user.reset = Reset(row.reset_digest, row.reset_until_ms)
    return user


def _token(row: Any) -> Token:
    return Token(
        row.digest,
        row.device,
        row.name,
        row.remembered,
        row.created_at_ms,
        row.seen_at_ms,
        tuple(map(Scope, row.scopes.split())),
        tuple(row.rooms.split()),
    )


def statements(rows: Sequence[UserRow]) -> list[Write]:
    """The rows as statements, in order, but for those of different tables.

    Each newcomer has a row of two, and a statement for many rows costs hardly more than for one.
    """
    runs = runs_of_latest(_by_table(rows), _key)
    return [write for kind, group in runs for write in _writes(kind, group)]


def _by_table(rows: Sequence[UserRow]) -> list[UserRow]:
    """Only a `DropUser` touches more tables than its own, so nothing goes past it."""
    part, places = 0, list[tuple[int, str]]()
    for row in rows:
        alone = type(row) is DropUser
        part += alone
        places.append((part, str(_DROPS[type(row)][0].table)))
        part += alone
    return [rows[at] for at in sorted(range(len(rows)), key=places.__getitem__)]


def _key(row: UserRow) -> tuple[str | bytes, ...]:
    """Which row of which table it is; what saves and what drops one have the same."""
    match row:
        case SaveUser():
            return ("user", row.name)
        case DropUser():
            # Its tokens and all else go, too, even if the next of its name comes in the same beat.
            return ("gone", row.name)
        case SaveToken() | DropToken():
            return ("token", row.user, row.digest)
        case SaveBlock() | DropBlock():
            return ("block", row.user, row.blocked)
        case SaveConversation() | DropConversation():
            return ("conversation", row.user, row.other)
        case SaveInvitation() | DropInvitation():
            return ("invitation", row.digest)
        case SaveBan() | DropBan():
            return ("ban", row.who, str(row.guests))
        case SaveSighting() | DropSighting():
            return ("sighting", row.user, row.address)
        case SaveSetting() | DropSetting():
            return ("setting", row.name)
        case _:
            assert_never(row)


_DROPS: Final[dict[type[UserRow], tuple[Delete, dict[str, str]]]] = {
    SaveUser: (_drop_user, {"old_name": "name"}),
    DropUser: (_drop_user, {"old_name": "name"}),
    SaveToken: (_drop_token, {"old_user": "user", "old_digest": "digest"}),
    DropToken: (_drop_token, {"old_user": "user", "old_digest": "digest"}),
    SaveBlock: (_drop_block, {"old_user": "user", "old_blocked": "blocked"}),
    DropBlock: (_drop_block, {"old_user": "user", "old_blocked": "blocked"}),
    SaveConversation: (_drop_conversation, {"old_user": "user", "old_other": "other"}),
    DropConversation: (_drop_conversation, {"old_user": "user", "old_other": "other"}),
    SaveInvitation: (_drop_invitation, {"old_digest": "digest"}),
    DropInvitation: (_drop_invitation, {"old_digest": "digest"}),
    SaveBan: (_drop_ban, {"old_who": "who", "old_guests": "guests"}),
    DropBan: (_drop_ban, {"old_who": "who", "old_guests": "guests"}),
    SaveSighting: (_drop_sighting, {"old_user": "user", "old_address": "address"}),
    DropSighting: (_drop_sighting, {"old_user": "user", "old_address": "address"}),
    SaveSetting: (_drop_setting, {"old_setting": "name"}),
    DropSetting: (_drop_setting, {"old_setting": "name"}),
}
"""By kind of row: what removes the one that is there, and its parameters by field."""
_INSERTS: Final[dict[type[UserRow], Insert]] = {
    SaveUser: insert(users),
    SaveToken: insert(tokens),
    SaveBlock: insert(blocks),
    SaveConversation: insert(conversations),
    SaveInvitation: insert(invitations),
    SaveBan: insert(bans),
    SaveSighting: insert(sightings),
    SaveSetting: insert(changed_settings),
}


def _writes(kind: type[UserRow], rows: list[Any]) -> list[Write]:
    drop, fields = _DROPS[kind]
    parameters = [{name: getattr(row, field) for name, field in fields.items()} for row in rows]
    writes: list[Write] = [(drop, parameters)]
    if kind in _INSERTS:
        writes.append((_INSERTS[kind], [row._asdict() for row in rows]))
    elif kind is DropUser:
        gone = [{"old_user": row.name} for row in rows]
        writes += [(_drop_tokens, gone), (_drop_conversations, gone)]
    return writes
