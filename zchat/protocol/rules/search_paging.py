"""Paging of search results: where a page ends, and where the next one begins.

The one who answers and the one who asks must agree on it, or a message between two pages is missed.
"""

from collections.abc import Collection

from zchat.protocol import limits
from zchat.protocol.codec import fitting
from zchat.protocol.messages import Entry, SearchResults


def newest_found(found: Collection[Entry], limit: int) -> tuple[list[Entry], bool]:
    """The newest of them, newest first, and whether there are more.

    Whoever asks for more does so by the time of the last one. So an answer never ends amid the
    messages of one millisecond: it has a few less than `limit` or, if there are so many of that
    one, more. Only of more than fit in an answer some are never seen.
    """
    newest_first = sorted(found, key=lambda entry: (-entry.at_ms, entry.log, -entry.sequence))
    shown = fitting(newest_first[:limit], limits.ANSWER_BYTES_MAX)
    if len(shown) == len(newest_first):
        return shown, False
    cut_ms = newest_first[len(shown)].at_ms
    if shown[-1].at_ms == cut_ms:
        shown = [entry for entry in shown if entry.at_ms > cut_ms]
    if not shown:
        at_once = [entry for entry in newest_first if entry.at_ms == cut_ms]
        shown = fitting(at_once[: limits.SEARCH_RESULTS_MAX], limits.ANSWER_BYTES_MAX)
    return shown, len(shown) < len(newest_first)


class Found:
    """What somebody who asks has found so far."""

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
