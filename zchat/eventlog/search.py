"""Finds what was said, by an index that follows behind the entries (`search_index.py`).

What the index finds is compared with the text itself, and what it does not have yet is looked
through. All is done in steps, each of which looks at so few entries that nobody notices. None
leaves a statement open: each begins where the last one has ended, whatever was written meanwhile.
"""

import heapq
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from zchat.eventlog.core import search_words
from zchat.eventlog.core.search_words import author_piece, block_piece, place_piece
from zchat.eventlog.core.spans import Span, joined
from zchat.eventlog.database import reading
from zchat.eventlog.search_index import SearchIndex, message_of, text_of
from zchat.protocol import limits
from zchat.protocol.messages import Entry
from zchat.protocol.rules.costs import Steps, of_rows
from zchat.protocol.rules.search_paging import newest_found

_ROW_BY_ROW: Final = {"stream_results": True}
"""SQLite finds each row when it is asked for: those after the last one looked at cost nothing."""
_WINDOW_US: Final = 200
"""What it costs to ask the index for a block of positions."""
_PLACE_US: Final = 10
"""What each place adds to that."""
_PLACES_AT_ONCE: Final = 4
"""With more places than these the index is asked first whether it has the words in a block."""
_WORDS_A_LOOK: Final = 8
"""To look for so many words in a text takes about as long as to read it."""
_NOWHERE: Final = 0
"""Before all positions."""


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

    position: int
    log: str
    sequence: int
    author: str
    thread: str | None
    frame: bytes


class Search:
    """One search of the entries up to `newest`."""

    def __init__(
        self,
        connection: Connection,
        index: SearchIndex,
        places: Collection[Place],
        wanted: Wanted,
        newest: int,
    ) -> None:
        self._connection = connection
        self._index = index
        self._finding = _Finding(places, wanted)
        self._newest = newest
        self._indexed = min(newest, index.progress.position)

    def steps(self) -> Steps[Found]:
        complete = yield from self._look_at_unindexed()
        finding = self._finding
        runs = (yield from self._runs()) if finding.places else []
        runs.sort(key=lambda run: -run.newest_ms)
        while runs and finding.needs(runs[0].newest_ms):
            run = runs.pop(0)
            if not (yield from self._look_through(run)):
                others = [run.newest_ms for run in runs]
                early = finding.ended_early(max([finding.last_ms, *others]))
                return early._replace(complete=complete and early.complete)
        shown, more = newest_found(finding.found, finding.wanted.limit)
        # Of one millisecond all are shown, even more than are wanted; older ones were then not
        # looked at.
        return Found(shown, more or bool(runs) or finding.has_enough, complete)

    def _look_at_unindexed(self) -> Steps[bool]:
        """Returns whether that was all."""
        left = limits.SEARCH_UNINDEXED_MAX
        left_bytes = limits.SEARCH_UNINDEXED_BYTES_MAX
        last = self._newest
        while last > self._indexed:
            step = _Step(self._finding.wanted.words)
            with reading(self._connection), self._rows(_UNINDEXED, (self._indexed, last)) as rows:
                last = self._indexed
                for row in rows:
                    if left <= 0 or left_bytes <= 0:
                        return False
                    left -= 1
                    left_bytes -= len(row.frame)
                    self._finding.look_at(row)
                    if step.is_full_with(row):
                        last = row.position - 1
                        break
            yield step.cost_us
        return True

    def _runs(self) -> Steps[list[Span]]:
        """The spans with what was said before then, joined as long as times do not fall."""
        runs: list[Span] = []
        before_ms = self._finding.wanted.before_ms
        logs = sorted({"", *self._finding.places})
        first = -1
        while logs:
            # The rest of one log, and all of the next ones, as far as one step reads them.
            parameters = (logs[0], first, *logs[1:], limits.SEARCH_STEP_SPANS)
            marks = ", ".join("?" * (len(logs) - 1))
            with reading(self._connection):
                rows = self._connection.exec_driver_sql(_SPANS.format(marks), parameters).all()
            spans = [Span._make(row) for row in rows]
            joined(
                runs,
                (
                    span._replace(last=min(span.last, self._indexed))
                    for span in spans
                    if span.first <= self._indexed
                    and (before_ms is None or span.oldest_ms < before_ms)
                ),
            )
            yield of_rows(len(spans) + len(logs), 0)
            if len(spans) < limits.SEARCH_STEP_SPANS:
                break
            logs = [log for log in logs if log >= spans[-1].imported_log]
            first = spans[-1].first
        return runs

    def _look_through(self, run: Span) -> Steps[bool]:
        """Returns whether all was looked at that could be wanted."""
        finding = self._finding
        finding.last_ms = run.newest_ms
        last = run.last
        while last >= run.first:
            block = block_piece(last)
            first = max(run.first, last - last % search_words.BLOCK_POSITIONS)
            expression: str | None = finding.expression(block, run.imported_log)
            if len(finding.places) > _PLACES_AT_ONCE and (asked := finding.of_words(block)):
                with reading(self._connection):
                    has_any = self._connection.exec_driver_sql(_ANY, (asked, first, last)).first()
                yield _WINDOW_US
                expression = expression if has_any else None
            while last >= first:
                asking_us = _WINDOW_US + _PLACE_US * len(finding.places) if expression else 0
                step = _Step(finding.wanted.words, asking_us)
                with reading(self._connection):
                    last = self._look_at_window(expression, first, last, step)
                yield step.cost_us
        return not finding.gave_up

    def _look_at_window(self, expression: str | None, first: int, last: int, step: "_Step") -> int:
        """Returns up to where to look next: nowhere if nothing more could be wanted."""
        finding = self._finding
        with ExitStack() as stack:
            candidates: list[Iterator[_Row]] = []
            if expression is not None:
                found = self._rows(_FIND, (expression, first, last))
                candidates.append(stack.enter_context(found))
            # What is due to enter the index, or to leave it, may be in it or not.
            if self._index.progress.due:
                candidates.append(stack.enter_context(self._rows(_FIND_DUE, (first, last))))
            position = last + 1
            for row in heapq.merge(*candidates, key=lambda row: -row.position):
                if row.position == position:
                    continue
                position = row.position
                if not finding.look_at_next(row):
                    return _NOWHERE
                if step.is_full_with(row):
                    return position - 1
        return first - 1

    @contextmanager
    def _rows(self, statement: str, parameters: tuple[Any, ...]) -> Iterator[Iterator[_Row]]:
        """Newest first, each read only when it is asked for."""
        with self._connection.exec_driver_sql(
            statement, parameters, execution_options=_ROW_BY_ROW
        ) as rows:
            yield map(_Row._make, rows)


