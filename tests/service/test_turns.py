"""A turn indexes after all else, and wants the next one at once while it is idle and behind."""

import logging
from collections.abc import Iterable, Iterator, Sequence

import pytest

from zchat.log.store import Appended, Store
from zchat.protocol import limits
from zchat.rooms.process import RoomService
from zchat.rooms.tables import ROOMS_SCHEMA
from zchat.service.beat import Job
from zchat.service.turns import Turns


class Quiet:
    """A world in which little happens."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.waiting: list[list[bytes]] = []
        """(asker, body) of commands."""

    def now(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return round(1000 * self.seconds)

    def commands(self) -> Iterable[list[bytes]]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def replies(self) -> Iterable[list[bytes]]:
        return []

    def queries(self) -> Iterable[list[bytes]]:
        return []

    def outcomes(self) -> Iterable[tuple[Job, bool | str]]:
        return []

    def to_asker(self, frames: Sequence[bytes]) -> None: ...
    def to_worker(self, frames: Sequence[bytes]) -> None: ...
    def answer(self, body: bytes) -> None: ...
    def publish(self, frames: Sequence[bytes]) -> None: ...
    def submit(self, job: Job) -> None: ...


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """25 entries that are not indexed, at ten a time."""
    monkeypatch.setattr(limits, "SEARCH_BATCH_ENTRIES", 10)
    monkeypatch.setattr(limits, "SEARCH_BUSY_STEPS_MAX", 1)
    store = Store.open(None, ROOMS_SCHEMA)
    appended = [Appended(n, "#garden", n, "ann", None, None, b"frame") for n in range(1, 26)]
    store.commit(appended, [], [], [])
    yield store
    store.close()


def test_a_service_indexes_between_heartbeats_only_while_it_is_idle(store: Store) -> None:
    outside = Quiet()
    turns = Turns(RoomService(1, 2), store, logging.getLogger("turns"), outside)

    turns.turn()
    assert turns.next_turn(outside.now()) == outside.now()
    outside.waiting = [[b"gateway/west#1", b"no command"]]
    turns.turn()
    assert turns.next_turn(outside.now()) == turns.next_heartbeat > outside.now()
    turns.turn()
    assert store.index_messages(), "only the first turn has indexed some"

    outside.seconds = turns.next_heartbeat
    turns.turn()
    assert turns.next_turn(outside.now()) == turns.next_heartbeat
    assert not store.index_messages()
