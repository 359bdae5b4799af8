"""How a server process begins and ends, tried on real processes."""

import os
import re
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from zchat.protocol import limits
from zchat.runtime.liveness import Liveness, file_of, look_at
from zchat.runtime.os_errors import NEEDS_OPERATOR

OTHER: Final = 54_321
"""A user that no system has."""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")

PREAMBLE = """
import logging, os, signal, sys, time
from pathlib import Path
from zchat.runtime.process import StopSignal, die_with_parent, lock, start
from zchat.runtime.settings import Settings
settings = Settings(var=Path("var"))
"""


def spawn(folder: Path, script: str, **environment: str) -> subprocess.Popen[str]:
    root = str(Path(__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script],
        cwd=folder,
        env={"PYTHONPATH": root, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(folder: Path, script: str, **environment: str) -> tuple[int, str, str]:
    with spawn(folder, script, **environment) as process:
        stdout, stderr = process.communicate(timeout=90)
        return process.returncode, stdout, stderr


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


# --- Start ----------------------------------------------------------------------------------------


def test_folders_and_files_are_private(tmp_path: Path) -> None:
    script = 'start(settings, "router"); Path("var/data/file").touch()'
    assert outcome(tmp_path, script) == (0, "", "")
    for folder in ("var", "var/run", "var/data"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var/data/file").stat().st_mode & 0o777 == 0o600


def test_folders_that_were_open_are_closed(tmp_path: Path) -> None:
    for folder in ("var", "var/data"):
        (tmp_path / folder).mkdir(mode=0o755)
    assert outcome(tmp_path, 'start(settings, "router")') == (0, "", "")
    for folder in ("var", "var/run", "var/data"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


@as_root
def test_root_starts_nothing_for_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    os.chown(tmp_path / "var", OTHER, OTHER)
    code, _, stderr = outcome(tmp_path, 'start(settings, "router")')
    assert code == NEEDS_OPERATOR
    assert stderr.endswith(f"var belongs to user {OTHER}: start the cluster as that one\n")
    assert not (tmp_path / "var" / "run").exists()


@as_root
def test_a_folder_of_somebody_else_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o755)
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    code, _, stderr = outcome(tmp_path, f'os.seteuid({OTHER}); start(settings, "router")')
    assert (code, stderr.count("\n")) == (NEEDS_OPERATOR, 1), stderr
    assert "cannot use var: " in stderr


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    code, _, stderr = outcome(tmp_path, 'start(settings, "router")')
    assert code == NEEDS_OPERATOR
    assert stderr.count("\n") == 1
    assert "cannot use var: it, or what it is in, is a file" in stderr


def test_a_log_line_has_time_level_and_program(tmp_path: Path) -> None:
    script = 'start(settings, "router").info("ready at %s", 1)'
    _, _, stderr = outcome(tmp_path, script, TZ="Asia/Tokyo")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO +router ready at 1\n", stderr)


def test_the_level_is_for_our_own_logs_only(tmp_path: Path) -> None:
    script = """
start(Settings(var=Path("var"), log_level="debug"), "router")
for name in ("zchat.fabric.core.link", "library"):
    logging.getLogger(name).debug("private, from " + name)
    logging.getLogger(name).warning("warning, from " + name)
"""
    _, _, stderr = outcome(tmp_path, script)
    assert "private, from zchat.fabric.core.link" in stderr
    assert "private, from library" not in stderr
    assert "warning, from library" in stderr


def test_a_bug_is_logged_with_its_traceback_and_ends_the_process(tmp_path: Path) -> None:
    code, _, stderr = outcome(tmp_path, 'start(settings, "router")\n1 / 0')
    assert code == 1
    assert "CRITICAL router ended by a bug\nTraceback" in stderr
    assert stderr.endswith("ZeroDivisionError: division by zero\n")


def test_ctrl_c_before_anything_else_is_no_bug(tmp_path: Path) -> None:
    script = 'start(settings, "router")\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(10)'
    _, _, stderr = outcome(tmp_path, script)
    assert "bug" not in stderr
    assert "Traceback" not in stderr


# --- A sign of life -------------------------------------------------------------------------------

SUPERVISED = {"SUPERVISOR_PROCESS_NAME": "gateway-0"}


def test_a_beat_touches_the_file_that_has_the_pid(tmp_path: Path) -> None:
    alive = Liveness(tmp_path, SUPERVISED)
    path = file_of(tmp_path, "gateway-0")
    assert look_at(path) is None
    alive.beat()
    os.utime(path, (0, 0))
    first = look_at(path)
    assert first == (os.getpid(), 0)
    # Not in each turn of a busy loop.
    alive.beat()
    assert look_at(path) == first
    alive._touch_at -= limits.HEARTBEAT_INTERVAL_S
    alive.beat()
    seen = look_at(path)
    assert seen is not None
    assert seen.touched_at_ns > 0


def test_a_file_that_was_deleted_or_had_no_room_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    alive = Liveness(folder, SUPERVISED)
    for _ in range(3):
        alive._touch()
    folder.mkdir()
    alive._touch()
    file_of(folder, "gateway-0").unlink()
    alive._touch()
    alive._touch()
    assert look_at(file_of(folder, "gateway-0")) is not None


def test_nobody_is_watched_during_a_long_step_or_before_the_first_beat(tmp_path: Path) -> None:
    path = file_of(tmp_path, "gateway-0")
    path.write_text("4711")
    alive = Liveness(tmp_path, SUPERVISED)
    assert not path.exists()
    alive.beat()
    with alive.long_step("migrates"):
        alive.beaten_at -= 100
        assert (look_at(path), alive.turns) == (None, True)
    assert look_at(path) is not None


def test_a_loop_that_has_stopped_is_known_by_its_last_beat(tmp_path: Path) -> None:
    alive = Liveness(tmp_path, {})
    turned = [alive.turns]
    alive.beaten_at -= limits.PEER_EXPIRY_S
    turned.append(alive.turns)
    alive.beat()
    assert [*turned, alive.turns] == [True, False, True]
    # Started by hand: it has no file that could be taken for another's.
    assert list(tmp_path.iterdir()) == []


# --- Stop -----------------------------------------------------------------------------------------

WAITS = """
stop = StopSignal()
print("ready", flush=True)
while not stop.wait(60): pass
print("stopped")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_something_to_wait_for(tmp_path: Path, number: signal.Signals) -> None:
    with spawn(tmp_path, WAITS) as process:
        assert line_of(process) == "ready"
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=90)
    assert (process.returncode, stdout, stderr) == (0, "stopped\n", "")


def test_a_signal_before_the_wait_ends_it(tmp_path: Path) -> None:
    script = """
stop = StopSignal()
for _ in range(100_000):
    os.kill(os.getpid(), signal.SIGTERM)
print(stop.is_set, stop.wait(60), stop.wait(60))
"""
    assert outcome(tmp_path, script) == (0, "True True True\n", "")


def test_a_hang_up_ends_a_wait_and_nothing_else(tmp_path: Path) -> None:
    script = """
start(settings, "router")
os.kill(os.getpid(), signal.SIGHUP)  # Before anybody can do anything about it.
stop = StopSignal()
import select
readable = lambda: bool(select.select([stop.fd], [], [], 0)[0])
seen = [stop.take_hang_up(), readable()]
os.kill(os.getpid(), signal.SIGHUP)
seen += [readable(), stop.take_hang_up(), stop.take_hang_up(), readable(), stop.is_set]
os.kill(os.getpid(), signal.SIGHUP)
seen += [stop.wait(60), stop.take_hang_up(), readable()]
os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGTERM)
print(*map(int, [*seen, stop.take_hang_up(), stop.wait(60), readable()]))
"""
    assert outcome(tmp_path, script) == (0, "0 0 1 1 0 0 0 0 1 0 1 1 1\n", "")


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
def test_an_event_loop_can_wait_for_it(tmp_path: Path, runner: str) -> None:
    script = f"""
import asyncio, uvloop
stop = StopSignal()
async def main():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_reader(stop.fd, stopped.set)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(stopped.wait(), 90)
    print(stop.is_set)
{runner}.run(main())
"""
    assert outcome(tmp_path, script) == (0, "True\n", "")


# --- The parent -----------------------------------------------------------------------------------

ORPHAN = """
if os.fork() == 0:
    die_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(60)
"""


def is_gone(pid: int, within_s: float) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_under_supervisord_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    with spawn(tmp_path, ORPHAN, SUPERVISOR_ENABLED="1") as parent:
        child = int(line_of(parent))
        parent.kill()
        assert is_gone(child, within_s=90)


def test_started_by_hand_it_does_not(tmp_path: Path) -> None:
    with spawn(tmp_path, ORPHAN) as parent:
        child = int(line_of(parent))
        parent.kill()
        parent.wait()
        try:
            assert not is_gone(child, within_s=0.3)
        finally:
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(("supervised", "code"), [({"SUPERVISOR_ENABLED": "1"}, 1), ({}, 0)])
def test_an_orphan_that_starts_late_notices(
    tmp_path: Path, supervised: dict[str, str], code: int
) -> None:
    script = "sys.stdin.readline()\ndie_with_parent()"
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script],
        env={"PYTHONPATH": str(Path(__file__).parent.parent), **supervised},
        stdin=subprocess.PIPE,
        stderr=writer,
    ) as process:
        os.close(writer)
        os.close(reader)
        process.communicate(b"\n", timeout=90)
    assert process.returncode == code


# --- Locks ----------------------------------------------------------------------------------------

LOCKS = """
start(settings, "router")
stop = StopSignal()
with lock(settings.run / "lock", stop):
    print("locked", flush=True)
    stop.wait(60)
"""


def test_the_second_waits_for_the_first_and_says_for_whom(tmp_path: Path) -> None:
    with spawn(tmp_path, LOCKS) as first:
        assert line_of(first) == "locked"
        with spawn(tmp_path, LOCKS) as second:
            assert second.stderr is not None
            line = second.stderr.readline()
            assert f"waiting for var/run/lock: process {first.pid} has it" in line
            first.kill()
            assert line_of(second) == "locked"
            second.terminate()


def test_a_lock_needs_no_room_on_the_disk(tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"
    with spawn(tmp_path, full + LOCKS) as process:
        assert line_of(process) == "locked"
        process.terminate()


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    with spawn(tmp_path, LOCKS) as first:
        assert line_of(first) == "locked"
        with spawn(tmp_path, LOCKS) as second:
            assert second.stderr is not None
            assert "waiting for" in second.stderr.readline()
            second.terminate()
            stdout, _ = second.communicate(timeout=90)
        assert (second.returncode, stdout) == (0, "")
        first.terminate()
