"""The status report of a process: told to the router, and by the router to operators."""

import os
import resource
import socket
import time
from pathlib import Path
from typing import Final

from zchat import __version__
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import ProcessStatus
from zchat.runtime.core.measures import Source, flat

_MEMORY: Final = Path("/proc/self/statm")
_STAT: Final = Path("/proc/self/stat")
_PAGE_BYTES: Final = resource.getpagesize()


class StatusReport:
    """What a process says of itself, with the readings of its own."""

    def __init__(self, program: str, source: Source) -> None:
        self._program = program
        self._source = source
        self._host = socket.gethostname()
        age_s = _age_s()
        self._started_at = time.monotonic() - age_s
        self._started_ms = time.time_ns() // 1_000_000 - int(age_s * 1000)
        self._next_at = 0.0

    def due(self) -> bytes:
        """What to say with a heartbeat: nothing, if the last word is not old enough."""
        if time.monotonic() < self._next_at:
            return b""
        self._next_at = time.monotonic() + limits.STATUS_INTERVAL_S
        return self.now()

    def now(self) -> bytes:
        """A `ProcessStatus`. Takes 0.01 ms, and what its numbers take."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        status = ProcessStatus(
            self._program,
            __version__,
            os.getpid(),
            self._host,
            self._started_ms,
            time.monotonic() - self._started_at,
            used.ru_utime + used.ru_stime,
            _resident_bytes(used.ru_maxrss * 1024),
            flat(self._source()),
            time.time_ns() // 1_000_000,
        )
        return encode(status)


def _age_s() -> float:
    """Since this process began, long before it came to this line; 0 if the system does not tell."""
    try:
        # The 22nd field; the second one may hold spaces, and ends with the last parenthesis.
        ticks = int(_STAT.read_text().rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def _resident_bytes(most: int) -> int:
    """Memory in use now; the most that ever was where the system does not tell."""
    try:
        return int(_MEMORY.read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return most
