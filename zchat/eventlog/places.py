"""The index of places: which entries a log has, and which of these are of a conversation in it.

A private message stands in two inboxes and in a conversation of each. An index that is up to date
with every commit has to change a page for each of these four, which was half of what a commit
cost. So the newest entries are found in memory, and the index is written behind them: many at a
time, and in its own order. Whatever reads entries of a log reads them here. Whatever removes or
renames them does so after `write`, when the index has them all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from heapq import merge
from itertools import groupby, starmap
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from zchat.eventlog.core.timeline import Appended
from zchat.eventlog.database import raw
from zchat.eventlog.nonces import compiled
from zchat.eventlog.tables import WHOLE_LOG, entries, places, places_written
from zchat.protocol import limits


class StoredEntry(NamedTuple):
    """Whether it was `imported` is known of those of a stream."""

    position: int
    log: str
    sequence: int
    frame: bytes
    imported: bool = False


_Recent: TypeAlias = tuple[int, int]
"""Sequence and position of an entry that the index does not have yet. Both rise in a place."""
_sequence_of: Final = itemgetter(0)
_Unfiled: TypeAlias = tuple[int, str, int, str | None]
"""Position, log, sequence and conversation."""
_what_is_filed: Final = itemgetter(0, 1, 2, 5)
"""Of what was appended. Not the frames, which may be large."""


class PlaceIndex:
    """Made, read and written within the transactions of the store.

    A place is a log and a conversation in it, or `WHOLE_LOG`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = raw(connection)
        dialect = connection.dialect
        self._select_head = compiled(_SELECT_HEAD, dialect)
        self._select_next_log = compiled(_SELECT_NEXT_LOG, dialect)
        self._select_next_thread = compiled(_SELECT_NEXT_THREAD, dialect)
        self._select_position = compiled(_SELECT_POSITION, dialect)
        self._select_entry = compiled(_SELECT_ENTRY, dialect)
        self._select_oldest_first = compiled(_SELECT_OLDEST_FIRST, dialect)
        self._select_newest_first = compiled(_SELECT_NEWEST_FIRST, dialect)
        self._filed: dict[str, dict[str, list[_Recent]]] = {}
        """By log and conversation; each entry is in its whole log, too."""
        self._unfiled: list[_Unfiled] = []
        """What is newer still: it is filed when somebody reads, which may be never."""
        if connection.scalar(select(places_written.c.position)) is None:
            connection.execute(insert(places_written).values(position=0))
        self._unfiled += map(tuple, connection.execute(_SELECT_UNWRITTEN))
        self._unwritten = len(self._unfiled)

    # --- Reading ----------------------------------------------------------------------------------

    def head(self, log: str, thread: str = WHOLE_LOG) -> int | None:
        """The sequence of the newest entry of a place; None if it has none."""
        if recent := self._recent_of(log, thread):
            return recent[-1][0]
        newest: int | None = self._scalar(self._select_head, log, thread)
        return newest

    def logs_after(self, log: str) -> Iterator[str]:
        """Names of those that have entries, in their order."""
        recent = sorted(name for name in self._recent() if name > log)
        return _each_once(self._steps(self._select_next_log, log), recent)

    def threads_after(self, log: str, thread: str) -> Iterator[str]:
        """Names of the conversations of the log, in their order."""
        recent = sorted(name for name in self._recent().get(log, ()) if name > thread)
        return _each_once(self._steps(self._select_next_thread, thread, log), recent)

    def oldest_first(self, log: str, after: int) -> Generator[StoredEntry]:
        """Entries of the log after that sequence, each read when it is asked for."""
        bounds = (log, WHOLE_LOG, after)
        with closing(self._driver.execute(self._select_oldest_first, bounds)) as rows:
            yield from starmap(StoredEntry, rows)
        recent = self._recent_of(log, WHOLE_LOG)
        yield from self._entries(recent[bisect_right(recent, after, key=_sequence_of) :])

    def newest_first(
        self, log: str, thread: str, floor: int, before: int
    ) -> Generator[StoredEntry]:
        """Entries of the place between those sequences, each read when it is asked for."""
        recent = self._recent_of(log, thread)
        begin = bisect_right(recent, floor, key=_sequence_of)
        end = bisect_left(recent, before, key=_sequence_of)
        yield from self._entries(reversed(recent[begin:end]))
        bounds = (log, thread, floor, before)
        with closing(self._driver.execute(self._select_newest_first, bounds)) as rows:
            yield from starmap(StoredEntry, rows)

    def positions_of(
        self, wanted: Iterable[tuple[str, int]], appended: Iterable[Appended]
    ) -> list[int | None]:
        """Where entries of these logs and sequences stand; None if one has been removed.

        Some may be among those that this transaction has `appended`.
        """
        new = {(entry.log, entry.sequence): entry.position for entry in appended}
        return [new.get(one) or self._position_of(*one) for one in wanted]

    def _position_of(self, log: str, sequence: int) -> int | None:
        recent = self._recent_of(log, WHOLE_LOG)
        at = bisect_left(recent, sequence, key=_sequence_of)
        if at < len(recent) and recent[at][0] == sequence:
            return recent[at][1]
        position: int | None = self._scalar(self._select_position, log, WHOLE_LOG, sequence)
        return position

    def _recent_of(self, log: str, thread: str) -> Sequence[_Recent]:
        return self._recent().get(log, {}).get(thread, ())

    def _recent(self) -> dict[str, dict[str, list[_Recent]]]:
        for position, log, sequence, thread in self._unfiled:
            one = (sequence, position)
            threads = self._filed.setdefault(log, {})
            threads.setdefault(WHOLE_LOG, []).append(one)
            if thread is not None:
                threads.setdefault(thread, []).append(one)
        self._unfiled = []
        return self._filed

    def _entries(self, recent: Iterable[_Recent]) -> Iterator[StoredEntry]:
        for _, position in recent:
            row = self._driver.execute(self._select_entry, (position,)).fetchone()
            # Only the next writer can have removed it; this one is told so when it commits.
            if row is not None:
                yield StoredEntry(*row)

    def _steps(self, next_name: str, name: str, *log: str) -> Iterator[str]:
        """From one step of the index to the next: grouping would walk over all the entries."""
        following: str | None = name
        while (following := self._scalar(next_name, *log, following)) is not None:
            yield following

    def _scalar(self, statement: str, *parameters: Any) -> Any:
        return self._driver.execute(statement, parameters).fetchone()[0]

    # --- Writing ----------------------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether the index is so far behind that it is to be written with the next commit."""
        return self._unwritten >= limits.PLACES_UNWRITTEN_MAX

    def write(self, position: int) -> None:
        """Writes the places of all entries up to `position`, the newest of this transaction."""
        self._connection.execute(_WRITE)
        self._connection.execute(update(places_written).values(position=position))

    def committed(self, appended: Sequence[Appended], *, written: bool) -> None:
        """The transaction of these entries is committed; the index may have been written in it."""
        if written:
            self._filed, self._unfiled, self._unwritten = {}, [], 0
            return
        self._unfiled += map(_what_is_filed, appended)
        self._unwritten += len(appended)


