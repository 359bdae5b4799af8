"""`zchat-admin backup` and `restore`: copies of all databases, made while the cluster runs."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import click
from msgspec import MsgspecError, Struct, to_builtins
from msgspec import json as msgspec_json

from zchat import __version__
from zchat.admin import times
from zchat.admin.host import as_owner_of
from zchat.admin.output import admin_command, as_json_option, refuse, show
from zchat.eventlog.database import LeaseHeld, StoreUnavailable, WriterLock
from zchat.eventlog.read_only import copy_all, fold_wal, probe
from zchat.eventlog.verify import NotADatabase, Report, verify
from zchat.runtime.durable_files import sync_file, sync_path
from zchat.runtime.settings import Settings

# --- What a backup says of itself: it is whole if it has a manifest, and its sums are right -------

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1


class BackedUp(Struct, frozen=True):
    """One file of a backup. `position` is how far its stream had come, `logs` how many it has."""

    sha256: str
    bytes: int
    position: int
    logs: int


class Manifest(Struct, frozen=True):
    """`one_moment` says whether all files are copies of the same moment."""

    format: int
    version: str
    made_at: str
    made_at_ms: int
    one_moment: bool
    files: dict[str, BackedUp]


class BadBackup(Exception):
    """The folder is no whole backup; the text says why."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    path = folder / MANIFEST
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        text = json.dumps(json.loads(msgspec_json.encode(manifest)), indent=2)
        file.write(text.encode() + b"\n")
        sync_file(file)


