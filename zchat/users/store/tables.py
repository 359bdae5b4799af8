"""What the user-service keeps beside its log: who exists, and which clients have proved it."""

import secrets
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
    false,
    insert,
)

from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol import limits

_metadata = MetaData()

users: Final = Table(
    "users",
    _metadata,
    Column("name", Text, primary_key=True),
    # A guest has none, nor has a deleted account.
    Column("password_hash", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("registered_at_ms", BigInteger),
    # Entries of the inbox up to here belong to an earlier guest of the same name.
    Column("inbox_floor", BigInteger, nullable=False),
    Column("marker", BigInteger),
    # A guest that has left; the row goes when all room-services know it.
    Column("ended", Boolean, nullable=False, server_default=false()),
    # The row stays, and keeps the name; `ended` says whether the room-services are told.
    Column("deleted", Boolean, nullable=False, server_default=false()),
    Column("standing", Text, nullable=False, server_default="account"),
    Column("suspended", Boolean, nullable=False, server_default=false()),
    # None for as long as nobody restores the user.
    Column("suspended_until_ms", BigInteger),
    Column("suspended_reason", Text, nullable=False, server_default=""),
    Column("totp_secret", LargeBinary),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    # SHA-256 digests, one after another.
    Column("recovery", LargeBinary, nullable=False, server_default=""),
    Column("devices_made", BigInteger, nullable=False, server_default="0"),
    # SHA-256 of a code that a new password may be chosen with, once and until then.
    Column("reset_digest", LargeBinary(32)),
    Column("reset_until_ms", BigInteger),
    # Of a deleted account of which something is left that is to go.
    Column("erased_as", Text),
)

tokens: Final = Table(
    "tokens",
    _metadata,
    Column("user", Text, primary_key=True),
    # SHA-256: who reads this table cannot log in with what it holds.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("device", BigInteger, nullable=False, server_default="0"),
    Column("name", Text, nullable=False, server_default=""),
    Column("remembered", Boolean, nullable=False, server_default=false()),
    # Of an app token: words with a space between them.
    Column("scopes", Text, nullable=False, server_default=""),
    Column("rooms", Text, nullable=False, server_default=""),
    Column("created_at_ms", BigInteger, nullable=False, server_default="0"),
)

blocks: Final = Table(
    "blocks",
    _metadata,
    Column("user", Text, primary_key=True),
    # From whom the user wants no private messages.
    Column("blocked", Text, primary_key=True),
)

conversations: Final = Table(
    "conversations",
    _metadata,
    # What the user has said of private conversations: how far they are read, and what of them is
    # to be told aloud. Of most there is no row.
    Column("user", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    # A sequence of the user's inbox; 0 for no more than the inbox's own marker says.
    Column("marker", BigInteger, nullable=False),
    Column("notify", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)

invitations: Final = Table(
    "invitations",
    _metadata,
    # SHA-256 of the code. The row goes when it is used, revoked or long out of date.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
)

bans: Final = Table(
    "bans",
    _metadata,
    # An address, a block of them, a name or a pattern of names, as `targets.py` spells it.
    Column("who", Text, primary_key=True),
    # Whether it keeps out only guests, and who would make an account.
    Column("guests", Boolean, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    # None for as long as nobody lifts it.
    Column("until_ms", BigInteger),
)

sightings: Final = Table(
    "sightings",
    _metadata,
    # Which names came from which addresses lately; not for ever (`limits.SIGHTINGS_KEPT_S`).
    Column("user", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
)

changed_settings: Final = Table(
    "changed_settings",
    _metadata,
    # Those that were set while the cluster runs; of all others each process goes by its own.
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    # As in the audit.
    Column("changed_by", Text, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
)

cluster: Final = Table(
    "cluster",
    _metadata,
    # One row: by what clients know the cluster, whatever addresses lead to it. It is made with the
    # database, and goes with it into backups and to other machines.
    Column("id", Text, primary_key=True),
)


@event.listens_for(cluster, "after_create")
def _name_cluster(_: Table, connection: Connection, **_options: Any) -> None:
    connection.execute(insert(cluster).values(id=secrets.token_hex(limits.CLUSTER_ID_BYTES)))


USERS_SCHEMA: Final = LOG_SCHEMA.extended("users", _metadata, Path(__file__).parent, "users_0008")
