"""Where a client is on its way to the server."""

from enum import Enum, auto


class State(Enum):
    OFFLINE = auto()
    """Without a connection; the next attempt is due at some time."""
    CONNECTING = auto()
    LOGGING_IN = auto()
    ONLINE = auto()
    CLOSING = auto()
    """The shell was told to close and has not said yet that it did."""
    ENDED = auto()
    """For good: logged out, or refused."""
