"""Writes the index of what is said: behind the entries, and in bounded steps.

To index a message costs about as much as all else that becomes of it, and the longest one takes
tens of ms; so no commit waits for that. A few of the newest messages enter the index at a time,
when there is little else to do. A message that is too long for one step is due (`search_due`), and
so is a change of one that the index has, from the commit on that makes it. What is due is done in
the order in which it came: so what is taken out of the index is exactly what was written to it,
even if the process dies between two steps.

What an index has of a message are pieces of its words (`search_words.py`). With another database
than SQLite the table `search` would be one of positions and arrays of pieces with an index for
containment, in PostgreSQL of the kind GIN, and only `_write_pieces`, `_merge` and what `search.py`
asks for would differ; all else is the same.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    true,
    update,
)

from zchat.eventlog.core.search_words import (
    Parts,
    author_piece,
    block_piece,
    compared,
    next_part,
    place_piece,
)
from zchat.eventlog.core.spans import Span, Spans
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.places import are_of
from zchat.eventlog.tables import entries, places, search_due, search_indexed, search_spans
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import Entry, MessagePosted, PrivateMessageSent
from zchat.protocol.operators import IMPORT_NONCE

_entries = Decoder(Entry)
_ROW_BY_ROW: Final = {"stream_results": True}
"""SQLite finds each row when it is asked for: those after the last one looked at cost nothing."""


class Progress(NamedTuple):
    """How far the index has come: of the entries up to `position` it has all that is not due."""

    position: int
    due: bool = True
    merging: bool = True

    def is_behind(self, newest: int) -> bool:
        return self.due or self.merging or self.position < newest


class Due(NamedTuple):
    """An entry as the index is to have it, or to have it no more."""

    position: int
    log: str
    author: str
    nonce: bytes | None
    thread: str | None
    frame: bytes
    removes: bool
    done: int = 0


class _Piecewise(NamedTuple):
    """Pieces of the message at a position, to be written or taken out."""

    position: int
    removes: bool
    pieces: str


class SearchIndex:
    """Made and written within the transactions of the store."""

    progress: Progress

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sizes: dict[str, int] = {}
        self._parts = Parts()
        position = connection.scalar(select(search_indexed.c.position))
        if position is None:
            connection.execute(insert(search_indexed).values(position=0))
        due = connection.execute(_ANY_DUE).first() is not None
        self.progress = Progress(position or 0, due, merging=False)

    # --- What a commit leaves to be done ----------------------------------------------------------

    def amend(self, amended: Iterable[tuple[int, Amended]]) -> None:
        """Has the index know what stands at these positions as it is from now on.

        It is still stored as it was.
        """
        due: list[Due] = []
        for position, one in amended:
            if position > self.progress.position:
                continue
            row = self._connection.execute(_SELECT_AT, {"at": position}).one()
            former, new = message_of(row.frame), message_of(one.frame)
            if former and new and text_of(former) == text_of(new) and not one.renamed:
                continue
            # What was due to enter it and has not begun to is dropped, and need not be taken out.
            taken_back = self._connection.execute(_TAKE_BACK, {"at": row.position}).rowcount
            if former and not taken_back:
                due.append(Due(*row, removes=True))
            if new:
                as_new = Due(*row, removes=False)._replace(frame=one.frame)
                due.append(_renamed(as_new, one.renamed))
        self._add_due(due)

    def forget(self, log: str, upto: int) -> None:
        """The entries of the log up to there are about to be removed."""
        parameters = {"of_log": log, "upto": upto, "indexed": self.progress.position}
        self._connection.execute(_FORGET, parameters)
        self._connection.execute(_TAKE_BACK_ALL, parameters)
        self.progress = self.progress._replace(due=True)

    def _add_due(self, due: Sequence[Due]) -> None:
        if due:
            self._connection.execute(insert(search_due), [one._asdict() for one in due])
            # If the transaction fails, this is wrong, and costs one step that finds nothing.
            self.progress = self.progress._replace(due=True)

    # --- Steps ------------------------------------------------------------------------------------

    def write(self, newest: int) -> Progress:
        """Does the next step for the entries up to `newest`; returns how far it has come.

        What is to be merged comes first: otherwise there would be more and more of it.
        """
        position, due, merging = self.progress
        if merging:
            return Progress(position, due, self._merge())
        if due and self._write_due():
            due = self._connection.execute(_ANY_DUE).first() is not None
        else:
            position, due = self._write_next(newest)
        return Progress(position, due, self._merge())

    def _write_due(self) -> bool:
        """Returns whether anything was due."""
        batch = _Batch(self._parts)
        finished: list[dict[str, int]] = []
        unfinished: list[dict[str, int]] = []
        parameters = {"due_max": limits.SEARCH_BATCH_ENTRIES}
        with self._connection.execute(
            _SELECT_DUE, parameters, execution_options=_ROW_BY_ROW
        ) as rows:
            for number, *row in rows:
                due = Due._make(row)
                message = message_of(due.frame)
                words = compared(text_of(message)) if message else ""
                if message and not batch.add(due, words):
                    break
                following = next_part(words, due.done)
                if following is not None:
                    unfinished.append({"number": number, "now_done": following})
                    break
                finished.append({"number": number})
                if batch.is_full:
                    break
        if unfinished:
            self._connection.execute(_SET_DONE, unfinished)
        if finished:
            self._connection.execute(_DELETE_DUE, finished)
        self._write_pieces(batch.written)
        return bool(finished or unfinished)

    def _write_next(self, newest: int) -> tuple[int, bool]:
        """The entries after the last one; returns how far it came, and whether some are due."""
        batch = _Batch(self._parts)
        spans = Spans(self._newest_span, self._sizes)
        long: list[Due] = []
        reached, left = self.progress.position, limits.SEARCH_BATCH_ENTRIES
        parameters = {"after": reached, "upto": newest}
        with self._connection.execute(
            _SELECT_NEXT, parameters, execution_options=_ROW_BY_ROW
        ) as rows:
            for row in rows:
                one = Due(*row, removes=False)
                if message := message_of(one.frame):
                    words = compared(text_of(message))
                    if next_part(words, 0) is not None:
                        long.append(one)
                        batch.read_bytes += len(one.frame)
                    elif not batch.add(one, words):
                        break
                    kind = one.log if _is_imported(one.nonce) else ""
                    spans.add(kind, one.position, message.at_ms, len(one.frame))
                reached = one.position
                left -= 1
                if not left or batch.is_full:
                    break
            else:
                # Positions between the last one and `newest` belonged to entries that are removed.
                reached = newest
        self._write_pieces(batch.written)
        self._add_due(long)
        for span in spans.changed:
            self._connection.execute(
                _DELETE_SPAN, {"of_log": span.imported_log, "begun": span.first}
            )
            self._connection.execute(insert(search_spans), span._asdict())
        self._connection.execute(update(search_indexed).values(position=reached))
        return reached, bool(long)

    def _newest_span(self, imported_log: str) -> Span | None:
        row = self._connection.execute(_SELECT_NEWEST_SPAN, {"of_log": imported_log}).first()
        return Span._make(row) if row else None

    def _write_pieces(self, written: list[_Piecewise]) -> None:
        # In the order of their positions, without which each would become a part of the index by
        # itself; of one position in the order in which they came.
        written.sort(key=lambda one: one.position)
        for removes, ones in groupby(written, key=lambda one: one.removes):
            # To take a message out, the index has to be told the pieces that it was given: it keeps
            # no record of what belongs to which message.
            parameters = [(one.position, one.pieces) for one in ones]
            self._connection.exec_driver_sql(_DELETE if removes else _INSERT, parameters)

    def _merge(self) -> bool:
        """Returns whether anything was merged: then there may be more."""
        before = self._connection.exec_driver_sql(_CHANGES).scalar_one()
        self._connection.exec_driver_sql(_MERGE, (limits.SEARCH_MERGE_PAGES,))
        # SQLite counts the statement itself as one change, and more if anything was merged
        # (https://www.sqlite.org/fts5.html#the_merge_command).
        return bool(self._connection.exec_driver_sql(_CHANGES).scalar_one() - before > 1)


class _Batch:
    """What one step writes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.written: list[_Piecewise] = []
        self.read_bytes = 0
        self._pieces_left = limits.SEARCH_BATCH_PIECES

    @property
    def is_full(self) -> bool:
        return self._pieces_left <= 0 or self.read_bytes >= limits.SEARCH_BATCH_BYTES

    def add(self, due: Due, words: str) -> bool:
        """The next part of it, unless it is too much for this step."""
        pieces = _pieces(due, self._parts.pieces_of(words, due.done))
        if self.written and len(pieces) > self._pieces_left:
            return False
        block = block_piece(due.position)
        joined = " ".join([block + piece for piece in pieces])
        self.written.append(_Piecewise(due.position, due.removes, joined))
        self._pieces_left -= len(pieces)
        self.read_bytes += len(due.frame)
        return True


