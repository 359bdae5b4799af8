"""Queries that all services answer alike, and what long lists and counts are made of."""

from collections.abc import Callable, Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from heapq import nsmallest
from typing import Final, NamedTuple

from msgspec import Struct

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
from zchat.protocol.rules.message_fold import is_to_read
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


# --- Lists of very many names: which come first in order, found in steps --------------------------


def is_wanted(name: str, after: str, pattern: str) -> bool:
    """Of a page of an operator's list: whether the name comes after the last page's."""
    return name > after and (not pattern or fnmatchcase(name, pattern))


def first_names(
    names: Iterable[str], is_listed: Callable[[str], bool], names_max: int
) -> Steps[tuple[list[str], int]]:
    """The first of the names that are listed, in order, and how many are listed in all."""
    # The names may change between two steps; the list is as they are now.
    asked = list(names)
    first: list[str] = []
    count = 0
    for begin in range(0, len(asked), limits.LIST_STEP_ITEMS):
        some = asked[begin : begin + limits.LIST_STEP_ITEMS]
        listed = [name for name in some if is_listed(name)]
        count += len(listed)
        first = nsmallest(names_max, first + listed)
        yield len(some) * costs.ITEM_US
    # Some may have gone since they were looked at.
    still = [name for name in first if is_listed(name)]
    return still, count - len(first) + len(still)


# --- What of a log somebody has not read, as far as counting that may cost ------------------------

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


def count_unread(
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
        yield cost_of_glances(frames)
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


def cost_of_glances(frames: Sequence[bytes]) -> int:
    """A glance looks at the beginning of a frame; the rest is only read."""
    return costs.of_rows(len(frames), sum(map(len, frames)) // 4)
