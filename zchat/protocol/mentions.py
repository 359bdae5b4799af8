"""Whom a text mentions: `@name`, and `@room` for everyone in the room."""

import re
from typing import Final

from zchat.protocol import limits
from zchat.protocol.names import InvalidName, canonical_name

ROOM: Final = "room"
"""Mentioned by `@room`, where the author may; nobody is told who only bears this name."""
MENTION: Final = re.compile(r"(?<![\w@.])@(\w[\w.-]*)")
"""An address like ann@example.org mentions nobody."""


def mentioned(text: str) -> frozenset[str]:
    """Canonical names after an `@`, be there such users or not; `ROOM` for the room."""
    if "@" not in text:  # Most texts, and each of them passes here.
        return frozenset()
    names: set[str] = set()
    for match in MENTION.finditer(text):
        # The end of a sentence is no part of a name.
        word = match[1].rstrip(".-")
        try:
            names.add(canonical_name(word))
        except InvalidName:
            continue
        if len(names) == limits.MENTIONS_MAX:
            break
    return frozenset(names)
