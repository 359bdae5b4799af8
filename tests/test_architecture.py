"""The rules of the design that a machine can check, over every file of zchat."""

import ast
import functools
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pytest

K = TypeVar("K")

ROOT: Final = Path(__file__).parent.parent

SHARED: Final = {"protocol", "runtime", "eventlog", "fabric", "service"}
MAY_IMPORT: Final[dict[str, set[str]]] = {
    "protocol": set(),
    # A program finds its modules by name, when it is called.
    "programs": {"client"},
    "runtime": {"protocol", "fabric"},
    "eventlog": {"protocol", "runtime"},
    "fabric": {"protocol", "runtime"},
    "service": SHARED - {"service"},
    # These know nothing of each other: all that they share is what they say.
    "router": {"protocol", "runtime", "fabric"},
    "gateway": SHARED - {"service"},
    "users": SHARED,
    "rooms": SHARED - {"fabric"},
    "client": {"programs", "protocol", "runtime"},
    "admin": SHARED | {"client"},
}
"""By part of zchat, a folder: the other parts that it may import."""

ROOMS_OF_THE_CLIENT: Final = (
    {"core", "exit_codes", "files"},
    {"sdk"},
    {"model"},
    {"text"},
    {"storage", "commands"},
    {"auth"},
    # The ways to use it know nothing of each other.
    {"bot", "line", "tui"},
    {"cli"},
)
"""From the bottom up: each imports only what stands before it."""

ROOMS_OF_THE_SCREEN: Final = (
    {"view", "notifications", "driver", "gc_policy"},
    {"keys"},
    {"widgets"},
    {"controller"},
    {"app"},
    {"startup"},
)
"""The same within the full-screen client: what draws knows no rule, and no rule knows the app."""

ORDERS: Final = {"zchat.client": ROOMS_OF_THE_CLIENT, "zchat.client.tui": ROOMS_OF_THE_SCREEN}
"""By package: the order of what is in it."""

ONLY_IN: Final[dict[str, set[str]]] = {
    "zmq": {"fabric"},
    "sqlalchemy": {"eventlog", "users", "rooms"},
    "alembic": {"eventlog", "users", "rooms"},
    "sqlite3": {"eventlog", "client"},
    "uvloop": {"gateway"},
    "websockets": {"gateway"},
    "prompt_toolkit": {"client"},
    "textual": {"client"},
    "supervisor": {"admin"},
    "prometheus_client": {"runtime"},
    "confusable_homoglyphs": {"protocol"},
    "precis_i18n": {"protocol"},
    "msgpack": {"protocol"},
    "argon2": {"service"},
    "pyotp": {"users"},
}
"""By library: the parts that may import it."""

