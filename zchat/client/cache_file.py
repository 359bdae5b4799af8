"""The file in which a client keeps what it has seen: one for each user of a server.

It is a cache. One that is broken, or of another version, is set aside and begun anew; only what
the user has typed and chosen is taken over, if it can be.
"""

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 1.0

_TABLES: Final = """
CREATE TABLE entries (
    key TEXT NOT NULL, sequence INTEGER NOT NULL, frame BLOB NOT NULL,
    PRIMARY KEY (key, sequence)
) WITHOUT ROWID;
-- What is done in the inbox names a message by its sequence alone.
CREATE INDEX inbox ON entries (sequence) WHERE key >= '@';
CREATE TABLE conversations (
    key TEXT PRIMARY KEY, first INTEGER NOT NULL, entries INTEGER NOT NULL,
    more INTEGER NOT NULL, state BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE cursors (log TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE session (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_TYPED: Final = """
CREATE TABLE drafts (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE inputs (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE unsent (number INTEGER PRIMARY KEY AUTOINCREMENT, said BLOB NOT NULL);
"""
"""What nobody else has. These tables are the same in every version."""
_TYPED_TABLES: Final = ("drafts", "inputs", "settings", "unsent")


class CacheFile:
    """An open database, or none, as `trouble` says; `database` is None then.

    Only one process writes it: `writable` is whether this one does.
    """

    def __init__(self, folder: Path, name: str, former: str = "") -> None:
        """`former` is what it was called before it was known which cluster it is of."""
        self.trouble = ""
        self.writable = False
        self.database: sqlite3.Connection | None = None
        self._path = folder / f"{name}.db"
        self._lock: int | None = None
        try:
            self._prepare(folder, name)
            if former and former != name and self.writable and not self._path.stat().st_size:
                self._take_over(folder / f"{former}.db")
            if self.writable or self._path.exists():
                self.database = self._open()
        except (OSError, sqlite3.Error) as error:
            self.fail(f"what is seen here cannot be kept in {folder}: {error}")

    def fail(self, trouble: str) -> None:
        """Nothing more is kept in this run."""
        self.trouble = trouble
        self.close()

    def begin_anew(self, why: str) -> None:
        """The file is broken. Raises `OSError` and `sqlite3.Error`."""
        assert self.writable
        self._close_database()
        self.trouble = f"what was kept of earlier is set aside, since {why}"
        self.database = self._replace()

    def close(self) -> None:
        self._close_database()
        if self._lock is not None:
            os.close(self._lock)
        self._lock, self.writable = None, False

    def _close_database(self) -> None:
        if self.database is not None:
            self.database.close()
            self.database = None

    # --- Opening --------------------------------------------------------------------------------

    def _prepare(self, folder: Path, name: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What others could read is not told to them; of a folder that is not ours this fails.
        folder.chmod(0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._lock = os.open(folder / f"{name}.lock", flags, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.trouble = (
                "another zchat-client of the same user runs: what is seen and typed here is not "
                "kept for the next time"
            )
            return
        self.writable = True
        # SQLite gives its other files the mode of this one.
        os.close(os.open(self._path, flags, 0o600))
        self._path.chmod(0o600)

    def _take_over(self, former: Path) -> None:
        """Unless it is in use, or there is none."""
        if not former.exists():
            return
        lock = os.open(former.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The main file last: without it the others are nobody's.
            for suffix in ("-wal", "-shm", ""):
                path = Path(f"{former}{suffix}")
                if path.exists():
                    path.replace(f"{self._path}{suffix}")
        except BlockingIOError:
            pass
        finally:
            os.close(lock)

    def _open(self) -> sqlite3.Connection | None:
        try:
            database = _connect(self._path)
            version: int = database.execute("PRAGMA user_version").fetchone()[0]
            begun = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] > 0
        except sqlite3.DatabaseError as error:
            if not self.writable or isinstance(error, sqlite3.OperationalError):
                raise
            self.trouble = f"what was kept of earlier is set aside, since it is broken: {error}"
            return self._replace()
        if version == VERSION:
            if self.writable:
                _tune(database)
            return database
        database.close()
        if not self.writable:
            return None
        if begun:
            self.trouble = "what was kept of earlier is set aside: another version has written it"
            return self._replace()
        return _begin(self._path)

    def _replace(self) -> sqlite3.Connection:
        aside = self._path.with_suffix(".aside")
        for suffix in ("", "-wal", "-shm"):
            path = Path(f"{self._path}{suffix}")
            if path.exists():
                path.replace(f"{aside}{suffix}")
            else:
                Path(f"{aside}{suffix}").unlink(missing_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_EXCL, 0o600))
        database = _begin(self._path)
        _take_over(aside, database)
        return database


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)


def _tune(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    # A power failure may cost the last second, which the server sends again.
    database.execute("PRAGMA synchronous = NORMAL")
    # What was deleted for good is not to be found in the file, either.
    database.execute("PRAGMA secure_delete = ON")


def _begin(path: Path) -> sqlite3.Connection:
    database = _connect(path)
    _tune(database)
    database.executescript(f"BEGIN; {_TABLES} {_TYPED} PRAGMA user_version = {VERSION}; COMMIT;")
    return database


def _take_over(aside: Path, database: sqlite3.Connection) -> None:
    """What was typed and chosen, of each table as much as can be read."""
    with closing(_connect(aside)) as former:
        for table in _TYPED_TABLES:
            try:
                rows = former.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
                database.executemany(f"INSERT INTO {table} VALUES (?, ?)", rows)  # noqa: S608
            except sqlite3.Error:
                continue
