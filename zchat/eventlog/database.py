"""One database file: its only writer, its only connection, its copies, and what its errors mean.

All that is particular to SQLite stands here, and in those that look at a database from outside:
`read_only.py` and `verify.py`.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeAlias

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from zchat.eventlog.schema import (
    Schema,
    StoreUnusable,
    check_known,
    create,
    is_empty,
    migrate,
    stored_revisions,
)
from zchat.runtime.durable_files import sync_path

_PRAGMAS: Final = (
    # Somebody else's transaction may be waited for, but not long: a beat waits with it. In ms.
    "busy_timeout = 1000",
    # Readers of other processes do not wait for the writer, and a commit is one fsync.
    "journal_mode = WAL",
    # With less, a commit that was acknowledged could be gone after a power failure.
    "synchronous = FULL",
    "foreign_keys = ON",
    # In KiB. A beat of 512 entries touches about as many pages of the index of nonces, which the
    # default of 2 MiB does not hold.
    "cache_size = -16384",
    # In pages of 4 KiB. A checkpoint writes a page once however often it has changed, so with
    # 32 MiB instead of 4 between them sustained commits went from 28,000 entries/s to 43,000.
    "wal_autocheckpoint = 8000",
)
# Each transaction sets this for itself, so none depends on what the one before it has set.
_DURABLE: Final = "PRAGMA synchronous = FULL"
_NOT_DURABLE: Final = "PRAGMA synchronous = NORMAL"
# Not the program's fault, and likely to pass: the disk is full or away, or another one is writing.
_PASSING_ERRORS: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
# To try again does not help against these.
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StoreUnavailable(Exception):
    """The disk is full or fails, or the file is busy: nothing was written; try again later."""


class LeaseHeld(Exception):
    """Another live process is the writer of this database."""


class WriterLock:
    """A lock file beside the database, held for as long as this process writes to it.

    The kernel frees the lock when its holder dies, in whatever way, so a restart never waits for
    a lease to run out. The file itself stays: to delete it would let two processes lock two files
    of one name.
    """

    def __init__(self, path: Path) -> None:
        """Raises `LeaseHeld` at once if another process has the lock."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise LeaseHeld(
                f"another process{f' ({holder})' if holder else ''} holds {path}"
            ) from None
        # Who holds it is only noted for people, for which there may be no room on the disk.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        os.close(self._file)


Migrating: TypeAlias = Callable[[Connection], contextlib.AbstractContextManager[object]]


def create_file(path: Path) -> None:
    """Makes an empty database that only its owner can read; SQLite's side files follow its mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def connect(
    path: Path | None, schema: Schema, migrating: Migrating = contextlib.nullcontext
) -> Connection:
    """The one connection to the database at `path`, or in memory, which is brought to `schema`.

    What is there is changed within `migrating`.
    """
    # The only connection that writes: SQLite before 3.51.3 can lose a commit when two of them
    # checkpoint at once (https://www.sqlite.org/wal.html#walresetbug).
    engine = create_engine(
        URL.create("sqlite", database=str(path) if path else None),
        poolclass=StaticPool,
        # The text of an error ends in the log; what people wrote does not.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _configure)
    with service_errors():
        connection = engine.connect()
    try:
        _bring_up_to_date(connection, schema, migrating)
    except BaseException:
        disconnect(connection)
        raise
    return connection


def disconnect(connection: Connection) -> None:
    engine: Engine = connection.engine
    connection.close()
    engine.dispose()


def raw(connection: Connection) -> sqlite3.Connection:
    """What SQLite's own library calls a connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@contextlib.contextmanager
def writing(connection: Connection, *, durable: bool = True) -> Iterator[None]:
    """One transaction: all that happens within it, or, after any exception, nothing.

    One that is not `durable` waits for no disk: after a power failure, and only then, it may be
    gone with all that followed, up to the next one that is, for what stands in the WAL before that
    one is as durable.
    """
    # By the driver: SQLAlchemy's own transaction would cost a lone message more than its row.
    driver = raw(connection)
    with service_errors():
        driver.execute(_DURABLE if durable else _NOT_DURABLE)
        # To take the lock at once, since a transaction that reads first may find later that it
        # cannot write any more.
        driver.execute("BEGIN IMMEDIATE")
        try:
            yield
            if not driver.in_transaction:
                # A commit of nothing succeeds, and what came after the end is there already.
                raise AssertionError("something has ended the transaction within itself")
            connection.dialect.do_commit(connection.connection)
        except BaseException:
            driver.rollback()
            raise
        finally:
            # What was executed by SQLAlchemy has begun a transaction in its own view.
            connection.rollback()


