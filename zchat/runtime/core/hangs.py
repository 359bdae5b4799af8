"""When a process counts as hung, and is killed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from zchat.protocol import limits

_LOOKS_MIN: Final = 3


class Seen(NamedTuple):
    """What a process's file says of it."""

    pid: int
    touched_at_ns: int


@dataclass(slots=True)
class _Silence:
    seen: Seen
    silent_s: float = 0.0
    looks: int = 0


class Hangs:
    """Remembers from one look to the next who has not moved.

    Between two looks no more than a part of the time counts, however long it was: when the watcher
    itself hung, or the whole machine slept, the others may have had no chance to move either.
    """

    def __init__(self) -> None:
        self._silences: dict[str, _Silence] = {}
        self._looked_at: float | None = None

    def look(self, now: float, files: Mapping[str, Seen]) -> list[str]:
        """Who is to be killed now; each is given all the time anew after that."""
        passed_s = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        self._silences = {name: s for name, s in self._silences.items() if name in files}
        hung = []
        for name, seen in files.items():
            silence = self._silences.get(name)
            if silence is None or silence.seen != seen:
                self._silences[name] = _Silence(seen)
                continue
            silence.silent_s += min(passed_s, limits.HANG_KILL_S / _LOOKS_MIN)
            silence.looks += 1
            if silence.looks >= _LOOKS_MIN and silence.silent_s >= limits.HANG_KILL_S:
                hung.append(name)
                del self._silences[name]
        return hung
