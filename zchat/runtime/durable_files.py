"""Files that outlive a power failure: the only place that calls fsync."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

_NAME_BYTES: Final = 6
_OWNER_ONLY: Final = 0o600


def sync_file(file: IO[Any]) -> None:
    """Returns when all that was written to the open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """The same for a file that something else has written, or, of a folder, for its names.

    A file that was made or renamed is on the disk by itself; that it is called so is not before its
    folder is.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, mode: int = _OWNER_ONLY) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` when all of it is on the disk.

    So whoever reads it, even after a power failure, finds all of the former file or all of the new
    one. After an exception the former one stays. Raises `OSError`.
    """
    # In the same folder, since a rename does not lead to another disk. By a name that nobody can
    # know before: the folder may be one where others can write, who could put a link there.
    new = path.with_name(f".{path.name}.{os.urandom(_NAME_BYTES).hex()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            sync_file(file)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str, mode: int = _OWNER_ONLY) -> None:
    """`replacing` for what is at hand. Raises `OSError`."""
    with replacing(path, mode) as file:
        file.write(text.encode())
