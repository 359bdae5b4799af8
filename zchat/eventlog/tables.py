"""The tables that every service's log has, whatever the log is about."""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from zchat.eventlog.schema import Schema

_metadata = MetaData()
# SQLite gives a key no index of its own, and so half the cost, only if it is called INTEGER.
_big_key = BigInteger().with_variant(Integer(), "sqlite")

entries: Final = Table(
    "entries",
    _metadata,
    # In the order of `timeline.Appended`, whose tuples are inserted as they are.
    Column("position", _big_key, primary_key=True, autoincrement=False),
    Column("log", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("nonce", LargeBinary),
    Column("thread", Text),
    Column("frame", LargeBinary, nullable=False),
)

places: Final = Table(
    "places",
    _metadata,
    Column("log", Text, primary_key=True),
    Column("thread", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    # The key is all that there is, so there is no need for a table beside it.
    sqlite_with_rowid=False,
)
"""Where the entries of a log stand, up to the position in `places_written`: all of them with
`WHOLE_LOG`, and those of a conversation once more with that."""
WHOLE_LOG: Final = ""

places_written: Final = Table(
    "places_written",
    _metadata,
    Column("position", BigInteger, nullable=False),
)
"""One row."""

nonces: Final = Table(
    "nonces",
    _metadata,
    Column("author", Text, primary_key=True),
    Column("nonce", LargeBinary, primary_key=True),
    Column("position", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Where the entries stand that commands have made, up to the position in `nonces_written`."""

nonces_written: Final = Table(
    "nonces_written",
    _metadata,
    Column("position", BigInteger, nullable=False),
)
"""One row."""

answers: Final = Table(
    "answers",
    _metadata,
    Column("id", _big_key, primary_key=True, autoincrement=True),
    Column("author", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("log", Text),
    Column("code", Text),
    Column("reason", Text, nullable=False),
    UniqueConstraint("author", "nonce", name="answers_author_nonce"),
)
"""What commands were answered that made no entry. `code` is that of a refusal."""

lease: Final = Table(
    "lease",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
)
"""One row, `LEASE_ID`: how often the database was opened for writing."""
LEASE_ID: Final = 1

audit: Final = Table(
    "audit",
    _metadata,
    Column("id", _big_key, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Rows are added, and never changed or removed: the database itself sees to that."""
for _action in ("UPDATE", "DELETE"):
    event.listen(
        audit,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER audit_{_action.lower()} BEFORE {_action} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"
        ).execute_if(dialect="sqlite"),
    )

outbox: Final = Table(
    "outbox",
    _metadata,
    Column("id", _big_key, primary_key=True, autoincrement=True),
    Column("address", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # An id never comes back, even after the newest row was deleted.
    sqlite_autoincrement=True,
)
"""Commands that this service owes to another one, oldest first, until that one has answered."""

floors: Final = Table(
    "floors",
    _metadata,
    Column("log", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
"""Entries of the log up to this sequence have been removed. `ALL_LOGS` has the newest position that
there was when entries were removed, so that none is given twice."""
ALL_LOGS: Final = ""

retention: Final = Table(
    "retention",
    _metadata,
    Column("log", Text, primary_key=True),
    # In seconds. None for as long as others are, 0 for ever.
    Column("keep_s", BigInteger),
    # Entries up to this sequence go however old they are.
    Column("purge", BigInteger, nullable=False),
)
"""How long entries are kept: of one log, or of all that begin like this."""

edits: Final = Table(
    "edits",
    _metadata,
    Column("id", _big_key, primary_key=True, autoincrement=True),
    Column("log", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
)
"""What the message `sequence` of a log said until it was edited, where that is kept."""
Index("edits_log_sequence", edits.c.log, edits.c.sequence)

search_indexed: Final = Table(
    "search_indexed",
    _metadata,
    Column("position", BigInteger, nullable=False),
)
"""One row: of the entries up to here all messages are in the index of what is said, `search`."""
for _statement in (
    # The pieces of each message, by its position; not the text itself, nor how often or where it
    # has them.
    (
        "CREATE VIRTUAL TABLE search USING fts5(pieces, content='', columnsize=0, detail=none, "
        "tokenize='ascii')"
    ),
    # Its parts are merged when we say so, and never at once because there are too many: of so many
    # there are not even a tenth in the worst of cases.
    "INSERT INTO search (search, rank) VALUES ('automerge', 0)",
    "INSERT INTO search (search, rank) VALUES ('crisismerge', 1999)",
):
    event.listen(
        search_indexed,
        "after_create",
        DDL(_statement).execute_if(dialect="sqlite"),  # type: ignore[no-untyped-call]
    )

search_due: Final = Table(
    "search_due",
    _metadata,
    Column("id", _big_key, primary_key=True, autoincrement=True),
    # In the order of `search_writes.Due`.
    Column("position", BigInteger, nullable=False),
    Column("log", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("nonce", LargeBinary),
    Column("thread", Text),
    Column("frame", LargeBinary, nullable=False),
    Column("removes", Boolean, nullable=False),
    # In characters of the text as it is compared.
    Column("done", BigInteger, nullable=False),
)
"""Entries up to `search_indexed` of which the index has less than it should, or more, in the order
in which that is put right: what they say or said, and how much of it is done."""
Index("search_due_position", search_due.c.position)

search_spans: Final = Table(
    "search_spans",
    _metadata,
    # Empty but for messages that were imported: these are older than those around them, and only
    # within their own log each is from after the one before.
    Column("imported_log", Text, primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("oldest_ms", BigInteger, nullable=False),
    Column("newest_ms", BigInteger, nullable=False),
)
"""Positions between which the times of indexed messages never fall."""

LOG_SCHEMA: Final = Schema(
    name="log",
    metadata=(_metadata,),
    version_locations=(Path(__file__).parent / "migrations" / "versions",),
    revisions=frozenset({"log_0009"}),
)