def _pieces(due: Due, said: set[str]) -> set[str]:
    """What it says in its next part, and in the first one also whose it is, and where.

    As long as it says the same, these are the same.
    """
    if due.done:
        return said
    imported = _is_imported(due.nonce)
    pieces = {*said, place_piece(due.log, None, imported=imported), author_piece(due.author)}
    if due.thread is not None:
        pieces.add(place_piece(due.log, due.thread, imported=imported))
    return pieces


def _renamed(due: Due, renamed: Iterable[tuple[str, str]]) -> Due:
    for former, now in renamed:
        author = now if due.author == former else due.author
        thread = now if due.thread == former else due.thread
        due = due._replace(author=author, thread=thread)
    return due


def message_of(frame: bytes) -> Entry | None:
    """The entry, if it is a message."""
    try:
        entry = _entries.decode(frame)
    except ProtocolError:
        # Whatever a newer release has written there, it is nothing that this one could show.
        return None
    return entry if isinstance(entry.body, MessagePosted | PrivateMessageSent) else None


def text_of(message: Entry) -> str:
    assert isinstance(message.body, MessagePosted | PrivateMessageSent)
    return message.body.text


def _is_imported(nonce: bytes | None) -> bool:
    return nonce is not None and nonce.startswith(IMPORT_NONCE)


