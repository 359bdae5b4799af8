"""`zchat-admin backup`: copies of all databases while the cluster runs and is written to."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import click
from msgspec import to_builtins

from zchat import __version__
from zchat.admin import manifest
from zchat.admin.host import as_owner_of
from zchat.admin.manifest import BackedUp, Manifest
from zchat.admin.output import admin_command, as_json_option, refuse, show
from zchat.eventlog.database import StoreUnavailable
from zchat.eventlog.read_only import copy_all
from zchat.eventlog.verify import NotADatabase, Report, verify
from zchat.runtime.durable_files import sync_path
from zchat.runtime.settings import Settings

USERS_DATABASE: Final = "users.sqlite"
_PARTIAL: Final = ".partial-"
"""Beginning of the name of a backup that is being made, or whose making was killed."""


def databases_in(folder: Path) -> list[Path]:
    """Those of the services: the one that owes first, then those that it may owe something.

    Raises `OSError`: where one may not look there only seems to be nothing.
    """
    databases = sorted(path for path in folder.iterdir() if path.suffix == ".sqlite")
    return sorted(databases, key=lambda path: path.name != USERS_DATABASE)


def make_backup(data: Path, target: Path) -> tuple[Path, Manifest, dict[str, Report]]:
    """Makes a folder in `target`, which appears only when it is whole and durable.

    Raises `StoreUnavailable` and `OSError`.
    """
    sources = databases_in(data) if data.exists() else []
    if not sources:
        refuse(f"there is no database in {data}; is this the folder of a cluster?")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_killed(target)
    with _partial_folder(target) as partial:
        at_ms = time.time_ns() // 1_000_000
        one_moment = copy_all(sources, partial)
        reports = {source.name: _verified(partial / source.name) for source in sources}
        made = Manifest(
            manifest.FORMAT,
            __version__,
            manifest.iso(at_ms),
            at_ms,
            one_moment,
            {name: _described(partial / name, report) for name, report in reports.items()},
        )
        for source in sources:
            sync_path(partial / source.name)
        manifest.write(partial, made)
        sync_path(partial)
        final = target / f"zchat-{made.made_at.replace(':', '')}"
        partial.rename(final)
        sync_path(target)
    return final, made, reports


@contextmanager
def _partial_folder(target: Path) -> Iterator[Path]:
    """Locked for as long as its maker lives, so that another one knows what was left behind."""
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=target))
    descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(descriptor)


def _remove_killed(target: Path) -> None:
    for left in target.glob(f"{_PARTIAL}*"):
        descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def _verified(copy: Path) -> Report:
    try:
        return verify(copy)
    except NotADatabase as error:
        return Report(findings=[str(error)])


def _described(copy: Path, report: Report) -> BackedUp:
    facts = report.facts
    return BackedUp(manifest.sha256(copy), copy.stat().st_size, facts.position, len(facts.heads))


def leave_mark(settings: Settings, made_in: Path) -> None:
    """For those who look when the last backup was made. Raises `OSError`."""
    mark = settings.backup_mark
    written = mark.with_name(f"{mark.name}.{os.getpid()}")
    with as_owner_of(settings.var):
        # As all in this folder, or doctor would complain of it after each backup.
        written.touch(0o600)
        written.write_text(f"{made_in.absolute()}\n")
        written.rename(mark)


def _backup(settings: Settings, folder: Path, as_json: bool) -> None:
    try:
        made_in, made, reports = make_backup(settings.data, folder)
    except (OSError, StoreUnavailable) as error:
        refuse(f"no backup was made: {error}")
    try:
        leave_mark(settings, made_in)
    except OSError as error:
        # There may be no room but where the backup went, which is there.
        click.echo(f"it cannot be noted in {settings.backup_mark}: {error.strerror}", err=True)
    findings = [f"{name}: {what}" for name, report in reports.items() for what in report.findings]
    value = {"folder": str(made_in), "manifest": to_builtins(made), "findings": findings}
    size = sum(file.bytes for file in made.files.values())
    moment = "of one moment" if made.one_moment else "each of its own moment"
    lines = [f"{made_in}: {len(made.files)} databases, {size:,} bytes, {moment}", *findings]
    if not findings:
        lines.append("verified: nothing in them contradicts anything else")
    show(value, lines, as_json=as_json)
    if findings:
        raise SystemExit(1)


BACKUP = admin_command(
    "backup",
    _backup,
    "Copy all databases of this host into a new folder in FOLDER, while the cluster runs.",
    click.Argument(["folder"], type=click.Path(file_okay=False, path_type=Path)),
    as_json_option(),
)
