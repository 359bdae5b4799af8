"""Names that were heard of, for completion: no more than so many, however long a client runs."""

from collections.abc import Iterable
from typing import Final

KNOWN_NAMES_MAX: Final = 2_000
"""Names of people, and as many of rooms, that a client remembers."""


def remember(known: dict[str, None], names: Iterable[str]) -> None:
    """The last one is the newest in `known`; those not heard of for longest are forgotten first."""
    for name in names:
        known.pop(name, None)
        known[name] = None
    while len(known) > KNOWN_NAMES_MAX:
        del known[next(iter(known))]