_stored = select(
    entries.c.position,
    entries.c.log,
    entries.c.author,
    entries.c.nonce,
    entries.c.thread,
    entries.c.frame,
)
_SELECT_NEXT: Final = _stored.where(
    entries.c.position > bindparam("after"), entries.c.position <= bindparam("upto")
).order_by(entries.c.position)
_SELECT_AT: Final = _stored.where(entries.c.position == bindparam("at"))
_SELECT_NEWEST_SPAN: Final = (
    select(search_spans)
    .where(search_spans.c.imported_log == bindparam("of_log"))
    .order_by(search_spans.c.first.desc())
    .limit(1)
)
_DELETE_SPAN: Final = delete(search_spans).where(
    search_spans.c.imported_log == bindparam("of_log"), search_spans.c.first == bindparam("begun")
)

_ANY_DUE: Final = select(search_due.c.id).limit(1)
_SELECT_DUE: Final = select(search_due).order_by(search_due.c.id).limit(bindparam("due_max"))
_SET_DONE: Final = (
    update(search_due)
    .where(search_due.c.id == bindparam("number"))
    .values(done=bindparam("now_done"))
)
_DELETE_DUE: Final = delete(search_due).where(search_due.c.id == bindparam("number"))
_not_begun = (~search_due.c.removes, search_due.c.done == 0)
_TAKE_BACK: Final = delete(search_due).where(search_due.c.position == bindparam("at"), *_not_begun)
_forgotten = (
    are_of(bindparam("of_log"), places.c.sequence <= bindparam("upto")),
    entries.c.position <= bindparam("indexed"),
)
_FORGET: Final = insert(search_due).from_select(
    Due._fields,
    _stored.add_columns(true(), literal(0)).where(
        *_forgotten,
        ~exists().where(search_due.c.position == entries.c.position, *_not_begun),
    ),
)
_TAKE_BACK_ALL: Final = delete(search_due).where(
    search_due.c.position.in_(select(entries.c.position).where(*_forgotten)), *_not_begun
)

_INSERT: Final = "INSERT INTO search (rowid, pieces) VALUES (?, ?)"
_DELETE: Final = "INSERT INTO search (search, rowid, pieces) VALUES ('delete', ?, ?)"
_MERGE: Final = "INSERT INTO search (search, rank) VALUES ('merge', ?)"
_CHANGES: Final = "SELECT total_changes()"
