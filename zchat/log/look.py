"""A short look at a database from outside: whether it can be read, and how new it is."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from zchat.log.copies import open_read_only
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import Entry

_entries = Decoder(Entry)


class Look(NamedTuple):
    """`trouble` is empty if SQLite finds none; `newest_ms` is the time of the newest entry."""

    trouble: str
    newest_ms: int


def look_at(path: Path) -> Look:
    try:
        with open_read_only(path) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                return Look(verdict, 0)
            row = connection.execute(
                "SELECT frame FROM entries ORDER BY position DESC LIMIT 1"
            ).fetchone()
            return Look("", _entries.decode(row[0]).at_ms if row else 0)
    except (sqlite3.Error, ProtocolError) as error:
        return Look(str(error), 0)


def sqlite_version() -> str:
    return sqlite3.sqlite_version
