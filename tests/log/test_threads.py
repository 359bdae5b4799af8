"""The conversations of a log, found by its index."""

import contextlib
from collections.abc import Iterator

import pytest

from zchat.log.store import Appended, Store
from zchat.log.tables import LOG_SCHEMA
from zchat.log.threads import Thread, newest_threads

LOGS = [("@me", "bob"), ("@me", None), ("@me", "ann"), ("@you", "carl"), ("@me", "bob")]


@pytest.fixture
def store() -> Iterator[Store]:
    """With bob at 1 and 4, ann at 3, something of no conversation at 2, and somebody else's log."""
    heads: dict[str, int] = {}
    appended: list[Appended] = []
    for position, (log, thread) in enumerate(LOGS, start=1):
        sequence = heads[log] = heads.get(log, 0) + 1
        frame = b"%d" % position
        appended.append(Appended(position, log, sequence, "ann", None, thread, frame))
    with contextlib.closing(Store.open(None, LOG_SCHEMA)) as store:
        store.commit(appended, [], [], [])
        yield store


def names(store: Store, floor: int, walked_max: int = 10, threads_max: int = 10) -> list[str]:
    threads = newest_threads(store, "@me", floor, walked_max, threads_max)
    return [thread.name for thread in threads]


def test_each_comes_once_and_the_newest_first(store: Store) -> None:
    assert newest_threads(store, "@me", 0, 10, 10) == [
        Thread("bob", 4, b"5"),
        Thread("ann", 3, b"3"),
    ]
    assert newest_threads(store, "@nobody", 0, 10, 10) == []


def test_what_is_before_the_floor_does_not_count(store: Store) -> None:
    assert names(store, 3) == ["bob"]
    assert names(store, 4) == []


def test_both_the_search_and_the_answer_are_bounded(store: Store) -> None:
    assert names(store, 0, threads_max=1) == ["bob"]
    assert names(store, 0, walked_max=1) == ["ann"]
