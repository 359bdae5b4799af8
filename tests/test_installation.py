"""What is installed: the client without the server's libraries, and a wheel away from the clone."""

import configparser
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import urllib.request
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
DEADLINE_S: Final = 180

IMPORT_WITHOUT: Final = """
import importlib, pkgutil, sys
for module in sys.argv[1:]:
    sys.modules[module] = None
import zchat.client
for found in pkgutil.walk_packages(zchat.client.__path__, "zchat.client."):
    importlib.import_module(found.name)
loaded = {name.partition(".")[0] for name in sys.modules}
print(*sorted(loaded))
"""
CALL_WITHOUT: Final = """
import sys
import sysconfig
sys.modules[sys.argv[1]] = None
from zchat import programs
getattr(programs, sys.argv[2])()
"""
BOT: Final = """
from zchat.client import Chat

async def answer(chat: Chat) -> None:
    await chat.say(123)
"""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(section: str, option: str) -> set[str]:
    """The distributions that setup.cfg names there."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = [line for line in setup[section][option].split("\n") if line and line[0] != "#"]
    return {_normal(re.split(r"[\[<>=;]", line)[0]) for line in lines}


def _modules_of(distributions: set[str]) -> set[str]:
    owners = packages_distributions()
    return {module for module, names in owners.items() if distributions & set(map(_normal, names))}


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", code, *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def test_all_of_the_client_does_without_what_only_servers_need() -> None:
    server = _modules_of(_required("options.extras_require", "server"))
    assert {"zmq", "sqlalchemy", "alembic", "supervisor", "uvloop", "argon2"} <= server
    done = _python(IMPORT_WITHOUT, *server)
    assert done.returncode == 0, done.stderr


def test_all_that_the_client_loads_is_required_of_it() -> None:
    loaded = set(_python(IMPORT_WITHOUT).stdout.split())
    owners = packages_distributions()
    direct = _modules_of(_required("options", "install_requires"))
    # What our own files name; what those libraries need is theirs to say.
    named = {
        match[1]
        for folder in ("client", "protocol")
        for path in (ROOT / "zchat" / folder).rglob("*.py")
        for match in re.finditer(r"^ *(?:import|from) (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    foreign = {module for module in named & loaded if module in owners} - {"zchat"}
    assert foreign <= direct


@pytest.mark.parametrize(
    ("module", "without"),
    [
        # supervisord has it, and starts everything else.
        ("zchat.admin.supervising", ["click", "msgspec", "zmq", "supervisor"]),
        ("zchat.admin.reviver", ["zmq", "asyncio", "supervisor.xmlrpc"]),
        ("zchat.router.process", ["asyncio", "ssl", "sqlalchemy"]),
        ("zchat.rooms.process", ["alembic", "prometheus_client", "confusable_homoglyphs"]),
        ("zchat.users.process", ["alembic", "prometheus_client", "confusable_homoglyphs"]),
    ],
)
def test_a_process_loads_nothing_that_it_has_no_use_for(module: str, without: list[str]) -> None:
    loaded = f"import sys, {module}; print(*sys.modules)"
    words = [sys.executable, "-c", loaded]
    modules = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    assert set(modules).isdisjoint(without)


@pytest.mark.parametrize(
    ("library", "program"),
    [
        ("zmq", "gateway"),
        ("sqlalchemy", "user_service"),
        ("supervisor", "reviver"),
        ("supervisor", "up"),
    ],
)
def test_a_program_says_what_is_not_installed(library: str, program: str) -> None:
    done = _python(CALL_WITHOUT, library, program)
    assert done.returncode == 1
    name = f"zchat-{program.replace('_', '-')}"
    assert done.stderr.startswith(f"{name} needs {library}, which is not installed here: ")
    assert "pip install 'zchat[server]'" in done.stderr
    assert done.stderr.count("\n") == 1


# --- A wheel --------------------------------------------------------------------------------------


class Installation:
    """A wheel of this clone in an environment of its own, with the libraries of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ZCHAT_")
        }
        for name in ("PYTHONPATH", "PYTHONSAFEPATH"):
            self.environment.pop(name, None)
        self.environment["HOME"] = str(folder)
        pip = [sys.executable, "-m", "pip", "--quiet"]
        # In a copy, since it leaves a folder of its own beside what it builds.
        clone = folder / "clone"
        clone.mkdir()
        for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, clone)
        for name in ("zchat", "procfiles"):
            shutil.copytree(ROOT / name, clone / name, symlinks=True)
        built = [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(clone)]
        if self._call(*built).returncode:
            pytest.skip("there is nothing to build a wheel with")
        shutil.rmtree(clone)
        (wheel,) = folder.glob("*.whl")
        self._call(sys.executable, "-m", "venv", "--without-pip", str(folder / "env"))
        self._call(*pip, "--python", self.program("python"), "install", "--no-deps", str(wheel))
        # Of a folder that is named in a file .pth, no file .pth counts: this clone is not there.
        (site,) = (folder / "env" / "lib").glob("python*/site-packages")
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
        # As on PyPy.
        (site / "uvloop.py").write_text("raise ModuleNotFoundError(name='uvloop')")

    def program(self, name: str) -> str:
        return str(self.folder / "env" / "bin" / name)

    def _call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def output(self, program: str, *words: str) -> str:
        done = self._call(self.program(program), *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("i"))


@pytest.mark.integration
def test_a_bot_that_uses_what_is_installed_is_checked(installed: Installation) -> None:
    (installed.folder / "bot.py").write_text(BOT)
    pythons = [installed.program("python")]
    # Tests need no installation; if there is one, it is of the editable kind.
    if "zchat" in packages_distributions():
        pythons.append(sys.executable)
    for python in pythons:
        words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull]
        done = installed._call(*words, "--python-executable", python, "bot.py")
        assert 'Argument 1 to "say"' in done.stdout, done.stdout + done.stderr
        assert "Found 1 error in 1 file" in done.stdout


@pytest.mark.integration
def test_a_cluster_of_a_wheel_runs_without_uvloop(installed: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    installed.output("zchat-admin", "procfiles", "chat")
    chat = installed.folder / "chat"
    assert {path.name for path in (chat / "procfiles").iterdir()} == {
        path.name for path in (ROOT / "procfiles").iterdir()
    }
    environment = {**installed.environment, "ZCHAT_LISTEN": address}
    # As in a shell that was never told of one.
    environment.pop("PATH")
    with subprocess.Popen(
        [installed.program("zchat-up")],
        cwd=chat,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Ctrl-C is for us, who stop it in our own time.
        start_new_session=True,
    ) as cluster:
        assert cluster.stdout is not None
        try:
            assert cluster.stdout.readline() == f"zchat listens on {address}\n"
            who = ("--address", address, "--no-remember", "-u")
            installed.output("zchat-client", "send", *who, "ann", "lobby", "hello")
            assert "hello" in installed.output("zchat-client", "history", *who, "bob", "lobby")
            with urllib.request.urlopen(f"http://{address}/", timeout=DEADLINE_S) as page:
                assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        finally:
            cluster.send_signal(signal.SIGINT)
            told = cluster.stdout.read()
            assert cluster.wait(DEADLINE_S) == 0, told
    found = [chat / "var", *(chat / "var").rglob("*")]
    assert {"router.log", "supervisord.log", "users.sqlite"} <= {path.name for path in found}
    assert [path for path in found if path.stat().st_mode & 0o077] == []
