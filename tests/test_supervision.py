"""procfiles/zchat.conf under a real supervisord, with stand-ins for the programs; the reviver."""

import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from supervisor import events
from supervisor.xmlrpc import SupervisorTransport

from zchat.admin.reviver import Watch, notifications, revive
from zchat.admin.supervising import begin
from zchat.protocol import limits
from zchat.runtime.core.hangs import Hangs, Seen
from zchat.runtime.liveness import file_of

CONF = Path(__file__).parent.parent / "procfiles" / "zchat.conf"
LOG = logging.getLogger("zchat.test")
NAMES = {"reviver", "router", "user-service", "room-service", "gateway-0", "gateway-1"}

STAND_IN = """\
#!{python}
import sys
from pathlib import Path
from zchat.runtime.process import StopSignal, start
from zchat.runtime.settings import command

program = Path(sys.argv[0]).name.removeprefix("zchat-")

def run(settings):
    start(settings, program)
    stop = StopSignal()
    while not stop.wait(10):
        pass

command(program, run)()
"""
FAILS_AT_FIRST = """\
#!/bin/sh
echo started >>starts
[ "$(wc -l <starts)" -gt 5 ] || exit 1
exec sleep 1000
"""
WAITS_FOR_OPERATOR = """\
#!{python}
import os, sys
from zchat.runtime.process import give_up, start
from zchat.runtime.settings import command
from zchat.runtime.os_errors import Trouble

def run(settings):
    with open("starts", "a") as starts:
        print(os.getpid(), file=starts)
    give_up(start(settings, "user-service"), Trouble("cannot use this"))

command("user-service", run)()
"""
IS_TOLD_NONSENSE = """\
#!{python}
import sys
from zchat.runtime.settings import command

with open("starts", "a") as starts:
    print("started", file=starts)
sys.argv[1:] = ["--guests", "perhaps"]
command("user-service", print)()
"""
REVIVER = """\
#!{python}
from zchat.admin.reviver import main
main()
"""


class FakeSupervisor:
    def __init__(self, states: dict[str, int]) -> None:
        self.states = states
        self.started: list[str] = []
        self.killed: list[str] = []
        self.pids: dict[str, int] = {}
        self.failures: list[Exception] = []

    def getAllProcessInfo(self) -> list[dict[str, object]]:  # noqa: N802
        if self.failures:
            raise self.failures.pop()
        return [
            {
                "group": name,
                "name": name,
                "state": state,
                "pid": self.pids.get(name, 0),
                "spawnerr": "exited too quickly",
            }
            for name, state in self.states.items()
        ]

    def startProcess(self, name: str, wait: bool) -> bool:  # noqa: N802
        assert not wait
        if name == "missing:missing":
            raise xmlrpc.client.Fault(20, "NO_FILE")
        self.started.append(name)
        return True

    def signalProcess(self, name: str, signal: str) -> bool:  # noqa: N802
        assert signal == "KILL"
        if name == "missing:missing":
            raise xmlrpc.client.Fault(70, "NOT_RUNNING")
        self.killed.append(name)
        return True


def test_only_what_was_given_up_is_started() -> None:
    supervisor = FakeSupervisor(
        {"stopped": 0, "starting": 10, "running": 20, "backoff": 30, "exited": 100, "fatal": 200}
    )
    revive(supervisor, LOG)
    assert supervisor.started == ["fatal:fatal"]


def test_one_that_does_not_start_keeps_no_other_from_it() -> None:
    supervisor = FakeSupervisor({"missing": 200, "router": 200})
    revive(supervisor, LOG)
    assert supervisor.started == ["router:router"]


@pytest.mark.parametrize(
    "failure",
    [ConnectionRefusedError(), xmlrpc.client.Fault(6, "SHUTDOWN_STATE")],
)
def test_a_supervisord_that_does_not_answer_is_asked_again(failure: Exception) -> None:
    supervisor = FakeSupervisor({"router": 200})
    supervisor.failures = [failure]
    revive(supervisor, LOG)
    assert supervisor.started == []
    revive(supervisor, LOG)
    assert supervisor.started == ["router:router"]


# --- What hangs -----------------------------------------------------------------------------------

TICK_S = 5.0


def looks(hangs: Hangs, files: list[dict[str, Seen]], every_s: float = TICK_S) -> list[list[str]]:
    """What came of each look, one every few seconds."""
    return [hangs.look(number * every_s, seen) for number, seen in enumerate(files)]


def test_a_process_that_moves_is_left_alone() -> None:
    files = [{"router": Seen(1, number)} for number in range(20)]
    assert looks(Hangs(), files) == [[]] * 20


def test_one_that_has_not_moved_for_so_long_is_killed_once() -> None:
    ticks = int(limits.HANG_KILL_S / TICK_S)
    found = looks(Hangs(), [{"router": Seen(1, 7), "users": Seen(2, n)} for n in range(2 * ticks)])
    assert found == [[]] * ticks + [["router"]] + [[]] * (ticks - 1)


