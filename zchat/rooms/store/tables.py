"""What a room-service keeps beside its log: the rooms' state, which their timelines would tell."""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, Table, Text, false

from zchat.eventlog.tables import LOG_SCHEMA

_metadata = MetaData()

rooms: Final = Table(
    "rooms",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("topic", Text, nullable=False, server_default=""),
    Column("created_at_ms", BigInteger, nullable=False),
    # Entries up to here are those of an earlier room of this name.
    Column("floor", BigInteger, nullable=False, server_default="0"),
    Column("private", Boolean, nullable=False, server_default=false()),
    # Not hashed: those who may join have to be told it, and it is no password of anybody.
    Column("key", Text, nullable=False, server_default=""),
    Column("posting", Text, nullable=False, server_default="members"),
    Column("slow_mode_s", BigInteger, nullable=False, server_default="0"),
    Column("members_max", BigInteger, nullable=False, server_default="0"),
    Column("conversation", Boolean, nullable=False, server_default=false()),
)

partition: Final = Table(
    "partition",
    _metadata,
    # One row: which of how many this database is. Rooms do not move when that changes.
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("partitions", BigInteger, nullable=False),
)

members: Final = Table(
    "members",
    _metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("role", Text, nullable=False),
    # The member sees entries after this sequence.
    Column("floor", BigInteger, nullable=False),
    Column("marker", BigInteger),
    Column("notify", Text, nullable=False, server_default=""),
)
Index("members_user", members.c.user)

bans: Final = Table(
    "bans",
    _metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    # Without it the ban has no end.
    Column("until_ms", BigInteger),
)

invitations: Final = Table(
    "invitations",
    _metadata,
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
)

mutes: Final = Table(
    "mutes",
    _metadata,
    # Apart from the members: the lobby has none, and others may leave and come back.
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
)

pins: Final = Table(
    "pins",
    _metadata,
    Column("room", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    # The entry that says so, by which pins have an order.
    Column("pinned", BigInteger, nullable=False),
)

mentions: Final = Table(
    "mentions",
    _metadata,
    # Of one user what is unread; without one, of everyone: a row for each would be thousands.
    Column("room", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
)

ROOMS_SCHEMA: Final = LOG_SCHEMA.extended("rooms", _metadata, Path(__file__).parent, "rooms_0003")
