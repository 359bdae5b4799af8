"""Queries that every service with logs answers alike."""

from collections.abc import Collection

from zchat.eventlog.core.search_words import words_of
from zchat.eventlog.core.timeline import stored_stream_page
from zchat.eventlog.search import Place, Wanted
from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode, fitting
from zchat.protocol.internal import LogPage, ReadLog, ReadStream
from zchat.protocol.messages import (
    Entry,
    History,
    ReadHistory,
    RefusalCode,
    SearchMessages,
    SearchResults,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.service.core.effects import Refusal

_entries = Decoder(Entry)


def read_log(store: Store, query: ReadLog, head: int) -> Steps[bytes]:
    """A `LogPage` of what follows the cursor."""
    entries = store.read_log(
        query.log, query.cursor, limits.PAGE_ENTRIES_MAX, limits.PAGE_BYTES_MAX
    )
    frames = b"".join(entry.frame for entry in entries)
    yield costs.of_rows(len(entries), len(frames))
    floor = max(query.cursor, store.floors.get(query.log, 0))
    first = entries[0].sequence if entries else floor + 1
    last = entries[-1].sequence if entries else floor
    return encode(LogPage(query.log, first, last, head, frames))


def read_stream(store: Store, query: ReadStream) -> Steps[bytes]:
    """A `StreamPage` of what follows the position."""
    entries = store.read_stream(query.position, limits.PAGE_ENTRIES_MAX, limits.PAGE_BYTES_MAX)
    page_bytes = sum(len(entry.frame) for entry in entries)
    is_full = len(entries) >= limits.PAGE_ENTRIES_MAX or page_bytes >= limits.PAGE_BYTES_MAX
    # Of now: what is committed before the next step is not in the page.
    last = entries[-1].position if is_full else store.position
    yield costs.of_rows(len(entries), page_bytes)
    return encode(stored_stream_page(entries, query.position + 1, last))


def read_history(
    store: Store, query: ReadHistory, log: str, floor: int, thread: str | None = None
) -> Steps[bytes]:
    """A `History` of the newest entries that were asked for and fit in one answer."""
    # One more than asked for, or than fit, tells whether there are more.
    frames = store.read_history(
        log, floor, query.before, query.limit + 1, thread, limits.ANSWER_BYTES_MAX + 1
    )
    yield costs.of_rows(len(frames), 2 * sum(map(len, frames)))
    newest_first = (_entries.decode(frame) for frame in reversed(frames[-query.limit :]))
    entries = fitting(newest_first, limits.ANSWER_BYTES_MAX)[::-1]
    more = len(entries) < len(frames) or sum(map(len, frames)) > limits.ANSWER_BYTES_MAX
    return encode(History(query.id, query.log, entries, more))


# --- The query for messages by their words, which every service with logs answers alike.


def search(store: Store, query: SearchMessages, places: Collection[Place]) -> Steps[bytes]:
    """`SearchResults` of the places that the user can read. Raises `Refusal`."""
    words = words_of(query.text)
    if not words:
        raise Refusal(RefusalCode.EMPTY_TEXT, "say which words to search for")
    author = query.author
    if author is not None:
        try:
            author = canonical_name(author)
        except InvalidName as error:
            raise Refusal(RefusalCode.INVALID_NAME, str(error)) from None
    found = yield from store.search(places, Wanted(words, author, query.before_ms, query.limit))
    return encode(SearchResults(query.id, *found))
