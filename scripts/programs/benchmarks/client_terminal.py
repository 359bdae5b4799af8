"""A program in a terminal of its own: what is typed into it, and when it has drawn something."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

COLUMNS: Final = 120
ROWS: Final = 40
TIMEOUT_S: Final = 60.0
QUIET_S: Final = 0.02
"""Without a byte for so long a program has drawn what it had to draw."""
KEPT_BYTES: Final = 1_000_000
_STEERING: Final = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class Terminal:
    """Runs `command` from `__enter__` on; `begun` is when."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._seen = b""
        self.begun = 0.0
        self.stillest_s = 0.0
        """The longest time within the last `wait_for` in which nothing was drawn."""
        self.pid = 0
        self._file = -1

    def __enter__(self) -> Self:
        self.begun = time.perf_counter()
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.execvpe(self._command[0], [*self._command], self._environment)  # noqa: S606
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL if kind else signal.SIGTERM)
            self.wait_for_end()
        finally:
            os.close(self._file)

    def type(self, keys: str) -> None:
        os.write(self._file, keys.encode())

    def wait_for(self, text: str) -> float:
        """Reads until `text` was drawn; the seconds since the beginning."""
        wanted = text.encode()
        drawn = time.perf_counter()
        deadline = drawn + TIMEOUT_S
        self.stillest_s = 0.0
        while wanted not in _STEERING.sub(b"", self._seen):
            runs = self._read(1.0)
            now = time.perf_counter()
            self.stillest_s = max(self.stillest_s, now - drawn)
            drawn = now
            if now > deadline or not runs:
                shown = _STEERING.sub(b"", self._seen)[-2_000:].decode(errors="replace")
                raise RuntimeError(f"{text!r} was not drawn, but: {shown}")
        return time.perf_counter() - self.begun

    def forget(self) -> None:
        """What was drawn until now does not count any more."""
        self.settle()
        self._seen = b""

    def settle(self) -> None:
        while self._has_bytes(QUIET_S):
            self._read(0)

    def answer(self) -> float:
        """The seconds from now until something is drawn, and nothing more follows it at once."""
        begin = time.perf_counter()
        if not self._has_bytes(TIMEOUT_S):
            raise RuntimeError("a key has changed nothing")
        drawn = begin
        while self._has_bytes(QUIET_S):
            self._read(0)
            drawn = time.perf_counter()
        return drawn - begin

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def wait_for_end(self) -> None:
        deadline = time.perf_counter() + TIMEOUT_S
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.perf_counter() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            if self._has_bytes(0.01):
                self._read(0)

    def _has_bytes(self, seconds: float) -> bool:
        return bool(select.select([self._file], [], [], seconds)[0])

    def _read(self, seconds: float) -> bool:
        """Whether the program still runs."""
        if not self._has_bytes(seconds):
            return True
        try:
            data = os.read(self._file, 65_536)
        except OSError:
            return False
        self._seen = (self._seen + data)[-KEPT_BYTES:]
        return bool(data)
