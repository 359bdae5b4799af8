"""Whether this is the folder, and these are the settings, of the cluster that is meant."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from supervisor.states import RUNNING_STATES, ProcessStates

from zchat.admin.checks import Check, Level, ok
from zchat.admin.owner import user_name
from zchat.admin.supervising import NO_ANSWER, supervisor_of
from zchat.options import CONFIG_FILE, ENVIRONMENT_PREFIX
from zchat.settings import SETTING_NAMES, Settings

_DEFAULT: Final = Settings()
_PID_FILE: Final = "supervisord.pid"
_UP: Final = set(RUNNING_STATES) - {ProcessStates.BACKOFF}
_OWN: Final = {"name", "partition"}
"""Each process has its own."""


class Supervisord(NamedTuple):
    pid: int
    folder: Path
    """Where its programs run."""
    environment: Mapping[str, str]


def place(settings: Settings) -> Iterator[Check]:
    """Whether there is a cluster at all where this command looks for it."""
    var = settings.var
    if var.is_dir():
        yield ok("place", f"the cluster is in {var.absolute()}")
        return
    if var.is_symlink() or var.exists():
        sentence = f"{var.absolute()} leads to no folder"
        yield Check(Level.PROBLEM, "place", sentence, "mount what should be there, or remove it")
        return
    if var != _DEFAULT.var:
        sentence = f"var is set to {var}, and there is no such folder"
        remedy = "set ZCHAT_VAR right, or mount what should be there; the first start makes it"
        yield Check(Level.PROBLEM, "place", sentence, remedy)
    else:
        sentence = f"there is no {var} in {Path.cwd()}: no cluster was ever started here"
        remedy = "go to the folder of the cluster, or set ZCHAT_VAR as its programs have it"
        yield Check(Level.WARNING, "place", sentence, remedy)
    above = next(path for path in var.absolute().parents if path.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        sentence = f"{user_name(os.geteuid())} cannot make a folder in {above}"
        yield Check(Level.PROBLEM, "place", sentence, "make var for the user of the cluster")


def find_supervisord(settings: Settings) -> Supervisord | None:
    """The one that runs in this folder or with this var, as far as the system tells of it."""
    for var in (settings.var, _DEFAULT.var):
        try:
            pid = int((var / _PID_FILE).read_text())
            process = Path(f"/proc/{pid}")
            if b"supervisord" not in (process / "cmdline").read_bytes():
                continue
            pairs = (process / "environ").read_bytes().split(b"\0")
            named = dict(os.fsdecode(pair).partition("=")[::2] for pair in pairs)
            return Supervisord(pid, (process / "cwd").readlink(), named)
        except (OSError, ValueError):
            continue
    return None


def programs(running: Supervisord) -> Iterator[Check]:
    """Whether those that it is to run do run."""
    try:
        with supervisor_of(running.folder / _DEFAULT.var) as supervisor:
            infos: list[dict[str, Any]] = supervisor.getAllProcessInfo()
    except NO_ANSWER as error:
        sentence = f"supervisord (process {running.pid}) does not answer: {error}"
        yield Check(Level.WARNING, "programs", sentence, "look at supervisord.log in its var")
        return
    yield from states(infos)


def states(infos: Iterable[Mapping[str, Any]]) -> Iterator[Check]:
    for info in infos:
        name, state = str(info["name"]), info["state"]
        if state in _UP:
            yield ok("programs", f"{name} runs")
        elif state in {ProcessStates.STOPPED, ProcessStates.STOPPING}:
            remedy = f"if that is not meant: supervisorctl start {info['group']}:{name}"
            yield Check(Level.WARNING, "programs", f"{name} was stopped", remedy)
        else:
            sentence = f"{name} does not stay up: {info['spawnerr'] or info['description']}"
            if state == ProcessStates.EXITED:
                sentence = f"{name} has ended, with exit code {info['exitstatus']}"
            log = Path(info["stderr_logfile"] or info["stdout_logfile"]).resolve()
            yield Check(Level.PROBLEM, "programs", sentence, f"its log says why: {log}")


def same_settings(
    settings: Settings, config: Path | None, running: Supervisord, ours: Mapping[str, str]
) -> Iterator[Check]:
    """Whether this command is told what the programs of the running supervisord are told."""
    differ = False
    for name in sorted(SETTING_NAMES - _OWN):
        variable = f"{ENVIRONMENT_PREFIX}_{name}".upper()
        there, here = running.environment.get(variable), ours.get(variable)
        if name == "var" and _is_same(running.folder / (there or _DEFAULT.var), settings.var):
            continue
        if there != here:
            differ = True
            sentence = (
                f"supervisord (process {running.pid}) has {_shown(variable, there)}, and this "
                f"command {_shown(variable, here)}"
            )
            remedy = f"set the same here, or write {name} to {CONFIG_FILE}, which all read"
            yield Check(Level.WARNING, "settings", sentence, remedy)
    theirs = running.folder / CONFIG_FILE
    read_there = "ZCHAT_CONFIG" not in running.environment and theirs.is_file()
    if read_there and not (config and _is_same(config, theirs)):
        differ = True
        sentence = f"the programs read {theirs}, and this command does not"
        remedy = "run it in that folder, or with --config"
        yield Check(Level.WARNING, "settings", sentence, remedy)
    if not differ:
        yield ok("settings", f"supervisord (process {running.pid}) has the same as this command")


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _shown(variable: str, value: str | None) -> str:
    return f"no {variable}" if value is None else f"{variable}={value}"
