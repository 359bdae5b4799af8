"""A service's database as the end of its process or of its host leaves it, copied to be looked at.

The copy has the database and its WAL, and not the index of the WAL (`-shm`), which only lives as
long as somebody has the database open.
"""

import contextlib
import fcntl
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine

from testbed.cluster import ROOM_SERVICE, USER_SERVICE, Cluster

DATABASES: Final = {USER_SERVICE: "users.sqlite", ROOM_SERVICE: "rooms-0.sqlite"}
"""By program, in `var/data`."""
_QUEUEING_S: Final = 0.1


def wal_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def copy_as_after_a_crash(database: Path, folder: Path) -> Path:
    """Returns the copy in `folder`. Nobody may write to the database meanwhile."""
    copy = folder / database.name
    shutil.copyfile(database, copy)
    # A database without one has been closed in order.
    if wal_of(database).exists():
        shutil.copyfile(wal_of(database), wal_of(copy))
    return copy


def kill_and_copy(cluster: Cluster, program: str, folder: Path) -> Path:
    """What the service leaves behind, before its next life has touched it."""
    database = cluster.folder / "var" / "data" / DATABASES[program]
    pid = cluster.pid(program)
    with database.with_name(database.name + ".lock").open() as lock:
        # The next life waits for this lock. Here it is waited for before the process is killed.
        kill = threading.Timer(_QUEUEING_S, cluster.signal, (pid, signal.SIGKILL))
        kill.start()
        fcntl.flock(lock, fcntl.LOCK_EX)
        kill.join()
        return copy_as_after_a_crash(database, folder)


@contextlib.contextmanager
def reading(database: Path) -> Iterator[Connection]:
    """Reads with SQLite alone, and nothing of zchat; a copy that has a WAL is recovered by it."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
