"""Measures: plain numbers by name that a process counts, for metrics and status reports."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple


class Measure(NamedTuple):
    """Something that is measured: its name without the program's, and the label of its parts."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    label: str = ""

    def full_name(self, program: str) -> str:
        """As it is exported; the series of a histogram have further endings."""
        ending = "_total" if self.kind == "counter" else ""
        return f"zchat_{program.replace('-', '_')}_{self.name}{ending}"


BOUNDS_S: Final = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class Histogram:
    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        """For each bound those up to it and over the one before; the last are over all bounds."""
        self.sum_s = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds


Reading = float | Histogram | Mapping[str, float] | Mapping[str, Histogram]
"""A number, or one for each value of the label."""
Source = Callable[[], Mapping[str, Reading]]
"""What there is to read now, by name. Called by other threads than the main one."""


def flat(readings: Mapping[str, Reading]) -> dict[str, float]:
    """The same as single numbers: `NAME`, or `NAME LABEL`; of a histogram its count and sum."""
    return dict(_flat(readings))


def _flat(readings: Mapping[str, Reading]) -> Iterator[tuple[str, float]]:
    for name, reading in readings.items():
        parts: Mapping[str, float | Histogram]
        parts = dict(reading) if isinstance(reading, Mapping) else {"": reading}
        for label, part in parts.items():
            ending = f" {label}" if label else ""
            if isinstance(part, Histogram):
                yield f"{name}_count{ending}", part.count
                yield f"{name}_sum{ending}", part.sum_s
            else:
                yield f"{name}{ending}", part
