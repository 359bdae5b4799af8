"""What a beat counts, in plain numbers that other threads may read."""

from msgspec import Struct, field


class Counts(Struct):
    commands: int = 0
    beats: int = 0
    """Only those in which something was applied."""
    entries: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """By code."""
    disobeyed: int = 0
    """Commands of processes that had no right to send them."""
    store_failures: int = 0
