"""How long somebody is kept out, in words: from now on, and as a time that holds everywhere."""

from datetime import UTC, datetime


def how_long(until_ms: int | None, at_ms: int) -> str:
    """` for another 2 h, until 2026-05-04 10:00 UTC`; nothing for what has no end."""
    if until_ms is None:
        return ""
    # The minute is the next whole one: who comes back then is let in.
    minute_ms = -(-until_ms // 60_000) * 60_000
    try:
        until = f", until {datetime.fromtimestamp(minute_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        until = ""
    return f" for another {duration(until_ms - at_ms)}{until}"


def duration(ms: int) -> str:
    """Never less than it is: who comes back then is let in."""
    minutes = -(-ms // 60_000)
    if minutes < 120:
        return f"{minutes} min"
    hours = -(-minutes // 60)
    return f"{hours} h" if hours < 48 else f"{-(-hours // 24)} days"
