"""When Python looks for what nobody uses any more: while nobody types.

To look through everything that is here takes longer than a frame may, and left to itself Python
does so in the middle of whatever makes the most: of scrolling.
"""

import gc
from typing import Final

DUE: Final = 10
"""So many times must the younger things have been looked through, as Python has it itself;"""
OVERDUE: Final = 20 * DUE
"""and so many times, and it is done whoever types: near a million of new things."""
NEVER: Final = 1_000_000_000
REST_TICKS: Final = 2
"""So many ticks without a key or a click are a rest."""


class GcPolicy:
    def __init__(self) -> None:
        self._ticks = 0

    @staticmethod
    def begin() -> None:
        """What is here by now stays, and need not be looked through again and again."""
        gc.freeze()
        gc.enable()
        youngest, younger, _ = gc.get_threshold()
        gc.set_threshold(youngest, younger, NEVER)

    def input_seen(self) -> None:
        self._ticks = 0

    def tick(self) -> None:
        """Call it once a second."""
        self._ticks += 1
        if is_time(gc.get_count()[2], self._ticks):
            gc.collect()


def is_time(looked: int, ticks: int) -> bool:
    """`looked` times through the younger things since all were, and `ticks` since the last key."""
    return looked >= (DUE if ticks >= REST_TICKS else OVERDUE)
