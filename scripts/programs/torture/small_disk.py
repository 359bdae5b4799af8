"""A disk that is filled and emptied at will, seen by nobody but the processes of one command."""

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

_WAYS_IN: Final = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
"""To mounts of one's own: as root, and as anybody where the system allows that."""
_STEPS_BYTES: Final = (1 << 24, 1 << 20, 1 << 16, 1 << 12, 1 << 9)


class Filesystem(StrEnum):
    EXT4 = "ext4"
    """On a loop device, which only root may have: allocates late, journals, as most disks do."""
    TMPFS = "tmpfs"


def way_in() -> Sequence[str] | None:
    """The command that runs another one with mounts of its own; None if this system lets nobody."""
    if shutil.which("unshare") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        mount = ("mount", "-t", "tmpfs", "tmpfs", folder)
        for way in _WAYS_IN:
            if subprocess.run([*way, *mount], capture_output=True, check=False).returncode == 0:
                return way
    return None


class SmallDisk:
    """Mounted on `folder` as long as this is entered. Needs mounts of its own (`way_in`)."""

    def __init__(self, folder: Path, image: Path, size_bytes: int) -> None:
        """`image` is where an ext4 is kept; it takes no more than what is written to it."""
        self.folder = folder
        self.filesystem = Filesystem.EXT4
        self._image = image
        self._size_bytes = size_bytes
        self._ballast = folder / "ballast"

    def __enter__(self) -> Self:
        if not self._mount_ext4():
            self.filesystem = Filesystem.TMPFS
            size = f"size={self._size_bytes}"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", self.folder], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", self.folder], check=True)
        self._image.unlink(missing_ok=True)

    def _mount_ext4(self) -> bool:
        with self._image.open("wb") as image:
            image.truncate(self._size_bytes)
        # Nothing is reserved for root, so that it is full for everyone.
        make = ("mkfs.ext4", "-q", "-m", "0", str(self._image))
        mount = ("mount", "-o", "loop", str(self._image), str(self.folder))
        return shutil.which("mkfs.ext4") is not None and all(
            subprocess.run(command, capture_output=True, check=False).returncode == 0
            for command in (make, mount)
        )

    @property
    def free_bytes(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def fill(self, spare_bytes: int = 0) -> None:
        """Leaves `spare_bytes` at most; without, not one block."""
        file = os.open(self._ballast, os.O_WRONLY | os.O_CREAT)
        try:
            size_bytes = os.fstat(file).st_size
            for step_bytes in _STEPS_BYTES:
                while not spare_bytes or self.free_bytes - spare_bytes >= step_bytes:
                    try:
                        os.posix_fallocate(file, size_bytes, step_bytes)
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        break
                    size_bytes += step_bytes
        finally:
            os.close(file)

    def empty(self) -> None:
        """Gives back what `fill` took."""
        self._ballast.unlink()