@contextlib.contextmanager
def reading(connection: Connection) -> Iterator[None]:
    with service_errors():
        try:
            yield
        finally:
            connection.rollback()


@contextlib.contextmanager
def passing_errors() -> Iterator[None]:
    """Tells troubles of the disk, as `StoreUnavailable`, from mistakes of ours, which rise."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause, kind = _kind_of(error)
        if kind not in _PASSING_ERRORS:
            raise
        raise StoreUnavailable(str(cause)) from error


@contextlib.contextmanager
def service_errors() -> Iterator[None]:
    """The same, and damage as `StoreUnusable`: a service cannot go on with what is left."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause, kind = _kind_of(error)
        if kind in _DAMAGED:
            raise StoreUnusable(
                f"it is damaged ({cause}); see what is left with: zchat-admin verify; and go on "
                "with the newest backup: zchat-admin restore BEFORE_FOLDER"
            ) from error
        if kind not in _PASSING_ERRORS:
            raise
        raise StoreUnavailable(str(cause)) from error


def _kind_of(error: DBAPIError | sqlite3.Error) -> tuple[BaseException | None, int | None]:
    """What SQLite says, and which kind of error it is, if any."""
    # Only what happens while connecting comes straight from the driver.
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    # The low byte is the kind; the rest tells the kinds of, say, I/O error apart.
    return cause, None if code is None else code & 0xFF


def _configure(connection: Any, _record: object) -> None:
    # Transactions begin where we say so (`writing`), not where the driver guesses.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _bring_up_to_date(connection: Connection, schema: Schema, migrating: Migrating) -> None:
    with reading(connection):
        revisions = stored_revisions(connection)
        if revisions == schema.revisions:
            return
        new = is_empty(connection)
        if not new:
            check_known(connection, schema)
    if new:
        with writing(connection):
            create(connection, schema)
        return
    with service_errors(), migrating(connection), writing(connection):
        migrate(connection, schema)


# --- The way back from a migration: a copy of the database as it was ------------------------------

BEFORE_FOLDER: Final = "before"
"""Beside the folder of the databases. It may be a link to another disk."""
_COPIES_KEPT: Final = 3
"""Copies of each database; older ones go when there is a new one."""
_PARTIAL: Final = ".partial-"


class NoRoom(Exception):
    """The disk cannot hold the copy; the text says how much it takes."""


@contextlib.contextmanager
def kept_before(connection: sqlite3.Connection, database: Path) -> Iterator[Path]:
    """Copies the database, whose only connection this is; tells where the copy is.

    It is there when it is whole and durable. If what follows fails, it has changed nothing, and the
    copy goes. Raises `NoRoom`, `OSError` and `sqlite3.Error`.
    """
    kept = _keep(connection, database)
    try:
        yield kept
    except BaseException:
        shutil.rmtree(kept.parent, ignore_errors=True)
        raise
    for old in sorted(kept.parent.parent.glob(f"[0-9]*-{database.stem}"))[:-_COPIES_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _keep(connection: sqlite3.Connection, database: Path) -> Path:
    folder = database.absolute().parent.with_name(BEFORE_FOLDER)
    folder.mkdir(mode=0o700, exist_ok=True)
    suffix = f"-{database.stem}"
    for left in folder.glob(f"{_PARTIAL}*{suffix}"):
        shutil.rmtree(left, ignore_errors=True)
    _check_room(connection, folder)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, suffix=suffix, dir=folder))
    try:
        copy_whole(connection, partial / database.name)
        sync_path(partial / database.name)
        sync_path(partial)
        kept = _free_name(folder, suffix)
        partial.rename(kept)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_path(folder)
    return kept / database.name


def copy_whole(connection: sqlite3.Connection, copy: Path) -> None:
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(copy)) as target:
        # In one step: after a commit of the writer between two steps SQLite begins all anew.
        connection.backup(target, pages=-1)
        # One file that is whole by itself, and read without making others beside it.
        target.execute("PRAGMA journal_mode = DELETE")


def _check_room(connection: sqlite3.Connection, folder: Path) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    needed_mib, free_mib = (
        -(-size >> 20) for size in (pages * page_bytes, shutil.disk_usage(folder).free)
    )
    if free_mib <= needed_mib:
        raise NoRoom(
            f"before a migration it is copied to {folder}, which takes {needed_mib:,} MiB, and "
            f"{free_mib:,} MiB are free; make room there, or make that a link to another disk"
        )


def _free_name(folder: Path, suffix: str) -> Path:
    """Names sort by time; two copies in one second are made by tests only, which may wait."""
    while True:
        path = folder / f"{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}{suffix}"
        if not path.exists():
            return path
        time.sleep(0.1)
