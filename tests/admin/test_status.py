"""What `zchat-admin status` makes of what the router says."""

import json
import math
import re
from typing import Any

import pytest
from msgspec import structs

from zchat.admin.commands import status
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    ROUTER,
    ClusterStatus,
    PeerStatus,
    ProcessStatus,
)
from zchat.runtime.status import StatusReport

from .conftest import Type

GATEWAY, ROOMS = "gateway/west", "rooms/0"
EPOCHS = {"users": 4, ROOMS: 5}


def a_process(name: str, **changes: Any) -> PeerStatus:
    given = ProcessStatus("a", "1.0", 7, "box", 0, 100.0, 10.0, 24 << 20, {})
    return PeerStatus(name, 1500, encode(structs.replace(given, **changes)))


def test_what_is_not_served_is_missing() -> None:
    told = ClusterStatus({"users": 4}, [a_process(GATEWAY)])

    assert status.snapshot_of(told, 2).missing == ["rooms/0", "rooms/1"]
    assert status.snapshot_of(ClusterStatus(EPOCHS, [a_process(GATEWAY)]), 1).missing == []


def test_without_a_gateway_something_is_missing() -> None:
    told = ClusterStatus(EPOCHS, [a_process("users"), a_process(ROOMS)])

    assert status.snapshot_of(told, 1).missing == ["gateway"]


def test_load_is_that_of_the_whole_life_and_then_that_since_the_last_snapshot() -> None:
    first = status.snapshot_of(ClusterStatus(EPOCHS, [a_process(ROOMS)]), 1)
    told = ClusterStatus(EPOCHS, [a_process(ROOMS, up_s=102.0, cpu_s=11.0)])
    second = status.snapshot_of(told, 1, first)
    again = status.snapshot_of(told, 1, second)
    other_life = ClusterStatus(EPOCHS, [a_process(ROOMS, pid=8, up_s=2.0, cpu_s=0.5)])

    loads = [snapshot.processes[0].load for snapshot in (first, second, again)]
    assert loads == [0.1, 0.5, pytest.approx(11 / 102)]
    assert status.snapshot_of(other_life, 1, second).processes[0].load == 0.25


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\xc1",
        encode("of another version"),
        a_process(GATEWAY, up_s=math.inf).status,
        a_process(GATEWAY, numbers={"sessions": math.nan}).status,
    ],
)
def test_a_process_that_tells_nothing_is_shown_all_the_same(said: bytes) -> None:
    snapshot = status.snapshot_of(ClusterStatus(EPOCHS, [PeerStatus(GATEWAY, 20, said)]), 1)

    assert snapshot.missing == []
    assert status.as_table(snapshot).splitlines()[1].split() == [GATEWAY, "0.0", "s", "ago"]
    (process,) = status.to_json(snapshot)["processes"]
    assert (process["name"], process["pid"], process["numbers"]) == (GATEWAY, None, {})


def test_the_table_sums_up_what_is_told_of_each_service() -> None:
    numbers = {
        "sessions": 12.0,
        "unanswered users": 2.0,
        "queries_waiting rooms/0": 1.0,
        "follower_lag_entries users": 1.0,
        "follower_lag_entries rooms/0": 4.0,
    }
    served = {"position_entries": 99.0, "password_jobs_waiting": 2.0, "outbox": 1.0}
    peers = [a_process("users", numbers=served), a_process(GATEWAY, numbers=numbers, host="b\x1bx")]
    snapshot = status.snapshot_of(ClusterStatus({"users": 4}, peers), 1)

    head, users, gateway, *rest = status.as_table(snapshot).splitlines()
    assert head.split() == [
        *("name", "host", "pid", "up", "version", "cpu", "memory"),
        *("sessions", "position", "queue", "lag", "heard"),
    ]
    assert users.split() == [
        *("users", "box", "7", "1m", "40s", "1.0", "10%", "24", "MiB", "99", "3", "1.5", "s", "ago")
    ]
    assert gateway.split() == [
        *(GATEWAY, "bx", "7", "1m", "40s", "1.0", "10%", "24", "MiB", "12", "3", "5"),
        *("1.5", "s", "ago"),
    ]
    assert rest == ["served: users (epoch 4)", "missing: rooms/0"]


def test_the_disk_of_each_service_is_told() -> None:
    day_s = 86_400.0
    numbers = {"database_bytes": 5.0 * 2**20, "wal_bytes": 0.0, "disk_free_bytes": 3.0 * 2**30}
    told = [
        a_process("users", numbers={**numbers, "last_backup_timestamp_seconds": 0.0}),
        a_process("rooms/0", numbers={**numbers, "last_backup_timestamp_seconds": day_s}),
        a_process("rooms/1", numbers={}),
    ]
    snapshot = status.snapshot_of(ClusterStatus({}, told), 2)
    lines = [line for line in status.as_table(snapshot).splitlines() if "WAL" in line]
    sizes = "5 MiB and a WAL of 0 B, 3.0 GiB are free"
    assert lines[0] == f"users: {sizes}; no backup was ever made"
    assert re.fullmatch(rf"rooms/0: {sizes}; last backup .* ago", lines[1])
    assert len(lines) == 2


def test_the_router_itself_answers_and_a_cluster_without_gateways_is_not_whole(
    zchat_admin: Type,
) -> None:
    result = zchat_admin("status", "--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert [process["name"] for process in told["processes"]] == [
        *(ROUTER, "rooms/0", "rooms/1", "users")
    ]
    assert told["missing"] == ["gateway"]
    assert told["served"].keys() == {"rooms/0", "rooms/1", "users"}
    router = told["processes"][0]
    assert router["program"] == "router"
    assert router["numbers"]["workers"] == 3


def test_a_watcher_looks_again_until_it_is_interrupted(
    zchat_admin: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def interrupted(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("zchat.admin.commands.status._wait", interrupted)
    result = zchat_admin("status", "--watch")

    assert slept == [2.0] * 3
    assert result.exit_code == 1
    assert result.output.count("missing: gateway") == 3


def test_a_process_says_once_a_second_how_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("zchat.runtime.status.time.monotonic", lambda: clock[0])
    report = StatusReport("a-service", lambda: {"position_entries": 5.0})

    def said_at(now: float) -> bytes:
        clock[0] = now
        return report.due()

    said = [said_at(now) for now in (1000.0, 1000.5, 1001.0, 1001.5)]
    assert [bool(each) for each in said] == [True, False, True, False]
    snapshot = status.snapshot_of(ClusterStatus({}, [PeerStatus(ROOMS, 0, said[0])]), 1)
    (process,) = snapshot.processes
    assert process.status is not None
    assert process.status.program == "a-service"
    assert process.status.rss_bytes > 1 << 20
    assert process.number("position_entries") == 5.0
