"""Finds what was said, by an index that follows behind the entries.

To index a message costs about as much as all else that becomes of it, so no commit waits for that:
a few of the newest messages enter the index at a time, when there is little else to do. A search
looks through those that are still missing itself.

What an index has of a message are pieces of its words (`words.py`); what it finds is compared with
the text itself. With another database than SQLite the table `search` would be one of positions and
arrays of pieces with an index for containment, in PostgreSQL of the kind GIN, and only `_insert`,
`_delete` and `_rows` would differ; all else is the same.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from zchat.log.tables import entries, search_indexed, search_spans
from zchat.log.timeline import Amended
from zchat.log.words import (
    author_piece,
    holds,
    pieces_of,
    pieces_wanted,
    place_piece,
)
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.found import newest_found
from zchat.protocol.messages import Entry, MessagePosted, PrivateMessageSent
from zchat.protocol.operators import IMPORT_NONCE

_entries = Decoder(Entry)
_ROW_BY_ROW: Final = {"stream_results": True}
"""Those after the last one that is looked at are never read."""


class Place(NamedTuple):
    """Where is searched: after `floor` in a log, or only in the conversation `thread` of it."""

    log: str
    floor: int
    thread: str | None = None


class Wanted(NamedTuple):
    """The newest `limit` messages that have all of the words: by `author`, before `before_ms`."""

    words: tuple[str, ...]
    author: str | None
    before_ms: int | None
    limit: int


class Found(NamedTuple):
    """Newest first. Not `complete` if some were not looked at that nobody could ask for again."""

    entries: list[Entry]
    more: bool
    complete: bool


class _Row(NamedTuple):
    """An entry as it is stored."""

    log: str
    sequence: int
    author: str
    thread: str | None
    frame: bytes


_Document: TypeAlias = tuple[int, str]
"""The position of a message, and the pieces of it."""


class _Span(NamedTuple):
    """Positions between which the times of messages never fall: of those that were imported to a
    log, or, if that is empty, of all others.
    """

    imported_log: str
    first: int
    last: int
    oldest_ms: int
    newest_ms: int


class SearchIndex:
    """Made, read and written within the transactions of the store."""

    position: int
    """Of all entries up to here the messages are in the index."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        position = connection.scalar(select(search_indexed.c.position))
        if position is None:
            connection.execute(insert(search_indexed).values(position=0))
        self.position = position or 0

    # --- Writing ----------------------------------------------------------------------------------

    def write(self, newest: int) -> int:
        """Indexes the next few of the entries up to `newest`; returns how far it has come."""
        documents: list[_Document] = []
        spans = _Spans(self._newest_span)
        reached, read_bytes, left = self.position, 0, limits.SEARCH_BATCH_ENTRIES
        parameters = {"after": self.position, "upto": newest}
        with self._connection.execute(
            _SELECT_NEXT, parameters, execution_options=_ROW_BY_ROW
        ) as rows:
            for row in rows:
                if message := _message(row.frame):
                    documents.append(_document(row, message))
                    imported_log = row.log if _is_imported(row.nonce) else ""
                    spans.add(imported_log, row.position, message.at_ms)
                reached = row.position
                read_bytes += len(row.frame)
                left -= 1
                if not left or read_bytes >= limits.SEARCH_BATCH_BYTES:
                    break
            else:
                # What is missing after the last one has been removed.
                reached = newest
        self._insert(documents)
        for span in spans.changed:
            self._connection.execute(
                _DELETE_SPAN, {"of_log": span.imported_log, "begun": span.first}
            )
            self._connection.execute(insert(search_spans), span._asdict())
        self._connection.execute(update(search_indexed).values(position=reached))
        return reached

    def amend(self, amended: Iterable[Amended]) -> None:
        """Has the index know these as they are from now on; they are still stored as they were."""
        for one in amended:
            parameters = {"of_log": one.log, "from": one.sequence, "to": one.sequence}
            for row in self._indexed(parameters):
                former, new = _message(row.frame), _message(one.frame)
                if former and new and _text(former) == _text(new):
                    continue
                if former:
                    self._delete([_document(row, former)])
                if new:
                    self._insert([_document(row, new)])

    def forget(self, log: str, upto: int) -> None:
        """The entries of the log up to there are about to be removed."""
        rows = self._indexed({"of_log": log, "from": 1, "to": upto})
        found = ((row, _message(row.frame)) for row in rows)
        self._delete([_document(row, message) for row, message in found if message])

    def _newest_span(self, imported_log: str) -> _Span | None:
        row = self._connection.execute(_SELECT_NEWEST_SPAN, {"of_log": imported_log}).first()
        return _Span._make(row) if row else None

    def _indexed(self, parameters: dict[str, Any]) -> Sequence[Any]:
        statement = _SELECT_INDEXED
        return self._connection.execute(statement, parameters | {"indexed": self.position}).all()

    def _insert(self, documents: list[_Document]) -> None:
        if documents:
            self._connection.exec_driver_sql(_INSERT, documents)

    def _delete(self, documents: list[_Document]) -> None:
        if documents:
            # The index has no other record of the pieces than these themselves.
            self._connection.exec_driver_sql(_DELETE, documents)

    # --- Reading ----------------------------------------------------------------------------------

    def find(self, places: Collection[Place], wanted: Wanted, newest: int) -> Found:
        """Searches the entries up to `newest`, of which it looks at a bounded number."""
        finding = _Finding(places, wanted)
        for row in self._connection.execute(
            _SELECT_UNINDEXED,
            {"after": self.position, "unindexed_max": limits.SEARCH_UNINDEXED_MAX},
        ):
            finding.look_at(_Row._make(row))
        runs = sorted(self._runs(places, wanted.before_ms), key=lambda run: -run.newest_ms)
        while runs and places and finding.needs(runs[0].newest_ms):
            run = runs.pop(0)
            if not self._look_through(finding, run):
                others = [run.newest_ms for run in runs]
                return finding.ended_early(max([finding.last_ms, *others]))
        shown, more = newest_found(finding.found, wanted.limit)
        return Found(shown, more, newest - self.position <= limits.SEARCH_UNINDEXED_MAX)

    def _look_through(self, finding: "_Finding", run: _Span) -> bool:
        """Returns whether all was looked at that could be wanted."""
        finding.last_ms = run.newest_ms
        question = (finding.expression(run.imported_log), run.first, run.last)
        for row in self._rows(question):
            if not finding.rows_left:
                return False
            finding.rows_left -= 1
            finding.look_at(row)
            if not finding.needs(finding.last_ms):
                break
        return True

    def _rows(self, question: tuple[str, int, int]) -> Iterator[_Row]:
        """From the newest one on, each read only when it is asked for."""
        with self._connection.exec_driver_sql(
            _FIND, question, execution_options=_ROW_BY_ROW
        ) as rows:
            yield from map(_Row._make, rows)

    def _runs(self, places: Collection[Place], before_ms: int | None) -> list[_Span]:
        """The spans with what was said before then, joined as long as times do not fall."""
        runs: list[_Span] = []
        logs = ["", *(place.log for place in places)]
        for row in self._connection.execute(_SELECT_SPANS, {"logs": logs}):
            span = _Span._make(row)
            if before_ms is not None and span.oldest_ms >= before_ms:
                continue
            last = runs[-1] if runs else None
            if last and last.imported_log == span.imported_log and last.newest_ms <= span.oldest_ms:
                runs[-1] = last._replace(last=span.last, newest_ms=span.newest_ms)
            else:
                runs.append(span)
        return runs


