"""What a room-service keeps beside its log: the rooms' state, which their timelines would tell."""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Column, Index, MetaData, Table, Text

from zchat.log.tables import LOG_SCHEMA

_metadata = MetaData()

rooms: Final = Table(
    "rooms",
    _metadata,
    Column("name", Text, primary_key=True),
    Column("topic", Text, nullable=False, server_default=""),
    Column("created_at_ms", BigInteger, nullable=False),
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
)
Index("members_user", members.c.user)

ROOMS_SCHEMA: Final = LOG_SCHEMA.extended("rooms", _metadata, Path(__file__).parent, "rooms_0001")
