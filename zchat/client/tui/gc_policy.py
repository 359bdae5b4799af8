"""When Python collects garbage: not while the client starts, and afterwards while nobody types.

A full collection takes longer than a frame may. Python does one by itself when many objects were
made, and so in the middle of what makes the most of them: scrolling.
"""

import gc
from typing import Final

DUE: Final = 10
"""Collections of the younger generation after which a full one is due, as by Python's default."""
OVERDUE: Final = 20 * DUE
"""After so many it is done although somebody types. Near a million objects were made by then, and
memory must not grow without end."""
NEVER: Final = 1_000_000_000
"""The threshold of full collections for Python itself, which so does none."""
REST_TICKS: Final = 2
"""So many ticks without a key or a click are a rest."""


def pause() -> None:
    """To be called before modules are imported.

    Nothing that they make is garbage, and looking through it again and again would take a fifth of
    the time until something is seen.
    """
    gc.disable()


class GcPolicy:
    def __init__(self) -> None:
        self._ticks = 0

    @staticmethod
    def begin() -> None:
        """From now on garbage is collected, but not among what is here already.

        Modules and classes stay until the end; once they are frozen, no collection looks at them.
        """
        gc.freeze()
        gc.enable()
        youngest, younger, _ = gc.get_threshold()
        gc.set_threshold(youngest, younger, NEVER)

    def input_seen(self) -> None:
        self._ticks = 0

    def tick(self) -> None:
        """To be called once a second."""
        self._ticks += 1
        if is_time(gc.get_count()[2], self._ticks):
            gc.collect()


def is_time(collections: int, ticks: int) -> bool:
    """`collections` of the younger generation since the last full one; `ticks` without a key."""
    return collections >= (DUE if ticks >= REST_TICKS else OVERDUE)
