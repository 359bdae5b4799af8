"""A follower makes a gapless stream of one that may drop, and says what is missing."""

from zchat.protocol import limits
from zchat.protocol.internal import Chunk, StreamPage


class Follower:
    """Follows one service's stream by position.

    Published pages may be lost, doubled or late; what is missing is read again with a query. Until
    `begin` nothing is followed: whoever reads a log first learns the position from that answer, and
    everything later is either published or missed and read again.
    """

    def __init__(self) -> None:
        self.position: int | None = None
        """Everything up to here has been handed on."""
        self._early: dict[int, StreamPage] = {}
        self._newest = 0

    @property
    def missing_after(self) -> int | None:
        """Read the stream again after this position; None while nothing is missing."""
        if self.position is None or self._newest <= self.position:
            return None
        return self.position

    @property
    def lag(self) -> int:
        """How many entries, as far as it is known, are still to come."""
        return 0 if self.position is None else max(0, self._newest - self.position)

    def begin(self, position: int) -> None:
        """Starts at `position`, unless it has started already."""
        if self.position is None:
            self.position = position

    def receive(self, page: StreamPage) -> list[Chunk]:
        """Takes a page, published or read again; returns the chunks that are next, in order."""
        if self.position is None:
            return []
        self._newest = max(self._newest, page.last)
        if page.first > self.position + 1:
            # An empty page only says how far the stream is; what is too much to hold is read again.
            if page.last >= page.first and len(self._early) < limits.FOLLOWER_ENVELOPES_MAX:
                self._early[page.first] = page
            return []
        chunks: list[Chunk] = []
        following: StreamPage | None = page
        while following is not None:
            # A page that begins behind us was cut differently; what it still has is read again.
            if following.first == self.position + 1 <= following.last:
                chunks.extend(following.chunks)
                self.position = following.last
            following = self._early.pop(self.position + 1, None)
        if self._early:
            self._early = {first: p for first, p in self._early.items() if first > self.position}
        return chunks
