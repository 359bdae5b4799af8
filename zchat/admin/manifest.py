"""What a backup says of itself: it is whole if it has a manifest, and the sums are right."""

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import MsgspecError, Struct
from msgspec import json as msgspec_json

from zchat.runtime.durable_files import sync_file

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


def write(folder: Path, manifest: Manifest) -> None:
    path = folder / MANIFEST
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o600)
        text = json.dumps(json.loads(msgspec_json.encode(manifest)), indent=2)
        file.write(text.encode() + b"\n")
        sync_file(file)


def read(folder: Path) -> Manifest:
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


def iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
