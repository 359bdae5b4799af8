"""Where a client keeps its token: in a file that only the user can read, or in the keyring.

All programs of one user on one machine use the same token, at the same time as well; the server
tells them apart by what each of them is on its own. Whoever proves itself by a password first keeps
the token, and those that did so at the same time leave theirs to be forgotten.
"""

import importlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from zchat.client.core.credentials import KeptToken, kept_name
from zchat.client.files import config_folder, locked
from zchat.runtime.durable_files import write_whole

KEYRING_SERVICE: Final = "zchat"
FILE_BYTES_MAX: Final = 4_096
"""What is longer than that was not written here."""
SLOTS: Final = range(1, 6)
"""Earlier releases kept a token for each client that ran at the same time; the first is enough."""


class UnsafeTokenError(Exception):
    """Somebody else may have read a token; the text says where, and what to do."""


class Shelf(Protocol):
    """Keeps texts by name."""

    def read(self, name: str) -> str | None: ...
    def write(self, name: str, text: str) -> None: ...
    def remove(self, name: str) -> None: ...


class TokenStore:
    """The token of one user of one cluster. Raises `OSError` where it says nothing else."""

    def __init__(
        self,
        user: str,
        addresses: Sequence[str],
        folder: Path | None = None,
        *,
        cluster: str = "",
        keyring: bool,
    ) -> None:
        self._folder = folder or config_folder() / "tokens"
        files = FileShelf(self._folder)
        self._shelf: Shelf = (_keyring_shelf() if keyring else None) or files
        self._name = kept_name(user, addresses, cluster)
        self._former_name = kept_name(user, addresses)
        self._about = f"{user} at {', '.join(addresses)}"
        self._slot = SLOTS[0]
        self._text: str | None = None
        """What was found there, or was written there since."""

    def find(self) -> KeptToken | None:
        """The token, if there is one. Raises `UnsafeTokenError`."""
        if self._former_name != self._name:
            self._take_over()
        for slot in SLOTS:
            text = self._shelf.read(self._name_of(slot))
            if slot == SLOTS[0] or text is not None:
                self._slot, self._text = slot, text
            try:
                if text is not None:
                    return KeptToken.from_text(text)
            except ValueError:
                # Damaged, or of a newer client: of no use here, and replaced by the next login.
                continue
        return None

    def _take_over(self) -> None:
        """What was kept for the addresses, before it was known which cluster is there."""
        for slot in SLOTS:
            former = f"{self._former_name}-{slot}"
            if (text := self._shelf.read(former)) is None:
                continue
            with self._locked():
                if self._shelf.read(self._name_of(slot)) is None:
                    self._shelf.write(self._name_of(slot), text)
            self._shelf.remove(former)

    def keep(self, kept: KeptToken) -> bool:
        """In the place of what was found; False if another program was quicker."""
        with self._locked():
            if self._shelf.read(self._name_of(self._slot)) != self._text:
                return False
            self._text = kept.as_text(self._about)
            self._shelf.write(self._name_of(self._slot), self._text)
        return True

    def forget(self) -> None:
        """What was found or kept, unless another program has replaced it."""
        if self._text is None:
            return
        with self._locked():
            if self._shelf.read(self._name_of(self._slot)) == self._text:
                self._shelf.remove(self._name_of(self._slot))
            self._text = None

    def forget_all(self) -> None:
        for slot in SLOTS:
            self._shelf.remove(self._name_of(slot))
            self._shelf.remove(f"{self._former_name}-{slot}")
        self._text = None

    def _name_of(self, slot: int) -> str:
        return f"{self._name}-{slot}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_private(self._folder)
        with locked(self._folder / self._name):
            yield


class FileShelf:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str | None:
        """Raises `UnsafeTokenError`."""
        path = self._folder / name
        try:
            # No link is followed: what is looked at by `check_private` is what stands there.
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            check_private(path, os.fstat(file))
            return os.read(file, FILE_BYTES_MAX).decode(errors="replace")
        finally:
            os.close(file)

    def write(self, name: str, text: str) -> None:
        make_private(self._folder)
        write_whole(self._folder / name, text)

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
