"""Code and addresses in a text: they are shown in their own way, and mention nobody.

Each pattern looks at a text once, whatever it is: a run of characters is tried from its beginning
only.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

FENCE: Final = "```"
CODE: Final = r"`[^`\n]+`"
LINK: Final = r"(?<![\w+.-])[\w+.-]+://[^\s<>\"`]*"
"""An address of any kind, as it may stand in a text."""
PATH: Final = r"(?<![\w.@/-])[\w-]+(?:\.[\w-]+)+(?::\d+)?/[^\s<>\"`]*"
"""The same without its kind: a host, and something on it."""


class Block(NamedTuple):
    """One line of the text as it was written; `code` if it stands between fences."""

    text: str
    code: bool
    begin: int
    """Where it stands in the text."""


def blocks(text: str) -> Iterator[Block]:
    """The lines of a text; fences that close are left out."""
    lines = text.split("\n")
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line) + 1)
    index = 0
    while index < len(lines):
        if lines[index].startswith(FENCE):
            end = _closing(lines, index)
            if end is None:
                # It never closes, and looking for its end again from each fence would take long.
                break
            for at in range(index + 1, end):
                yield Block(lines[at], True, begins[at])
            index = end
        else:
            yield Block(lines[index], False, begins[index])
        index += 1
    for at in range(index, len(lines)):
        yield Block(lines[at], False, begins[at])


def _closing(lines: list[str], opening: int) -> int | None:
    rest = range(opening + 1, len(lines))
    return next((at for at in rest if lines[at].rstrip() == FENCE), None)