def _each_once(written: Iterable[str], recent: Iterable[str]) -> Iterator[str]:
    return (name for name, _ in groupby(merge(written, recent)))


# --- What is asked --------------------------------------------------------------------------------


def are_of(log: Any, *which: ColumnElement[bool], thread: Any = WHOLE_LOG) -> ColumnElement[bool]:
    """That entries are in this place, and `which` holds of their row in the index.

    The index has them only after `PlaceIndex.write`.
    """
    in_place = (places.c.log == log, places.c.thread == thread)
    return entries.c.position.in_(select(places.c.position).where(*in_place, *which))


def _of_unwritten(*columns: Any) -> Select[*tuple[Any, ...]]:
    written = select(places_written.c.position).scalar_subquery()
    return select(*columns).where(entries.c.position > written)


_SELECT_UNWRITTEN: Final = _of_unwritten(
    entries.c.position, entries.c.log, entries.c.sequence, entries.c.thread
).order_by(entries.c.position)
_whole = literal(WHOLE_LOG).label("thread")
_WRITE: Final = insert(places).from_select(
    ["log", "thread", "sequence", "position"],
    union_all(
        _of_unwritten(entries.c.log, _whole, entries.c.sequence, entries.c.position),
        _of_unwritten(
            entries.c.log, entries.c.thread, entries.c.sequence, entries.c.position
        ).where(entries.c.thread.is_not(None)),
    ).order_by("log", "thread", "sequence"),
)

_of_log = places.c.log == bindparam("log")
_SELECT_NEXT_LOG: Final = select(func.min(places.c.log)).where(places.c.log > bindparam("after"))
_SELECT_NEXT_THREAD: Final = select(func.min(places.c.thread)).where(
    _of_log, places.c.thread > bindparam("after")
)
_SELECT_HEAD: Final = select(func.max(places.c.sequence)).where(
    _of_log, places.c.thread == bindparam("thread")
)
# The greatest of one or none.
_SELECT_POSITION: Final = select(func.max(places.c.position)).where(
    _of_log,
    places.c.thread == bindparam("thread"),
    places.c.sequence == bindparam("sequence"),
)
_stored = select(entries.c.position, entries.c.log, entries.c.sequence, entries.c.frame)
_SELECT_ENTRY: Final = _stored.where(entries.c.position == bindparam("position"))
_in_place = _stored.join(places, places.c.position == entries.c.position).where(
    _of_log, places.c.thread == bindparam("thread"), places.c.sequence > bindparam("after")
)
_SELECT_OLDEST_FIRST: Final = _in_place.order_by(places.c.sequence)
_SELECT_NEWEST_FIRST: Final = _in_place.where(places.c.sequence < bindparam("before")).order_by(
    places.c.sequence.desc()
)
