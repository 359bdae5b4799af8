"""Sentences that name keys: those that the user has given to what is meant, if any."""

from collections.abc import Mapping
from typing import TypeAlias

FirstKeys: TypeAlias = Mapping[str, str]
"""By id of a binding: its first key, as people call it; of those that have a key."""


def hint(keys: FirstKeys, *parts: str, between: str = " · ") -> str:
    """Of `parts` such as "{go-to} goes to a room", those for which there are keys.

    Nobody needs to hear of what no key does.
    """
    told = []
    for part in parts:
        try:
            told.append(part.format_map(keys))
        except KeyError:
            continue
    return between.join(told)
