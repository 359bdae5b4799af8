"""Metrics and health: what is exported, what is said of it, and that slow readers harm nobody."""

import json
import logging
import os
import re
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from zchat.eventlog.store import Store
from zchat.gateway import metrics as of_gateway
from zchat.gateway.core.loop import GatewayLoop
from zchat.gateway.core.operation_log import OperationLog
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import RoutingTable
from zchat.router import metrics as of_router
from zchat.router.core.routing import Moves
from zchat.runtime import metrics
from zchat.runtime.core.measures import BOUNDS_S, Histogram, Measure, Reading
from zchat.runtime.liveness import Health, Liveness
from zchat.runtime.metrics import Readings, serving
from zchat.runtime.options import Address
from zchat.runtime.settings import SettingError, Settings
from zchat.service import metrics as of_service
from zchat.service.metrics import Disk
from zchat.users.store.tables import USERS_SCHEMA

ROOT = Path(__file__).parent.parent
PROGRAMS = {
    "gateway": of_gateway.MEASURES,
    "router": of_router.MEASURES,
    "user-service": of_service.MEASURES,
    "room-service": of_service.MEASURES,
}


def exported(measures: Sequence[Measure], readings: Mapping[str, Reading]) -> list[str]:
    """The lines that are no comments, without what concerns the time of creation."""
    registry = CollectorRegistry()
    registry.register(Readings("room-service", measures, lambda: readings))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


# --- What is exported -----------------------------------------------------------------------------


def test_numbers_are_exported_by_their_names_and_parts() -> None:
    measures = [
        Measure("askers", "gauge", "Who asks."),
        Measure("refusals", "counter", "Who was refused.", "code"),
        Measure("unknown", "gauge", "Not to be read yet."),
    ]
    assert exported(measures, {"askers": 3, "refusals": {"busy": 1, "other": 2}}) == [
        "zchat_room_service_askers 3.0",
        'zchat_room_service_refusals_total{code="busy"} 1.0',
        'zchat_room_service_refusals_total{code="other"} 2.0',
    ]


def test_a_histogram_counts_what_took_up_to_each_bound() -> None:
    histogram = Histogram()
    for seconds in (BOUNDS_S[0], BOUNDS_S[0] * 1.01, BOUNDS_S[-1] + 5):
        histogram.observe(seconds)
    lines = exported(
        [Measure("commit_seconds", "histogram", "Commits.")], {"commit_seconds": histogram}
    )
    counts = [float(line.split()[1]) for line in lines if "_bucket" in line]
    assert counts == [1.0, 2.0, *[2.0] * (len(BOUNDS_S) - 2), 3.0]
    assert "zchat_room_service_commit_seconds_count 3.0" in lines


@pytest.mark.parametrize("program", PROGRAMS)
def test_names_are_unique_and_say_their_units(program: str) -> None:
    names = [measure.full_name(program) for measure in PROGRAMS[program]]
    assert len(set(names)) == len(names)
    for measure in PROGRAMS[program]:
        assert re.fullmatch(r"zchat_[a-z_]+", measure.full_name(program))
        assert measure.help.endswith(".")
        if measure.kind == "histogram":
            assert measure.name.endswith("_seconds")


class Outside:
    """Nobody is there."""

    def now(self) -> float:
        return 100.0

    def now_ms(self) -> int:
        return 100_000

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return True

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None: ...
    def turn_soon(self) -> None: ...


def test_a_gateway_reads_all_that_it_measures() -> None:
    turns = GatewayLoop(1, Outside())
    assert set(of_gateway.readings(turns)) == {measure.name for measure in of_gateway.MEASURES}


def test_a_gateway_says_what_it_misses() -> None:
    turns = GatewayLoop(1, Outside())
    assert of_gateway.missing(turns, lambda: 100.0) == ["the router is not heard"]
    turns.receive_reply([b"", encode(RoutingTable({"users": 1}))])
    assert of_gateway.missing(turns, lambda: 101.0) == ["nobody serves rooms/0"]
    turns.receive_reply([b"", encode(RoutingTable({"users": 1, "rooms/0": 1}))])
    assert of_gateway.missing(turns, lambda: 101.0) == []
    assert of_gateway.missing(turns, lambda: 105.0) == ["the router is not heard"]


