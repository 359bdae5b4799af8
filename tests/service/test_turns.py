"""A turn indexes after all else, and wants the next one at once while it is idle and behind."""

from collections.abc import Iterable, Iterator, Sequence

import pytest
from msgspec import Raw

from zchat.eventlog.store import Appended, Store
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import Stamped, Up, WorkerHeartbeat
from zchat.protocol.messages import Standing
from zchat.protocol.operators import ChangedSettings, ChangeSetting
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.core.beat import Job
from zchat.service.core.loop import ServiceLoop
from zchat.service.core.operation_log import OperationLog
from zchat.users.process import UserService
from zchat.users.store.tables import USERS_SCHEMA

_changed, _heartbeats = Decoder(ChangedSettings), Decoder(WorkerHeartbeat)


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

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        return True

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
    turns = ServiceLoop(RoomService(1, 2), store, OperationLog(), outside)

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


# --- Settings that are changed while the cluster runs ---------------------------------------------


def test_a_setting_that_was_changed_is_told_in_the_same_turn() -> None:
    store = Store.open(None, USERS_SCHEMA)
    world = Listening()
    turns = ServiceLoop(UserService(1), store, OperationLog(), world)
    turns.turn()
    world.said.clear()
    command = encode(ChangeSetting(1, "guests", "deny"))
    item = encode(Stamped(0, "", Raw(command), Standing.OPERATOR))
    world.waiting = [[b"admin/root#1", encode(Up(store.epoch, 1, 1, [item], 1, False))]]
    turns.turn()
    (settings,) = [heartbeat.settings for heartbeat in world.said]
    assert [one.name for one in _changed.decode(settings).changes] == ["guests"]
    world.said.clear()
    turns.turn()
    assert world.said == []
    store.close()


# --- Heartbeats -----------------------------------------------------------------------------------


def test_a_service_tells_a_router_of_itself_as_soon_as_it_is_connected(store: Store) -> None:
    world = Listening()
    turns = ServiceLoop(RoomService(1, 2), store, OperationLog(), world)
    turns.turn()
    world.said.clear()
    turns.turn()
    assert world.said == []
    turns.connected()
    assert turns.next_turn(world.now()) <= world.now()
    turns.turn()
    assert [heartbeat.address for heartbeat in world.said] == ["rooms/1"]


def test_a_service_that_was_not_heard_says_so_with_each_beat(store: Store) -> None:
    world = Listening()
    turns = ServiceLoop(RoomService(1, 2), store, OperationLog(), world)
    said = []
    for heard in (False, False, True, True, True):
        world.heard = heard
        world.said.clear()
        turns.turn()
        said.append(len(world.said))
        world.seconds = turns.next_heartbeat
    assert said == [1, 1, 1, 0, 1]


class Listening(Quiet):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[WorkerHeartbeat] = []
        self.heard = True

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        if not frames[0]:
            self.said.append(_heartbeats.decode(frames[1]))
        return self.heard
