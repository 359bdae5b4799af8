"""What the documents say is still so: generated parts, links, paths, programs and examples."""

import ast
import configparser
import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import zchat.client
from zchat.client.auth import login
from zchat.client.cli import main
from zchat.runtime.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    # They are halves of pages, whose other halves their links lead to.
    if not path.name.endswith(".intro.md")
)
OURS = ("zchat/", "tests/", "scripts/", "procfiles/", "docs/")

every_document = pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def test_what_is_generated_is_fresh() -> None:
    generator = ROOT / "scripts/lib/document.py"
    check = subprocess.run(
        [sys.executable, generator, "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr


# --- Links ----------------------------------------------------------------------------------------


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def links_in(text: str) -> list[str]:
    return [str(link) for link in re.findall(r"\]\(([^()\s]+)\)", without_code(text))]


def anchors_of(path: Path) -> set[str]:
    """What the headings of a document can be linked to as, by the rule that forges use."""
    titles = re.findall(r"^#+ (.+)$", without_code(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(path: Path, text: str) -> list[str]:
    broken = []
    for link in links_in(text):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = path if not name else (path.parent / name).resolve()
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    return broken


@every_document
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path, path.read_text("utf-8")) == []


def test_a_broken_link_is_seen() -> None:
    text = "[a](docs) [b](docs/none.md) [c](README.md#read-on) [d](README.md#none) [e](#read-on)"
    assert broken_links(ROOT / "README.md", text) == ["docs/none.md", "README.md#none"]


# --- Names of files, programs and variables -------------------------------------------------------


@every_document
def test_files_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"`([\w./-]+)`", without_code(path.read_text("utf-8")))
    ours = [name for name in named if name.startswith(OURS)]
    assert [name for name in ours if not (ROOT / name).exists()] == []


@every_document
def test_programs_and_variables_that_are_named_exist(path: Path) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    scripts = setup["options.entry_points"]["console_scripts"]
    programs = set(re.findall(r"^(zchat-[\w-]+)", scripts, re.MULTILINE))
    parameters = [*(field.name for field in dataclasses.fields(Settings)), "config", "user"]
    parameters += [str(parameter.name) for parameter in main.main.params]
    variables = {f"ZCHAT_{name.upper()}" for name in parameters}
    variables |= {login.PASSWORD_VARIABLE, login.TOKEN_VARIABLE, login.CODE_VARIABLE}
    variables.add(login.NEW_PASSWORD_VARIABLE)
    text = path.read_text("utf-8")

    assert set(re.findall(r"\bzchat-[a-z-]*[a-z]\b", text)) <= programs
    assert set(re.findall(r"\bZCHAT_[A-Z_]+\b", text)) <= variables


# --- The journey of a message, and the tree -------------------------------------------------------

ARCHITECTURE = (ROOT / "docs/architecture.md").read_text("utf-8")


def section_of(text: str, title: str) -> str:
    """What stands under a heading of the second level."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def missing(name: str) -> str:
    """What there is not, of a dotted name below zchat; empty if there is all of it."""
    parts = name.split(".")
    folder = ROOT / "zchat"
    while parts and (folder / parts[0]).is_dir():
        folder /= parts.pop(0)
    if not parts or not (module := folder / f"{parts[0]}.py").is_file():
        return f"{name}: there is no such module in {folder.relative_to(ROOT)}/"
    scope: list[ast.stmt] = ast.parse(module.read_text("utf-8")).body
    for part in parts[1:]:
        found = [
            node
            for node in scope
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and node.name == part
        ]
        if not found:
            return f"{name}: {module.relative_to(ROOT)} has no {part}"
        scope = found[-1].body
    return ""


def hops() -> list[str]:
    return re.findall(r"`(\w+(?:\.\w+)+)`", section_of(ARCHITECTURE, "One message's journey"))


def test_a_message_goes_by_functions_that_exist() -> None:
    assert len(hops()) > 30
    assert [what for what in map(missing, hops()) if what] == []


def test_a_function_that_does_not_exist_is_seen() -> None:
    assert missing("eventlog.store.Store.commit") == missing("gateway.core.services.stamp") == ""
    assert missing("eventlog.store.Store.lose") == (
        "eventlog.store.Store.lose: zchat/eventlog/store.py has no lose"
    )
    assert missing("eventlog.none.Store") == (
        "eventlog.none.Store: there is no such module in zchat/eventlog/"
    )


def drawn_folders(drawing: str) -> set[str]:
    """Of zchat, to two levels, as the indentation says."""
    folders, parent = set(), ""
    for indent, name in re.findall(r"^( *)([\w]+)/(?: |$)", drawing, re.MULTILINE):
        if len(indent) == 2:
            parent = name
        if indent:
            folders.add(name if len(indent) == 2 else f"{parent}/{name}")
    return folders


def test_the_tree_is_drawn_as_it_is() -> None:
    drawing = section_of(ARCHITECTURE, "The tree").partition("```text\n")[2].partition("```")[0]
    packages = [path.parent for path in (ROOT / "zchat").rglob("__init__.py")]
    there = {path.relative_to(ROOT / "zchat") for path in packages} - {Path()}
    assert drawn_folders(drawing) == {path.as_posix() for path in there if len(path.parts) <= 2}


# --- Examples -------------------------------------------------------------------------------------


def python_in(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@every_document
def test_python_examples_compile(path: Path) -> None:
    for code in python_in(path):
        ast.parse(code, str(path))


def test_the_bot_in_the_readme_is_that_of_the_library() -> None:
    documented = inspect.cleandoc(zchat.client.__doc__ or "").split("\n\n")
    bot = python_in(ROOT / "README.md")[0]

    assert "\n\n".join(inspect.cleandoc(part) for part in bot.split("\n\n")) in "\n\n".join(
        inspect.cleandoc(part) for part in documented
    )
