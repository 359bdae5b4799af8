"""The file in which a client keeps what it has seen: one for each user of a server.

It is a cache. One that is broken, or of another version, is set aside and begun anew; only what
the user has typed and chosen is taken over, if it can be.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from msgspec import Struct

from zchat.client.model.conversation import Conversation, Kind, Unsent
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import Entry

VERSION: Final = 1
"""Of the tables. A file with another one is set aside and not converted: the server has it all."""
BUSY_TIMEOUT_S: Final = 1.0
"""Nobody waits for long: one process writes, and commits about once a second."""

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
-- Without AUTOINCREMENT the number of a row that is gone would be that of the next one.
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
    # With any other isolation level Python begins transactions by itself; here `Rows` does.
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


# --- The rows of a cache: what each says, and the statements for them -----------------------------


@dataclass(slots=True)
class Extent:
    """What is kept of one conversation: everything from `first` on."""

    first: int
    entries: int = 0
    more: bool = True
    """The server may have what comes before."""


class State(Struct, array_like=True):
    """All that is kept of a conversation besides its entries."""

    kind: str
    title: str
    topic: str
    joined: bool
    marker: int
    head: int
    notify: str
    pinned: bool
    active_at_ms: int
    unread: int
    mentions: int

    @classmethod
    def of(cls, conversation: Conversation) -> "State":
        return cls(
            conversation.kind.name,
            conversation.title,
            conversation.topic,
            conversation.joined,
            conversation.marker,
            conversation.head,
            conversation.notify,
            conversation.pinned,
            conversation.active_at_ms,
            conversation.unread,
            conversation.mentions,
        )

    def conversation(self, key: str) -> Conversation:
        return Conversation(
            key,
            Kind[self.kind],
            self.title,
            topic=self.topic,
            joined=self.joined,
            marker=self.marker,
            head=self.head,
            notify=self.notify,
            pinned=self.pinned,
            active_at_ms=self.active_at_ms,
            unread=self.unread,
            mentions=self.mentions,
        )


class UnsentRow(Struct, array_like=True):
    """What was said, and is not confirmed; its number is that of the row."""

    key: str
    text: str
    reply_to: int
    at_ms: int


_entries: Final = Decoder(Entry)
_states: Final = Decoder(State)
_unsent: Final = Decoder(UnsentRow)
_CACHED: Final = ("entries", "conversations", "cursors", "session", "drafts", "inputs", "unsent")
"""All but the settings, which are of this machine and not of the name."""


class Rows:
    """Raises `sqlite3.Error`, and `ProtocolError` for what nobody has written so."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._execute = database.execute
        self._execute_many = database.executemany

    # --- Reading --------------------------------------------------------------------------------

    def begin_reading(self) -> None:
        """All that is read until `commit` is of one moment."""
        self._execute("BEGIN")

    def conversations(self) -> Iterator[tuple[str, Extent, State]]:
        rows = self._execute("SELECT key, first, entries, more, state FROM conversations")
        for key, first, entries, more, state in rows:
            yield key, Extent(first, entries, bool(more)), _states.decode(state)

    def cursors(self) -> dict[str, int]:
        return dict(self._execute("SELECT log, sequence FROM cursors"))

    def session(self) -> dict[str, int]:
        return dict(self._execute("SELECT name, value FROM session"))

    def before(self, key: str, before: int, limit: int) -> list[Entry]:
        """The last ones, oldest first."""
        rows = self._execute(
            "SELECT frame FROM entries WHERE key = ? AND sequence < ? "
            "ORDER BY sequence DESC LIMIT ?",
            (key, before, limit),
        ).fetchall()
        return [_entries.decode(frame) for (frame,) in reversed(rows)]

    def entry(self, key: str, sequence: int) -> Entry | None:
        rows = self._execute(
            "SELECT frame FROM entries WHERE key = ? AND sequence = ?", (key, sequence)
        )
        return next((_entries.decode(frame) for (frame,) in rows), None)

    def in_inbox(self, sequence: int) -> tuple[str, Entry] | None:
        """The conversation that the entry belongs to, and the entry."""
        rows = self._execute(
            "SELECT key, frame FROM entries WHERE key >= '@' AND sequence = ?", (sequence,)
        )
        return next(((key, _entries.decode(frame)) for key, frame in rows), None)

    def drafts(self) -> dict[str, str]:
        return dict(self._execute("SELECT key, text FROM drafts"))

    def inputs(self) -> list[str]:
        return [text for (text,) in self._execute("SELECT text FROM inputs ORDER BY id")]

    def unsent(self) -> list[Unsent]:
        rows = self._execute("SELECT number, said FROM unsent ORDER BY number")
        decoded = ((number, _unsent.decode(said)) for number, said in rows)
        return [
            Unsent(number, said.key, said.text, said.reply_to, said.at_ms)
            for number, said in decoded
        ]

    def settings(self) -> dict[str, str]:
        return dict(self._execute("SELECT name, value FROM settings"))

    # --- Writing --------------------------------------------------------------------------------

    def begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._execute("COMMIT")

    def forget_all(self) -> None:
        for table in _CACHED:
            self._execute(f"DELETE FROM {table}")  # noqa: S608

    def forget_entries(self, keys: Iterable[str]) -> None:
        self._execute_many("DELETE FROM entries WHERE key = ?", [(key,) for key in keys])

    def forget_conversation(self, key: str) -> None:
        self._execute("DELETE FROM conversations WHERE key = ?", (key,))

    def put_entries(self, entries: Iterable[tuple[str, Entry]]) -> None:
        self._execute_many(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
            [(key, entry.sequence, encode(entry)) for key, entry in entries],
        )

    def put_conversation(self, key: str, extent: Extent, state: State) -> None:
        self._execute(
            "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?)",
            (key, extent.first, extent.entries, extent.more, encode(state)),
        )

    def put_cursors(self, cursors: dict[str, int]) -> None:
        self._execute("DELETE FROM cursors")
        self._execute_many("INSERT INTO cursors VALUES (?, ?)", list(cursors.items()))

    def put_session(self, values: dict[str, int]) -> None:
        self._execute_many("INSERT OR REPLACE INTO session VALUES (?, ?)", list(values.items()))

    def keep_newest(self, key: str, entries_max: int) -> int:
        """Forgets the others; returns the sequence of the oldest one that is kept."""
        (oldest,) = self._execute(
            "SELECT sequence FROM entries WHERE key = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?",
            (key, entries_max - 1),
        ).fetchone()
        self._execute("DELETE FROM entries WHERE key = ? AND sequence < ?", (key, oldest))
        first: int = oldest
        return first

    def put_draft(self, key: str, text: str) -> None:
        if text:
            self._execute("INSERT OR REPLACE INTO drafts VALUES (?, ?)", (key, text))
        else:
            self._execute("DELETE FROM drafts WHERE key = ?", (key,))

    def add_unsent(self, key: str, text: str, reply_to: int, at_ms: int) -> int:
        said = encode(UnsentRow(key, text, reply_to, at_ms))
        return self._execute("INSERT INTO unsent (said) VALUES (?)", (said,)).lastrowid or 0

    def forget_unsent(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._execute("DELETE FROM unsent WHERE number = ?", (number,))

    def add_input(self, text: str, inputs_max: int) -> None:
        """The same again is one, and the newest."""
        self._execute("DELETE FROM inputs WHERE text = ?", (text,))
        self._execute("INSERT INTO inputs (text) VALUES (?)", (text,))
        self._execute(
            "DELETE FROM inputs WHERE id <= (SELECT max(id) FROM inputs) - ?", (inputs_max,)
        )

    def put_setting(self, name: str, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
