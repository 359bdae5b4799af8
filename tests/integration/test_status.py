"""`zchat-admin status` on a real cluster: who is there, who is missing, and who is back."""

import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from testbed.cluster import GATEWAYS, ROOM_SERVICE, ROUTER, USER_SERVICE, Cluster

pytestmark = pytest.mark.integration

NAMES = [ROUTER, "rooms/0", "users", *(f"gateway/{name}" for name in GATEWAYS)]


def zchat_admin(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [cluster.folder / "bin" / "zchat-admin", *arguments],
        cwd=cluster.folder,
        env={**cluster.environment, "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=False,
    )


def wait_for_status(cluster: Cluster, wanted: Callable[[dict[str, Any]], bool], what: str) -> int:
    """Until the status is as `wanted`; returns the exit code that came with it."""
    codes: list[int] = []

    def is_so() -> bool:
        result = zchat_admin(cluster, "status", "--json")
        codes.append(result.returncode)
        return result.returncode < 3 and wanted(json.loads(result.stdout))

    # Each look is a program that takes half a second of CPU from those that are waited for.
    cluster.wait_for(is_so, what, every_s=0.5)
    return codes[-1]


def everyone(told: dict[str, Any]) -> bool:
    """All are there, each has said how it is, and nobody else."""
    names = [process["name"] for process in told["processes"] if process["pid"]]
    return names == NAMES == [process["name"] for process in told["processes"]]


def pids(told: dict[str, Any]) -> dict[str, int]:
    return {process["name"]: process["pid"] for process in told["processes"]}


def test_all_processes_are_shown(cluster: Cluster) -> None:
    assert wait_for_status(cluster, everyone, "all processes") == 0
    told = json.loads(zchat_admin(cluster, "status", "--json").stdout)

    assert told["missing"] == []
    assert told["served"].keys() == {"users", "rooms/0"}
    programs = [ROUTER, ROOM_SERVICE, USER_SERVICE, *GATEWAYS]
    assert pids(told) == {
        name: cluster.pid(program) for name, program in zip(NAMES, programs, strict=True)
    }
    for process in told["processes"]:
        assert process["rss_bytes"] > 1 << 20
        assert process["cpu_s"] > 0
        assert process["numbers"]
    table = zchat_admin(cluster, "status")
    assert table.returncode == 0
    for name in NAMES:
        assert f"\n{name} " in table.stdout


def test_who_hangs_is_missing_and_once_killed_is_back(cluster: Cluster) -> None:
    wait_for_status(cluster, everyone, "all processes")
    former = cluster.kill(ROOM_SERVICE, signal.SIGSTOP)

    assert wait_for_status(cluster, lambda told: told["missing"] == ["rooms/0"], "a gap") == 1
    cluster.signal(former, signal.SIGKILL)
    assert wait_for_status(cluster, everyone, "the room-service to be back") == 0
    assert pids(json.loads(zchat_admin(cluster, "status", "--json").stdout))["rooms/0"] != former


def test_after_the_router_died_all_are_known_again(cluster: Cluster) -> None:
    wait_for_status(cluster, everyone, "all processes")
    former = cluster.kill(ROUTER)

    def new_router(told: dict[str, Any]) -> bool:
        return everyone(told) and pids(told)[ROUTER] != former

    assert wait_for_status(cluster, new_router, "all processes at a new router") == 0


def test_a_dead_gateway_is_forgotten_and_its_next_life_is_shown(cluster: Cluster) -> None:
    wait_for_status(cluster, everyone, "all processes")
    former = cluster.kill(GATEWAYS[0])

    def new_gateway(told: dict[str, Any]) -> bool:
        return everyone(told) and former not in pids(told).values()

    assert wait_for_status(cluster, new_gateway, "the other gateway") == 0


def test_without_a_cluster_nobody_answers(cluster: Cluster) -> None:
    result = zchat_admin(cluster, "status", "--var", "elsewhere")

    assert (result.returncode, result.stdout) == (3, "")
    assert "no answer from the cluster" in result.stderr


def test_an_announcement_is_seen_in_the_list_of_rooms(cluster: Cluster) -> None:
    def rooms() -> dict[str, Any]:
        result = zchat_admin(cluster, "rooms", "lobby", "--json")
        assert result.returncode == 0, result.stderr
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    before = rooms()
    result = zchat_admin(cluster, "announce", "We close at ten.")

    assert result.stdout == f"announced, as entry {before['sequence'] + 1} of the lobby\n"
    assert rooms() == {**before, "sequence": before["sequence"] + 1}
