"""The rules of the design that a machine can check, over every file of zchat."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parent.parent

SHARED: Final = {"protocol", "runtime", "eventlog", "fabric", "service"}
MAY_IMPORT: Final[dict[str, set[str]]] = {
    "protocol": set(),
    # A program finds its modules by name, when it is called.
    "programs": {"client"},
    "runtime": {"protocol", "fabric"},
    "eventlog": {"protocol", "runtime"},
    "fabric": {"protocol", "runtime"},
    "service": SHARED,
    # These know nothing of each other: all that they share is what they say.
    "router": SHARED,
    "gateway": SHARED,
    "users": SHARED,
    "rooms": SHARED,
    "client": {"programs", "protocol", "runtime"},
    "admin": SHARED | {"client"},
}
"""By part of zchat, a folder: the other parts that it may import."""

ONLY_IN: Final[dict[str, set[str]]] = {
    "zmq": {"fabric"},
    "sqlalchemy": {"eventlog", "users", "rooms"},
    "alembic": {"eventlog", "users", "rooms"},
    "sqlite3": {"eventlog", "client"},
    "uvloop": {"gateway"},
    "prompt_toolkit": {"client"},
    "textual": {"client"},
    "supervisor": {"admin"},
    "prometheus_client": {"runtime"},
    "confusable_homoglyphs": {"protocol"},
}
"""By library: the parts that may import it."""

PURE: Final = ("zchat/protocol", "zchat/client/model")
"""Folders that are pure besides all that are called `core`: input in, effects out.

