"""A log as its service has it: entries to publish in chunks and to read in pages."""

from zchat.gateway.core.session import Session
from zchat.protocol.codec import Decoder, FrameReader, encode
from zchat.protocol.internal import Chunk, LogPage, MembershipChange
from zchat.protocol.rules.membership import EVERYONE

_log_and_sequence = Decoder(tuple[str, int])


class ModelLog:
    """Every entry is an array of its log and sequence; what it says is nothing to the gateway."""

    def __init__(self, name: str, entries: int = 0) -> None:
        self.name = name
        self.head = entries
        self.streamed = 0
        """What has been published of it."""
        self.changes: dict[int, MembershipChange] = {}

    def write(self, count: int = 1) -> None:
        self.head += count

    def joined(self, user: str) -> int:
        return self._changed(user, joined=True)

    def left(self, user: str) -> int:
        return self._changed(user, joined=False)

    def closed(self) -> int:
        return self._changed(EVERYONE, joined=False)

    def _changed(self, user: str, *, joined: bool) -> int:
        self.head += 1
        self.changes[self.head] = MembershipChange(user, self.head, joined, self.head)
        return self.head

    def chunk(self, first: int, last: int) -> Chunk:
        changes = [self.changes[s] for s in range(first, last + 1) if s in self.changes]
        return Chunk(self.name, first, last, self._frames(first, last), changes)

    def next_chunk(self, entries_max: int | None = None) -> Chunk:
        """What is published next: all that is new, or its beginning."""
        first = self.streamed + 1
        self.streamed = self.head
        if entries_max is not None:
            self.streamed = min(self.head, first + entries_max - 1)
        return self.chunk(first, self.streamed)

    def page(self, cursor: int, entries_max: int = 1000) -> LogPage:
        first, last = cursor + 1, max(cursor, min(cursor + entries_max, self.head))
        return LogPage(self.name, first, last, self.head, self._frames(first, last))

    def _frames(self, first: int, last: int) -> bytes:
        return b"".join(encode([self.name, sequence]) for sequence in range(first, last + 1))


def written_to(session: Session) -> list[tuple[str, int]]:
    """Takes what waits for the client: log and sequence of each entry."""
    frames = FrameReader(1 << 30).feed(b"".join(session.out))
    session.out.clear()
    return [_log_and_sequence.decode(frame) for frame in frames]
