"""`zchat-admin restore`: puts a backup where a cluster has no data."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from zchat.admin import manifest
from zchat.admin.host import as_owner_of
from zchat.admin.manifest import BadBackup, Manifest
from zchat.admin.output import admin_command, as_json_option, refuse, show
from zchat.eventlog.database import LeaseHeld, StoreUnavailable, WriterLock
from zchat.eventlog.read_only import fold_wal, probe
from zchat.eventlog.verify import NotADatabase, verify
from zchat.runtime.durable_files import sync_path
from zchat.runtime.settings import Settings


def restore_backup(settings: Settings, source: Path, *, damaged: bool = False) -> Manifest:
    """Raises `BadBackup`, `ClickException` if there is data or a cluster, and `OSError`.

    What contradicts itself is refused, unless it may be `damaged`.
    As root it puts the data there for whom `var` belongs to, who need not have the backup.
    """
    made = manifest.read(source)
    if wrong := list(manifest.wrong_sums(source, made)):
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


@contextlib.contextmanager
def _alone(settings: Settings, files: Iterable[str]) -> Iterator[None]:
    """Nobody of this cluster runs, nor starts to serve, meanwhile."""
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
    """The process that runs programs of the cluster, whatever those are doing."""
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
    """All files appear at once, or none: half a cluster's data would begin a new life."""
    arriving = data.with_name(data.name + ".restoring")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(mode=0o700)
    for name, file in files.items():
        with (arriving / name).open("xb") as copy:
            shutil.copyfileobj(file, copy)
        (arriving / name).chmod(0o600)
        sync_path(arriving / name)
    if wrong := list(manifest.wrong_sums(arriving, made)):
        raise BadBackup("; ".join(wrong))
    for name in made.files:
        if (findings := verify(arriving / name).findings) and not damaged:
            raise BadBackup(
                f"{name}: {findings[0]}. Is there an older one without such findings? As it is, it "
                "is restored with --damaged"
            )
    sync_path(arriving)
    # We hold these locks; whoever waits for one of them opens it anew each time.
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
