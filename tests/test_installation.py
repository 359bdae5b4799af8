"""What is installed: the client without the server's libraries, and a wheel away from the clone."""

import configparser
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
DEADLINE_S: Final = 60

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
    ("library", "program"),
    [("zmq", "gateway"), ("sqlalchemy", "user_service"), ("supervisor", "reviver")],
)
def test_a_program_says_what_is_not_installed(library: str, program: str) -> None:
    done = _python(CALL_WITHOUT, library, program)
    assert done.returncode == 1
    name = f"zchat-{program.replace('_', '-')}"
    assert done.stderr.startswith(f"{name} needs {library}, which is not installed here: ")
    assert "pip install 'zchat[server]'" in done.stderr
    assert done.stderr.count("\n") == 1