def read_manifest(folder: Path) -> Manifest:
    """Raises `BadBackup`."""
    try:
        manifest = msgspec_json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BadBackup(f"{folder} has no {MANIFEST}, so it is no whole backup") from None
    except OSError as error:
        raise BadBackup(f"cannot read {folder / MANIFEST}: {error.strerror}") from None
    except (MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadBackup(f"{folder / MANIFEST} is not as it was written: {error}") from None
    if manifest.format != FORMAT:
        raise BadBackup(f"{folder} has the format {manifest.format}, and {FORMAT} is known here")
    for name in manifest.files:
        # A name with a folder in it would have it restored to somewhere else.
        if Path(name).name != name or not name.endswith(".sqlite"):
            raise BadBackup(f"{folder} names {name!r}, which is no database")
    return manifest


def wrong_sums(folder: Path, manifest: Manifest) -> Iterable[str]:
    """What is not as the manifest says."""
    for name, expected in sorted(manifest.files.items()):
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != expected.bytes or sha256(path) != expected.sha256:
            yield f"{name} is not the file that was backed up: its sum is another one"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Backup ---------------------------------------------------------------------------------------

USERS_DATABASE: Final = "users.sqlite"
_PARTIAL: Final = ".partial-"
"""Beginning of the name of a backup that is being made, or whose making was killed."""


def databases_in(folder: Path) -> list[Path]:
    """Those of the services, that with the outbox first.

    If copies are of different moments, its commands are then rather done twice, which changes
    nothing, than never. Raises `OSError`: where one may not look there only seems to be nothing.
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
        at_ms = times.now_ms()
        one_moment = copy_all(sources, partial)
        reports = {source.name: _verified(partial / source.name) for source in sources}
        made = Manifest(
            FORMAT,
            __version__,
            times.iso(at_ms),
            at_ms,
            one_moment,
            {name: _described(partial / name, report) for name, report in reports.items()},
        )
        for source in sources:
            sync_path(partial / source.name)
        write_manifest(partial, made)
        sync_path(partial)
        final = target / f"zchat-{made.made_at.replace(':', '')}"
        partial.rename(final)
        sync_path(target)
    return final, made, reports


@contextmanager
def _partial_folder(target: Path) -> Iterator[Path]:
    """Locked for as long as its maker lives: what is not locked was left by one that was killed."""
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
    return BackedUp(sha256(copy), copy.stat().st_size, facts.position, len(facts.heads))


def leave_mark(settings: Settings, made_in: Path) -> None:
    """For those who look when the last backup was made. Raises `OSError`."""
    mark = settings.backup_mark
    written = mark.with_name(f"{mark.name}.{os.getpid()}")
    with as_owner_of(settings.var):
        # For its owner only, as all in this folder, or doctor would complain after each backup.
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
        # The disk of the cluster may be full; the backup is made, and that is what counts.
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


# --- Restore: only where a cluster has no data, and while nothing of it runs ----------------------


def restore_backup(settings: Settings, source: Path, *, damaged: bool = False) -> Manifest:
    """Raises `BadBackup`, `ClickException` if there is data or a cluster, and `OSError`.

    What contradicts itself is refused, unless it may be `damaged`.
    As root it puts the data there for whom `var` belongs to, who need not have the backup.
    """
    made = read_manifest(source)
    if wrong := list(wrong_sums(source, made)):
        raise BadBackup("; ".join(wrong))
    with ExitStack() as opened:
        files = {name: opened.enter_context((source / name).open("rb")) for name in made.files}
        opened.enter_context(as_owner_of(settings.var))
        opened.enter_context(_alone(settings, made.files))
        if kept := _kept_in(settings.data):
            refuse(
                f"{settings.data} is not empty: it has {', '.join(kept[:3])}. Move it away first, "
                f"as with: mv {settings.data} {settings.data}.old"
            )
        _put(files, settings.data, made, damaged=damaged)
    return made


@contextmanager
def _alone(settings: Settings, files: Iterable[str]) -> Iterator[None]:
    """No process of this cluster runs meanwhile, nor could one start to serve."""
    if pid := _supervisord(settings.var):
        refuse(f"supervisord runs as process {pid}: stop the whole cluster first, gateways too")
    for folder in (settings.var, settings.run, settings.data):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {path.name for path in settings.data.glob("*.lock")}
    names |= {f"{name}.lock" for name in files}
    paths = [settings.data / name for name in sorted(names)]
    with ExitStack() as locks:
        try:
            for path in [settings.run / "router.lock", *paths]:
                locks.callback(WriterLock(path).close)
        except LeaseHeld as error:
            refuse(f"{error}: stop the whole cluster first, gateways too")
        yield


def _supervisord(var: Path) -> int | None:
    """The process of supervisord, which may be about to start programs though none runs."""
    try:
        pid = int((var / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return None
    try:
        os.kill(pid, 0)
    except PermissionError:
        # It is another user's.
        return pid
    except (OSError, OverflowError):
        return None
    return pid


def _kept_in(data: Path) -> list[str]:
    return sorted(path.name for path in data.iterdir() if path.suffix != ".lock")


def _put(files: Mapping[str, BinaryIO], data: Path, made: Manifest, *, damaged: bool) -> None:
    """All files appear at once, or none: with half of them a cluster would start, and go on so."""
    arriving = data.with_name(data.name + ".restoring")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(mode=0o700)
    for name, file in files.items():
        with (arriving / name).open("xb") as copy:
            shutil.copyfileobj(file, copy)
        (arriving / name).chmod(0o600)
        sync_path(arriving / name)
    if wrong := list(wrong_sums(arriving, made)):
        raise BadBackup("; ".join(wrong))
    for name in made.files:
        if (findings := verify(arriving / name).findings) and not damaged:
            raise BadBackup(
                f"{name}: {findings[0]}. Is there an older one without such findings? As it is, it "
                "is restored with --damaged"
            )
    sync_path(arriving)
    # We hold these locks. Whoever waits for one opens its file anew each time, so none waits for a
    # file that is gone.
    for left in data.glob("*.lock"):
        left.unlink()
    data.rmdir()
    arriving.rename(data)
    sync_path(data.parent)


def restore_database(settings: Settings, copy: Path) -> Path:
    """Puts one database back that was copied before a migration; returns where the other one is.

    Raises `BadBackup`, `ClickException` if a cluster runs, and `OSError`.
    """
    place = settings.data / copy.name
    if not place.is_file():
        refuse(f"there is no {place}, in the place of which it could be put")
    # It is of another release, of whose tables only SQLite can say whether they are whole.
    if trouble := probe(copy).trouble:
        raise BadBackup(f"{copy}: {trouble}")
    with copy.open("rb") as opened, as_owner_of(settings.var), _alone(settings, [copy.name]):
        arriving = settings.data / f".arriving-{copy.name}"
        arriving.unlink(missing_ok=True)
        with arriving.open("xb") as file:
            shutil.copyfileobj(opened, file)
        arriving.chmod(0o600)
        sync_path(arriving)
        aside = settings.data.with_name(f"{copy.stem}.replaced")
        aside.mkdir(mode=0o700, exist_ok=True)
        replaced = aside / f"{len(list(aside.iterdir()))}-{copy.name}"
        # Its newest commits are in the WAL, which must not be taken for that of the copy.
        fold_wal(place)
        # A second name, and no move: at each moment there is a database in this place.
        os.link(place, replaced)
        sync_path(aside)
        arriving.rename(place)
        sync_path(settings.data)
    return replaced


def _restore(settings: Settings, folder: Path, damaged: bool, as_json: bool) -> None:
    if folder.is_file():
        _restore_file(settings, folder, as_json)
        return
    try:
        made = restore_backup(settings, folder, damaged=damaged)
    except (BadBackup, NotADatabase, StoreUnavailable) as error:
        refuse(f"nothing was restored: {error}")
    except OSError as error:
        refuse(f"nothing was restored: {error.strerror}: {error.filename}")
    value = {"restored": sorted(made.files), "made_at": made.made_at}
    how = "as they were: zchat-admin verify says what is wrong" if damaged else "verified"
    done = f"{settings.data} has the {len(made.files)} databases of {made.made_at} again, {how}"
    show(value, [f"{done}; start the cluster"], as_json=as_json)


def _restore_file(settings: Settings, copy: Path, as_json: bool) -> None:
    try:
        replaced = restore_database(settings, copy)
    except (BadBackup, StoreUnavailable) as error:
        refuse(f"nothing was restored: {error}")
    except OSError as error:
        refuse(f"nothing was restored: {error.strerror}: {error.filename}")
    done = f"{settings.data / copy.name} is what {copy} is; the other one is {replaced}"
    value = {"restored": [copy.name], "replaced": str(replaced)}
    show(value, [f"{done}. Start the release that it is of"], as_json=as_json)


RESTORE = admin_command(
    "restore",
    _restore,
    "Put the backup in FOLDER into the empty data folder of a stopped cluster; or the one database "
    "that FOLDER is, as it was kept before a migration, in the place of the newer one.",
    click.Argument(["folder"], type=click.Path(exists=True, path_type=Path)),
    click.Option(["--damaged"], is_flag=True, help="Also if it contradicts itself."),
    as_json_option(),
)
