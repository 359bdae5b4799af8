"""What the processes of a server use, as the kernel counts it."""

import ctypes
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_LIBC: Final = ctypes.CDLL(None)


class Usage(NamedTuple):
    pid: int
    cpu_s: float
    """User and system time since the process began."""
    resident_bytes: int


def usage_of(processes: Mapping[str, int]) -> dict[str, Usage]:
    """By program, for process ids by program; without those that have ended."""
    usages = {}
    for program, pid in processes.items():
        try:
            cpu_s = _cpu_s(pid)
            status = Path(f"/proc/{pid}/status").read_text("utf-8")
        except OSError:
            continue
        resident_kib = next(
            int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")
        )
        usages[program] = Usage(pid, cpu_s, resident_kib * 1024)
    return usages


def _cpu_s(pid: int) -> float:
    # /proc/PID/stat counts in steps of 10 ms, which is more than some loads use.
    clock = ctypes.c_int()
    if error := _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def machine_cpu_s() -> float:
    """Time that all processes of the machine have used together."""
    # user, nice, system, idle, waiting for disks, and the interrupts and other machines' share.
    ticks = [int(field) for field in Path("/proc/stat").read_text("ascii").split()[1:9]]
    return (sum(ticks[:3]) + sum(ticks[5:])) / _TICKS_PER_S
