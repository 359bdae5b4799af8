"""Pages of logs and of streams, as a service publishes them, or as they are read again."""

from typing import Final, NamedTuple

from zchat.protocol.cluster import Envelope
from zchat.protocol.messages import LogName, Sequence


class LogPage(Envelope, frozen=True):
    """`frames` are the entries `first` to `last` as clients read them; none if `last` < `first`.

    What is between the cursor that was asked for and `first` has been removed.
    """

    log: str
    first: int
    last: int
    head: int
    frames: bytes


EVERYONE: Final = ""
"""The user of a `MembershipChange` that is about all who follow the log."""


class MembershipChange(NamedTuple):
    """With the entry `sequence` the user begins (`joined`) or ceases to follow the log.

    `position` is that of the entry in the stream: a page that is read again may be cut so that it
    reaches beyond what it is compared with.
    """

    user: str
    sequence: int
    joined: bool
    position: int


class Chunk(Envelope, frozen=True):
    """Consecutive entries of one log, as clients read them, one after another in `frames`."""

    log: LogName
    first: Sequence
    last: Sequence
    frames: bytes
    changes: list[MembershipChange]


class StreamPage(Envelope, frozen=True):
    """All entries at the positions `first` to `last`, in order. If `last` < `first`: a heartbeat.

    A service numbers everything that it writes, over all its logs, with one gapless position.
    This is what is published, and what a follower that missed something reads again. It is not
    `whole` if some of these entries have been removed since.
    """

    first: int
    last: int
    chunks: list[Chunk]
    whole: bool = True