class _Step:
    """What one step looks at."""

    def __init__(self, words: Collection[str], cost_us: int = 0) -> None:
        self._cost_us = cost_us
        self._rows = self._bytes = 0
        # Each text is looked through for every word.
        self._looks = 1 + len(words) // _WORDS_A_LOOK

    @property
    def cost_us(self) -> int:
        return self._cost_us + of_rows(self._rows, self._bytes)

    def is_full_with(self, row: _Row) -> bool:
        self._rows += 1
        self._bytes += len(row.frame) * self._looks
        return self._rows >= limits.SEARCH_STEP_ROWS or self._bytes >= limits.SEARCH_STEP_BYTES


class _Finding:
    """What one search has found so far."""

    def __init__(self, places: Collection[Place], wanted: Wanted) -> None:
        self.found: list[Entry] = []
        self.last_ms = 0
        """The time of what was looked at last, or of the newest that could have been."""
        self.gave_up = False
        """Whether it has looked at so many that it looks at no more."""
        self.has_enough = False
        """Whether it looks at no more since all of that would be older than what is shown."""
        self.places = {place.log: place for place in places}
        self.wanted = wanted
        self._rows_left = limits.SEARCH_ROWS_MAX
        self._bytes_left = limits.SEARCH_BYTES_MAX
        self._newest_ms: list[int] = []
        """A heap of the times of the newest ones, one more than are wanted."""
        self._found_bytes = 0
        self._found_bytes_max = 2 * limits.ANSWER_BYTES_MAX
        """If more is found, it is looked for what of it can be shown."""
        self._full_ms = 0
        """Of what is older than this nothing fits in the answer, however much is wanted."""

    def expression(self, block: str, imported_log: str) -> str:
        """What the index is asked for: what was imported to one log, or all that was not."""
        places = [
            _quoted(block + place_piece(place.log, place.thread, imported=bool(imported_log)))
            for place in self.places.values()
            if imported_log in {"", place.log}
        ]
        of_words = self.of_words(block)
        of_places = f"({' OR '.join(places)})"
        return f"{of_words} AND {of_places}" if of_words else of_places

    def of_words(self, block: str) -> str:
        """The part of it that is about what was said, and who has said it."""
        parts = [_quoted(block + piece) for piece in search_words.pieces_wanted(self.wanted.words)]
        if self.wanted.author is not None:
            parts.append(_quoted(block + author_piece(self.wanted.author)))
        return " AND ".join(parts)

    def needs(self, at_ms: int) -> bool:
        """Whether a message of this time could be among those that are shown."""
        if at_ms < self._full_ms:
            return False
        return len(self._newest_ms) <= self.wanted.limit or at_ms >= self._newest_ms[0]

    def look_at_next(self, row: _Row) -> bool:
        """One of those whose times never rise. Returns whether the next one could be wanted."""
        if self._rows_left <= 0 or self._bytes_left <= 0:
            self.gave_up = True
            return False
        at_ms = self.look_at(row)
        before_ms = self.wanted.before_ms
        # Whoever asks for the next page passes the same messages again. They do not count, or it
        # would never come further than this one.
        if at_ms is None or before_ms is None or at_ms < before_ms:
            self._rows_left -= 1
            self._bytes_left -= len(row.frame)
        self.last_ms = self.last_ms if at_ms is None else at_ms
        if self.needs(self.last_ms):
            return True
        self.has_enough = True
        return False

    def look_at(self, row: _Row) -> int | None:
        """Returns the time of the message, if it is one of a place."""
        wanted, place = self.wanted, self.places.get(row.log)
        if place is None or place.thread not in {None, row.thread}:
            return None
        message = message_of(row.frame)
        if message is None:
            return None
        if (
            row.sequence > place.floor
            and (wanted.author is None or row.author == wanted.author)
            and (wanted.before_ms is None or message.at_ms < wanted.before_ms)
            and search_words.holds(text_of(message), wanted.words)
        ):
            self.found.append(message)
            self._found_bytes += len(row.frame)
            if self._found_bytes > self._found_bytes_max:
                self._drop_what_cannot_fit()
            heapq.heappush(self._newest_ms, message.at_ms)
            if len(self._newest_ms) > wanted.limit + 1:
                heapq.heappop(self._newest_ms)
        return message.at_ms

    def _drop_what_cannot_fit(self) -> None:
        """Of the longest texts fewer than are wanted would already fill the memory."""
        self.found.sort(key=lambda entry: -entry.at_ms)
        self._found_bytes = 0
        for count, entry in enumerate(self.found):
            if self._found_bytes > limits.ANSWER_BYTES_MAX and entry.at_ms < self._full_ms:
                # This one stays, to say that there are more.
                del self.found[count + 1 :]
                break
            self._found_bytes += len(text_of(entry))
            self._full_ms = entry.at_ms
        # Very many of one millisecond all stay: with a higher bound they are not sorted each time.
        self._found_bytes_max = max(self._found_bytes_max, 2 * self._found_bytes)

    def ended_early(self, unseen_ms: int) -> Found:
        """What was not looked at any more is of this time or older."""
        newer = [message for message in self.found if message.at_ms > unseen_ms]
        shown, more = newest_found(newer or self.found, self.wanted.limit)
        return Found(shown, more or bool(newer), bool(newer))


