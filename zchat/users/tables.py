"""What the user-service keeps beside its log: who exists, and which clients have proved it."""

from pathlib import Path
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Table, Text, false

from zchat.log.tables import LOG_SCHEMA

_metadata = MetaData()

users: Final = Table(
    "users",
    _metadata,
    Column("name", Text, primary_key=True),
    # A guest has none.
    Column("password_hash", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("registered_at_ms", BigInteger),
    # Entries of the inbox up to here belong to an earlier guest of the same name.
    Column("inbox_floor", BigInteger, nullable=False),
    Column("marker", BigInteger),
    # A guest that has left; the row goes when all room-services know it.
    Column("ended", Boolean, nullable=False, server_default=false()),
)

tokens: Final = Table(
    "tokens",
    _metadata,
    Column("user", Text, primary_key=True),
    # SHA-256: who reads this table cannot log in with what it holds.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("seen_at_ms", BigInteger, nullable=False),
)

USERS_SCHEMA: Final = LOG_SCHEMA.extended("users", _metadata, Path(__file__).parent, "users_0001")