class _Spans:
    """The newest span of each kind that a batch is about, and what becomes of them."""

    def __init__(self, stored: Callable[[str], _Span | None]) -> None:
        self._stored = stored
        self._newest: dict[str, _Span | None] = {}
        self._changed: dict[tuple[str, int], _Span] = {}

    @property
    def changed(self) -> Collection[_Span]:
        return self._changed.values()

    def add(self, imported_log: str, position: int, at_ms: int) -> None:
        if imported_log not in self._newest:
            self._newest[imported_log] = self._stored(imported_log)
        span = self._newest[imported_log]
        if (
            span is None
            or at_ms < span.newest_ms
            or position - span.first >= limits.SEARCH_SPAN_ENTRIES
        ):
            span = _Span(imported_log, position, position, at_ms, at_ms)
        else:
            span = span._replace(last=position, newest_ms=at_ms)
        self._newest[imported_log] = self._changed[imported_log, span.first] = span


class _Finding:
    """What one search has found so far."""

    def __init__(self, places: Collection[Place], wanted: Wanted) -> None:
        self.found: list[Entry] = []
        self.rows_left = limits.SEARCH_ROWS_MAX
        self.last_ms = 0
        """The time of what was looked at last, or of the newest that could have been."""
        self._places = {place.log: place for place in places}
        self._wanted = wanted
        self._newest_ms: list[int] = []
        """A heap of the times of the newest ones, one more than are wanted."""

    def expression(self, imported_log: str) -> str:
        """What the index is asked for: what was imported to one log, or all that was not."""
        places = [
            _quoted(place_piece(place.log, place.thread, imported=bool(imported_log)))
            for place in self._places.values()
            if imported_log in {"", place.log}
        ]
        parts = [
            _quoted(piece.text) + ("*" if piece.prefix else "")
            for piece in pieces_wanted(self._wanted.words)
        ]
        if self._wanted.author is not None:
            parts.append(_quoted(author_piece(self._wanted.author)))
        return " AND ".join([*parts, f"({' OR '.join(places)})"])

    def needs(self, at_ms: int) -> bool:
        """Whether a message of this time could be among those that are shown."""
        return len(self._newest_ms) <= self._wanted.limit or at_ms >= self._newest_ms[0]

    def look_at(self, row: _Row) -> None:
        wanted, place = self._wanted, self._places.get(row.log)
        if place is None or place.thread not in {None, row.thread}:
            return
        message = _message(row.frame)
        if message is None:
            return
        self.last_ms = message.at_ms
        if (
            row.sequence > place.floor
            and (wanted.author is None or row.author == wanted.author)
            and (wanted.before_ms is None or message.at_ms < wanted.before_ms)
            and holds(_text(message), wanted.words)
        ):
            self.found.append(message)
            heapq.heappush(self._newest_ms, message.at_ms)
            if len(self._newest_ms) > wanted.limit + 1:
                heapq.heappop(self._newest_ms)

    def ended_early(self, unseen_ms: int) -> Found:
        """What was not looked at any more is of this time or older."""
        newer = [message for message in self.found if message.at_ms > unseen_ms]
        shown, more = newest_found(newer or self.found, self._wanted.limit)
        return Found(shown, more or bool(newer), bool(newer))