No socket, clock, disk, randomness, log or `await`.
"""
NOT_IN_PURE: Final = {
    *("asyncio", "concurrent", "datetime", "logging", "multiprocessing", "os", "pathlib", "random"),
    *("secrets", "select", "selectors", "signal", "socket", "sqlalchemy", "subprocess", "sys"),
    *("tempfile", "threading", "time", "uuid", "uvloop", "zmq"),
}
NOT_CALLED_IN_PURE: Final = {"open", "print", "input", "exec", "eval", "__import__"}

FILE_LINES_MAX: Final = 800
FUNCTION_LINES_MAX: Final = 60

UNFINISHED: Final = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
EMPTY_NAMES: Final = re.compile(r".*(Manager|Handler|Helper|Utils?)$")


class Module(NamedTuple):
    path: str
    """Under the root, with slashes."""
    text: str

    @property
    def part(self) -> str:
        """Of zchat; empty for its own `__init__`."""
        return self.path.split("/")[1].removesuffix(".py").removeprefix("__init__")

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(self.text))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of all that is imported, wherever it stands in the file."""
        for node in self.nodes():
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module == "zchat":
                yield from ((node.lineno, f"zchat.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                yield node.lineno, node.module or ""


Rule = Callable[[Module], Iterator[tuple[int, str]]]
"""The line and a description of each place that breaks it."""


def imports_point_one_way(module: Module) -> Iterator[tuple[int, str]]:
    allowed = MAY_IMPORT.get(module.part)
    if module.part and allowed is None:
        yield 1, f"{module.part!r} has no place in MAY_IMPORT"
        return
    for line, name in module.imports():
        package, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        if package == "zchat" and part not in {module.part, "__version__", *(allowed or ())}:
            yield line, f"{module.part or 'zchat'} imports {name}"


def imports_are_absolute(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes():
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "a relative import"


def libraries_stay_where_they_belong(module: Module) -> Iterator[tuple[int, str]]:
    for line, name in module.imports():
        library = name.partition(".")[0]
        if library in ONLY_IN and module.part not in ONLY_IN[library]:
            yield line, f"{library} is for {', '.join(sorted(ONLY_IN[library]))} alone"


def is_pure(path: str) -> bool:
    return "/core/" in path or path.startswith(PURE)


def cores_are_pure(module: Module) -> Iterator[tuple[int, str]]:
    if not is_pure(module.path):
        return
    for line, name in module.imports():
        if name.partition(".")[0] in NOT_IN_PURE:
            yield line, f"a core imports {name}"
    for node in module.nodes():
        match node:
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield node.lineno, "a core awaits"
            case ast.Call(func=ast.Name(id=name)) if name in NOT_CALLED_IN_PURE:
                yield node.lineno, f"a core calls {name}"


def files_are_short(module: Module) -> Iterator[tuple[int, str]]:
    lines = module.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield lines, "the file is too long"


def functions_are_short(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {lines} lines"


def no_exception_is_caught_blindly(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes():
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "a bare except"


def nothing_is_left_unfinished(module: Module) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(module.text.splitlines(), start=1):
        if UNFINISHED.search(line):
            yield number, line.strip()


def names_say_something(module: Module) -> Iterator[tuple[int, str]]:
    if EMPTY_NAMES.match(Path(module.path).stem.capitalize()) or "helpers" in module.path:
        yield 1, "the file's name does not say what is kept there"
    for node in module.nodes():
        if isinstance(node, ast.ClassDef) and EMPTY_NAMES.match(node.name):
            yield node.lineno, f"class {node.name}"


def modules_say_what_is_kept_there(module: Module) -> Iterator[tuple[int, str]]:
    if module.text.strip() and not ast.get_docstring(ast.parse(module.text)):
        yield 1, "no docstring"


RULES: Final[list[Rule]] = [
    imports_point_one_way,
    imports_are_absolute,
    libraries_stay_where_they_belong,
    cores_are_pure,
    files_are_short,
    functions_are_short,
    no_exception_is_caught_blindly,
    nothing_is_left_unfinished,
    names_say_something,
    modules_say_what_is_kept_there,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_zchat_keeps_the_rule_that(rule: Rule) -> None:
    offences = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sorted((ROOT / "zchat").rglob("*.py"))
        for line, what in rule(Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")))
    ]
    assert not offences, "\n" + "\n".join(offences)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports_point_one_way, "zchat/protocol/codec.py", "import zchat.eventlog"),
        (imports_point_one_way, "zchat/protocol/codec.py", "from zchat.runtime import settings"),
        (
            imports_point_one_way,
            "zchat/rooms/core/dispatch.py",
            "def f():\n  from zchat.users import core",
        ),
        (
            imports_point_one_way,
            "zchat/client/core/machine.py",
            "from zchat.fabric.core.link import Outgoing",
        ),
        (
            imports_point_one_way,
            "zchat/runtime/process.py",
            "from zchat.eventlog.store import Store",
        ),
        (imports_point_one_way, "zchat/__init__.py", "from zchat.client import Chat"),
        (imports_point_one_way, "zchat/misc/things.py", ""),
        (imports_are_absolute, "zchat/eventlog/store.py", "from .entry import Entry"),
        (imports_are_absolute, "zchat/eventlog/store.py", "from . import entry"),
        (libraries_stay_where_they_belong, "zchat/gateway/process.py", "import zmq.asyncio"),
        (
            libraries_stay_where_they_belong,
            "zchat/gateway/a.py",
            "from sqlalchemy.exc import DBAPI",
        ),
        (libraries_stay_where_they_belong, "zchat/admin/commands/backup.py", "import sqlite3"),
        (cores_are_pure, "zchat/rooms/core/dispatch.py", "import time"),
        (cores_are_pure, "zchat/users/core/x.py", "from os import path"),
        (cores_are_pure, "zchat/gateway/core/fanout.py", "async def f() -> None: ..."),
        (cores_are_pure, "zchat/eventlog/core/follower.py", "print('hello')"),
        (files_are_short, "zchat/eventlog/store.py", "\n" * 801),
        (functions_are_short, "zchat/a.py", "def f():\n" + "  pass\n" * 60),
        (functions_are_short, "zchat/a.py", "class C:\n async def f():\n" + "  pass\n" * 60),
        (no_exception_is_caught_blindly, "zchat/a.py", "try: f()\nexcept: pass"),
        (nothing_is_left_unfinished, "zchat/a.py", "x = 1  # TO" + "DO: two"),
        (names_say_something, "zchat/eventlog/utils.py", ""),
        (names_say_something, "zchat/eventlog/store.py", "class StoreManager: ..."),
        (modules_say_what_is_kept_there, "zchat/a.py", "x = 1"),
    ],
)
def test_a_rule_sees_what_breaks_it(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Module(path, text)))
