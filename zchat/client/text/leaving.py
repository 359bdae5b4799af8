"""What a guest loses by quitting, in words."""

from collections.abc import Sequence
from typing import Final

from zchat.protocol.rules.names import printable

NAMED_MAX: Final = 3
"""More rooms than these are counted."""


def rooms_lost(owned: Sequence[str]) -> str:
    """Of the guest who owns these rooms, given by their logs; empty for none."""
    if not owned:
        return ""
    named = [printable(log) for log in owned[:NAMED_MAX]]
    more = f" and {len(owned) - NAMED_MAX:,} more" if len(owned) > NAMED_MAX else ""
    return (
        f"You own {', '.join(named)}{more}: a guest who quits owns nothing any more. It falls to "
        "the next of its members, or to whoever comes first. :register keeps it yours, and "
        ":transfer gives it to whom you want."
    )
