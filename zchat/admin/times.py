"""Times as an operator reads and writes them: UTC, as in the logs."""

import re
import time
from datetime import UTC, datetime
from typing import Final

_UNITS_MS: Final = {
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def utc(at_ms: int) -> str:
    """`2026-05-04 10:00:00Z`; empty for what no calendar holds."""
    try:
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (ValueError, OverflowError, OSError):
        return ""


def iso(at_ms: int) -> str:
    """`2026-05-04T10:00:00Z`, for files."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def length(span_ms: float) -> str:
    """The two largest units of a span of time: `3d 4h`, `12s`."""
    left = max(0, int(span_ms / 1000))
    parts: list[str] = []
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count}{unit}")
    return " ".join(part for part in parts[:2] if part[:-1] != "0") or "0s"


def span_ms(text: str) -> int:
    """Reads `90m`, `12h`, `7d`, `2w`. Raises `ValueError` with "why; what would be right"."""
    match = re.fullmatch(r"([0-9]{1,6})([smhdw])", text.strip().lower())
    if match is None or int(match[1]) == 0:
        raise ValueError("not a span of time; give a number and s, m, h, d or w, as in 7d")
    return int(match[1]) * _UNITS_MS[match[2]]


def moment_ms(text: str) -> int:
    """Reads ISO 8601, in UTC unless it says otherwise. Raises `ValueError` as `span_ms` does."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            "not a time; give one as in 2026-05-04 or 2026-05-04T10:00, in UTC"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    at_ms = int(moment.timestamp() * 1000)
    if at_ms < 0:
        raise ValueError("before 1970; give a later one")
    return at_ms


def since_ms(text: str) -> int:
    """A time, or how long ago. Raises `ValueError` as `span_ms` does."""
    try:
        return now_ms() - span_ms(text)
    except ValueError:
        return moment_ms(text)
