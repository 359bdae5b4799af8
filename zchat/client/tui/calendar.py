"""The reader's calendar: when something was said, in words, in the reader's own time zone.

It is handed to the view, which so needs no time zone, and thus no machine, of its own.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Calendar:
    """`zone` None is the machine's own. Servers may send years that Python's calendar lacks."""

    zone: tzinfo | None = None

    def _at(self, at_ms: int) -> datetime | None:
        try:
            return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)
        except (OverflowError, ValueError, OSError):
            return None

    def day(self, at_ms: int) -> int | None:
        at = self._at(at_ms)
        return None if at is None else at.toordinal()

    def day_name(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "unknown day" if at is None else f"{at:%A}, {at.day} {at:%B %Y}"

    def clock(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "--:--" if at is None else f"{at:%H:%M}"

    def day_and_clock(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "--:--" if at is None else f"{at:%d %b %H:%M}"

    def date_and_clock(self, at_ms: int) -> str:
        at = self._at(at_ms)
        return "unknown time" if at is None else f"{at.day} {at:%B %Y, %H:%M}"
