"""What only an operator can put right: a sentence that says what helps, and never a traceback."""

import contextlib
import errno
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from zchat.eventlog.schema import Schema, create
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.runtime.options import Address
from zchat.runtime.os_errors import (
    NEEDS_OPERATOR,
    PASSING,
    STARTED_S,
    Trouble,
    of_file,
    of_listening,
    supervised_as,
)
from zchat.runtime.settings_in_force import console_name
from zchat.users.store.tables import USERS_SCHEMA

ROOT = Path(__file__).parent.parent
HERE = Address("127.0.0.1", 443)
NOBODY = 65_534


# --- The sentences --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "helps", "passing"),
    [
        (errno.EADDRINUSE, "ss -ltnp 'sport = :443'", True),
        (errno.EADDRNOTAVAIL, "ip address", True),
        (errno.EACCES, "sysctl net.ipv4.ip_unprivileged_port_start=443", False),
        (errno.EPERM, "a port above 1023 for listen", False),
        (errno.EAFNOSUPPORT, "has no IPv4; change listen", False),
        (errno.ENOBUFS, "No buffer space", True),
    ],
)
def test_who_cannot_listen_is_told_what_helps(code: int, helps: str, passing: bool) -> None:
    trouble = of_listening(HERE, "listen", OSError(code, os.strerror(code)))
    assert trouble.sentence.startswith("cannot listen at 127.0.0.1:443: ")
    assert helps in trouble.sentence
    assert trouble.passing is passing


def test_a_name_that_nobody_knows_is_named() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    trouble = of_listening(Address("chat.invalid", 1), "listen", error)
    assert "getent hosts chat.invalid" in trouble.sentence


@pytest.mark.parametrize(
    ("code", "helps", "passing"),
    [
        (errno.ENOSPC, "df -h var/data", True),
        (errno.EDQUOT, "df -h var/data", True),
        (errno.EROFS, "read-only", False),
        (errno.ENOTDIR, "is a file", False),
        (errno.ENOENT, "not there", False),
        (errno.EACCES, "ls -ld var/data", False),
        (errno.EIO, "Input/output error", True),
    ],
)
def test_what_is_wrong_with_a_file_is_told(code: int, helps: str, passing: bool) -> None:
    trouble = of_file(OSError(code, os.strerror(code)), Path("var/data"))
    assert trouble.sentence.startswith("cannot use var/data: ")
    assert helps in trouble.sentence
    assert trouble.passing is passing


def test_what_is_somebody_elses_is_told_with_the_owner(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(tmp_path, NOBODY, NOBODY)
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "users.sqlite"))
    assert f"{tmp_path} belongs to nobody, and this is root" in of_file(error).sentence


def test_supervisorctl_knows_a_process_by_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    assert supervised_as() == os.environ.get("SUPERVISOR_PROCESS_NAME", "")
    monkeypatch.setenv("SUPERVISOR_GROUP_NAME", "gateway")
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "gateway-1")
    assert supervised_as() == "gateway:gateway-1"
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "gateway")
    assert supervised_as() == "gateway"


def test_a_program_that_waits_for_its_operator_has_started() -> None:
    conf = (ROOT / "procfiles" / "zchat.conf").read_text()
    assert {line for line in conf.splitlines() if line.startswith("startsecs")} == {"startsecs=1"}
    assert STARTED_S > 1
    assert conf.count(f"exitcodes=2,{NEEDS_OPERATOR}") == conf.count("\nautorestart=unexpected")


def test_nobody_of_a_number_has_a_name_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as any user."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert console_name() == f"admin/{os.getuid()}"


# --- Real programs --------------------------------------------------------------------------------

Run = Callable[..., Trouble]


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Starts a program in a folder of its own, and returns what it has said at its end."""
    folder = tmp_path_factory.mktemp("t")

    def start(
        module: str, *arguments: str, prepare: Callable[[Path], object] = Path.exists
    ) -> Trouble:
        (folder / "var/data").mkdir(parents=True, exist_ok=True)
        prepare(folder)
        ended = subprocess.run(
            [sys.executable, "-c", f"from zchat.{module}.process import main; main()", *arguments],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert "Traceback" not in ended.stderr
        (line,) = [line for line in ended.stderr.splitlines() if "CRITICAL" in line]
        assert ended.returncode in (PASSING, NEEDS_OPERATOR)
        return Trouble(line.partition("CRITICAL ")[2], ended.returncode == PASSING)

    yield start
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that somebody else listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_gateway_whose_port_is_taken_says_so(run: Run, taken: str) -> None:
    said = run("gateway", "--listen", taken)
    assert f"cannot listen at {taken}: the port is taken" in said.sentence
    assert said.passing


def test_so_does_one_with_a_certificate(
    run: Run, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def certify(folder: Path) -> None:
        make = "from zchat.admin.cli import main; main(['tls', 'self-signed', '--host', 'a.test'])"
        environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        subprocess.run([sys.executable, "-c", make], cwd=folder, env=environment, check=True)

    pair = ("--tls-cert", "var/tls/tls-cert.pem", "--tls-key", "var/tls/tls-key.pem")
    said = run("gateway", "--listen", taken, *pair, prepare=certify)
    assert f"cannot listen at {taken}: the port is taken" in said.sentence


def test_an_address_of_another_host_is_told(run: Run) -> None:
    said = run("gateway", "--listen", "192.0.2.1:7447", "--plain", "anywhere")
    assert "192.0.2.1 is no address of this host" in said.sentence


def test_a_certificate_that_is_missing_waits_for_the_operator(run: Run) -> None:
    said = run("gateway", "--tls-cert", "nowhere.pem", "--tls-key", "nowhere.pem")
    assert "cannot read nowhere.pem: No such file" in said.sentence
    assert not said.passing


def put(schema: Schema, revision: str = "") -> Callable[[Path], object]:
    """A database of that service in the place of the user-service's."""

    def prepare(folder: Path) -> None:
        engine = create_engine(f"sqlite:///{folder / 'var/data/users.sqlite'}")
        with engine.begin() as connection:
            create(connection, schema)
            if revision:
                update = (
                    "UPDATE alembic_version SET version_num = :new WHERE version_num LIKE 'us%'"
                )
                connection.execute(text(update), {"new": revision})
        engine.dispose()

    return prepare


