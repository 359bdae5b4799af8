"""What a search has found so far, page by page."""

from zchat.protocol.messages import Entry, SearchResults


class Found:
    def __init__(self) -> None:
        self._entries: dict[tuple[str, int], Entry] = {}
        self.before_ms: int | None = None
        """Where the next page begins; None for the first one."""
        self.has_more = False
        self.complete = True
        """The server had looked through everything."""

    @property
    def entries(self) -> list[Entry]:
        """Newest first."""
        return list(self._entries.values())

    def take(self, page: SearchResults) -> None:
        """The answer to a search before `before_ms`."""
        known = len(self._entries)
        self._entries |= {(entry.log, entry.sequence): entry for entry in page.entries}
        self.has_more = page.more and bool(page.entries)
        self.complete = self.complete and page.complete
        if page.entries:
            # Others of the same millisecond may follow, unless all of these were known.
            oldest_ms = page.entries[-1].at_ms
            self.before_ms = oldest_ms + 1 if len(self._entries) > known else oldest_ms
