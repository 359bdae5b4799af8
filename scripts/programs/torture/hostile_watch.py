"""What becomes of the processes of a cluster meanwhile: memory, signs of life, and ends."""

import asyncio
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from testbed.cluster import GATEWAYS, REVIVER, ROUTER, SERVICES, Cluster
from zchat.runtime.liveness import file_of, look_at

PROGRAMS: Final = (ROUTER, *SERVICES, *GATEWAYS)
_LOOK_INTERVAL_S: Final = 0.05
_BUSY: Final = 0.5
"""Of a processor."""
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_MEMORY_EACH: Final = 4
"""Looks from one look at the memory to the next."""


class Watch:
    """Looks all the time; `begin` forgets what was seen before."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._files = {name: file_of(cluster.folder / "var" / "run", name) for name in PROGRAMS}
        self._pids: dict[str, int] = {}
        self._touched_at: dict[str, float] = {}
        self._begun_bytes: dict[str, int] = {}
        self._most_bytes: dict[str, int] = {}
        self._silences_s: dict[str, float] = {}
        self._restarted: list[str] = []
        self._reviver_said = 0
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._look()
        self.begin()
        self._looking = asyncio.create_task(self._look_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._looking is not None
        self._looking.cancel()
        with suppress(asyncio.CancelledError):
            await self._looking

    def begin(self) -> None:
        now = time.time()
        self._begun_bytes = self.memory_bytes()
        self._most_bytes = dict(self._begun_bytes)
        self._silences_s = dict.fromkeys(PROGRAMS, 0.0)
        self._touched_at = {name: max(at, now - 0.5) for name, at in self._touched_at.items()}
        self._restarted = []
        self._reviver_said = self._killings()

    @property
    def gained_bytes(self) -> dict[str, int]:
        """The most that each had more than in the beginning."""
        begun = self._begun_bytes
        return {name: most - begun.get(name, 0) for name, most in self._most_bytes.items()}

    def gateways_gained_bytes(self) -> int:
        """What both have more now than in the beginning."""
        now = self.memory_bytes()
        return sum(now.get(name, 0) - self._begun_bytes.get(name, 0) for name in GATEWAYS)

    @property
    def longest_silence(self) -> tuple[str, float]:
        return max(self._silences_s.items(), key=lambda one: one[1])

    @property
    def restarted(self) -> list[str]:
        """Who has another pid than before, and how many the reviver has killed."""
        killings = self._killings() - self._reviver_said
        return [*self._restarted, *["killed by the reviver"] * killings]

    def memory_bytes(self) -> dict[str, int]:
        found = {}
        for name, pid in self._pids.items():
            with suppress(OSError, StopIteration):
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                resident = next(line for line in lines if line.startswith("VmRSS:"))
                found[name] = int(resident.split()[1]) * 1024
        return found

    async def until_idle(self, programs: Collection[str], patience_s: float) -> bool:
        """Until none of them is busy any more, as those are that have much to index."""
        for _ in range(int(patience_s)):
            before_s = [self._cpu_s(name) for name in programs]
            await asyncio.sleep(1.0)
            after_s = [self._cpu_s(name) for name in programs]
            if all(a - b < _BUSY for a, b in zip(after_s, before_s, strict=True)):
                return True
        return False

    def _cpu_s(self, name: str) -> float:
        try:
            stat = Path(f"/proc/{self._pids[name]}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(stat[11]) + int(stat[12])) / _TICKS_PER_S

    def _killings(self) -> int:
        return self._cluster.log(REVIVER).count("killing ")

    async def _look_on(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            self._look()
            looks += 1
            if looks % _MEMORY_EACH == 0:
                for name, size_bytes in self.memory_bytes().items():
                    self._most_bytes[name] = max(size_bytes, self._most_bytes.get(name, 0))

    def _look(self) -> None:
        now = time.time()
        for name, path in self._files.items():
            seen = look_at(path)
            if seen is not None:
                if self._pids.get(name, seen.pid) != seen.pid:
                    self._restarted.append(name)
                    self._most_bytes.pop(name, None)
                self._pids[name] = seen.pid
                # A file that is older than the last look is that of a life that is over.
                at = max(seen.touched_at_ns / 1e9, self._touched_at.get(name, 0.0))
                gap = at - self._touched_at.get(name, at)
                self._silences_s[name] = max(gap, self._silences_s.get(name, 0.0))
                self._touched_at[name] = at
            silent_s = now - self._touched_at.get(name, now)
            self._silences_s[name] = max(silent_s, self._silences_s.get(name, 0.0))
