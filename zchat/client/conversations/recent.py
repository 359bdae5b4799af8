"""What has become of messages of late, wherever they are."""

from collections import deque
from typing import Final

from zchat.client.conversations.entries import Amendment, amended
from zchat.protocol.messages import Entry

RECENT_AMENDMENTS_MAX: Final = 200
"""Of one log."""


class RecentAmendments:
    """A page of history that is on its way may have been read before they were done.

    Later pages are read as they have become, so that few need be kept, and for a short time.
    """

    def __init__(self) -> None:
        self._by_log: dict[str, deque[Entry]] = {}

    def keep(self, entry: Entry) -> None:
        recent = self._by_log.setdefault(entry.log, deque(maxlen=RECENT_AMENDMENTS_MAX))
        recent.append(entry)

    def forget(self, log: str) -> None:
        self._by_log.pop(log, None)

    def readable(self, page: list[Entry]) -> list[Entry]:
        """What there is to read of a page of one log, with all that has become of it."""
        entries = {entry.sequence: entry for entry in page if not isinstance(entry.body, Amendment)}
        for entry in self._by_log.get(page[0].log, ()) if page else ():
            assert isinstance(entry.body, Amendment)
            sequence = entry.body.sequence
            if sequence in entries:
                entries[sequence] = amended(entries[sequence], entry)
        return list(entries.values())
