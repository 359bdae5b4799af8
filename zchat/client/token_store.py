"""Where a client keeps its tokens: in files that only the user can read, or in the keyring.

Each client that runs has a slot of its own, locked for as long as it runs. Two clients of one user
at the same time so have two tokens, and neither takes the other's session away. The first client
on a machine uses slot 1; one that starts meanwhile is asked for the password once, and keeps its
token in slot 2 for the next time that two run at once.
"""

import fcntl
import importlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from zchat.client.tokens import Kept, kept_name

KEYRING_SERVICE: Final = "zchat"
FILE_BYTES_MAX: Final = 4_096
SLOTS_MAX: Final = 5
"""More clients of one user at once are asked for the password whenever they start."""


class UnsafeTokenError(Exception):
    """Somebody else may have read a token; the text says where, and what to do."""


class Shelf(Protocol):
    """Keeps texts by name."""

    def read(self, name: str) -> str | None: ...
    def write(self, name: str, text: str) -> None: ...
    def remove(self, name: str) -> None: ...


class TokenStore:
    """The tokens of one user of one server. Raises `OSError` where it says nothing else."""

    def __init__(
        self, user: str, addresses: Sequence[str], folder: Path | None = None, *, keyring: bool
    ) -> None:
        self._folder = folder or token_folder()
        files = FileShelf(self._folder)
        self._shelf: Shelf = (_keyring_shelf() if keyring else None) or files
        self._name = kept_name(user, addresses)
        self._about = f"{user} at {', '.join(addresses)}"
        self._lock: int | None = None
        self.slot = 0
        """The one that is ours; 0 if none is."""

    def find(self) -> Kept | None:
        """Takes the first slot that nobody uses and that has a token. Raises `UnsafeTokenError`."""
        for slot, kept in self._kept():
            if self._take(slot):
                return kept
        return None

    @property
    def next_slot(self) -> int:
        """That which `keep` is likely to use; 0 if there is none."""
        return self.slot or next(iter(self._empty()), 0)

    @property
    def is_empty(self) -> bool:
        return next(self._kept(), None) is None

    def keep(self, kept: Kept) -> bool:
        """In our slot, or in the first one that is empty; False if there is none."""
        if not self.slot and not any(self._take(slot) for slot in self._empty()):
            return False
        self._shelf.write(f"{self._name}-{self.slot}", kept.as_text(self._about))
        return True

    def forget(self) -> None:
        if self.slot:
            self._shelf.remove(f"{self._name}-{self.slot}")

    def forget_all(self) -> None:
        for slot in range(1, SLOTS_MAX + 1):
            self._shelf.remove(f"{self._name}-{slot}")

    def let_go(self) -> None:
        """Others may use the slot from now on."""
        if self._lock is not None:
            os.close(self._lock)
        self._lock, self.slot = None, 0

    def _kept(self) -> Iterator[tuple[int, Kept]]:
        for slot in range(1, SLOTS_MAX + 1):
            text = self._shelf.read(f"{self._name}-{slot}")
            if text is None:
                continue
            try:
                yield slot, Kept.from_text(text)
            except ValueError:
                # Damaged, or of a newer client: of no use here, and replaced by the next login.
                continue

    def _empty(self) -> list[int]:
        used = {slot for slot, _ in self._kept()}
        return [slot for slot in range(1, SLOTS_MAX + 1) if slot not in used]

    def _take(self, slot: int) -> bool:
        """Whether the slot is ours now. The lock ends with this process, however it ends."""
        make_private(self._folder)
        path = self._folder / f"{self._name}-{slot}.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock, self.slot = lock, slot
        return True


class FileShelf:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str | None:
        """Raises `UnsafeTokenError`."""
        path = self._folder / name
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            check_private(path, os.fstat(file))
            return os.read(file, FILE_BYTES_MAX).decode(errors="replace")
        finally:
            os.close(file)

    def write(self, name: str, text: str) -> None:
        """Whole or not at all, whenever the power fails."""
        make_private(self._folder)
        path = self._folder / name
        new = self._folder / f"{name}.{os.getpid()}.new"
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, text.encode())
            os.fsync(file)
        finally:
            os.close(file)
        new.replace(path)

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)


class KeyringShelf:
    """The system's keyring, by the package `keyring`, if that has one to offer."""

    def __init__(self, keyring: Any) -> None:
        self._keyring = keyring

    def read(self, name: str) -> str | None:
        try:
            text: str | None = self._keyring.get_password(KEYRING_SERVICE, name)
        except self._keyring.errors.KeyringError as error:
            raise OSError(f"the keyring: {error}") from None
        return text

    def write(self, name: str, text: str) -> None:
        try:
            self._keyring.set_password(KEYRING_SERVICE, name, text)
        except self._keyring.errors.KeyringError as error:
            raise OSError(f"the keyring: {error}") from None

    def remove(self, name: str) -> None:
        if self.read(name) is None:
            return
        try:
            self._keyring.delete_password(KEYRING_SERVICE, name)
        except self._keyring.errors.KeyringError as error:
            raise OSError(f"the keyring: {error}") from None


def _keyring_shelf() -> KeyringShelf | None:
    try:
        keyring = importlib.import_module("keyring")
        importlib.import_module("keyring.errors")
    except ImportError:
        return None
    # 0 and less are those that keep nothing.
    return KeyringShelf(keyring) if keyring.get_keyring().priority > 0 else None


def token_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "zchat" / "tokens"


def make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_private(folder, folder.stat())


def check_private(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise UnsafeTokenError(f"{path} belongs to somebody else; remove it, or see who made it")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise UnsafeTokenError(
            f"others can read {path}, and log in with what is in it: run chmod {mode} on it, and "
            "revoke the device if somebody may have done so"
        )