def test_why_connections_were_ended_is_counted_by_code() -> None:
    turns = GatewayLoop(1, Outside(), sessions_max=1)
    assert type(turns.core.operations) is OperationLog
    for _ in range(3):
        turns.core.connect(100.0, 100_000)
    assert of_gateway.readings(turns)["refused"] == {"limit_reached": 2}


class Ways:
    def to_asker(self, frames: Sequence[bytes]) -> bool:
        return True

    to_worker = to_questioner = to_subscribers = to_asker

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool:
        return True

    def open_answerer(self, address: str) -> None: ...
    def misfit(self, socket: str, owner: str | None, claim: bytes) -> None: ...


def test_a_router_reads_all_that_it_measures() -> None:
    moves, traffic = Moves(Ways()), of_router.Traffic.none()
    moves.command([b"gateway/west#1", b"rooms/0", b""], 1.0)
    readings = of_router.readings(moves, traffic, 0)
    assert set(readings) == {measure.name for measure in of_router.MEASURES}
    # Nobody serves the address.
    assert readings["dropped"] == dict.fromkeys(of_router.DIRECTIONS, 0) | {"commands": 1}
    assert readings["askers"] == 1


def test_a_service_that_waits_for_its_database_says_so() -> None:
    waiting = of_service.Serving(Disk(Path("users.sqlite"), Settings()))
    assert (waiting.readings(), waiting.missing()) == ({}, ["the database is not open"])


def test_what_is_on_the_disk_is_measured(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, router="ipc://router")
    settings.data.mkdir()
    database = settings.data / "users.sqlite"
    store = Store.open(database, USERS_SCHEMA)
    disk = Disk(database, settings)
    found = disk.readings()
    assert set(found) < {measure.name for measure in of_service.MEASURES}
    assert found["database_bytes"] == database.stat().st_size
    assert found["wal_bytes"] == database.with_name("users.sqlite-wal").stat().st_size
    assert found["last_backup_timestamp_seconds"] == 0
    settings.backup_mark.touch()
    os.utime(settings.backup_mark, (77, 77))
    assert disk.readings()["last_backup_timestamp_seconds"] == 77
    free_bytes = disk.readings()["disk_free_bytes"]
    assert isinstance(free_bytes, int)
    assert free_bytes > 0
    store.close()
    # And of a database that somebody has taken away nothing breaks.
    shutil.rmtree(settings.data)
    assert disk.readings() == {"wal_bytes": 0, "last_backup_timestamp_seconds": 77}


# --- Where it is served ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "settings", "port"),
    [
        ("router", Settings(metrics=Address("127.0.0.1", 9100)), 9100),
        ("user-service", Settings(metrics=Address("127.0.0.1", 9100)), 9101),
        ("room-service", Settings(metrics=Address("127.0.0.1", 9100)), 9102),
        (
            "room-service",
            Settings(metrics=Address("127.0.0.1", 9100), partition=63, partitions=64),
            9165,
        ),
        ("gateway", Settings(metrics=Address("127.0.0.1", 9100)), 9166),
        ("gateway", Settings(metrics=Address("127.0.0.1", 9100), name="gateway-0"), 9166),
        ("gateway", Settings(metrics=Address("127.0.0.1", 9100), name="west-12"), 9178),
    ],
)
def test_each_process_has_a_port_of_its_own(program: str, settings: Settings, port: int) -> None:
    assert settings.metrics_of(program) == Address("127.0.0.1", port)


def test_without_the_setting_nothing_is_served() -> None:
    assert Settings().metrics_of("gateway") is None


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("gateway-1", r"metrics: .* 67; give one up to 65468"),
        ("gateway-99999", r"metrics: .*; give another --name"),
    ],
)
def test_ports_that_do_not_exist_are_an_error(name: str, error: str) -> None:
    with pytest.raises(SettingError, match=error):
        Settings(metrics=Address("127.0.0.1", 65469), name=name)


