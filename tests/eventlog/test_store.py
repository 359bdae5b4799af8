"""What the store promises: all or nothing, once, in order, by one writer, and still there later."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from zchat.eventlog.core.idempotency import Answer, Key
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.database import writing
from zchat.eventlog.store import (
    Appended,
    Owed,
    Store,
    StoredEntry,
    Thread,
)
from zchat.eventlog.tables import LOG_SCHEMA, answers, nonces_written, outbox
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.nonces import nonce
from zchat.rooms.store.tables import ROOMS_SCHEMA, rooms

UNBOUNDED = 1 << 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.open(path, ROOMS_SCHEMA)
    yield store
    store.close()


def entries(
    store: Store,
    log: str,
    frames: list[bytes],
    *,
    nonce: bytes | None = None,
    thread: str | None = None,
) -> list[Appended]:
    """`frames` as the next entries of `log`, all by alice."""
    head = store.heads([log])[log]
    return [
        Appended(store.position + n, log, head + n, "alice", nonce, thread, frame)
        for n, frame in enumerate(frames, 1)
    ]


def append(store: Store, log: str, *frames: bytes, thread: str | None = None) -> None:
    store.commit(entries(store, log, list(frames), thread=thread), [], [], [])


def frames_of(page: list[StoredEntry]) -> list[bytes]:
    return [entry.frame for entry in page]


# --- One commit -----------------------------------------------------------------------------------


def test_a_commit_holds_entries_writes_and_what_is_owed(store: Store) -> None:
    owed = store.commit(
        entries(store, "#garden", [b"one", b"two"]),
        [(insert(rooms), [{"name": "garden", "created_at_ms": 5}])],
        [("rooms/0", "open garden", b"open"), ("users", "greet", b"hello")],
        [],
    )

    assert store.position == 2
    assert store.read_stream(0, 10, UNBOUNDED) == [
        StoredEntry(1, "#garden", 1, b"one"),
        StoredEntry(2, "#garden", 2, b"two"),
    ]
    assert store.select(select(rooms.c.name, rooms.c.topic)) == [("garden", "")]
    assert owed == [
        Owed(1, "rooms/0", "open garden", b"open"),
        Owed(2, "users", "greet", b"hello"),
    ]
    assert store.owed() == owed


def test_a_commit_that_fails_leaves_nothing_behind(store: Store) -> None:
    owed = store.commit([], [(insert(rooms), [{"name": "attic", "created_at_ms": 1}])], [], [])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(
            entries(store, "#garden", [b"one"]),
            [
                (insert(rooms), [{"name": "garden", "created_at_ms": 2}]),
                (insert(rooms), [{"name": "attic", "created_at_ms": 3}]),
            ],
            [("users", "greet", b"hello")],
            [],
        )

    assert owed == store.owed() == []
    assert store.position == 0
    assert store.read_stream(0, 10, UNBOUNDED) == []
    assert store.select(select(rooms.c.name)) == [("attic",)]
    append(store, "#garden", b"the store is still usable")


def test_writes_run_in_their_order(store: Store) -> None:
    store.commit(
        [],
        [
            (insert(rooms), [{"name": name, "created_at_ms": 0} for name in ("attic", "barn")]),
            (rooms.update().values(topic="old"), []),
            (rooms.delete().where(rooms.c.name == "attic"), []),
        ],
        [],
        [],
    )

    assert store.select(select(rooms.c.name, rooms.c.topic)) == [("barn", "old")]


def test_an_empty_commit_is_no_commit(store: Store) -> None:
    assert store.commit([], [], [], []) == []
    assert store.position == 0


def test_a_sequence_exists_once_in_its_log(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of places sees it, when it is written."""
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", 1)
    append(store, "#garden", b"one")
    with pytest.raises(IntegrityError):
        store.commit([Appended(2, "#garden", 1, "bob", None, None, b"other")], [], [], [])
    assert store.position == 1


