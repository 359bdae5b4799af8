"""When a process speaks that has nothing to say: so that others know that it lives, and how far it
has come.
"""

from zchat.protocol import limits


class Pulse:
    """Which beats, `HEARTBEAT_INTERVAL_S` apart, are heartbeats that others hear.

    The first one after anything was said is: the last of that may be lost, and only what comes
    after it shows the gap. Then it is one of `QUIET_BEATS`.
    """

    def __init__(self) -> None:
        self._silent_beats = 0
        """How many are to pass before the next heartbeat."""

    def stir(self) -> None:
        """Something was said, so that the next beat is a heartbeat."""
        self._silent_beats = 0

    def beat(self) -> bool:
        """To be called every `HEARTBEAT_INTERVAL_S`; returns whether this is a heartbeat."""
        if self._silent_beats:
            self._silent_beats -= 1
            return False
        self._silent_beats = limits.QUIET_BEATS - 1
        return True
