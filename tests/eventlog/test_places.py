"""Entries are found in their log and conversation, wherever the index of places has come to."""

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from zchat.eventlog.core.changes import Removal, ThreadRenamed
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.store import Appended, Store, Thread
from zchat.eventlog.tables import LOG_SCHEMA, WHOLE_LOG, places, places_written
from zchat.eventlog.verify import verify
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import Entry, MessagePosted

UNBOUNDED = 1 << 30
LOGS = ("@ann", "@bob", "#garden")
THREADS = ("carl", "dora", None)

every_bound = pytest.mark.parametrize("unwritten_max", [1, 5, 4096])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


class Stored(NamedTuple):
    sequence: int
    thread: str | None
    frame: bytes


class Model:
    """What logs should hold; it gives the next entries their numbers, as a service does."""

    def __init__(self) -> None:
        self.logs: dict[str, list[Stored]] = {log: [] for log in LOGS}
        self.heads = dict.fromkeys(LOGS, 0)
        self.position = 0

    def next(self, log: str, thread: str | None) -> Appended:
        self.position += 1
        self.heads[log] = sequence = self.heads[log] + 1
        frame = encode(Entry(log, sequence, 1, "ann", MessagePosted(f"the {sequence}th")))
        self.logs[log].append(Stored(sequence, thread, frame))
        return Appended(self.position, log, sequence, "ann", None, thread, frame)

    def agrees_with(self, store: Store) -> None:
        assert store.heads(LOGS) == self.heads
        names = sorted(log for log, stored in self.logs.items() if stored)
        assert store.logs_after("", 10) == names
        assert store.logs_after("#garden", 1) == [name for name in names if name > "#garden"][:1]
        for log, stored in self.logs.items():
            self._agrees_in_log(store, log, stored)

    def _agrees_in_log(self, store: Store, log: str, stored: list[Stored]) -> None:
        for after in (0, *(one.sequence for one in stored)):
            read = store.read_log(log, after, 3, UNBOUNDED)
            due = [(one.sequence, one.frame) for one in stored if one.sequence > after][:3]
            assert [(one.sequence, one.frame) for one in read] == due
        for thread in (None, *(name for name in THREADS if name)):
            frames = [one.frame for one in stored if thread in {None, one.thread}]
            assert store.read_history(log, 0, None, 1000, thread) == frames
            for floor, before in ((0, 4), (2, 9), (5, 6)):
                between = [
                    one.frame
                    for one in stored
                    if floor < one.sequence < before and thread in {None, one.thread}
                ]
                assert store.read_history(log, floor, before, 2, thread) == between[-2:]
        heads = {one.thread: one.sequence for one in stored if one.thread}
        threads = [Thread(name, heads[name]) for name in sorted(heads)]
        assert store.threads_after(log, "", 10) == threads
        assert store.threads_after(log, "carl", 1) == [one for one in threads if one.name > "carl"]


