"""A short look at a database from outside: whether it can be read, and how new it is."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from zchat.eventlog.copies import open_read_only
from zchat.eventlog.schema import shipped_revisions
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import Entry

_entries = Decoder(Entry)


class Look(NamedTuple):
    """`trouble` is empty if SQLite finds none; `newest_ms` is the time of the newest entry."""

    trouble: str
    newest_ms: int
    unknown: tuple[str, ...] = ()
    """Revisions that this release has no migrations to: a newer one has changed the database."""


def look_at(path: Path) -> Look:
    unknown: tuple[str, ...] = ()
    try:
        with open_read_only(path) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                return Look(verdict, 0)
            unknown = _unknown_revisions(connection)
            row = connection.execute(
                "SELECT frame FROM entries ORDER BY position DESC LIMIT 1"
            ).fetchone()
            return Look("", _entries.decode(row[0]).at_ms if row else 0, unknown)
    except (sqlite3.Error, ProtocolError) as error:
        return Look(str(error), 0, unknown)


def _unknown_revisions(connection: sqlite3.Connection) -> tuple[str, ...]:
    stored = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    return tuple(sorted(stored - shipped_revisions()))


def sqlite_version() -> str:
    return sqlite3.sqlite_version
