"""The servers that can be measured: how each is started, and the language that it speaks."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.dialect import Dialect
from benchmarks.irc import Inspircd, IrcDialect, Ngircd
from benchmarks.servers import Server, Version, ZchatCluster
from benchmarks.web_dialect import WebDialect
from benchmarks.zchat_dialect import ZchatDialect
from testbed import ROOT

_BUILDS: Final = ROOT / "var" / "bench"
"""Other commits with all that they need, each made once: remove it whenever you like."""


class Peer(NamedTuple):
    name: str
    make_server: Callable[[Path, int | None], Server]
    """Takes an empty folder, and how many gateways there shall be if there are any."""
    make_dialect: Callable[[], Dialect]
    find: Callable[[], object] = lambda: None
    """Raises `FileNotFoundError` with what to install, if it cannot be started here."""
    notes: tuple[str, ...] = ()
    """What a reader of its figures must know."""
    coming_in_max: int | None = None
    """Clients that log in or join at a time, if it is built into the server how many can."""


OURS: Final = Peer("zchat", ZchatCluster, ZchatDialect)
OURS_WITH_TLS: Final = Peer("zchat-tls", partial(ZchatCluster, tls=True), ZchatDialect)
BY_WEB: Final = Peer("zchat-web", ZchatCluster, WebDialect)
BY_WEB_WITH_TLS: Final = Peer("zchat-web-tls", partial(ZchatCluster, tls=True), WebDialect)
OTHERS: Final = {
    peer.name: peer
    for peer in (
        # Why they come in differently is said in their notes.
        Peer("ngircd", Ngircd, IrcDialect, Ngircd.find, Ngircd.notes, coming_in_max=10),
        Peer("inspircd", Inspircd, IrcDialect, Inspircd.find, Inspircd.notes, coming_in_max=4_000),
    )
}


# --- Another commit of this repository ------------------------------------------------------------


class NotBuilt(Exception):
    """Says why a commit cannot be measured."""


def at_commit(name: str, *, tls: bool = False) -> Peer:
    """The servers of another commit, and the generator of this one: all speak one protocol."""
    commit = _git(
        "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}", why=f"no commit {name}"
    )
    version = _built(commit.decode().strip())
    cluster = partial(ZchatCluster, version=version, tls=tls)
    short = _git("rev-parse", "--short", commit.decode().strip(), why=name).decode().strip()
    return Peer(short, cluster, ZchatDialect)


def _built(commit: str) -> Version:
    folder = _BUILDS / commit
    version = Version(folder / "procfiles" / "zchat.conf", folder / ".venv" / "bin")
    finished = folder / "finished"
    if not finished.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        sys.stderr.write(f"Installing {commit[:12]} into {folder} ...\n")
        # Of a worktree the repository would have to be told when it is removed.
        files = _git("archive", commit, why=f"no files of {commit}")
        _run(["tar", "-x", "-C", str(folder)], why="not unpacked", data=files)
        _run([sys.executable, "-m", "venv", str(folder / ".venv")], why="no venv")
        constraints = folder / "constraints.txt"
        constraints.write_text(_libraries_of_this_tree(), "utf-8")
        pip = [str(version.programs / "python"), "-m", "pip", "install", "--quiet"]
        pip += ["--disable-pip-version-check", "--constraint", str(constraints)]
        _run([*pip, "--editable", f"{folder}[server]"], why="its installation failed")
        # Or the first start would be slower than all that follow it.
        compiling = [str(version.programs / "python"), "-m", "compileall", "-q"]
        _run([*compiling, str(folder / "zchat")], why="not compiled")
        finished.touch()
    return version


def _libraries_of_this_tree() -> str:
    """What differs is to be zchat, not what it stands on."""
    installed = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return "".join(
        f"{name}=={version}\n" for name, version in sorted(installed.items()) if name != "zchat"
    )


def _git(*arguments: str, why: str) -> bytes:
    return _run(["git", "-C", str(ROOT), *arguments], why=why)


def _run(command: list[str], *, why: str, data: bytes = b"") -> bytes:
    finished = subprocess.run(  # noqa: S603 - Git itself decides what a commit is.
        command, input=data, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": ""}
    )
    if finished.returncode:
        said = finished.stderr.decode(errors="replace").strip()
        raise NotBuilt(f"{why}\n{said}".strip())
    return finished.stdout