def owe_within(store: Store, act: Callable[[], object]) -> None:
    with writing(store._connection):
        store._connection.execute(insert(outbox).values(address="a", key="b", body=b""))
        act()


def test_a_commit_is_not_made_in_two_parts(store: Store) -> None:
    """Whoever reads ends what it has begun, and so what somebody else has."""
    with pytest.raises(AssertionError, match="ended the transaction"):
        owe_within(store, lambda: store.heads(["#garden"]))

    assert store.owed() == []


def test_a_transaction_begins_in_no_other(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="inside a transaction"):
        owe_within(store, lambda: owe_within(store, lambda: None))

    assert store.owed() == []
    append(store, "#garden", b"one")


def test_positions_have_no_gaps(store: Store) -> None:
    append(store, "#garden", b"one")
    with pytest.raises(ValueError, match="position 3 does not follow 1"):
        store.commit([Appended(3, "#garden", 2, "bob", None, None, b"two")], [], [], [])


def test_what_is_settled_is_owed_no_more_and_its_id_never_returns(store: Store) -> None:
    first, second = store.commit([], [], [("users", "a", b"1"), ("users", "b", b"2")], [])
    store.commit([], [], [], [second.id])
    assert store.owed() == [first]

    [third] = store.commit([], [], [("users", "c", b"3")], [first.id])
    assert store.owed() == [third]
    assert third.id > second.id


def test_what_is_amended_is_read_so_wherever_it_stands(store: Store) -> None:
    append(store, "#garden", b"one", b"two")
    append(store, "#attic", b"other")
    appended = entries(store, "#garden", [b"three"])
    amended = [Amended("#garden", 1, b"one anew"), Amended("#garden", 3, b"three anew")]
    store.commit(appended, [], [], [], amended=amended)

    frames = [b"one anew", b"two", b"three anew"]
    assert frames_of(store.read_log("#garden", 0, 10, UNBOUNDED)) == frames
    assert store.read_history("#garden", 0, None, 10) == frames
    in_stream = [b"one anew", b"two", b"other", b"three anew"]
    assert frames_of(store.read_stream(0, 10, UNBOUNDED)) == in_stream
    assert store.position == 4


def test_what_is_amended_alone_is_a_commit_too(store: Store) -> None:
    append(store, "#garden", b"one")
    store.commit([], [], [], [], amended=[Amended("#garden", 1, b"one anew")])

    assert frames_of(store.read_log("#garden", 0, 10, UNBOUNDED)) == [b"one anew"]


def test_a_commit_that_fails_amends_nothing(store: Store) -> None:
    append(store, "#garden", b"one")
    twice = [(insert(rooms), [{"name": "garden", "created_at_ms": n}]) for n in (1, 2)]
    with pytest.raises(sqlite3.IntegrityError):
        store.commit([], twice, [], [], amended=[Amended("#garden", 1, b"one anew")])

    assert frames_of(store.read_log("#garden", 0, 10, UNBOUNDED)) == [b"one"]


# --- Nonces ---------------------------------------------------------------------------------------


CLIENT = b"a client"
REFUSED = Answer(None, 0, RefusalCode.NOT_A_MEMBER, "you are not in attic; join it first")
NOTHING_TO_DO = Answer("#garden", 0)


def test_a_nonce_leads_to_its_first_answer(store: Store) -> None:
    append(store, "#garden", b"one")
    done, no, nothing, unknown = (Key("alice", nonce(CLIENT, n)) for n in (1, 2, 3, 4))
    appended = entries(store, "#garden", [b"two"], nonce=done.nonce)
    store.commit(appended, [], [], [], [(no, REFUSED), (nothing, NOTHING_TO_DO)])

    of_another = Key("bob", done.nonce)
    assert store.first_answers([done, of_another, no, nothing, unknown]) == {
        done.author_and_nonce: Answer("#garden", 2),
        no.author_and_nonce: REFUSED,
        nothing.author_and_nonce: NOTHING_TO_DO,
    }


