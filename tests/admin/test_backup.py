"""A backup is whole or not there, and only what is whole is restored."""

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import cast

import pytest
from click.testing import CliRunner, Result

from zchat.admin.cli import main
from zchat.admin.commands import backup
from zchat.admin.commands.verify import verify_folder
from zchat.eventlog import read_only
from zchat.eventlog.database import StoreUnavailable, WriterLock, kept_before
from zchat.eventlog.read_only import copy_all, open_read_only

from .data import damaging, make_data


@pytest.fixture
def var(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir(mode=0o700)
    make_data(tmp_path / "var" / "data")
    return tmp_path / "var"


def admin(var: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [words[0], "--var", str(var), *words[1:]])


def backed_up(var: Path) -> Path:
    result = admin(var, "backup", str(var.parent / "backups"), "--json")
    assert result.exit_code == 0, result.output
    return Path(json.loads(result.output)["folder"])


def test_a_backup_says_what_it_holds_and_is_closed_to_others(var: Path) -> None:
    folder = backed_up(var)

    made = backup.read_manifest(folder)
    assert made.one_moment
    assert made.files.keys() == {"users.sqlite", "rooms-0.sqlite"}
    assert made.files["rooms-0.sqlite"].logs == 1
    assert made.files["rooms-0.sqlite"].position == 9
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert list(backup.wrong_sums(folder, made)) == []
    assert not any(report.findings for report in verify_folder(folder).values())


def test_a_backup_that_fails_leaves_nothing(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(backup, "write_manifest", fail)
    result = admin(var, "backup", str(var.parent / "backups"))
    assert (result.exit_code, "no space left" in result.output) == (1, True)
    assert list((var.parent / "backups").iterdir()) == []


def test_what_a_killed_backup_left_is_removed_and_what_another_makes_is_not(var: Path) -> None:
    target = var.parent / "backups"
    killed, alive = target / ".partial-killed", target / ".partial-alive"
    for left in (killed, alive):
        left.mkdir(parents=True)
    descriptor = os.open(alive, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    backed_up(var)
    os.close(descriptor)
    assert alive.exists()
    assert not killed.exists()


def test_the_note_of_it_is_for_its_owner_only(var: Path) -> None:
    former = os.umask(0o022)
    try:
        backed_up(var)
    finally:
        os.umask(former)
    assert (var / "last-backup").stat().st_mode & 0o777 == 0o600


def test_damage_is_backed_up_and_said(var: Path) -> None:
    with damaging(var / "data" / "rooms-0.sqlite") as database:
        database.execute("DELETE FROM members")
    result = admin(var, "backup", str(var.parent / "backups"))
    assert result.exit_code == 1
    assert "rooms-0.sqlite: ann is in garden by its timeline" in result.output


def test_damage_is_restored_if_there_is_nothing_better(var: Path) -> None:
    with damaging(var / "data" / "rooms-0.sqlite") as database:
        database.execute("DELETE FROM members")
    admin(var, "backup", str(var.parent / "backups"))
    (folder,) = (var.parent / "backups").iterdir()
    (var / "data").rename(var / "old")
    result = admin(var, "restore", str(folder))
    assert (result.exit_code, "restored with --damaged" in result.output) == (1, True)
    result = admin(var, "restore", str(folder), "--damaged")
    assert (result.exit_code, "zchat-admin verify says what" in result.output) == (0, True)
    assert (var / "data" / "rooms-0.sqlite").exists()


def test_without_data_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    result = admin(tmp_path, "backup", str(tmp_path / "backups"))
    assert (result.exit_code, "there is no database" in result.output) == (1, True)


class Late:
    """A connection before whose first transaction somebody commits to both databases."""

    def __init__(self, connection: sqlite3.Connection, commit: Callable[[], None]) -> None:
        self._connection, self._commit = connection, commit
        self.rollback = connection.rollback
        self.begun = 0

    def execute(self, statement: str) -> sqlite3.Cursor:
        if statement == "BEGIN":
            self.begun += 1
            if self.begun == 1:
                self._commit()
        return self._connection.execute(statement)


def test_copies_of_two_databases_are_of_one_moment(tmp_path: Path) -> None:
    with ExitStack() as opened:
        first, second = (
            opened.enter_context(closing(sqlite3.connect(tmp_path / name, isolation_level=None)))
            for name in ("first", "second")
        )
        for database in (first, second):
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE count (n INTEGER)")
            database.execute("INSERT INTO count VALUES (0)")

        def commit() -> None:
            for database in (first, second):
                database.execute("UPDATE count SET n = n + 1")

        one, other, *watchers = (
            opened.enter_context(open_read_only(tmp_path / name))
            for name in ("first", "second", "first", "second")
        )
        late = Late(other, commit)
        assert read_only._begin_together([one, cast(sqlite3.Connection, late)], watchers)
        assert late.begun == 2
        commit()
        counts = [c.execute("SELECT n FROM count").fetchone()[0] for c in (one, other)]
        assert counts == [1, 1]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        copy_all([tmp_path / "none.sqlite"], tmp_path)


# --- Restore --------------------------------------------------------------------------------------


def test_what_is_restored_is_what_was_backed_up(var: Path) -> None:
    folder = backed_up(var)
    (var / "data").rename(var / "old")

    result = admin(var, "restore", str(folder))
    assert result.exit_code == 0, result.output
    for name, file in backup.read_manifest(folder).files.items():
        assert backup.sha256(var / "data" / name) == file.sha256
        assert (var / "data" / name).stat().st_mode & 0o777 == 0o600
    assert (var / "data").stat().st_mode & 0o777 == 0o700
    assert {path.name for path in (var / "data").iterdir()} == {"users.sqlite", "rooms-0.sqlite"}


def test_data_that_is_there_is_not_replaced(var: Path) -> None:
    result = admin(var, "restore", str(backed_up(var)))
    assert result.exit_code == 1
    assert "is not empty" in result.output
    assert f"mv {var / 'data'} {var / 'data'}.old" in result.output


@pytest.mark.parametrize("name", ["data/rooms-0.sqlite.lock", "run/router.lock"])
def test_nothing_is_restored_under_a_cluster_that_runs(var: Path, name: str) -> None:
    folder = backed_up(var)
    (var / "data").rename(var / "old")
    (var / name).parent.mkdir(exist_ok=True)
    lock = WriterLock(var / name)
    result = admin(var, "restore", str(folder))
    lock.close()
    assert (result.exit_code, "stop the whole cluster first" in result.output) == (1, True)


def test_nothing_is_restored_under_supervisord(var: Path) -> None:
    folder = backed_up(var)
    (var / "data").rename(var / "old")
    (var / "supervisord.pid").write_text(f"{os.getpid()}\n")
    assert f"supervisord runs as process {os.getpid()}" in admin(var, "restore", str(folder)).output


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: (folder / "users.sqlite").unlink(), "users.sqlite is missing"),
        (lambda folder: (folder / "users.sqlite").write_bytes(b"x"), "its sum is another one"),
        (lambda folder: (folder / "manifest.json").unlink(), "has no manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "not as it was written"),
        (
            lambda folder: (folder / "manifest.json").write_text(
                (folder / "manifest.json").read_text().replace('"format": 1', '"format": 9')
            ),
            "has the format 9",
        ),
        (
            lambda folder: (folder / "manifest.json").write_text(
                (folder / "manifest.json").read_text().replace('"users', '"../users')
            ),
            "which is no database",
        ),
    ],
)
def test_what_is_no_whole_backup_is_not_restored(var: Path, damage: object, why: str) -> None:
    folder = backed_up(var)
    (var / "data").rename(var / "old")
    assert callable(damage)
    damage(folder)
    result = admin(var, "restore", str(folder))
    assert (result.exit_code, why in result.output) == (1, True), result.output
    assert list((var / "data").glob("*.sqlite")) == []
    if (folder / "manifest.json").exists():
        assert admin(var, "verify", str(folder)).exit_code == 1


def test_a_stranger_in_a_backup_of_one_moment_is_found(var: Path) -> None:
    with damaging(var / "data" / "rooms-0.sqlite") as database:
        database.execute("UPDATE members SET \"user\" = 'zoe' WHERE \"user\" = 'bob'")
    admin(var, "backup", str(var.parent / "backups"))
    (folder,) = (var.parent / "backups").iterdir()
    findings = verify_folder(folder)["together"].findings
    assert findings == ["rooms-0.sqlite has the member zoe, and there is no such user"]


def test_the_service_that_owes_is_copied_first(var: Path) -> None:
    names = [path.name for path in backup.databases_in(var / "data")]
    assert names == ["users.sqlite", "rooms-0.sqlite"]


# --- One database, as it was before a migration ---------------------------------------------------


@pytest.fixture
def copy(var: Path) -> Path:
    """Kept before something was changed that is in the WAL alone."""
    path = var / "data/users.sqlite"
    with closing(sqlite3.connect(path)) as connection, kept_before(connection, path) as kept:
        connection.execute("UPDATE users SET created_at_ms = 77")
        connection.commit()
    return kept


def created(path: Path) -> set[int]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT created_at_ms FROM users")}


def test_a_database_is_put_back_and_the_newer_one_stays_beside_it(var: Path, copy: Path) -> None:
    rooms = (var / "data/rooms-0.sqlite").read_bytes()
    before = created(copy)
    result = admin(var, "restore", str(copy), "--json")
    assert result.exit_code == 0, result.output
    assert created(var / "data/users.sqlite") == before
    assert 77 not in before
    replaced = Path(json.loads(result.output)["replaced"])
    assert created(replaced) == {77}
    assert (var / "data/rooms-0.sqlite").read_bytes() == rooms
    assert admin(var, "verify").exit_code == 0
    # And once more, which replaces no copy.
    again = admin(var, "restore", str(copy), "--json")
    assert Path(json.loads(again.output)["replaced"]) != replaced


def test_what_the_wal_of_the_newer_one_says_is_not_added_to_the_copy(var: Path, copy: Path) -> None:
    place = var / "data/users.sqlite"
    killed = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA journal_mode = WAL'); "
        "c.execute('UPDATE users SET created_at_ms = 99'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", killed, str(place)], check=False)
    assert place.with_name("users.sqlite-wal").stat().st_size
    result = admin(var, "restore", str(copy), "--json")
    assert created(place) == created(copy)
    assert created(Path(json.loads(result.output)["replaced"])) == {99}


def test_a_database_is_not_put_back_under_a_cluster_that_runs(var: Path, copy: Path) -> None:
    lock = WriterLock(var / "data/users.sqlite.lock")
    result = admin(var, "restore", str(copy))
    lock.close()
    assert result.exit_code == 1
    assert "stop the whole cluster first" in result.output
    assert created(var / "data/users.sqlite") == {77}


def test_a_copy_that_is_damaged_or_of_nothing_here_is_not_put_back(var: Path, copy: Path) -> None:
    stranger = copy.with_name("strangers.sqlite")
    copy.rename(stranger)
    assert "in the place of which it could be put" in admin(var, "restore", str(stranger)).output
    copy.write_bytes(b"rubbish" * 1000)
    assert "nothing was restored" in admin(var, "restore", str(copy)).output
    assert created(var / "data/users.sqlite") == {77}
