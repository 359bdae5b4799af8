"""How far a program has come, in a file: whole or as it was before, whenever the power fails.

A bot says where its file is. A script gives its cursor a name, under which one process has it.
"""

import fcntl
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from zchat.client.exit_codes import REFUSED, WRONG_USAGE, Failed
from zchat.client.files import state_folder
from zchat.runtime.durable_files import write_whole

# --- The cursor of a bot --------------------------------------------------------------------------


class DamagedCursorFile(ValueError):
    """The text says which file it is, and what to do."""


class CursorFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, int]:
        """The sequence of the last entry that was dealt with, by log; empty at first.

        Raises `OSError` and `DamagedCursorFile`.
        """
        try:
            saved = json.loads(self._path.read_text("utf-8"))
            return {str(log): int(sequence) for log, sequence in saved.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError):
            what_to_do = "remove it to go on at what the account has read"
            raise DamagedCursorFile(f"{self._path} holds no cursors: {what_to_do}") from None

    def write(self, cursors: Mapping[str, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever made the bot has said where the file is, and says by the umask who may read it.
        write_whole(self._path, json.dumps(dict(cursors)), mode=0o666)


# --- The cursor of a script, by name --------------------------------------------------------------

NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
LOCK_WAIT_S: Final = 3.0
"""A job of cron that overlaps the one before it waits for that one; `tail -f` has no end."""
_LOOK_AGAIN_S: Final = 0.05
"""The system has no lock that is waited for until a time, so it is tried again and again."""
_VERSION: Final = 1
"""Of the file, so that a newer client can change its form."""


def cursor_name(text: str) -> str:
    """Raises `ValueError`."""
    if not NAME.fullmatch(text):
        raise ValueError("no name of a cursor; give up to 64 letters, digits, '-', '_' and '.'")
    return text


class SavedCursor:
    """One name, for one user of one cluster. Its lock ends with this process, however that ends.

    Where a cluster does not say which it is, its addresses stand for it, as in earlier releases.
    """

    def __init__(self, name: str, user: str, addresses: Sequence[str], cluster: str = "") -> None:
        """Raises `Failed` if another process has it, or nobody can read it."""
        server = ",".join(sorted(set(addresses)))
        self._path = former = _path(name, user, server)
        self._about = {"version": _VERSION, "user": user, "server": server}
        if cluster:
            self._path = _path(name, user, f"cluster {cluster}")
            self._about["cluster"] = cluster
        self.positions: dict[str, int] = {}
        """The sequence of the last entry that was printed, by place."""
        self._lock: int
        try:
            self._lock = _locked(self._path)
            if former != self._path:
                self._take_over(former)
            self._read()
        except OSError as error:
            raise Failed(WRONG_USAGE, f"cannot use {self._path}: {error.strerror}") from None

    def save(self, positions: Mapping[str, int]) -> None:
        """Raises `Failed`: who went on would print all of it once more, the next time."""
        if positions.items() <= self.positions.items():
            return
        self.positions.update(positions)
        try:
            write_whole(self._path, json.dumps({**self._about, "positions": self.positions}))
        except OSError as error:
            raise Failed(REFUSED, f"cannot save {self._path}: {error.strerror}") from None

    def let_go(self) -> None:
        """Others may use it from now on."""
        os.close(self._lock)

    def _take_over(self, former: Path) -> None:
        """What was kept for the addresses, before it was known which cluster is there."""
        if former.exists() and not self._path.exists():
            lock = _locked(former)
            former.replace(self._path)
            os.close(lock)

    def _read(self) -> None:
        try:
            text = self._path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return
        try:
            self.positions = _positions(json.loads(text))
        except (ValueError, TypeError, KeyError):
            raise Failed(
                WRONG_USAGE, f"{self._path} is damaged: remove it to begin with what comes next"
            ) from None


def _path(name: str, user: str, server: str) -> Path:
    digest = sha256(f"{user}\n{server}".encode()).hexdigest()[:16]
    return cursor_folder() / f"{name}-{digest}"


def _locked(path: Path) -> int:
    """The lock of a cursor. Raises `Failed` if it is not to be had."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file of its own, since each save puts another file in the place of the cursor.
    name = path.with_name(f"{path.name}.lock")
    lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    until = time.monotonic() + LOCK_WAIT_S
    while not _is_locked(lock):
        if time.monotonic() > until:
            os.close(lock)
            raise Failed(REFUSED, f"another process uses the cursor in {path}")
        time.sleep(_LOOK_AGAIN_S)
    return lock


def _is_locked(lock: int) -> bool:
    """Whether it is ours now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _positions(saved: Any) -> dict[str, int]:
    """Raises `ValueError`, `TypeError` and `KeyError` for what was not written here."""
    positions = saved["positions"]
    if saved["version"] != _VERSION or not isinstance(positions, dict):
        raise ValueError("not what zchat-client has written")
    return {str(place): int(sequence) for place, sequence in positions.items()}


def cursor_folder() -> Path:
    return state_folder() / "cursors"