def test_nonces_are_found_wherever_the_index_has_come_to(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", 4)
    keys = [Key("alice", nonce(CLIENT, n)) for n in range(1, 14)]
    for reopened_every in (100, 3):
        store = Store.open(path, LOG_SCHEMA)
        for number, key in enumerate(keys, 1):
            store.commit(entries(store, "#garden", [b"text"], nonce=key.nonce), [], [], [])
            if number % reopened_every == 0:
                store.close()
                store = Store.open(path, LOG_SCHEMA)
            assert store.newest_nonces([("alice", CLIENT)]) == {("alice", CLIENT): key.nonce}
            assert list(store.first_answers(keys).values()) == [
                Answer("#garden", n) for n in range(1, number + 1)
            ]
        store.close()
        path.unlink()


def test_the_index_of_nonces_is_written_many_at_a_time_and_not_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", 2)
    store = Store.open(path, LOG_SCHEMA)
    written = []
    for number in range(1, 5):
        appended = entries(store, "#garden", [b"text"], nonce=nonce(CLIENT, number))
        store.commit(appended, [], [], [])
        written.append(store._connection.scalars(select(nonces_written.c.position)).all())
    assert written == [[0], [0], [3], [3]]

    store.close()
    store = Store.open(path, LOG_SCHEMA)
    assert store._connection.scalars(select(nonces_written.c.position)).all() == [3]
    store.close()


def test_a_nonce_that_comes_late_is_not_taken_for_the_newest(store: Store) -> None:
    for number in (9, 8):
        late = nonce(CLIENT, number)
        store.commit(entries(store, "#garden", [b"text"], nonce=late), [], [], [])

    assert store.newest_nonces([("alice", CLIENT)]) == {("alice", CLIENT): nonce(CLIENT, 9)}


def test_a_refusal_is_found_as_it_was_also_if_its_code_is_not_known_any_more(store: Store) -> None:
    known, newer = (Key("alice", nonce(CLIENT, number)) for number in (1, 2))
    refused = Answer("#garden", 0, RefusalCode.NOT_A_MEMBER, "join it first")
    store.commit([], [], [], [], [(known, refused), (newer, refused)])
    of_newer = update(answers).where(answers.c.nonce == newer.nonce).values(code="out_of_tea")
    store.commit([], [(of_newer, [])], [], [])

    assert list(store.first_answers([known, newer]).values()) == [
        refused,
        Answer("#garden", 0, RefusalCode.OTHER, "join it first"),
    ]


def test_a_commit_that_fails_leaves_the_nonces_as_they_were(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", 1)
    first, second = (Key("alice", nonce(CLIENT, n)) for n in (1, 2))
    store.commit(entries(store, "#garden", [b"one"], nonce=first.nonce), [], [], [])
    appended = entries(store, "#garden", [b"two"], nonce=second.nonce)
    with pytest.raises(OperationalError):
        store.commit(appended, [(text("DELETE FROM nowhere"), [])], [], [])

    assert store.first_answers([first, second]) == {first.author_and_nonce: Answer("#garden", 1)}
    store.commit(entries(store, "#garden", [b"two"], nonce=second.nonce), [], [], [])
    assert len(store.first_answers([first, second])) == 2


def test_the_newest_nonce_of_a_client_may_be_that_of_an_entry_or_of_an_answer(store: Store) -> None:
    store.commit(entries(store, "#garden", [b"one"], nonce=nonce(CLIENT, 300)), [], [], [])
    store.commit([], [], [], [], [(Key("alice", nonce(CLIENT, 299)), REFUSED)])
    store.commit([], [], [], [], [(Key("bob", nonce(CLIENT, 2)), REFUSED)])
    last = nonce(b"\xff" * 8, 2**64 - 1)
    store.commit([], [], [], [], [(Key("alice", last), REFUSED)])

    store.commit([], [], [], [], [(Key("dora", nonce(CLIENT, 0)), REFUSED)])

    clients = [
        *(("alice", CLIENT), ("bob", CLIENT), ("alice", b"\xff" * 8), ("carl", CLIENT)),
        ("dora", CLIENT),
    ]
    newest = [nonce(CLIENT, 300), nonce(CLIENT, 2), last, b"", nonce(CLIENT, 0)]
    assert store.newest_nonces(clients) == dict(zip(clients, newest, strict=True))


def test_the_oldest_answers_are_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWERS_MAX", 3)
    keys = [Key("alice", nonce(CLIENT, n)) for n in range(1, 8)]
    for key in keys:
        store.commit([], [], [], [], [(key, REFUSED)])
    assert list(store.first_answers(keys)) == [key.author_and_nonce for key in keys[-3:]]


# --- Reading --------------------------------------------------------------------------------------


def test_heads_are_zero_where_nothing_was_said(store: Store) -> None:
    append(store, "#garden", b"one", b"two")
    append(store, "#attic", b"one")

    assert store.heads(["#garden", "#attic", "#barn"]) == {"#garden": 2, "#attic": 1, "#barn": 0}


def test_a_page_ends_with_the_entry_that_fills_it(store: Store) -> None:
    append(store, "#garden", b"aaa", b"bbb", b"ccc", b"ddd")

    assert frames_of(store.read_log("#garden", 0, 10, 5)) == [b"aaa", b"bbb"]
    assert frames_of(store.read_log("#garden", 0, 10, 6)) == [b"aaa", b"bbb"]
    assert frames_of(store.read_log("#garden", 1, 10, 1)) == [b"bbb"]
    assert frames_of(store.read_log("#garden", 0, 3, UNBOUNDED)) == [b"aaa", b"bbb", b"ccc"]
    assert frames_of(store.read_log("#garden", 4, 10, UNBOUNDED)) == []
    assert frames_of(store.read_stream(1, 10, 4)) == [b"bbb", b"ccc"]
    assert frames_of(store.read_stream(0, 1, UNBOUNDED)) == [b"aaa"]


_logs = st.sampled_from(["#garden", "#attic", "@alice"])
_frames = st.binary(max_size=40)


@given(
    said=st.lists(st.tuples(_logs, _frames), max_size=60),
    beat=st.integers(1, 10),
    entries_max=st.integers(1, 20),
    bytes_max=st.integers(1, 200),
)
def test_pages_put_together_are_the_logs(
    said: list[tuple[str, bytes]], beat: int, entries_max: int, bytes_max: int
) -> None:
    store = Store.open(None, LOG_SCHEMA)
    by_log: dict[str, list[StoredEntry]] = {}
    stream: list[StoredEntry] = []
    for position, (log, frame) in enumerate(said, 1):
        entry = StoredEntry(position, log, len(by_log.setdefault(log, [])) + 1, frame)
        by_log[log].append(entry)
        stream.append(entry)
    for start in range(0, len(stream), beat):
        appended = [
            Appended(entry.position, entry.log, entry.sequence, "alice", None, None, entry.frame)
            for entry in stream[start : start + beat]
        ]
        store.commit(appended, [], [], [])

    read: list[StoredEntry] = []
    while page := store.read_stream(read[-1].position if read else 0, entries_max, bytes_max):
        read += page
    assert read == stream
    for log, expected in by_log.items():
        read = []
        while page := store.read_log(log, len(read), entries_max, bytes_max):
            read += page
        assert read == expected
    assert store.heads(by_log) == {log: len(expected) for log, expected in by_log.items()}
    store.close()


def test_history_is_the_newest_between_floor_and_before(store: Store) -> None:
    append(store, "#garden", b"1", b"2", b"3", b"4", b"5")
    append(store, "#attic", b"elsewhere")

    assert store.read_history("#garden", 0, None, 2) == [b"4", b"5"]
    assert store.read_history("#garden", 0, 4, 2) == [b"2", b"3"]
    assert store.read_history("#garden", 2, 5, 10) == [b"3", b"4"]
    assert store.read_history("#garden", 5, None, 10) == []


def test_history_of_a_thread_is_that_conversation_only(store: Store) -> None:
    append(store, "@alice", b"registered")
    append(store, "@alice", b"1", b"2", thread="bob")
    append(store, "@alice", b"aside", thread="carol")
    append(store, "@alice", b"3", thread="bob")
    append(store, "@dave", b"not alice's", thread="bob")

    assert store.read_history("@alice", 0, None, 10, "bob") == [b"1", b"2", b"3"]
    assert store.read_history("@alice", 2, None, 10, "bob") == [b"2", b"3"]
    assert store.read_history("@alice", 0, 5, 1, "bob") == [b"2"]
    assert store.read_history("@alice", 0, None, 10, "erin") == []


def test_reads_walk_over_no_more_than_they_return(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large log must not be slower to read from than a small one: every read has an index."""
    monkeypatch.setattr(limits, "PLACES_UNWRITTEN_MAX", 0)
    append(store, "@alice", *[b"x"] * 2000, thread="bob")
    statements: list[str] = []
    driver: Any = store._connection.connection.dbapi_connection
    driver.set_trace_callback(statements.append)

    store.read_log("@alice", 5, 10, UNBOUNDED)
    store.read_stream(5, 10, UNBOUNDED)
    store.read_history("@alice", 0, 1000, 10)
    store.read_history("@alice", 0, 1000, 10, "bob")
    store.heads(["@alice"])
    store.logs_after("", 1)
    store.threads_after("@alice", "", 1)
    store.first_answers([Key("alice", nonce(CLIENT, 1))])
    store.newest_nonces([("alice", CLIENT)])
    store.commit([], [], [], [], [(Key("alice", nonce(CLIENT, 1)), REFUSED)])

    driver.set_trace_callback(None)
    statements = [one for one in statements if one.startswith(("SELECT", "DELETE"))]
    assert len(statements) == 14
    with sqlite3.connect(path) as reader:
        for statement in statements:
            plan = [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {statement}")]
            steps = [step for step in plan if step.startswith(("SCAN", "USE TEMP"))]
            assert steps == [], statement[:200]
    reader.close()


def test_a_mistake_of_ours_is_no_trouble_with_the_disk(store: Store) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        store.commit([], [(text("DELETE FROM nowhere"), [])], [], [])
    append(store, "#garden", b"the store is still usable")


# --- The conversations of a log -------------------------------------------------------------------

THREADS = [("@me", "bob"), ("@me", None), ("@me", "ann"), ("@you", "carl"), ("@me", "bob")]


@pytest.fixture
def with_threads() -> Iterator[Store]:
    """With bob at 1 and 4, ann at 3, something of no conversation at 2, and somebody else's log."""
    heads: dict[str, int] = {}
    appended: list[Appended] = []
    for position, (log, thread) in enumerate(THREADS, start=1):
        sequence = heads[log] = heads.get(log, 0) + 1
        frame = b"%d" % position
        appended.append(Appended(position, log, sequence, "ann", None, thread, frame))
    with contextlib.closing(Store.open(None, LOG_SCHEMA)) as store:
        store.commit(appended, [], [], [])
        yield store


def test_each_conversation_comes_once_in_the_order_of_their_names(with_threads: Store) -> None:
    assert with_threads.threads_after("@me", "", 10) == [Thread("ann", 3), Thread("bob", 4)]
    assert with_threads.threads_after("@nobody", "", 10) == []


def test_conversations_come_a_page_at_a_time(with_threads: Store) -> None:
    assert with_threads.threads_after("@me", "", 1) == [Thread("ann", 3)]
    assert with_threads.threads_after("@me", "ann", 1) == [Thread("bob", 4)]
    assert with_threads.threads_after("@me", "bob", 1) == []