CORES: Final = ("/core/", "zchat/protocol/", "zchat/client/model/")
"""Folders of cores, which import only each other: input in, effects out."""
PURE: Final = (*CORES, "zchat/client/tui/view/")
"""Folders that have no socket, clock, disk, randomness, log or `await` themselves."""
NOT_IN_PURE: Final = {
    *("asyncio", "concurrent", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"),
    *("select", "selectors", "signal", "socket", "sqlalchemy", "subprocess", "sys", "tempfile"),
    *("threading", "time", "uuid", "uvloop", "zmq"),
}
NOT_CALLED_IN_PURE: Final = {"open", "print", "input", "exec", "eval", "__import__"}
NOT_OF_DATETIME: Final = {"now", "today", "utcnow", "fromtimestamp", "astimezone", "timestamp"}
"""What reads the clock, or may ask for the time zone of the machine; the rest is arithmetic."""

FILE_LINES_MAX: Final = 800
FUNCTION_LINES_MAX: Final = 60
CLIENT_FOLDER_FILES_MAX: Final = 15

FILE_LINES_MIN: Final = 80
"""What is shorter and has one importer is a part of that, unless a reader wants the two apart."""
WANTED_APART: Final[dict[str, str]] = {
    "zchat/client/cli/forget.py": "loaded for --forget alone, and by nobody who chats",
    "zchat/client/line/startup.py": "what tui/startup.py is for the full screen",
    "zchat/eventlog/core/follower.py": "all that is done about a gap in a stream",
    "zchat/fabric/pump.py": "asyncio, which a router and the services do without",
    "zchat/rooms/core/operators.py": "what users/core/operators.py is for users",
    "zchat/rooms/core/reading.py": "what membership.py and moderation.py are for their commands",
    "zchat/router/metrics.py": "each process has its measures in a file of this name",
    "zchat/service/core/command_origin.py": "one of the three checks that docs/security.md names",
}

UNFINISHED: Final = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
EMPTY_NAMES: Final = re.compile(r".*(Manager|Handler|Helper|Utils?)$")


@dataclass(frozen=True)
class Module:
    path: str
    """Under the root, with slashes."""
    text: str

    @property
    def name(self) -> str:
        """As in an import."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def short(self) -> str:
        return self.name.removeprefix("zchat.")

    @property
    def part(self) -> str:
        """Of zchat; empty for its own `__init__`."""
        return self.path.split("/")[1].removesuffix(".py").removeprefix("__init__")

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def core(self) -> bool:
        return any(folder in self.path for folder in CORES)

    @property
    def pure(self) -> bool:
        return any(folder in self.path for folder in PURE)

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @functools.cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Line and full name of all that is imported, wherever it stands in the file."""
        return [
            (node.lineno, f"{node.module}.{alias.name}" if node.module else alias.name)
            for node in self.nodes
            if isinstance(node, ast.ImportFrom) and node.level == 0
            for alias in node.names
        ] + [
            (node.lineno, alias.name)
            for node in self.nodes
            if isinstance(node, ast.Import)
            for alias in node.names
        ]


Tree = dict[str, Module]
"""By name."""
Rule = Callable[[Tree], Iterator[str]]
"""Each place that breaks it, with what is wrong there."""


def tree_of(*modules: Module) -> Tree:
    return {module.name: module for module in modules}


@functools.cache
def zchat() -> Tree:
    paths = sorted((ROOT / "zchat").rglob("*.py"))
    return tree_of(
        *(Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)
    )


def of_each_module(rule: Callable[[Module], Iterator[tuple[int, str]]]) -> Rule:
    @functools.wraps(rule)
    def of_tree(tree: Tree) -> Iterator[str]:
        for module in tree.values():
            for line, what in rule(module):
                yield f"{module.path}:{line}: {what}"

    return of_tree


# --- Imports --------------------------------------------------------------------------------------


@of_each_module
def parts_import_one_way(module: Module) -> Iterator[tuple[int, str]]:
    allowed = MAY_IMPORT.get(module.part)
    if module.part and allowed is None:
        yield 1, f"{module.part!r} has no place in MAY_IMPORT"
        return
    for line, name in module.imports:
        package, _, rest = name.partition(".")
        part = rest.partition(".")[0]
        if package == "zchat" and part not in {module.part, "__version__", *(allowed or ())}:
            yield line, f"{module.part or 'zchat'} imports {name}"


@of_each_module
def imports_are_absolute(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "a relative import"


@of_each_module
def libraries_stay_where_they_belong(module: Module) -> Iterator[tuple[int, str]]:
    for line, name in module.imports:
        library = name.partition(".")[0]
        if library in ONLY_IN and module.part not in ONLY_IN[library]:
            yield line, f"{library} is for {', '.join(sorted(ONLY_IN[library]))} alone"


def imported(tree: Tree, module: Module) -> set[str]:
    """The modules of the tree that it needs.

    An import within a function, or for types only, counts as any other: Python can bear such a
    circle, but whoever reads one of the modules needs the other one still.
    """
    names = (name for _, name in module.imports)
    found = (name if name in tree else name.rpartition(".")[0] for name in names)
    return {name for name in found if name in tree and name != module.name}


def no_circle_of_imports(tree: Tree) -> Iterator[str]:
    needs = {name: imported(tree, module) for name, module in tree.items()}
    reached = {name: set(needs[name]) for name in tree}
    for known in reached.values():
        new = list(known)
        while new:
            further = needs[new.pop()] - known
            known.update(further)
            new += further
    circles = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in tree
        if name in reached[name]
    }
    for circle in circles:
        yield " <-> ".join(tree[name].short for name in sorted(circle))


def room_in(package: str, name: str) -> str:
    """The module or folder of that package in which a module is; empty for none."""
    inside = name.removeprefix(f"{package}.")
    return "" if inside == name else inside.partition(".")[0]


def rooms_of_the_client_import_one_way(tree: Tree) -> Iterator[str]:
    for package, order in ORDERS.items():
        floors = {room: floor for floor, rooms in enumerate(order) for room in rooms}
        for module in tree.values():
            room = room_in(package, module.name)
            if room and room not in floors:
                yield f"{module.path}: {room!r} has no place in the order of {package}"
                continue
            for name in sorted(imported(tree, module)):
                other = room_in(package, name)
                if room and other and other != room and floors.get(other, 0) >= floors[room]:
                    yield f"{module.short} imports {tree[name].short}"


# --- Purity ---------------------------------------------------------------------------------------


@of_each_module
def cores_are_pure(module: Module) -> Iterator[tuple[int, str]]:
    if not module.pure:
        return
    for line, name in module.imports:
        if name.partition(".")[0] in NOT_IN_PURE:
            yield line, f"a core imports {name}"
    has_datetime = any(name.partition(".")[0] == "datetime" for _, name in module.imports)
    for node in module.nodes:
        match node:
            case ast.Attribute(attr=name) if has_datetime and name in NOT_OF_DATETIME:
                yield node.lineno, f"a core asks what {name} is"
            case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
                yield node.lineno, "a core awaits"
            case ast.Call(func=ast.Name(id=name)) if name in NOT_CALLED_IN_PURE:
                yield node.lineno, f"a core calls {name}"


STORE: Final = {
    "zchat.eventlog.audit",
    "zchat.eventlog.edits",
    "zchat.eventlog.forgetting",
    "zchat.eventlog.search",
    "zchat.eventlog.store",
}
"""What cores of services may know besides. What they read there is committed, what they write is
all done or nothing, and the simulation runs the real one, in memory and by its own clock.
"""


def cores_import_nothing_but_cores(tree: Tree) -> Iterator[str]:
    """So a core never knows its shell, and is pure with all that it needs."""
    for module in tree.values():
        if module.core:
            store = STORE if module.path.startswith("zchat/service/core/") else set()
            for name in sorted(imported(tree, module) - {"zchat"} - store):
                if not tree[name].core:
                    yield f"{module.short} imports {tree[name].short}"


# --- Size -----------------------------------------------------------------------------------------


@of_each_module
def files_are_short(module: Module) -> Iterator[tuple[int, str]]:
    lines = module.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield lines, "the file is too long"


@of_each_module
def functions_are_short(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield node.lineno, f"{node.name} has {lines} lines"


def files_in(tree: Tree, folder: str) -> int:
    return sum(
        module.folder == folder and not module.path.endswith("/__init__.py")
        for module in tree.values()
    )


def folders_of_the_client_are_seen_at_a_glance(tree: Tree) -> Iterator[str]:
    for folder in sorted({module.folder for module in tree.values()}):
        if folder.startswith("zchat/client") and files_in(tree, folder) > CLIENT_FOLDER_FILES_MAX:
            yield f"{folder} has {files_in(tree, folder)} files"


def small_parts_of_another(tree: Tree) -> Iterator[tuple[str, str]]:
    """Short modules with one importer, and that."""
    importers: dict[str, set[str]] = {name: set() for name in tree}
    for name, module in tree.items():
        for needed in imported(tree, module):
            importers[needed].add(name)
    for name, module in tree.items():
        if module.path.endswith("/__init__.py") or module.text.count("\n") >= FILE_LINES_MIN:
            continue
        if len(importers[name]) == 1:
            (importer,) = importers[name]
            # What is pure cannot become a part of its shell.
            if module.pure <= tree[importer].pure:
                yield module.path, tree[importer].short


def small_parts_of_another_are_merged(tree: Tree) -> Iterator[str]:
    for path, importer in small_parts_of_another(tree):
        if path not in WANTED_APART:
            yield f"{path} is a part of {importer}"


# --- Homes ----------------------------------------------------------------------------------------


def orders_standings(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="STANDINGS"), attr="index"):
            return True
        case ast.Compare(left=left, ops=ops, comparators=others):
            by_order = any(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in ops)
            return by_order and any(
                isinstance(side, ast.Attribute) and ast.unparse(side.value) == "Standing"
                for side in (left, *others)
            )
    return False


def folds_into_a_message(node: ast.AST) -> bool:
    """Gives an entry another text, or other reactions."""
    match node:
        case ast.Call(func=ast.Name(id="replace") | ast.Attribute(attr="replace"), keywords=given):
            return bool({"edited", "reactions"} & {keyword.arg for keyword in given})
    return False


def divides_rooms(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(op=ast.Mod(), right=ast.Name(id="partitions")):
            return True
    return False


def waits_for_the_disk(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"fsync", "fdatasync"}


HOMES: Final[dict[Callable[[ast.AST], bool], set[str]]] = {
    orders_standings: {"zchat/protocol/rules/permissions.py"},
    folds_into_a_message: {
        "zchat/protocol/rules/message_fold.py",
        # A name that is erased is replaced in all that an entry says, which folds nothing.
        "zchat/service/core/operators.py",
    },
    divides_rooms: {"zchat/protocol/rules/partitions.py"},
    waits_for_the_disk: {"zchat/runtime/durable_files.py"},
}
"""By what only one place should know: where that is."""


def each_rule_has_one_home(tree: Tree) -> Iterator[str]:
    for module in tree.values():
        for rule, homes in HOMES.items():
            if module.path not in homes and any(map(rule, module.nodes)):
                yield f"{module.path} {rule.__name__.replace('_', ' ')}"


# --- Style ----------------------------------------------------------------------------------------


@of_each_module
def no_exception_is_caught_blindly(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "a bare except"


@of_each_module
def nothing_is_left_unfinished(module: Module) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(module.text.splitlines(), start=1):
        if UNFINISHED.search(line):
            yield number, line.strip()


@of_each_module
def names_say_something(module: Module) -> Iterator[tuple[int, str]]:
    if EMPTY_NAMES.match(Path(module.path).stem.capitalize()) or "helpers" in module.path:
        yield 1, "the file's name does not say what is kept there"
    for node in module.nodes:
        if isinstance(node, ast.ClassDef) and EMPTY_NAMES.match(node.name):
            yield node.lineno, f"class {node.name}"


@of_each_module
def modules_say_what_is_kept_there(module: Module) -> Iterator[tuple[int, str]]:
    if module.text.strip() and not ast.get_docstring(module.tree):
        yield 1, "no docstring"


def limits_say_what_they_bound(tree: Tree) -> Iterator[str]:
    """The table of bounds in docs/architecture.md is made of these sentences."""
    module = tree.get("zchat.protocol.limits")
    if module is None:
        return
    for node, following in itertools.zip_longest(module.tree.body, module.tree.body[1:]):
        match node, following:
            case ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.AnnAssign(), _:
                yield f"{module.path}:{node.lineno}: {ast.unparse(node.target)} bounds what?"


# --- All of them ----------------------------------------------------------------------------------

RULES: Final[list[Rule]] = [
    parts_import_one_way,
    imports_are_absolute,
    libraries_stay_where_they_belong,
    no_circle_of_imports,
    rooms_of_the_client_import_one_way,
    cores_are_pure,
    cores_import_nothing_but_cores,
    files_are_short,
    functions_are_short,
    folders_of_the_client_are_seen_at_a_glance,
    small_parts_of_another_are_merged,
    each_rule_has_one_home,
    no_exception_is_caught_blindly,
    nothing_is_left_unfinished,
    names_say_something,
    modules_say_what_is_kept_there,
    limits_say_what_they_bound,
]

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))


@every_rule
def test_zchat_keeps_the_rule_that(rule: Rule) -> None:
    offences = sorted(set(rule(zchat())))
    assert not offences, "\n" + "\n".join(offences)


def pairs(table: Mapping[K, Set[str]]) -> set[tuple[K, str]]:
    return {(key, value) for key, values in table.items() for value in values}


def known_by_service_cores() -> set[str]:
    tree = zchat()
    cores = [module for module in tree.values() if module.path.startswith("zchat/service/core/")]
    return set().union(*(imported(tree, module) for module in cores))


def test_nothing_in_the_tables_is_dead() -> None:
    """An entry that matches nothing guards nothing, and looks as if it did."""
    modules = {module.path: module for module in zchat().values()}
    imports = [(m.part, name.split(".")) for m in modules.values() for _, name in m.imports]
    parts = {(part, names[1]) for part, names in imports if names[0] == "zchat" and names[1:]}
    libraries = {(names[0], part) for part, names in imports}
    rooms = {(package, room_in(package, name)) for package in ORDERS for name in zchat()}
    orders = {package: set().union(*order) for package, order in ORDERS.items()}
    small = {path for path, _ in small_parts_of_another(zchat())}
    homes = {
        (rule, path)
        for rule, paths in HOMES.items()
        for path in paths & modules.keys()
        if any(map(rule, modules[path].nodes))
    }
    dead = [
        *pairs(MAY_IMPORT) - parts,
        *pairs(ONLY_IN) - libraries,
        *pairs(orders) - rooms,
        *STORE - known_by_service_cores(),
        *(folder for folder in PURE if not any(folder in path for path in modules)),
        *NOT_IN_PURE - sys.stdlib_module_names - ONLY_IN.keys(),
        *WANTED_APART.keys() - small,
        *pairs(HOMES) - homes,
    ]
    assert dead == []


@pytest.mark.parametrize(
    ("rule", "modules"),
    [
        (parts_import_one_way, {"zchat/protocol/codec.py": "import zchat.eventlog"}),
        (parts_import_one_way, {"zchat/protocol/codec.py": "from zchat.runtime import settings"}),
        (
            parts_import_one_way,
            {"zchat/rooms/core/dispatch.py": "def f():\n  from zchat.users import core"},
        ),
        (
            parts_import_one_way,
            {"zchat/client/core/machine.py": "from zchat.fabric.core.link import Outgoing"},
        ),
        (
            parts_import_one_way,
            {"zchat/runtime/process.py": "from zchat.eventlog.store import Store"},
        ),
        (parts_import_one_way, {"zchat/__init__.py": "from zchat.client import Chat"}),
        (parts_import_one_way, {"zchat/misc/things.py": ""}),
        (imports_are_absolute, {"zchat/eventlog/store.py": "from .entry import Entry"}),
        (imports_are_absolute, {"zchat/eventlog/store.py": "from . import entry"}),
        (libraries_stay_where_they_belong, {"zchat/gateway/process.py": "import zmq.asyncio"}),
        (
            libraries_stay_where_they_belong,
            {"zchat/gateway/a.py": "from sqlalchemy.exc import DBAPI"},
        ),
        (libraries_stay_where_they_belong, {"zchat/admin/commands/backup.py": "import sqlite3"}),
        (
            no_circle_of_imports,
            {
                "zchat/a.py": "from zchat.b import B",
                "zchat/b.py": "def f():\n  from zchat import c",
                "zchat/c.py": "if TYPE_CHECKING:\n  from zchat.a import A",
            },
        ),
        (
            rooms_of_the_client_import_one_way,
            {
                "zchat/client/model/book.py": "from zchat.client.text import entries",
                "zchat/client/text/entries.py": "",
            },
        ),
        (
            rooms_of_the_client_import_one_way,
            {
                "zchat/client/tui/app.py": "from zchat.client.line.line_client import LineClient",
                "zchat/client/line/line_client.py": "",
            },
        ),
        (rooms_of_the_client_import_one_way, {"zchat/client/attic/things.py": ""}),
        (
            rooms_of_the_client_import_one_way,
            {
                "zchat/client/tui/widgets/notes.py": "from zchat.client.tui.controller import a",
                "zchat/client/tui/controller/a.py": "",
            },
        ),
        (
            rooms_of_the_client_import_one_way,
            {
                "zchat/client/tui/view/status.py": "def f():\n  from zchat.client.tui import keys",
                "zchat/client/tui/keys.py": "",
            },
        ),
        (rooms_of_the_client_import_one_way, {"zchat/client/tui/attic.py": ""}),
        (cores_are_pure, {"zchat/rooms/core/dispatch.py": "import time"}),
        (cores_are_pure, {"zchat/users/core/x.py": "from os import path"}),
        (cores_are_pure, {"zchat/gateway/core/fanout.py": "async def f() -> None: ..."}),
        (cores_are_pure, {"zchat/eventlog/core/follower.py": "print('hello')"}),
        (cores_are_pure, {"zchat/client/model/book.py": "import socket"}),
        (
            cores_are_pure,
            {"zchat/client/tui/view/layout.py": "from datetime import date\nday = date.today()"},
        ),
        (
            cores_import_nothing_but_cores,
            {
                "zchat/gateway/core/loop.py": "from zchat.gateway.connection import Connection",
                "zchat/gateway/connection.py": "",
            },
        ),
        (files_are_short, {"zchat/eventlog/store.py": "\n" * 801}),
        (functions_are_short, {"zchat/a.py": "def f():\n" + "  pass\n" * 60}),
        (functions_are_short, {"zchat/a.py": "class C:\n async def f():\n" + "  pass\n" * 60}),
        (
            folders_of_the_client_are_seen_at_a_glance,
            {f"zchat/client/sdk/part_{number}.py": "" for number in range(16)},
        ),
        (
            small_parts_of_another_are_merged,
            {"zchat/rooms/a.py": "from zchat.rooms.b import B", "zchat/rooms/b.py": ""},
        ),
        (
            small_parts_of_another_are_merged,
            {"zchat/rooms/core/a.py": "from zchat.rooms import b", "zchat/rooms/b.py": ""},
        ),
        (each_rule_has_one_home, {"zchat/rooms/a.py": "sender.standing >= Standing.MODERATOR"}),
        (each_rule_has_one_home, {"zchat/a.py": "replace(entry, body=body, edited=by.sequence)"}),
        (each_rule_has_one_home, {"zchat/a.py": "structs.replace(entry, reactions={})"}),
        (each_rule_has_one_home, {"zchat/a.py": "crc32(room.encode()) % partitions"}),
        (each_rule_has_one_home, {"zchat/a.py": "os.fsync(file.fileno())"}),
        (each_rule_has_one_home, {"zchat/a.py": "STANDINGS.index(a) < STANDINGS.index(b)"}),
        (no_exception_is_caught_blindly, {"zchat/a.py": "try: f()\nexcept: pass"}),
        (nothing_is_left_unfinished, {"zchat/a.py": "x = 1  # TO" + "DO: two"}),
        (names_say_something, {"zchat/eventlog/utils.py": ""}),
        (names_say_something, {"zchat/eventlog/store.py": "class StoreManager: ..."}),
        (modules_say_what_is_kept_there, {"zchat/a.py": "x = 1"}),
        (limits_say_what_they_bound, {"zchat/protocol/limits.py": "A: Final = 1\nB: Final = 2"}),
    ],
)
def test_a_rule_sees_what_breaks_it(rule: Rule, modules: dict[str, str]) -> None:
    assert list(rule(tree_of(*map(Module, modules.keys(), modules.values()))))


def test_programs_import_nothing_of_the_tests() -> None:
    tests = {path.stem for path in (ROOT / "tests").iterdir() if path.name != "__pycache__"}
    programs = ROOT / "scripts" / "programs"
    own = {path.name for path in programs.iterdir()}
    imported = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in programs.rglob("*.py")
        for _, name in Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")).imports
        if name.partition(".")[0] in tests - own
    }
    assert imported == set()
