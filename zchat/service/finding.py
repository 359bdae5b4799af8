"""Where the messages of some authors stand, for an operator: in steps, and in pages.

Nothing is kept for this. The entries of a log are as old as their sequences say, so what is too old
is not looked at; all else is.
"""

from collections import Counter
from collections.abc import Iterator

from zchat.log.store import Store
from zchat.protocol import costs, limits
from zchat.protocol.codec import Decoder
from zchat.protocol.costs import Steps
from zchat.protocol.messages import Entry, MessagePosted, PrivateMessageSent
from zchat.protocol.operators import FindMessages, MessagesFound
from zchat.protocol.targets import target_of
from zchat.service.erasing import changed_by, names_in
from zchat.service.retention import PROBES, count_older

_entries = Decoder(Entry)
_STEP_ENTRIES = 250
_STEP_BYTES = 64 * 1024
"""What is looked at in one step, in 1 ms."""


class _Page:
    """What one answer says, and whether there is room for more."""

    def __init__(self, query: FindMessages) -> None:
        self._query = query
        self._authors = frozenset(query.authors)
        # Names are meant as they are spelled: what only looks like one was said by somebody else.
        self._patterns = [target_of(each) for each in query.authors if set(each) & set("*?")]
        self._places: dict[str, list[int]] = {}
        self._counts: Counter[str] = Counter()
        self._frames: list[bytes] = []
        self._frames_bytes = 0
        self.looked_at = 0

    @property
    def is_full(self) -> bool:
        return (
            self.looked_at >= limits.FOUND_ENTRIES_MAX
            or self._counts.total() >= limits.FOUND_MESSAGES_MAX
            or self._frames_bytes >= limits.PAGE_BYTES_MAX
        )

    def look_at(self, entry: Entry, frame: bytes) -> None:
        self.looked_at += 1
        if self._query.named:
            if self._query.since_ms <= entry.at_ms and names_in(entry) & self._authors:
                places = self._places.setdefault(entry.log, [])
                if entry.author in self._authors and (changed := changed_by(entry)):
                    # It may be older than the name, and names who has reacted to it, or deleted it.
                    # Before what tells of that, so that who begins anew finds it again.
                    places.append(changed)
                places.append(entry.sequence)
                self._counts[entry.author] += 1
            return
        query = self._query
        if not (self._is_of(entry.author) and query.since_ms <= entry.at_ms < query.until_ms):
            return
        if isinstance(entry.body, MessagePosted | PrivateMessageSent):
            self._places.setdefault(entry.log, []).append(entry.sequence)
            self._counts[entry.author] += 1
            if query.frames:
                self._frames.append(frame)
                self._frames_bytes += len(frame)

    def _is_of(self, author: str) -> bool:
        return author in self._authors or any(each.is_for_name(author) for each in self._patterns)

    def answer(self, *, more: bool, after_log: str = "", after: int = 0) -> MessagesFound:
        frames = b"".join(self._frames)
        return MessagesFound(self._places, dict(self._counts), more, after_log, after, frames)


def find(store: Store, query: FindMessages) -> Steps[MessagesFound]:
    page, logs_left = _Page(query), limits.FOUND_LOGS_MAX
    for log, after in _logs(store, query):
        if not logs_left:
            return page.answer(more=True, after_log=log, after=after)
        logs_left -= 1
        reached = yield from _look_through(store, query, log, after, page)
        if reached is not None:
            return page.answer(more=True, after_log=log, after=reached)
    return page.answer(more=False)


def _logs(store: Store, query: FindMessages) -> Iterator[tuple[str, int]]:
    """The logs that are to be looked through, and after which of their entries."""
    log, after = query.after_log or query.log, query.after
    if log:
        yield log, after
    while not query.log and (following := store.logs_after(log, 1)):
        (log,) = following
        yield log, 0


def _look_through(
    store: Store, query: FindMessages, log: str, after: int, page: _Page
) -> Steps[int | None]:
    """How far it has come if the page is full then; None at the end of the log."""
    head = store.heads([log])[log]
    if query.since_ms:
        newest = store.read_log(log, head - 1, 1, 1)
        yield costs.of_rows(1, sum(len(row.frame) for row in newest))
        if not newest or _entries.decode(newest[0].frame).at_ms < query.since_ms:
            return None
        after = max(after, store.floors.get(log, 0) + count_older(store, log, head, query.since_ms))
        yield costs.of_rows(PROBES, PROBES * limits.FRAME_BYTES_MAX // 2)
    while after < head:
        rows = store.read_log(log, after, _STEP_ENTRIES, _STEP_BYTES)
        yield costs.of_rows(len(rows), sum(len(row.frame) for row in rows))
        for row in rows:
            after = row.sequence
            page.look_at(_entries.decode(row.frame), row.frame)
            if page.is_full:
                return after
        if not rows:
            break
    return None
