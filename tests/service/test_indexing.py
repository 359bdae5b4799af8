"""Messages are indexed with heartbeats, and in between only while there is nothing else to do."""

import logging
from collections.abc import Iterator

import pytest

from zchat.eventlog.store import Appended, Store, StoreUnavailable
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.protocol import limits
from zchat.service.core.loop import Indexing
from zchat.service.operation_log import WrittenOperationLog


class Turned:
    """A service with messages in its store that are not indexed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.indexing = Indexing(store, WrittenOperationLog(logging.getLogger("indexing"), 0.0, 0))
        self.batches = 0
        self.fails = False
        self._index = store.index_messages
        store.index_messages = self._counted  # type: ignore[method-assign]

    def say(self, count: int) -> None:
        first = self.store.position + 1
        positions = range(first, first + count)
        appended = [Appended(p, "#garden", p, "ann", None, None, b"frame") for p in positions]
        self.store.commit(appended, [], [], [])

    def turn(self, *, idle: bool = True, heartbeat: bool = False) -> bool:
        """Returns whether the next turn is due at once."""
        self.indexing.turn_ended(idle=idle, heartbeat=heartbeat)
        return self.indexing.due

    def _counted(self) -> bool:
        self.batches += 1
        if self.fails:
            raise StoreUnavailable("the disk is full")
        return self._index()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Turned]:
    monkeypatch.setattr(limits, "SEARCH_BATCH_ENTRIES", 10)
    monkeypatch.setattr(limits, "SEARCH_BUSY_STEPS_MAX", 1)
    store = Store.open(None, LOG_SCHEMA)
    yield Turned(store)
    store.close()


def test_an_idle_service_indexes_until_nothing_is_left(service: Turned) -> None:
    service.say(25)
    assert not service.turn()
    assert service.batches == 0
    assert service.turn(heartbeat=True)
    assert service.turn()
    assert not service.turn()
    assert service.batches == 3
    assert not service.turn()
    assert service.batches == 3


def test_a_busy_service_indexes_a_batch_with_each_heartbeat(service: Turned) -> None:
    service.say(100)
    for heartbeats in (1, 2):
        assert not service.turn(idle=False, heartbeat=True)
        for _ in range(5):
            assert not service.turn(idle=False)
        assert service.batches == heartbeats


def test_a_busy_service_takes_a_few_steps_after_a_heartbeat(
    service: Turned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEARCH_BUSY_STEPS_MAX", 3)
    service.say(100)
    service.turn(idle=False, heartbeat=True)
    for _ in range(5):
        assert not service.turn(idle=False)
    assert service.batches == 3
    service.turn(idle=False, heartbeat=True)
    assert service.batches == 4


def test_who_becomes_busy_stops_indexing_until_the_next_heartbeat(service: Turned) -> None:
    service.say(100)
    assert service.turn(heartbeat=True)
    assert not service.turn(idle=False)
    assert not service.turn()
    assert service.batches == 1


def test_a_store_that_fails_is_told_of_once_and_tried_again(
    service: Turned, caplog: pytest.LogCaptureFixture
) -> None:
    service.say(5)
    service.fails = True
    for _ in range(3):
        assert not service.turn(heartbeat=True)
    assert [record.message for record in caplog.records] == [
        "what is said cannot be indexed: the disk is full"
    ]
    service.fails = False
    service.turn(heartbeat=True)
    service.fails = True
    service.turn(heartbeat=True)
    assert len(caplog.records) == 2
