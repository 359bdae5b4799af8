"""What the processes of a server use, as the kernel counts it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    cpu_s: float
    """User and system time since the process began, in steps of 10 ms."""
    resident_bytes: int


def usage_of(processes: Mapping[str, int]) -> dict[str, Usage]:
    """By program, for process ids by program; without those that have ended."""
    usages = {}
    for program, pid in processes.items():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text("ascii")
            status = Path(f"/proc/{pid}/status").read_text("utf-8")
        except OSError:
            continue
        # The name in parentheses may hold spaces; utime and stime are the 14th and 15th field.
        fields = stat.rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        resident_kib = next(
            int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")
        )
        usages[program] = Usage(ticks / _TICKS_PER_S, resident_kib * 1024)
    return usages


def machine_cpu_s() -> float:
    """Time that all processes of the machine have used together."""
    # user, nice, system, idle, waiting for disks, and the interrupts and other machines' share.
    ticks = [int(field) for field in Path("/proc/stat").read_text("ascii").split()[1:9]]
    return (sum(ticks[:3]) + sum(ticks[5:])) / _TICKS_PER_S
