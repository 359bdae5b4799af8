"""How much of a log somebody has not read, counted in its entries, as far as that may cost."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.message_fold import is_to_read

_STEP_BYTES: Final = 256 * 1024


class _Kind(Struct, frozen=True):
    kind: str


class Glance(Struct, frozen=True):
    """What is looked at of an entry here, where there may be thousands."""

    sequence: int
    at_ms: int
    author: str
    body: _Kind


glances: Final = Decoder(Glance)


class Counted(NamedTuple):
    unread: int
    since: int
    """From this sequence on all is counted: that after the marker, if nothing is left out."""
    read_bytes: int


def count(
    store: Store, log: str, user: str, marker: int, bytes_max: int, thread: str | None = None
) -> Steps[Counted]:
    """What is unread after the marker, newest first.

    Of each log it is known at least whether there is anything, however little may be read.
    """
    unread = read = read_bytes = 0
    since: int | None = None
    while read < limits.CONVERSATION_UNREAD_MAX:
        rows_max = limits.CONVERSATION_UNREAD_MAX - read
        page_bytes = min(_STEP_BYTES, max(1, bytes_max - read_bytes))
        frames = store.read_history(log, marker, since, rows_max, thread, page_bytes)
        yield cost_of(frames)
        found = [glances.decode(frame) for frame in frames]
        unread += sum(is_to_read(one.body.kind, one.author, user) for one in found)
        read += len(frames)
        size_bytes = sum(map(len, frames))
        read_bytes += size_bytes
        if len(frames) < rows_max and size_bytes < page_bytes:
            return Counted(unread, marker + 1, read_bytes)
        since = found[0].sequence
        if read_bytes >= bytes_max:
            break
    assert since is not None
    return Counted(unread, since, read_bytes)


def cost_of(frames: Sequence[bytes]) -> int:
    """A glance looks at the beginning of a frame; the rest is only read."""
    return costs.of_rows(len(frames), sum(map(len, frames)) // 4)
