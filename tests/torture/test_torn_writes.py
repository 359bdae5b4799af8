"""Torn writes, a few of each kind, and whether they would be noticed if they did harm."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from torture.consistency import Broken, check_whole
from torture.crash_copies import copy_as_after_a_crash, reading, wal_of
from torture.histories import Evidence, of_services
from torture.torn_writes import Damage, check, hurt
from torture.wal import frames
from zchat.eventlog.store import Store
from zchat.rooms.store.tables import ROOMS_SCHEMA

SEED = 5
BEATS = 24
OFFSETS = 6


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> list[Evidence]:
    """Of both services, each with a fresh WAL and with one begun anew."""
    return list(of_services(tmp_path_factory.mktemp("histories"), SEED, BEATS))


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("damage", Damage)
def test_whatever_is_torn_what_was_committed_before_is_there(
    histories: list[Evidence], number: int, damage: Damage, tmp_path: Path
) -> None:
    tally = hurt(histories[number], damage, OFFSETS, SEED, tmp_path)
    assert tally["damages"] == OFFSETS
    assert tally["commits kept"] > 0
    if damage is Damage.CHECKPOINT:
        assert tally["commits dropped"] == 0


def test_commits_are_durable_before_they_return(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "rooms.sqlite", ROOMS_SCHEMA)
    pragmas = {
        name: store._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        for name in ("journal_mode", "synchronous")
    }
    store.close()
    # 2 is FULL: each commit ends with an fsync of the WAL.
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


# --- Whether it would be noticed ------------------------------------------------------------------


def test_a_commit_that_is_gone_is_noticed(histories: list[Evidence], tmp_path: Path) -> None:
    evidence = histories[0]
    copy = copy_as_after_a_crash(evidence.database, tmp_path)
    whole = wal_of(copy).read_bytes()
    wal_of(copy).write_bytes(whole[: evidence.commits[-2].end_bytes])
    with pytest.raises(Broken, match="not as of the last commit"):
        check(evidence, copy, damaged_from=len(whole))


@pytest.mark.parametrize(
    ("number", "change", "noticed"),
    [
        (0, "delete from members", "members"),
        (0, "insert into outbox values (99, 'rooms/1', 'open room nowhere', 'x')", "owes"),
        (0, "delete from entries where position = 3", "4 comes after 2"),
        (0, "delete from nonces", "index of nonces"),
        (2, "update users set ended = 1", "has ended"),
    ],
)
def test_half_a_commit_is_noticed(
    histories: list[Evidence], tmp_path: Path, number: int, change: str, noticed: str
) -> None:
    copy = copy_as_after_a_crash(histories[number].database, tmp_path)
    with reading(copy) as connection:
        check_whole(connection)
    with sqlite3.connect(copy) as database:
        assert database.execute(change).rowcount
    database.close()
    with reading(copy) as connection, pytest.raises(Broken, match=noticed):
        check_whole(connection)


def _flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda wal: wal[:at] + bytes([wal[at] ^ 1]) + wal[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda wal: wal[:31], 0),
        (_flipped(5), 0),
        (lambda wal: wal[: 32 + 4_120 * 2 - 1], 1),
        (_flipped(32 + 4_120 * 2), 2),
        (_flipped(32 + 4_120 * 3 - 1), 2),
    ],
)
def test_a_wal_ends_before_its_first_bad_frame(
    histories: list[Evidence], damage: Callable[[bytes], bytes], left: int
) -> None:
    wal = wal_of(histories[0].database).read_bytes()
    assert len(list(frames(wal))) > 2
    assert len(list(frames(damage(wal)))) == left
