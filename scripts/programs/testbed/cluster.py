"""A whole cluster, as procfiles/zchat.conf runs it, in a folder and on a port of its own."""

import configparser
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

from supervisor.xmlrpc import SupervisorTransport

from . import ROOT

CONF: Final = ROOT / "procfiles" / "zchat.conf"
ROUTER: Final = "router"
USER_SERVICE: Final = "user-service"
ROOM_SERVICE: Final = "room-service"
SERVICES: Final = (USER_SERVICE, ROOM_SERVICE)
GATEWAYS: Final = ("gateway-0", "gateway-1")
REVIVER: Final = "reviver"

NO_LIMITS: Final = {
    "ZCHAT_MESSAGE_RATE": "off",
    "ZCHAT_BYTE_RATE": "off",
    "ZCHAT_WORK_RATE": "off",
    "ZCHAT_CONNECTION_RATE": "off",
    "ZCHAT_CONNECTIONS_PER_ADDRESS": "off",
}
"""A test says and connects as much as it likes, and all of it from one address."""
DEADLINE_S: Final = 90.0
"""For what must happen at some time, on a machine with far more to do than this; nothing here is
about how fast it does."""
_LOOK_AGAIN_S: Final = 0.05


class Cluster:
    """Its methods wait with deadlines and block; call those from a thread while clients talk."""

    def __init__(
        self,
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        edit_conf: Callable[[str], str] = str,
    ) -> None:
        self.folder = folder
        self.port = _free_port()
        for name in ("procfiles", "bin", "var"):
            (folder / name).mkdir()
        (folder / "procfiles" / CONF.name).write_text(edit_conf(CONF.read_text()))
        _write_programs(folder / "bin")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ZCHAT_")},
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "ZCHAT_LISTEN": self.address,
            **NO_LIMITS,
            **(environment or {}),
        }
        self._supervisord: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()
        """Everything that was ever seen to run here, so that nothing of it is left behind."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- Begin and end --------------------------------------------------------------------------

    def start(self) -> None:
        """Returns when all programs run."""
        command = [sys.executable, "-m", "supervisor.supervisord"]
        conf = str(self.folder / "procfiles" / CONF.name)
        self._supervisord = subprocess.Popen(
            [*command, "-n", "-c", conf],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for us, who stop it in our own time.
            start_new_session=True,
        )
        self.wait_running()

    def stop(self) -> None:
        """Leaves nothing running, whatever state the cluster is in."""
        if self._supervisord is None:
            return
        # Those that started since the last look would not be known if supervisord hung.
        with contextlib.suppress(OSError):
            self._pids_by_program()
        self._supervisord.terminate()
        try:
            self._supervisord.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._supervisord.kill()
            self._supervisord.wait()
        self._supervisord = None
        left = [pid for pid in self._pids if self._is_ours(pid)]
        for pid in left:
            # What a test has stopped hears of no other end.
            os.kill(pid, signal.SIGKILL)
        self._pids.clear()
        assert not left, f"processes outlived their supervisord: {left}"

    def kill_supervisord(self) -> None:
        """Like a crash; returns when its children are gone, too."""
        assert self._supervisord is not None
        self._pids_by_program()
        self._supervisord.kill()
        self._supervisord.wait()
        self.wait_for(lambda: not any(map(self._is_ours, self._pids)), "orphans to end")
        self._supervisord = None

    def restart_all(self) -> None:
        """A clean stop, and a start with what is on the disk."""
        self.stop()
        self.start()

    # --- Its processes --------------------------------------------------------------------------

    def pid(self, program: str) -> int:
        return self._pids_by_program()[program]

    def running_pid(self, program: str) -> int | None:
        """None while supervisord is about to start it again."""
        return self._pids_by_program().get(program)

    def kill(self, program: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends the signal; returns the pid that it went to."""
        pid = self.pid(program)
        os.kill(pid, number)
        return pid

    def kill_and_wait(self, *programs: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Ends the programs at once, and waits until supervisord has started them again."""
        former = {program: self.pid(program) for program in programs}
        for pid in former.values():
            os.kill(pid, number)

        def all_new() -> bool:
            pids = self._pids_by_program()
            return all(pids.get(name, pid) != pid for name, pid in former.items())

        self.wait_for(all_new, f"new lives of {', '.join(programs)}")
        self.wait_running()

    def hang_up(self) -> None:
        """Has gateways read their certificates again, as `supervisorctl signal HUP gateway:*`."""
        with self._supervisor() as supervisor:
            supervisor.signalProcessGroup("gateway", "HUP")

    def hang_up_all(self) -> None:
        """Has all programs read their files again, as `supervisorctl signal HUP all`."""
        with self._supervisor() as supervisor:
            supervisor.signalAllProcesses("HUP")

    def signal(self, pid: int, number: signal.Signals) -> None:
        """To a process of ours that may have ended since its pid was known."""
        if self._is_ours(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def control(self, action: str, program: str) -> None:
        """Like supervisorctl: `start` or `stop` one program."""
        full_name = f"gateway:{program}" if program in GATEWAYS else program
        with self._supervisor() as supervisor:
            getattr(supervisor, action + "Process")(full_name)

    def wait_running(self) -> None:
        """Until supervisord says so of every program, and all gateways listen."""
        self.wait_for(self._is_running, "all programs to run")

    def wait_for(
        self, condition: Callable[[], object], what: str, every_s: float = _LOOK_AGAIN_S
    ) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}\n{self.tail()}"
            time.sleep(every_s)

    def memory_bytes(self, program: str) -> int:
        """Resident memory."""
        for line in Path(f"/proc/{self.pid(program)}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"{program} has no memory")

    def gateway_of(self, client_port: int) -> str | None:
        """The gateway that has accepted the client's connection from this port."""
        inodes = {f"socket:[{inode}]" for inode in self._sockets(client_port)}
        for program in GATEWAYS:
            for link in Path(f"/proc/{self.pid(program)}/fd").iterdir():
                # It may be closed while we look.
                with contextlib.suppress(OSError):
                    if str(link.readlink()) in inodes:
                        return program
        return None

    def _sockets(self, other_port: int) -> list[str]:
        """The inodes of sockets at our port, with this one at the other end; 0 if they listen."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ends = [f":{self.port:04X}", f":{other_port:04X}"]
        return [row[9] for row in rows if [row[1][8:], row[2][8:]] == ends]

    def _is_running(self) -> bool:
        try:
            with self._supervisor() as supervisor:
                infos = supervisor.getAllProcessInfo()
        except (OSError, xmlrpc.client.Fault):
            return False
        self._pids.update(info["pid"] for info in infos if info["pid"])
        all_run = {info["statename"] for info in infos} == {"RUNNING"}
        return all_run and len(self._sockets(0)) == len(GATEWAYS)

    def _pids_by_program(self) -> dict[str, int]:
        with self._supervisor() as supervisor:
            infos = supervisor.getAllProcessInfo()
        pids = {info["name"]: info["pid"] for info in infos if info["pid"]}
        self._pids.update(pids.values())
        return pids

    @contextlib.contextmanager
    def _supervisor(self) -> Any:
        url = f"unix://{self.folder / 'var' / 'supervisor.sock'}"
        transport = SupervisorTransport(None, None, url)
        proxy: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
        try:
            yield proxy.supervisor
        finally:
            transport.close()

    def _is_ours(self, pid: int) -> bool:
        """Whether it lives, and is not somebody else's who got a number that was ours."""
        try:
            status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            folder = Path(f"/proc/{pid}/cwd").readlink()
        except OSError:
            return False
        return status != "Z" and folder == self.folder

    def living(self) -> list[int]:
        """All processes of this cluster, however they came about."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [pid for pid in pids if self._is_ours(pid)]

    # --- Its logs -------------------------------------------------------------------------------

    def log(self, program: str) -> str:
        path = self.folder / "var" / f"{program}.log"
        return path.read_text() if path.exists() else ""

    def bugs(self) -> list[str]:
        """Lines that no process may ever log."""
        return [
            f"{path.name}: {line}"
            for path in sorted((self.folder / "var").glob("*.log"))
            for line in path.read_text().splitlines()
            if " CRITICAL " in line or "Traceback" in line
        ]

    def tail(self) -> str:
        """What to look at when a test fails."""
        names = ("supervisord", ROUTER, *SERVICES, *GATEWAYS)
        return "\n".join(
            f"--- {name}\n" + "\n".join(self.log(name).splitlines()[-8:]) for name in names
        )


def _free_port() -> int:
    """One that no client gets from the kernel, and no other worker of xdist before we listen."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        port = random.randrange(10_000 + worker, 24_000, workers)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _write_programs(folder: Path) -> None:
    """The entry points of setup.cfg, also where zchat is not installed."""
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    for line in metadata["options.entry_points"]["console_scripts"].split("\n"):
        if line:
            name, _, target = line.partition(" = ")
            module, _, function = target.partition(":")
            path = folder / name
            path.write_text(f"#!{sys.executable}\nfrom {module} import {function}\n{function}()\n")
            path.chmod(0o755)