def write_rubbish(folder: Path) -> None:
    (folder / "var/data/users.sqlite").write_bytes(b"no database at all" * 1000)


def write_foreign(folder: Path) -> None:
    with sqlite3.connect(folder / "var/data/users.sqlite") as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (put(USERS_SCHEMA, "users_9999"), "newer than this release of zchat: install the newer"),
        (put(ROOMS_SCHEMA), "the database of another service, at revision rooms_"),
        (write_rubbish, "it is damaged (file is not a database); see what is left with: zchat-"),
        (write_foreign, "it is a database of another program; move it away"),
    ],
    ids=["too new", "of another service", "rubbish", "of another program"],
)
def test_a_database_that_cannot_be_used_waits_for_the_operator(
    run: Run, prepare: Callable[[Path], object], says: str
) -> None:
    said = run("users", prepare=prepare)
    assert "cannot use var/data/users.sqlite: " in said.sentence
    assert says in said.sentence
    assert not said.passing


def test_a_partition_that_is_another_one_waits_for_the_operator(run: Run) -> None:
    def claim(folder: Path) -> None:
        path = folder / "var/data/rooms-0.sqlite"
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            create(connection, ROOMS_SCHEMA)
            connection.execute(text("INSERT INTO partition (number, partitions) VALUES (0, 2)"))
        engine.dispose()

    said = run("rooms", prepare=claim)
    assert (
        "it is partition 0 of 2, and rooms cannot move; set partitions back to 2" in said.sentence
    )
    assert not said.passing


def test_a_file_in_the_place_of_the_folder_waits_for_the_operator(run: Run) -> None:
    said = run("router", "--var", "zchat.txt", prepare=lambda f: (f / "zchat.txt").touch())
    assert "cannot use zchat.txt: it, or what it is in, is a file" in said.sentence
    assert not said.passing


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("module", ["router", "users"])
def test_what_may_not_be_read_waits_for_the_operator(tmp_path: Path, module: str) -> None:
    """As after a restore by root: the cluster's own user cannot open what is there."""
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder != Path("/tmp") and Path("/tmp") in folder.parents:
            folder.chmod(0o755)
    (tmp_path / "var/data").mkdir(parents=True)
    (tmp_path / "var/run").mkdir()
    os.chown(tmp_path / "var", NOBODY, NOBODY)
    os.chown(tmp_path / "var/run", NOBODY, NOBODY)
    (tmp_path / "var/data").chmod(0o700)
    script = (
        f"import os; os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"from zchat.{module}.process import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"import zchat.{module}.process\n{script}"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert "Traceback" not in ended.stderr
    assert "var/data belongs to root, and this is nobody; run the cluster as root" in ended.stderr
    assert "chown -R nobody" in ended.stderr
    assert ended.returncode == NEEDS_OPERATOR


# --- What passes ----------------------------------------------------------------------------------


class UserService:
    """What it says is read as it comes, and kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said = ""

    def says(self, text: str) -> None:
        """Until it has."""
        assert self._process.stderr is not None
        while text not in self.said:
            line = self._process.stderr.readline()
            assert line, f"it has ended without {text!r}: {self.said}"
            self.said += line


@contextlib.contextmanager
def user_service(folder: Path) -> Iterator[UserService]:
    with subprocess.Popen(
        [sys.executable, "-c", "from zchat.users.process import main; main()"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        service = UserService(process)
        try:
            yield service
        finally:
            process.terminate()
            assert process.stderr is not None
            service.said += process.stderr.read()
    assert "Traceback" not in service.said


def test_a_database_that_somebody_else_writes_to_is_waited_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("t")
    (folder / "var/data").mkdir(parents=True)
    put(USERS_SCHEMA)(folder)
    with contextlib.closing(
        sqlite3.connect(folder / "var/data/users.sqlite", isolation_level=None)
    ) as other:
        other.execute("BEGIN EXCLUSIVE")
        with user_service(folder) as service:
            service.says("database is locked; see what helps with: zchat-admin doctor")
            other.execute("ROLLBACK")
            service.says("ready")
            assert service.said.count("ERROR") == 1


def test_a_full_disk_is_waited_for(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("t")
    (folder / "var").mkdir()
    disk = ["mount", "-t", "tmpfs", "-o", "size=256k", "zchat-test", str(folder / "var")]
    if shutil.which("mount") is None or subprocess.run(disk, check=False).returncode:
        pytest.skip("only who may mount has a small disk")
    try:
        with contextlib.suppress(OSError):
            (folder / "var/filling").write_bytes(b"x" * 2**20)
        with user_service(folder) as service:
            service.says("cannot use var/data/users.sqlite: ")
            assert "full" in service.said
            subprocess.run(["mount", "-o", "remount,size=64m", str(folder / "var")], check=True)
            service.says("ready")
    finally:
        subprocess.run(["umount", str(folder / "var")], check=True)
