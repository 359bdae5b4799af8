"""One writer for each database, whatever happens to the one before it and to the disk."""

import contextlib
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zchat.eventlog.store import Appended, Fenced, LeaseHeld, Store, StoreUnavailable
from zchat.rooms.store.tables import ROOMS_SCHEMA


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(path, ROOMS_SCHEMA)
    yield store
    store.close()


def entries(store: Store, *frames: bytes) -> list[Appended]:
    """`frames` as the next entries of the only log, whose sequence then equals the position."""
    return [
        Appended(position, "#garden", position, "alice", None, None, frame)
        for position, frame in enumerate(frames, store.position + 1)
    ]


def say(store: Store, *frames: bytes) -> None:
    store.commit(entries(store, *frames), [], [], [])


def said(store: Store) -> list[bytes]:
    return store.read_history("#garden", 0, None, 100)


def pragma(store: Store, setting: str) -> int:
    value: int = store._connection.exec_driver_sql(f"PRAGMA {setting}").scalar_one()
    store._connection.rollback()
    return value


def test_reopening_returns_everything_and_raises_the_epoch(path: Path) -> None:
    epochs = []
    for opened in range(3):
        store = Store.open(path, ROOMS_SCHEMA)
        epochs.append(store.epoch)
        assert store.position == opened
        store.commit(entries(store, b"%d" % opened), [], [("users", str(opened), b"")], [])
        store.close()

    store = Store.open(path, ROOMS_SCHEMA)
    assert epochs == [1, 2, 3]
    assert said(store) == [b"0", b"1", b"2"]
    assert [owed.key for owed in store.owed()] == ["0", "1", "2"]
    store.close()


def test_a_fenced_writer_cannot_write(store: Store, path: Path) -> None:
    say(store, b"one")
    store.check_lease()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE lease SET epoch = epoch + 1")
    other.close()

    with pytest.raises(Fenced, match="epoch 2 has begun"):
        say(store, b"two")
    with pytest.raises(Fenced, match="epoch 2 has begun"):
        store.check_lease()
    assert said(store) == [b"one"]


def test_one_process_at_a_time_and_none_after_a_kill(path: Path) -> None:
    hold = (
        "import sys, pathlib\n"
        "from zchat.eventlog.store import Appended, Store\n"
        "from zchat.rooms.store.tables import ROOMS_SCHEMA\n"
        "store = Store.open(pathlib.Path(sys.argv[1]), ROOMS_SCHEMA)\n"
        "store.commit([Appended(1, '#garden', 1, 'alice', None, None, b'one')], [], [], [])\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(LeaseHeld, match=rf"process \({holder.pid}\)"):
            Store.open(path, ROOMS_SCHEMA)
        holder.send_signal(signal.SIGKILL)

    store = Store.open(path, ROOMS_SCHEMA)
    assert store.epoch == 2
    assert said(store) == [b"one"]
    store.close()


def test_the_files_are_for_their_owner_only(store: Store, path: Path) -> None:
    say(store, b"one")

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["rooms.sqlite", "rooms.sqlite-wal", "rooms.sqlite-shm", "rooms.sqlite.lock"], 0o600
    )


# --- Trouble with the disk ------------------------------------------------------------------------


def test_a_full_disk_refuses_commits_and_nothing_else(store: Store) -> None:
    say(store, b"before")
    pragma(store, f"max_page_count = {pragma(store, 'page_count')}")
    large = b"x" * 100_000

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="full"):
            store.commit(entries(store, b"small", large), [], [("users", "key", b"")], [])
        assert store.position == 1
        assert said(store) == [b"before"]
        assert store.owed() == []

    pragma(store, "max_page_count = 1000000")
    say(store, b"small", large)
    assert said(store) == [b"before", b"small", large]


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Like a full disk: no file of this process may hold one byte more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_finds_no_room_at_its_start_can_begin_later(path: Path) -> None:
    with no_room(), pytest.raises(StoreUnavailable):
        Store.open(path, ROOMS_SCHEMA)

    store = Store.open(path, ROOMS_SCHEMA)
    say(store, b"one")
    assert said(store) == [b"one"]
    store.close()


def test_while_another_one_writes_commits_are_refused_and_reads_go_on(
    store: Store, path: Path
) -> None:
    say(store, b"before")
    pragma(store, "busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="locked"):
        say(store, b"meanwhile")
    assert said(store) == [b"before"]

    other.execute("ROLLBACK")
    other.close()
    say(store, b"after")
    assert store.position == 2
