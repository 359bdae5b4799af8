"""Soft news, as services publish them: neither numbered nor stored, and missed by nobody."""

from zchat.protocol.cluster import Envelope
from zchat.protocol.messages import LogName


class Typing(Envelope, frozen=True, tag=True):
    """`user` writes in the room `log`, or to the user whose inbox that is."""

    log: LogName
    user: str


class MarkerMoved(Envelope, frozen=True, tag=True):
    """For the sessions of `user`: what `LogStateChanged` says."""

    user: str
    log: str
    marker: int
    notify: str = ""
    back: bool = False


class SoftNews(Envelope, frozen=True):
    """What one beat of a service has of it. Not numbered: whoever misses it does without."""

    news: list[Typing | MarkerMoved]
