"""Where the files of a client are, and who may write one now."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def config_folder() -> Path:
    """What the user has set or trusts: settings, tokens, known servers and clusters."""
    return _folder("XDG_CONFIG_HOME", "~/.config")


def state_folder() -> Path:
    """How far scripts have come, what was typed, and log files."""
    return _folder("XDG_STATE_HOME", "~/.local/state")


def data_folder() -> Path:
    """Caches of what was read."""
    return _folder("XDG_DATA_HOME", "~/.local/share")


def _folder(variable: str, usual: str) -> Path:
    """As the XDG Base Directory Specification has it: a variable that is empty counts as none."""
    return Path(os.environ.get(variable) or usual).expanduser() / "zchat"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one at a time reads and writes the file; others are waited for, which is never long."""
    # A file of its own, since each write puts another file in the place of the former one.
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