class Served(NamedTuple):
    address: Address
    alive: Liveness
    missing: list[str]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=90) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get_when_possible(self, path: str) -> tuple[int, str]:
        """It is bound on another thread, and is free again when that notices."""
        while True:
            try:
                return self.get(path)
            except OSError:
                continue


def free_address() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(*probe.getsockname())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(free_address(), Liveness(tmp_path, {}), [])
    health = Health(one.alive, lambda: one.missing)
    measures = [Measure("askers", "gauge", "Who asks.")]
    with serving(one.address, "router", measures, lambda: {"askers": 3}, health):
        assert one.get_when_possible("/healthz") == (200, "ok\n")
        yield one


def test_metrics_come_with_those_of_the_process(served: Served) -> None:
    status, text = served.get("/metrics")
    assert status == 200
    assert "zchat_router_askers 3.0\n" in text
    assert "\nprocess_resident_memory_bytes " in text


def test_health_is_whether_the_main_loop_turns(served: Served) -> None:
    served.alive.beaten_at -= limits.PEER_EXPIRY_S
    assert served.get("/healthz") == (503, "the main loop has stopped\n")
    assert served.get("/readyz") == (503, "the main loop has stopped\n")
    served.alive.beat()
    assert served.get("/healthz") == (200, "ok\n")


def test_readiness_says_what_is_missing(served: Served) -> None:
    assert served.get("/readyz") == (200, "ok\n")
    served.missing.extend(["nobody serves users", "nobody serves rooms/0"])
    assert served.get("/readyz") == (503, "nobody serves users\nnobody serves rooms/0\n")
    assert served.get("/healthz") == (200, "ok\n")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/../etc/passwd", "/favicon.ico"])
def test_there_is_nothing_else(served: Served, path: str) -> None:
    assert served.get(path)[0] == 404


def test_those_who_say_nothing_are_only_a_few_and_harm_nobody(served: Served) -> None:
    silent = [
        socket.create_connection(served.address, timeout=90)
        for _ in range(limits.METRICS_REQUESTS_MAX)
    ]
    with socket.create_connection(served.address, timeout=90) as one_more:
        assert one_more.recv(1) == b""
    for connection in silent:
        connection.close()
    assert served.get_when_possible("/healthz") == (200, "ok\n")


def test_a_port_in_use_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics, "_BIND_RETRY_S", 0.01)
    one = Served(free_address(), Liveness(tmp_path, {}), [])
    with socket.socket() as holder:
        holder.bind(one.address)
        holder.listen()
        warned = threading.Event()

        def notice(_: logging.LogRecord) -> bool:
            warned.set()
            return True

        monkeypatch.setattr(metrics._log, "filters", [notice])
        with caplog.at_level(logging.WARNING, "zchat.runtime.metrics"):
            context = serving(one.address, "router", [], dict, Health(one.alive, list))
            with context:
                assert warned.wait(90)
                holder.close()
                assert one.get_when_possible("/healthz") == (200, "ok\n")
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        f"no metrics at {one.address} yet: Address already in use"
    ]


# --- The dashboard and the alerts -----------------------------------------------------------------


_ENDINGS = ("_bucket", "_sum", "_count")
EXPORTED_NAMES = {
    measure.full_name(program) + ending
    for program, measures in PROGRAMS.items()
    for measure in measures
    for ending in (_ENDINGS if measure.kind == "histogram" else ("",))
}


@pytest.mark.parametrize("name", ["operations.md", "prometheus-alerts.yml"])
def test_alerts_are_about_what_is_exported(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    named = set(re.findall(r"\bzchat_(?:gateway|router|user_service|room_service)_\w+", text))
    assert {"zchat_user_service_last_backup_timestamp_seconds"} < named <= EXPORTED_NAMES


def test_the_dashboard_shows_what_is_exported() -> None:
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text("utf-8"))
    expressions = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])
    ]
    named = set(re.findall(r"\bzchat_\w+", " ".join(expressions)))
    assert len(named) > 20
    assert named <= EXPORTED_NAMES
