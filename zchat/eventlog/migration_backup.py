"""Copies of databases as they were before a migration, which cannot be taken back."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from zchat.runtime.durable_files import sync_path

FOLDER: Final = "before"
"""Beside the folder of the databases. It may be a link to another disk."""
_KEPT: Final = 3
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
    for old in sorted(kept.parent.parent.glob(f"[0-9]*-{database.stem}"))[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _keep(connection: sqlite3.Connection, database: Path) -> Path:
    folder = database.absolute().parent.with_name(FOLDER)
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
        # In one step: between two, a commit of the writer would have it all begin anew.
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
    """Names rise with time; two of one second do not happen but in tests."""
    while True:
        path = folder / f"{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}{suffix}"
        if not path.exists():
            return path
        time.sleep(0.1)
