"""The conversations of a log, found by its index."""

import contextlib
from collections.abc import Iterator

import pytest

from zchat.eventlog.store import Appended, Store, Thread
from zchat.eventlog.tables import LOG_SCHEMA

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


def test_each_comes_once_in_the_order_of_their_names(store: Store) -> None:
    assert store.threads_after("@me", "", 10) == [Thread("ann", 3), Thread("bob", 4)]
    assert store.threads_after("@nobody", "", 10) == []


def test_they_come_a_page_at_a_time(store: Store) -> None:
    assert store.threads_after("@me", "", 1) == [Thread("ann", 3)]
    assert store.threads_after("@me", "ann", 1) == [Thread("bob", 4)]
    assert store.threads_after("@me", "bob", 1) == []