def _message(frame: bytes) -> Entry | None:
    """The entry, if it is a message."""
    try:
        entry = _entries.decode(frame)
    except ProtocolError:
        # Whatever a newer release has written there, it is nothing that this one could show.
        return None
    return entry if isinstance(entry.body, MessagePosted | PrivateMessageSent) else None


def _text(message: Entry) -> str:
    assert isinstance(message.body, MessagePosted | PrivateMessageSent)
    return message.body.text


def _document(row: Any, message: Entry) -> _Document:
    """What the index has of it: as long as it says the same, this is the same."""
    pieces = pieces_of(_text(message))
    imported = _is_imported(row.nonce)
    pieces.add(place_piece(row.log, None, imported=imported))
    if row.thread is not None:
        pieces.add(place_piece(row.log, row.thread, imported=imported))
    pieces.add(author_piece(row.author))
    return row.position, " ".join(pieces)


def _is_imported(nonce: bytes | None) -> bool:
    return nonce is not None and nonce.startswith(IMPORT_NONCE)


def _quoted(piece: str) -> str:
    # No piece has a quotation mark in it.
    return f'"{piece}"'


_stored = select(
    entries.c.position,
    entries.c.log,
    entries.c.sequence,
    entries.c.author,
    entries.c.nonce,
    entries.c.thread,
    entries.c.frame,
)
_SELECT_NEXT: Final = _stored.where(
    entries.c.position > bindparam("after"), entries.c.position <= bindparam("upto")
).order_by(entries.c.position)
_SELECT_INDEXED: Final = _stored.where(
    entries.c.log == bindparam("of_log"),
    entries.c.sequence.between(bindparam("from"), bindparam("to")),
    entries.c.position <= bindparam("indexed"),
)
_SELECT_UNINDEXED: Final = (
    select(entries.c.log, entries.c.sequence, entries.c.author, entries.c.thread, entries.c.frame)
    .where(entries.c.position > bindparam("after"))
    .order_by(entries.c.position.desc())
    .limit(bindparam("unindexed_max"))
)
_SELECT_SPANS: Final = (
    select(search_spans)
    .where(search_spans.c.imported_log.in_(bindparam("logs", expanding=True)))
    .order_by(search_spans.c.imported_log, search_spans.c.first)
)
_SELECT_NEWEST_SPAN: Final = (
    select(search_spans)
    .where(search_spans.c.imported_log == bindparam("of_log"))
    .order_by(search_spans.c.first.desc())
    .limit(1)
)
_DELETE_SPAN: Final = delete(search_spans).where(
    search_spans.c.imported_log == bindparam("of_log"), search_spans.c.first == bindparam("begun")
)

_INSERT: Final = "INSERT INTO search (rowid, pieces) VALUES (?, ?)"
_DELETE: Final = "INSERT INTO search (search, rowid, pieces) VALUES ('delete', ?, ?)"
# What the index finds comes in its order, and each entry is then found by its position.
_FIND: Final = (
    "SELECT entries.log, entries.sequence, entries.author, entries.thread, entries.frame "
    "FROM search CROSS JOIN entries ON entries.position = search.rowid "
    "WHERE search MATCH ? AND search.rowid BETWEEN ? AND ? ORDER BY search.rowid DESC"
)
