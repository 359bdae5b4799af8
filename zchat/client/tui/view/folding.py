"""Folds notices of people who come and go, one after another, into one line."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from zchat.client.model.conversation import Happened, Item, Move
from zchat.client.tui.view.cells import drawable_line

NAMES_MAX: Final = 8
"""Names that are shown of those who did the same; the others are counted."""
_WAYS: Final = {
    (Move.JOINED, Move.JOINED): "joined",
    (Move.LEFT, Move.LEFT): "left",
    (Move.JOINED, Move.LEFT): "came and went",
    (Move.LEFT, Move.JOINED): "went and came back",
}
"""By what somebody did first, and last."""


class Folds:
    """The runs of such notices in a conversation, each found when it is first looked for."""

    def __init__(self) -> None:
        self._runs: dict[int, range] = {}
        """By the index of each of their items."""

    def forget(self) -> None:
        """The items have moved."""
        self._runs.clear()

    def at(self, items: Sequence[Item], index: int, begins: Callable[[int], bool]) -> range:
        """The run with this item, if it has more than one item; else an empty range.

        `begins` says whether a line, such as that of a new day, stands before an item.
        """
        if not _moves(items[index]):
            return range(0)
        known = self._runs.get(index)
        if known is not None:
            return known
        first, last = index, index
        while not begins(first) and first > 0 and _moves(items[first - 1]):
            first -= 1
        while last + 1 < len(items) and _moves(items[last + 1]) and not begins(last + 1):
            last += 1
        run = range(first, last + 1) if last > first else range(0)
        self._runs.update(dict.fromkeys(range(first, last + 1), run))
        return run


def _moves(item: Item) -> bool:
    return isinstance(item, Happened) and item.move is not Move.NONE


def told(notices: Iterable[Item], me: str) -> str:
    """Who joined, who left, and who did both, in the order in which they first did."""
    moves: dict[str, tuple[Move, Move]] = {}
    for each in notices:
        assert isinstance(each, Happened)
        first, _ = moves.get(each.author, (each.move, each.move))
        moves[each.author] = (first, each.move)
    parts = []
    for way, verb in _WAYS.items():
        names = [name for name, moved in moves.items() if moved == way]
        shown = ["you" if name == me else drawable_line(name) for name in names[:NAMES_MAX]]
        if len(names) > NAMES_MAX:
            shown.append(f"{len(names) - NAMES_MAX:,} more")
        if shown:
            parts.append(f"{', '.join(shown)} {verb}")
    return "; ".join(parts)
