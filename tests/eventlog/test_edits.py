"""What messages have said before is kept by message, and goes with it."""

from collections.abc import Iterator

import pytest

from zchat.eventlog.core.changes import Edit, ForgetEdits, Removal
from zchat.eventlog.edits import read, statements
from zchat.eventlog.store import Appended, Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol import limits
from zchat.protocol.messages import EditInfo
from zchat.protocol.rules.costs import exhausted


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open(None, LOG_SCHEMA)
    entries = [Appended(n, "#garden", n, "ann", None, None, b"frame") for n in (1, 2)]
    changes = [
        Edit("#garden", 1, 10, "one"),
        Edit("#garden", 2, 11, "two"),
        Edit("#garden", 1, 12, "once"),
    ]
    store.commit(entries, statements(changes), [], [])
    yield store
    store.close()


def test_they_are_read_by_message_oldest_first(store: Store) -> None:
    assert exhausted(read(store, "#garden", 1)) == [EditInfo(10, "one"), EditInfo(12, "once")]
    assert exhausted(read(store, "#garden", 2)) == [EditInfo(11, "two")]
    assert exhausted(read(store, "#attic", 1)) == []


def test_of_very_many_the_newest_are_read(store: Store) -> None:
    many = range(100, 101 + limits.HISTORY_ENTRIES_MAX)
    store.commit([], statements([Edit("#garden", 2, n, "more") for n in many]), [], [])

    assert [edit.at_ms for edit in exhausted(read(store, "#garden", 2))] == list(many[1:])


def test_those_of_one_message_are_forgotten_and_what_comes_after_that_is_kept(
    store: Store,
) -> None:
    changes: list[Edit | ForgetEdits] = [
        Edit("#garden", 1, 13, "and again"),
        ForgetEdits("#garden", 1),
        Edit("#garden", 1, 14, "after that"),
    ]
    store.commit([], statements(changes), [], [])

    assert exhausted(read(store, "#garden", 1)) == [EditInfo(14, "after that")]
    assert exhausted(read(store, "#garden", 2)) == [EditInfo(11, "two")]


def test_they_are_removed_with_their_message(store: Store) -> None:
    store.commit([], [], [], [], removed=[Removal("#garden", 1)])

    assert exhausted(read(store, "#garden", 1)) == []
    assert exhausted(read(store, "#garden", 2)) == [EditInfo(11, "two")]