def test_a_new_life_has_all_the_time_again() -> None:
    files = [Seen(1, 7)] * 4 + [Seen(2, 7)] * 4 + [Seen(2, 8)] * 4
    assert looks(Hangs(), [{"router": seen} for seen in files]) == [[]] * 12


def test_one_that_was_away_meanwhile_has_all_the_time_again() -> None:
    files: list[dict[str, Seen]] = [{"router": Seen(1, 7)}] * 4
    assert looks(Hangs(), [*files, {}, *files]) == [[]] * 9


def test_after_a_long_sleep_of_the_watcher_or_the_machine_nobody_is_killed_at_once() -> None:
    hangs, files = Hangs(), {"router": Seen(1, 7)}
    assert hangs.look(0.0, files) == []
    # The ticks that were missed come all at once.
    assert [hangs.look(3600.0 + moment / 100, files) for moment in range(10)] == [[]] * 10
    assert hangs.look(3605.0, {"router": Seen(1, 8)}) == []


class Watched:
    """Processes as supervisord knows them, and the files that they have touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.supervisor = FakeSupervisor({})
        self.watch = Watch(folder)

    def process(self, name: str, pid: int, pid_in_file: str, state: int = 20) -> None:
        self.supervisor.states[name] = state
        self.supervisor.pids[name] = pid
        file_of(self.folder, name).write_text(pid_in_file)

    def wait_in_vain(self) -> list[str]:
        for number in range(10):
            self.watch.look(self.supervisor, LOG, number * TICK_S)
        return self.supervisor.killed


def test_only_the_process_that_supervisord_means_is_killed(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.process("hung", 101, "101\n")
    watched.process("reborn", 102, "99\n")
    watched.process("stopping", 103, "103\n", state=40)
    watched.process("rubbish", 104, "x")
    watched.process("too-full-a-disk", 105, "")
    assert set(watched.wait_in_vain()) == {"hung:hung"}


def test_one_that_ended_by_itself_keeps_no_other_from_being_killed(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.process("missing", 101, "101\n")
    watched.process("hung", 102, "102\n")
    assert set(watched.wait_in_vain()) == {"hung:hung"}


def test_a_supervisord_that_does_not_answer_is_looked_at_again(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.process("hung", 101, "101\n")
    watched.supervisor.failures = [ConnectionRefusedError()]
    assert set(watched.wait_in_vain()) == {"hung:hung"}


# --- The beginning --------------------------------------------------------------------------------


class Group:
    """A part of a cluster, which remembers in what order it and others were moved on."""

    def __init__(self, priority: int, begun: list[int]) -> None:
        self.priority, self.begun = priority, begun

    def __lt__(self, other: "Group") -> bool:
        return self.priority < other.priority

    def transition(self) -> None:
        self.begun.append(self.priority)


def test_programs_begin_by_priority_when_supervisord_does_and_not_at_its_first_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    (tmp_path / "var").mkdir(mode=0o700)
    begun: list[int] = []
    supervisord = SimpleNamespace(
        options=SimpleNamespace(logger=LOG, here=str(tmp_path / "procfiles")),
        process_groups={str(number): Group(number, begun) for number in (30, 10, 20)},
    )
    events.clear()
    umask = os.umask(0o077)
    try:
        begin(supervisord)
        # They may need what other plug-ins do at the beginning.
        assert begun == []
        events.notify(events.SupervisorRunningEvent())
    finally:
        os.umask(umask)
        events.clear()
    assert begun == [10, 20, 30]


# --- Events ---------------------------------------------------------------------------------------


def test_each_event_is_taken_and_answered_until_supervisord_is_gone() -> None:
    stdin = io.BytesIO(b"ver:3.0 eventname:TICK_5 len:15\nwhen:1201063880ver:3.0 len:0\n")
    stdout = io.BytesIO()
    assert len(list(notifications(stdin, stdout, LOG))) == 2
    assert stdout.getvalue() == b"READY\nRESULT 2\nOKREADY\nRESULT 2\nOKREADY\n"


@pytest.mark.parametrize("rubbish", [b"\n", b"len\n", b"len:x\n", b"\xff\xfe:\x00\n", b"::\n"])
def test_rubbish_is_answered_like_an_event(rubbish: bytes) -> None:
    stdout = io.BytesIO()
    assert len(list(notifications(io.BytesIO(rubbish), stdout, LOG))) == 1
    assert stdout.getvalue().startswith(b"READY\nRESULT 2\nOKREADY")


class Cluster:
    """A copy of the procfile beside an empty var/, under a supervisord of its own."""

    def __init__(self, folder: Path, scripts: dict[str, str], conf: Path = CONF) -> None:
        self.folder = folder
        for name in ("procfiles", "var", "bin"):
            (folder / name).mkdir(mode=0o755)
        # Of a life before this one.
        (folder / "var" / "router.log").touch(mode=0o644)
        shutil.copy(conf, folder / "procfiles")
        for name, script in scripts.items():
            path = folder / "bin" / f"zchat-{name}"
            path.write_text(script.format(python=sys.executable))
            path.chmod(0o755)
        root = CONF.parent.parent
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ZCHAT_")}
        environment["PATH"] = f"{folder / 'bin'}:{environment['PATH']}"
        environment["PYTHONPATH"] = str(root)
        self.supervisord = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "supervisor.supervisord",
                "-nc",
                str(folder / "procfiles" / conf.name),
            ],
            # Another folder than that of the procfile: nothing may depend on where one starts it.
            cwd=folder / "bin",
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        self._socket_url = f"unix://{folder / 'var' / 'supervisor.sock'}"

    def processes(self) -> dict[str, tuple[str, int]]:
        """State and pid by name; nothing while supervisord does not answer yet."""
        transport = SupervisorTransport(None, None, self._socket_url)
        proxy: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
        try:
            infos = proxy.supervisor.getAllProcessInfo()
        except OSError:
            return {}
        finally:
            transport.close()
        return {info["name"]: (info["statename"], info["pid"]) for info in infos}

    def all_running(self) -> bool:
        processes = self.processes()
        return bool(processes) and {state for state, _ in processes.values()} == {"RUNNING"}


@pytest.fixture
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    clusters: list[Cluster] = []

    def start(conf: Path = CONF, **scripts: str) -> Cluster:
        named = {name.replace("_", "-"): script for name, script in scripts.items()}
        programs = dict.fromkeys(("router", "user-service", "room-service", "gateway"), STAND_IN)
        # Sockets have short paths.
        folder = tmp_path_factory.mktemp("s")
        clusters.append(Cluster(folder, {**programs, "reviver": REVIVER, **named}, conf))
        return clusters[-1]

    yield start
    for cluster in clusters:
        if cluster.supervisord.poll() is None:
            cluster.supervisord.terminate()
            cluster.supervisord.wait(90)


def eventually(condition: Callable[[], object], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # What has died and was not yet reaped by whom it was left to is as good as gone.
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.integration
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_all_programs_run_and_end_with_supervisord(
    start_cluster: Callable[..., Cluster], end: signal.Signals
) -> None:
    cluster = start_cluster()
    eventually(cluster.all_running, within_s=90)
    processes = cluster.processes()
    assert processes.keys() == NAMES
    var = cluster.folder / "var"
    assert [path for path in (var, *var.rglob("*")) if path.stat().st_mode & 0o077] == []
    cluster.supervisord.send_signal(end)
    cluster.supervisord.wait(90)
    eventually(lambda: not any(is_alive(pid) for _, pid in processes.values()), within_s=90)


@pytest.mark.integration
def test_a_host_of_gateways_runs_nothing_else(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster(CONF.with_name("gateway-host.conf"))
    eventually(cluster.all_running, within_s=90)
    assert cluster.processes().keys() == {"gateway", "reviver"}


@pytest.mark.integration
def test_a_program_that_was_given_up_comes_back(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster(user_service=FAILS_AT_FIRST)
    eventually(cluster.all_running, within_s=90)
    log = (cluster.folder / "var" / "supervisord.log").read_text()
    assert "gave up: user-service entered FATAL state" in log
    assert "user-service" in (cluster.folder / "var" / "reviver.log").read_text()


@pytest.mark.integration
@pytest.mark.parametrize(
    "script", [WAITS_FOR_OPERATOR, IS_TOLD_NONSENSE], ids=["needs the operator", "wrong value"]
)
def test_one_that_waits_for_its_operator_is_not_started_again(
    start_cluster: Callable[..., Cluster], script: str
) -> None:
    cluster = start_cluster(user_service=script)
    eventually(lambda: cluster.processes().get("user-service", ("", 0))[0] == "EXITED", 90)
    ticked = time.monotonic() + 12
    eventually(lambda: time.monotonic() > ticked, within_s=90)
    assert cluster.processes()["user-service"][0] == "EXITED"
    (starts,) = cluster.folder.rglob("starts")
    assert len(starts.read_text().splitlines()) == 1


@pytest.mark.integration
def test_a_killed_program_comes_back(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster()
    eventually(cluster.all_running, within_s=90)
    before = cluster.processes()
    os.kill(before["gateway-1"][1], signal.SIGKILL)
    eventually(
        lambda: cluster.all_running() and cluster.processes()["gateway-1"] != before["gateway-1"],
        within_s=90,
    )
    after = cluster.processes()
    assert {name for name in NAMES if before[name] != after[name]} == {"gateway-1"}
