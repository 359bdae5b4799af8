"""What is measured: servers in folders of their own, started and stopped here."""

import configparser
import contextlib
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

from supervisor.xmlrpc import SupervisorTransport

from benchmarks.web_dialect import ORIGIN
from testbed import ROOT
from zchat.admin.commands.certificates import CERTIFICATE, KEY

_START_TIMEOUT_S: Final = 30.0
_STOP_TIMEOUT_S: Final = 30.0
_POLL_INTERVAL_S: Final = 0.005
_LISTENING: Final = "0A"
_TROUBLE: Final = re.compile(r" (?:WARNING|ERROR|CRITICAL) |WARN exited|gave up|Traceback")
TROUBLE_LINES_MAX: Final = 20


class Server(Protocol):
    """Anything that people can talk on: zchat, or a peer to compare it with."""

    host: str
    port: int
    certificate: Path | None
    """What its clients trust; None without TLS."""

    def start(self) -> None:
        """Returns when the server has been told to start, which does not mean that it has."""
        ...

    def wait_until_open(self) -> None:
        """Returns when clients can connect to all that they will ever be able to connect to."""
        ...

    def stop(self) -> None: ...

    def processes(self) -> Mapping[str, int]:
        """Process ids by program."""
        ...

    def troubles(self) -> list[str]:
        """Lines of its logs that nobody wants to see."""
        ...


class RunningServer:
    """One that somebody else started: of its processes nothing is known here."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.certificate: Path | None = None

    def start(self) -> None:
        pass

    def wait_until_open(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def processes(self) -> Mapping[str, int]:
        return {}

    def troubles(self) -> list[str]:
        return []


class Version(NamedTuple):
    """A zchat that can be started."""

    procfile: Path
    programs: Path
    """The folder with its programs, supervisord among them."""


THIS_TREE: Final = Version(ROOT / "procfiles" / "zchat.conf", Path(sys.executable).parent)
"""Its programs stand beside the Python that runs this."""


class ZchatCluster:
    """The cluster of a procfile, in `folder`; it may be started again with its data."""

    def __init__(
        self,
        folder: Path,
        gateways: int | None = None,
        *,
        version: Version = THIS_TREE,
        tls: bool = False,
    ) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.certificate: Path | None = None
        self._key: Path | None = None
        self._folder = folder
        self._programs = version.programs
        (folder / "var").mkdir()
        (folder / "procfiles").mkdir()
        self._conf = folder / "procfiles" / version.procfile.name
        shutil.copy(version.procfile, self._conf)
        if gateways is not None:
            text = self._conf.read_text("utf-8")
            self._conf.write_text(re.sub("(?m)^numprocs=.*", f"numprocs={gateways}", text), "utf-8")
        parser = configparser.RawConfigParser()
        parser.read(self._conf, "utf-8")
        self._gateways = parser.getint("program:gateway", "numprocs")
        self._supervisord: subprocess.Popen[bytes] | None = None
        if tls:
            self.certificate, self._key = make_certificate(
                version.programs / "zchat-admin", self.host, folder / "tls"
            )

    def start(self) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ZCHAT_")
        }
        # It names what the generator imports, which is of no other version.
        environment.pop("PYTHONPATH", None)
        environment["PATH"] = f"{self._programs}:{environment['PATH']}"
        environment["ZCHAT_LISTEN"] = f"{self.host}:{self.port}"
        environment["ZCHAT_WEB_ORIGINS"] = ORIGIN
        if self.certificate is not None:
            environment["ZCHAT_TLS_CERT"] = str(self.certificate)
            environment["ZCHAT_TLS_KEY"] = str(self._key)
        # All load comes from one address, as fast as it can.
        for limit in (
            "MESSAGE_RATE",
            "BYTE_RATE",
            "WORK_RATE",
            "CONNECTION_RATE",
            "CONNECTIONS_PER_ADDRESS",
        ):
            environment[f"ZCHAT_{limit}"] = "off"
        self._supervisord = subprocess.Popen(  # noqa: S603 - Nothing in it is anybody's input.
            [self._programs / "supervisord", "-n", "-c", self._conf.relative_to(self._folder)],
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_until_open(self) -> None:
        # Whoever came earlier would not be spread over all gateways.
        deadline = time.monotonic() + _START_TIMEOUT_S
        while _listeners(self.port) < self._gateways:
            assert self._supervisord is not None
            if self._supervisord.poll() is not None or time.monotonic() > deadline:
                logs = "\n".join(self._log_lines()[-TROUBLE_LINES_MAX:])
                raise RuntimeError(f"The cluster does not start; its logs end with:\n{logs}")
            time.sleep(_POLL_INTERVAL_S)

    def stop(self) -> None:
        if self._supervisord is None:
            return
        self._supervisord.terminate()
        try:
            self._supervisord.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # Its children end with it.
            self._supervisord.kill()
            self._supervisord.wait()
        self._supervisord = None

    def processes(self) -> Mapping[str, int]:
        assert self._supervisord is not None
        transport = SupervisorTransport(serverurl=f"unix://{self._folder}/var/supervisor.sock")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
        programs = cast(list[dict[str, Any]], proxy.supervisor.getAllProcessInfo())
        return {
            **{program["name"]: program["pid"] for program in programs if program["pid"]},
            "supervisord": self._supervisord.pid,
        }

    def troubles(self) -> list[str]:
        return [line for line in self._log_lines() if _TROUBLE.search(line)][:TROUBLE_LINES_MAX]

    def _log_lines(self) -> list[str]:
        return [
            f"{log.name}: {line}"
            for log in sorted((self._folder / "var").glob("*.log"))
            for line in log.read_text("utf-8", "replace").splitlines()
        ]


def make_certificate(zchat_admin: Path, host: str, folder: Path) -> tuple[Path, Path]:
    """Paths of a certificate that signs itself, and of its key."""
    subprocess.run(  # noqa: S603 - Nothing in it is anybody's input.
        [zchat_admin, "tls", "self-signed", "--host", host, "--folder", folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / CERTIFICATE, folder / KEY


@contextlib.contextmanager
def fresh_folder(parent: Path | None) -> Iterator[Path]:
    """A short path, since the path of a socket in it may have 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="zb-", dir=parent) as folder:
        yield Path(folder)


def allow_many_sockets() -> None:
    """For this process and those that it starts: a socket for each client, at both ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def file_system_of(folder: Path) -> str:
    """A commit to a file system in memory costs nothing and proves nothing."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    path = folder.resolve()
    return max(
        (len(Path(point).parts), kind) for point, kind in mounts if path.is_relative_to(point)
    )[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listeners(port: int) -> int:
    """Sockets of this machine that listen on the port, whosever they are."""
    wanted = f":{port:04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(fields[1].endswith(wanted) and fields[3] == _LISTENING for fields in sockets)
