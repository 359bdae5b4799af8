"""The rules of the router: which worker serves an address, and who is alive."""

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import (
    ClusterStatus,
    PeerStatus,
    RoutingTable,
    WorkerHeartbeat,
)
from zchat.router.core.routing import Routing

ROOMS = "rooms/0"


def beat(epoch: int, address: str = ROOMS, *, bye: bool = False) -> WorkerHeartbeat:
    return WorkerHeartbeat(address, epoch, bye)


@pytest.fixture
def routing() -> Routing:
    return Routing()


def test_nobody_serves_an_address_that_was_never_heard_of(routing: Routing) -> None:
    assert routing.worker_of(ROOMS) is None
    assert routing.address_of(b"rooms#1") is None
    assert routing.table == RoutingTable({})


def test_a_worker_that_is_heard_serves_its_address(routing: Routing) -> None:
    assert routing.worker_heard(b"rooms#1", beat(1), 0.0)

    assert routing.worker_of(ROOMS) == b"rooms#1"
    assert routing.address_of(b"rooms#1") == ROOMS
    assert routing.table == RoutingTable({ROOMS: 1})
    assert not routing.worker_heard(b"rooms#1", beat(1), 1.0), "nothing has changed"


def test_each_address_has_its_own_worker(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(1), 0.0)
    routing.worker_heard(b"users#1", beat(7, "users"), 0.0)

    assert routing.table == RoutingTable({ROOMS: 1, "users": 7})
    assert routing.worker_of("users") == b"users#1"
    assert routing.worker_of(ROOMS) == b"rooms#1"


def test_a_higher_epoch_takes_the_address_over(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(1), 0.0)
    assert routing.worker_heard(b"rooms#2", beat(2), 0.0)

    assert routing.worker_of(ROOMS) == b"rooms#2"
    assert routing.address_of(b"rooms#1") is None, "whoever was replaced has no say any more"


@pytest.mark.parametrize("bye", [False, True])
def test_a_lower_epoch_changes_nothing(routing: Routing, bye: bool) -> None:
    routing.worker_heard(b"rooms#2", beat(2), 0.0)
    assert not routing.worker_heard(b"rooms#1", beat(1, bye=bye), 0.0)

    assert routing.worker_of(ROOMS) == b"rooms#2"
    assert routing.table == RoutingTable({ROOMS: 2})
    assert routing.address_of(b"rooms#1") is None


def test_the_same_worker_may_come_with_a_higher_epoch(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(1), 0.0)
    assert routing.worker_heard(b"rooms#1", beat(2), 0.0)

    assert routing.table == RoutingTable({ROOMS: 2})
    assert routing.address_of(b"rooms#1") == ROOMS


def test_after_a_goodbye_nobody_serves_the_address(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(1), 0.0)
    assert routing.worker_heard(b"rooms#1", beat(1, bye=True), 0.0)

    assert routing.worker_of(ROOMS) is None
    assert routing.address_of(b"rooms#1") is None
    assert routing.table == RoutingTable({})
    assert not routing.worker_heard(b"rooms#1", beat(1, bye=True), 0.0)


def test_the_goodbye_of_another_one_counts_for_nothing(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(1), 0.0)
    assert not routing.worker_heard(b"rooms#x", beat(1, bye=True), 0.0)

    assert routing.worker_of(ROOMS) == b"rooms#1"


def test_a_silent_worker_is_dead_after_its_time(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(3), 10.0)
    assert not routing.expire(10.0 + limits.PEER_EXPIRY_S)
    assert routing.worker_of(ROOMS) == b"rooms#1"

    assert routing.expire(10.1 + limits.PEER_EXPIRY_S)
    assert routing.worker_of(ROOMS) is None
    assert routing.address_of(b"rooms#1") is None
    assert not routing.expire(11.0 + limits.PEER_EXPIRY_S)


def test_a_heartbeat_keeps_a_worker_alive(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(1), 0.0)
    routing.worker_heard(b"rooms#1", beat(1), 3.0)

    assert not routing.expire(3.0 + limits.PEER_EXPIRY_S)
    assert routing.worker_of(ROOMS) == b"rooms#1"


def test_who_was_dead_may_serve_again(routing: Routing) -> None:
    routing.worker_heard(b"rooms#1", beat(5), 0.0)
    routing.expire(100.0)

    assert routing.worker_heard(b"rooms#1", beat(5), 100.0)
    assert routing.table == RoutingTable({ROOMS: 5})


def test_an_asker_is_new_once_in_its_life(routing: Routing) -> None:
    assert routing.asker_heard(b"gateway/west#1", 0.0)
    assert not routing.asker_heard(b"gateway/west#1", 3.0)
    assert routing.askers == [b"gateway/west#1"]

    routing.expire(3.0 + limits.PEER_EXPIRY_S)
    assert routing.askers == [b"gateway/west#1"]
    routing.expire(3.1 + limits.PEER_EXPIRY_S)
    assert routing.askers == []
    assert routing.asker_heard(b"gateway/west#1", 9.0), "it wants the table again"


def test_the_death_of_an_asker_changes_no_table(routing: Routing) -> None:
    routing.asker_heard(b"gateway/west#1", 0.0)

    assert not routing.expire(100.0)