def _quoted(piece: str) -> str:
    # No piece has a quotation mark in it.
    return f'"{piece}"'


_UNINDEXED: Final = (
    "SELECT position, log, sequence, author, thread, frame FROM entries "
    "WHERE position > ? AND position <= ? ORDER BY position DESC"
)
# A CROSS JOIN is done in this order: first what the index finds, then each entry by its position.
_FIND: Final = (
    "SELECT e.position, e.log, e.sequence, e.author, e.thread, e.frame "
    "FROM search CROSS JOIN entries AS e ON e.position = search.rowid "
    "WHERE search MATCH ? AND search.rowid BETWEEN ? AND ? ORDER BY search.rowid DESC"
)
_ANY: Final = "SELECT 1 FROM search WHERE search MATCH ? AND rowid BETWEEN ? AND ? LIMIT 1"
_FIND_DUE: Final = (
    "SELECT e.position, e.log, e.sequence, e.author, e.thread, e.frame "
    "FROM search_due AS due CROSS JOIN entries AS e ON e.position = due.position "
    "WHERE due.position BETWEEN ? AND ? ORDER BY due.position DESC"
)
_SPANS: Final = (
    "SELECT imported_log, first, last, oldest_ms, newest_ms FROM search_spans "
    "WHERE (imported_log = ? AND first > ?) OR imported_log IN ({}) "
    "ORDER BY imported_log, first LIMIT ?"
)
