"""Liveness: a process shows that its main loop still turns, to health checks and to the reviver.

A process that hangs keeps its lease, its port and its clients, and does not hear the signals that
would end it. Under supervisord each process touches `NAME.alive` in the folder of the sockets, with
its pid inside, and the reviver kills one that no longer does.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from zchat.protocol import limits
from zchat.runtime.core.hangs import Seen


def file_of(folder: Path, name: str) -> Path:
    return folder / f"{Path(name).name}.alive"


def look_at(path: Path) -> Seen | None:
    """None while the process does not say that it lives, as before it serves."""
    try:
        with path.open() as file:
            return Seen(int(file.read(20)), os.fstat(file.fileno()).st_mtime_ns)
    except (OSError, ValueError):
        return None


class Liveness:
    """The main loop's own word that it turns. `beat` costs next to nothing, in whatever loop."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.beaten_at = time.monotonic()
        self.busy_with = ""
        """What it does now that may take long, without a beat."""
        self._touch_at = 0.0
        self._written = False
        # Who was started by hand is killed by nobody, and shares no file with who was not.
        name = environment.get("SUPERVISOR_PROCESS_NAME")
        self._path = file_of(folder, name) if name else None
        self._remove()

    @property
    def turns(self) -> bool:
        return bool(self.busy_with) or time.monotonic() - self.beaten_at < limits.PEER_EXPIRY_S

    def beat(self) -> None:
        """To be called in each turn of the loop, at least every `HEARTBEAT_INTERVAL_S`."""
        now = self.beaten_at = time.monotonic()
        if now >= self._touch_at:
            self._touch_at = now + limits.HEARTBEAT_INTERVAL_S
            self._touch()

    @contextlib.contextmanager
    def long_step(self, what: str) -> Iterator[None]:
        """Nobody is to be killed in the middle of, say, a migration: it would never be done."""
        self.busy_with = what
        self._remove()
        try:
            yield
        finally:
            self.busy_with = ""
            self._touch_at = 0.0
            self.beat()

    def _touch(self) -> None:
        if self._path is None:
            return
        # A disk without room for a few bytes must not end what still reads: it is not watched then.
        try:
            if self._written:
                os.utime(self._path)
            else:
                self._path.write_text(f"{os.getpid()}\n")
                self._written = True
        except OSError:
            self._written = False

    def _remove(self) -> None:
        self._written = False
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()


class Health(NamedTuple):
    alive: Liveness
    missing: Callable[[], list[str]]
    """What the process still waits for before it can serve. Called by other threads."""

    def live(self) -> list[str]:
        """What is wrong; nothing for a process that is well."""
        return [] if self.alive.turns else ["the main loop has stopped"]

    def ready(self) -> list[str]:
        return [*self.live(), *self.missing()]