def test_workers_and_askers_are_bounded(routing: Routing) -> None:
    for number in range(limits.PEERS_MAX + 1):
        routing.worker_heard(b"w#%d" % number, beat(1, f"rooms/{number}"), 0.0)
        routing.asker_heard(b"a#%d" % number, 0.0)

    assert len(routing.table.epochs) == limits.PEERS_MAX
    assert len(routing.askers) == limits.PEERS_MAX
    assert routing.worker_heard(b"w#0b", beat(2, "rooms/0"), 0.0), "no more than before"
    assert not routing.asker_heard(b"a#0", 1.0)


# --- How the processes are ------------------------------------------------------------------------


def test_the_newest_status_of_each_peer_is_kept_as_it_came(routing: Routing) -> None:
    routing.worker_heard(b"rooms/0#1", WorkerHeartbeat(ROOMS, 5, False, b"fine"), 1.0)
    routing.worker_heard(b"rooms/0#1", WorkerHeartbeat(ROOMS, 5, False, b"better"), 2.0)
    routing.worker_heard(b"rooms/0#1", WorkerHeartbeat(ROOMS, 5, False), 2.5)
    routing.asker_heard(b"gateway/west#1", 1.0)
    routing.status_heard(b"gateway/west#1", b"busy")

    assert routing.status(3.0) == ClusterStatus(
        {ROOMS: 5}, [PeerStatus(ROOMS, 500, b"better"), PeerStatus("gateway/west", 2000, b"busy")]
    )


def test_a_peer_that_has_told_nothing_is_there_all_the_same(routing: Routing) -> None:
    routing.asker_heard(b"gateway/west#1", 1.0)

    assert routing.status(1.0).peers == [PeerStatus("gateway/west", 0, b"")]


def test_a_service_is_told_of_once_and_an_operator_never(routing: Routing) -> None:
    routing.worker_heard(b"rooms/0#1", beat(5), 1.0)
    routing.asker_heard(b"rooms/0#1", 1.0)
    routing.asker_heard(b"admin/root#1", 1.0)

    assert [peer.name for peer in routing.status(1.0).peers] == [ROOMS]


def test_the_status_of_the_dead_is_forgotten(routing: Routing) -> None:
    routing.worker_heard(b"rooms/0#1", WorkerHeartbeat(ROOMS, 5, False, b"fine"), 0.0)
    routing.asker_heard(b"gateway/west#1", 0.0)
    routing.status_heard(b"gateway/west#1", b"fine")
    routing.expire(100.0)
    assert routing.status(100.0) == ClusterStatus({}, [])

    routing.worker_heard(b"rooms/0#1", beat(5), 100.0)
    routing.asker_heard(b"gateway/west#1", 100.0)
    assert [peer.status for peer in routing.status(100.0).peers] == [b"", b""]


def test_strangers_and_long_tales_are_not_kept(routing: Routing) -> None:
    routing.asker_heard(b"gateway/west#1", 0.0)
    routing.status_heard(b"gateway/west#1", b"x" * limits.STATUS_BYTES_MAX)
    routing.status_heard(b"gateway/west#1", b"y" * (limits.STATUS_BYTES_MAX + 1))
    routing.status_heard(b"gateway/east#1", b"nobody knows me")

    (peer,) = routing.status(0.0).peers
    assert peer.status == b"x" * limits.STATUS_BYTES_MAX
    routing.asker_heard(b"gateway/east#1", 0.0)
    assert [peer.status for peer in routing.status(0.0).peers if peer.name == "gateway/east"] == [
        b""
    ]


# --- Settings that are changed while the cluster runs ---------------------------------------------

USERS = "users"


def test_what_the_user_service_says_of_settings_is_told_to_all(routing: Routing) -> None:
    said = WorkerHeartbeat(USERS, 1, False, b"", b"guests deny")
    assert routing.worker_heard(b"users#1", said, 0.0)
    assert routing.table == RoutingTable({USERS: 1}, b"guests deny")
    assert routing.status(0.0).settings == b"guests deny"
    # It is said with each heartbeat, and is news once.
    assert not routing.worker_heard(b"users#1", said, 1.0)
    assert routing.worker_heard(b"users#1", WorkerHeartbeat(USERS, 1, False, b"", b"none"), 2.0)


def test_settings_outlive_the_service_that_said_them(routing: Routing) -> None:
    routing.worker_heard(b"users#1", WorkerHeartbeat(USERS, 1, False, b"", b"guests deny"), 0.0)
    routing.expire(100.0)
    assert routing.table == RoutingTable({}, b"guests deny")
    routing.worker_heard(b"users#2", WorkerHeartbeat(USERS, 2, False), 101.0)
    assert routing.table.settings == b"guests deny"


def test_nobody_else_is_believed_and_not_too_much(routing: Routing) -> None:
    routing.worker_heard(b"rooms/0#1", WorkerHeartbeat(ROOMS, 1, False, b"", b"guests deny"), 0.0)
    too_much = b"x" * (limits.SETTINGS_BYTES_MAX + 1)
    routing.worker_heard(b"users#1", WorkerHeartbeat(USERS, 1, False, b"", too_much), 0.0)
    assert routing.table.settings == b""


def test_a_worker_that_was_overtaken_is_not_believed(routing: Routing) -> None:
    routing.worker_heard(b"users#2", WorkerHeartbeat(USERS, 2, False, b"", b"new"), 0.0)
    routing.worker_heard(b"users#1", WorkerHeartbeat(USERS, 1, False, b"", b"old"), 0.0)
    assert routing.table.settings == b"new"
