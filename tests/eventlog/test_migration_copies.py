"""Before a migration a database is copied, and that copy is the way back."""

import shutil
import sqlite3
import stat
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from zchat.eventlog import database
from zchat.eventlog.database import NoRoom, kept_before
from zchat.eventlog.schema import migration_config
from zchat.eventlog.store import Store
from zchat.users.store.tables import USERS_SCHEMA


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database as the first release made it, with a guest in it."""
    path = tmp_path / "var" / "data" / "users.sqlite"
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = migration_config(USERS_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = USERS_SCHEMA.metadata
        command.upgrade(config, "log_0001")
        command.upgrade(config, "users_0001")
        connection.exec_driver_sql(
            "INSERT INTO users (name, created_at_ms, inbox_floor) VALUES ('ann', 1, 0)"
        )
    engine.dispose()
    return path


def kept_in(path: Path) -> list[str]:
    folder = path.parent.with_name("before")
    return sorted(copy.relative_to(folder).as_posix() for copy in folder.rglob("*"))


def revisions(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}


def test_a_database_is_kept_as_it_was_and_closed_to_others(path: Path) -> None:
    store = Store.open(path, USERS_SCHEMA)
    assert store.kept is not None
    store.close()
    assert revisions(path) == USERS_SCHEMA.revisions
    assert revisions(store.kept) == {"log_0001", "users_0001"}
    with closing(sqlite3.connect(store.kept)) as connection:
        assert connection.execute("SELECT name FROM users").fetchall() == [("ann",)]
    assert stat.S_IMODE(store.kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.kept.parent.stat().st_mode) == 0o700


def test_what_is_in_the_wal_alone_is_kept_as_well(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(
            "INSERT INTO users (name, created_at_ms, inbox_floor) VALUES ('bob', 1, 0)"
        )
        store = Store.open(path, USERS_SCHEMA)
        assert store.kept is not None
    with closing(sqlite3.connect(store.kept)) as copy:
        assert copy.execute("SELECT count(*) FROM users").fetchone() == (2,)
    store.close()


def test_nothing_is_copied_without_a_migration(path: Path, tmp_path: Path) -> None:
    for _ in range(2):
        new = Store.open(tmp_path / "other" / "data" / "users.sqlite", USERS_SCHEMA)
        assert new.kept is None
        new.close()
    assert not (tmp_path / "other" / "before").exists()


def test_a_migration_that_fails_leaves_no_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has changed nothing, and is tried again: each time a copy would be one too many."""

    def fail(*_: object) -> None:
        assert len(kept_in(path)) == 2
        raise RuntimeError("in the middle")

    monkeypatch.setattr(database, "migrate", fail)
    with pytest.raises(RuntimeError):
        Store.open(path, USERS_SCHEMA)
    assert kept_in(path) == []
    assert revisions(path) == {"log_0001", "users_0001"}


def test_without_room_nothing_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0))
    with pytest.raises(NoRoom, match="takes 1 MiB, and 0 MiB are free; make room there"):
        Store.open(path, USERS_SCHEMA)
    assert kept_in(path) == []
    assert revisions(path) == {"log_0001", "users_0001"}


def test_a_copy_that_was_killed_is_removed_by_the_next(path: Path) -> None:
    folder = path.parent.with_name("before")
    (folder / ".partial-x-users").mkdir(parents=True)
    (folder / ".partial-x-rooms-0").mkdir()
    Store.open(path, USERS_SCHEMA).close()
    assert not (folder / ".partial-x-users").exists()
    assert (folder / ".partial-x-rooms-0").exists()


def test_the_newest_copies_of_each_database_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = path.parent.with_name("before")
    for name in (
        "2020-01-01T000000Z-users",
        "2021-01-01T000000Z-users",
        "2022-01-01T000000Z-users",
    ):
        (folder / name).mkdir(parents=True)
    (folder / "2019-01-01T000000Z-rooms-0").mkdir()
    with closing(sqlite3.connect(path)) as connection, kept_before(connection, path) as kept:
        newest = kept.parent.name
    assert sorted(copy.name for copy in folder.iterdir()) == [
        "2019-01-01T000000Z-rooms-0",
        "2021-01-01T000000Z-users",
        "2022-01-01T000000Z-users",
        newest,
    ]
    assert folder.name == database.BEFORE_FOLDER
