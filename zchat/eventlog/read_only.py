"""Read-only access to databases that a service may be writing to: probes and copies.

No connection here but that of `fold_wal` can write: SQLite before 3.51.3 can lose a commit when two
connections checkpoint at once, and these never do.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final, NamedTuple

from zchat.eventlog.database import copy_whole, passing_errors
from zchat.eventlog.schema import shipped_revisions
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import Entry

_TRIES_MAX: Final = 1_000
"""How often one moment is looked for: a commit takes ten times as long as such a look."""
_BUSY_TIMEOUT_S: Final = 5.0


@contextlib.contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, nor make the file if there is none."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, _BUSY_TIMEOUT_S, isolation_level=None, uri=True)) as opened:
        yield opened


# --- A short look: whether it can be read, and how new it is --------------------------------------

_entries = Decoder(Entry)


class Probe(NamedTuple):
    """`trouble` is empty if SQLite finds none; `newest_ms` is the time of the newest entry."""

    trouble: str
    newest_ms: int
    unknown: tuple[str, ...] = ()
    """Revisions that this release has no migrations to: a newer one has changed the database."""


def probe(path: Path) -> Probe:
    unknown: tuple[str, ...] = ()
    try:
        with open_read_only(path) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                return Probe(verdict, 0)
            unknown = _unknown_revisions(connection)
            row = connection.execute(
                "SELECT frame FROM entries ORDER BY position DESC LIMIT 1"
            ).fetchone()
            return Probe("", _entries.decode(row[0]).at_ms if row else 0, unknown)
    except (sqlite3.Error, ProtocolError) as error:
        return Probe(str(error), 0, unknown)


def _unknown_revisions(connection: sqlite3.Connection) -> tuple[str, ...]:
    stored = {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    return tuple(sorted(stored - shipped_revisions()))


def sqlite_version() -> str:
    return sqlite3.sqlite_version


# --- Copies of several databases, all of one moment -----------------------------------------------


def copy_all(sources: Sequence[Path], folder: Path) -> bool:
    """Copies the databases into `folder`; returns whether all copies are of one moment.

    If not, each is of a moment after that of the ones before it. Raises `StoreUnavailable`.
    """
    with passing_errors(), ExitStack() as open_until_copied:
        connections = [open_until_copied.enter_context(open_read_only(path)) for path in sources]
        watchers = [open_until_copied.enter_context(open_read_only(path)) for path in sources]
        of_one_moment = _begin_together(connections, watchers)
        for connection, source in zip(connections, sources, strict=True):
            copy_whole(connection, folder / source.name)
        return of_one_moment


def _begin_together(
    connections: Sequence[sqlite3.Connection], watchers: Sequence[sqlite3.Connection]
) -> bool:
    """Has all of them read what was committed up to now; returns whether that is one moment.

    It is if nothing was committed to a database after it was begun to be read and before the last
    one was, which a second connection to it can tell.
    """
    for _ in range(_TRIES_MAX):
        for connection in connections:
            connection.rollback()
        before = [_version(watcher) for watcher in watchers]
        for connection in connections:
            connection.execute("BEGIN")
            # A transaction begins with what it reads first.
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if [_version(watcher) for watcher in watchers[:-1]] == before[:-1]:
            return True
    return False


def _version(watcher: sqlite3.Connection) -> int:
    """Another number after each commit of somebody else."""
    version: int = watcher.execute("PRAGMA data_version").fetchone()[0]
    return version


def fold_wal(path: Path) -> None:
    """Has the file alone hold all of a database that nobody has open. Raises `StoreUnavailable`."""
    with passing_errors(), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The side files go with it; the next one that opens it makes them again.
        connection.execute("PRAGMA journal_mode = DELETE")
