"""One thing that was measured of the client, as often as it was done."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    name: str
    unit: str
    values: Sequence[float]
    target: float | None = None
    """What the median is to stay below."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return self._quantile(0.95)

    @property
    def p99(self) -> float:
        return self._quantile(0.99)

    def _quantile(self, part: float) -> float:
        return sorted(self.values)[round(part * (len(self.values) - 1))]

    @property
    def is_missed(self) -> bool:
        return self.target is not None and self.median > self.target

    def as_row(self) -> list[str]:
        values = (self.median, self.p95, self.p99, max(self.values))
        target = "" if self.target is None else f"< {self.target:g} {self.unit}"
        return [self.name, *(f"{value:.1f} {self.unit}" for value in values), target]