@every_bound
@pytest.mark.parametrize("seed", range(3))
def test_entries_are_found_wherever_the_index_has_come_to(
    path: Path, unwritten_max: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done to them, and whenever the store is opened anew."""
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", unwritten_max)
    random_ = random.Random(seed)
    model, store = Model(), Store.open(path, LOG_SCHEMA)
    for _ in range(60):
        appended = [
            model.next(random_.choice(LOGS), random_.choice(THREADS))
            for _ in range(random_.randrange(4))
        ]
        log = random_.choice(LOGS)
        stored = model.logs[log]
        # Of what is done to one of them, also if it was only appended with this commit.
        removed: list[Removal] = []
        amended: list[Amended] = []
        match random_.randrange(8):
            case 0 if stored:
                model.logs[log] = stored[2:]
                removed = [Removal(log, stored[:2][-1].sequence)]
            case 1 if stored:
                at = random_.randrange(len(stored))
                stored[at] = stored[at]._replace(frame=b"amended")
                amended = [Amended(log, stored[at].sequence, b"amended")]
            case 2:
                store.close()
                store = Store.open(path, LOG_SCHEMA)
            case _:
                pass
        store.commit(appended, [], [], [], removed=removed, amended=amended)
        model.agrees_with(store)
    store.close()


@every_bound
def test_a_conversation_is_found_by_its_new_name(
    path: Path, unwritten_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", unwritten_max)
    model, store = Model(), Store.open(path, LOG_SCHEMA)
    appended = [model.next("@ann", thread) for thread in ("carl", "dora", "carl", "carl")]
    store.commit(appended, [], [], [])
    first = Amended("@ann", 1, b"amended", (("carl", "zoe"),))
    renamed = [ThreadRenamed("@ann", "carl", "erik")]
    for _ in range(2):
        store.commit([], [], [], [], amended=[first], forgotten=renamed)
        assert store.threads_after("@ann", "", 9) == [
            Thread("dora", 2),
            Thread("erik", 4),
            Thread("zoe", 1),
        ]
        assert store.read_history("@ann", 0, None, 9, "zoe") == [b"amended"]
        assert len(store.read_history("@ann", 0, None, 9, "erik")) == 2
        store.close()
        store = Store.open(path, LOG_SCHEMA)
    store.close()


# --- After a crash --------------------------------------------------------------------------------


def as_after_a_crash(path: Path, at: Path) -> Path:
    """What a killed process leaves: the files as they are while it has them open."""
    at.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(path.with_name(name), at / name)
    return at / path.name


def written_upto(path: Path) -> tuple[int, int]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        ((said,),) = database.execute("SELECT position FROM places_written")
        ((rows,),) = database.execute("SELECT coalesce(max(position), 0) FROM places")
    return said, rows


@pytest.fixture
def open_store(path: Path) -> Iterator[Store]:
    with contextlib.closing(Store.open(path, LOG_SCHEMA)) as store:
        yield store


def test_a_kill_between_commits_leaves_nothing_that_is_not_found(
    path: Path, open_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the index is written, with the commit that writes it, and after that."""
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", 3)
    model, seen = Model(), []
    for number in range(6):
        appended = [model.next("@ann", "carl"), model.next("@bob", None)]
        open_store.commit(appended, [], [], [])
        copy = as_after_a_crash(path, tmp_path / f"killed {number}")
        seen.append(written_upto(copy))
        with contextlib.closing(Store.open(copy, LOG_SCHEMA)) as store:
            model.agrees_with(store)
        assert verify(copy).findings == []
    assert seen == [(0, 0), (0, 0), (6, 6), (6, 6), (6, 6), (12, 12)]


def test_a_kill_within_the_commit_that_writes_the_index_leaves_what_was_before(
    path: Path, open_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", 2)
    model = Model()
    open_store.commit([model.next("@ann", "carl") for _ in range(2)], [], [], [])
    lost = [model.next("@ann", "carl")]
    copies: list[Path] = []

    def killed(*_: object) -> None:
        copies.append(as_after_a_crash(path, tmp_path / "killed"))

    # All of the commit has been executed by then, and the index is written.
    open_store._driver.create_function("killed", 0, killed)
    open_store.commit(lost, [(text("SELECT killed()"), [])], [], [])
    assert written_upto(copies[0]) == (0, 0)
    assert written_upto(path) == (3, 3)
    with contextlib.closing(Store.open(copies[0], LOG_SCHEMA)) as store:
        assert store.heads(["@ann"]) == {"@ann": 2}
        assert store.threads_after("@ann", "", 9) == [Thread("carl", 2)]
        store.commit(lost, [], [], [])
        model.agrees_with(store)
    assert verify(copies[0]).findings == []


def test_a_commit_that_fails_leaves_what_was_found_before(
    open_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", 2)
    model = Model()
    open_store.commit([model.next("@ann", "carl") for _ in range(2)], [], [], [])
    appended = [model.next("@ann", "carl")]
    with pytest.raises(OperationalError):
        open_store.commit(appended, [(text("DELETE FROM nowhere"), [])], [], [])
    assert open_store.threads_after("@ann", "", 9) == [Thread("carl", 2)]
    assert len(open_store.read_log("@ann", 0, 9, UNBOUNDED)) == 2

    open_store.commit(appended, [], [], [])
    model.agrees_with(open_store)


# --- What it costs --------------------------------------------------------------------------------


def test_the_index_is_written_many_at_a_time_and_a_start_reads_only_what_it_lacks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", 4)
    model, store = Model(), Store.open(path, LOG_SCHEMA)
    written = []
    for _ in range(5):
        store.commit([model.next("@ann", "carl"), model.next("@bob", None)], [], [], [])
        written.append(store._connection.scalar(select(places_written.c.position)))
        assert store._places._unwritten <= limits.PLACES_UNWRITTEN_MAX
    assert written == [0, 0, 6, 6, 6]
    store.close()

    store = Store.open(path, LOG_SCHEMA)
    assert store._places._unwritten == 4
    whole = select(places.c.position).where(places.c.thread == WHOLE_LOG)
    assert sorted(store._connection.scalars(whole)) == list(range(1, 7))
    store.close()


def test_no_read_writes(open_store: Store) -> None:
    """Or one who reads much would have everyone wait for the disk."""
    model = Model()
    open_store.commit([model.next("@ann", "carl") for _ in range(9)], [], [], [])
    before = open_store._driver.total_changes
    model.agrees_with(open_store)
    assert open_store._driver.total_changes == before


def test_a_writer_that_was_fenced_off_finds_no_entry_that_the_next_one_has_removed(
    open_store: Store, path: Path
) -> None:
    model = Model()
    open_store.commit([model.next("#garden", None) for _ in range(3)], [], [], [])
    with contextlib.closing(sqlite3.connect(path)) as other, other:
        other.execute("delete from entries where sequence < 3")
    assert [each.sequence for each in open_store.read_log("#garden", 0, 10, UNBOUNDED)] == [3]
