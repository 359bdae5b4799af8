"""The index of nonces: what became of a command, found by its author and nonce.

An index that is up to date with every commit has to change one page for each author that speaks,
which was more than half of what a commit cost. So the newest entries are found in memory, and the
index is written behind them: many at a time, and in its own order.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    Connection,
    Dialect,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from zchat.eventlog.core.idempotency import Answer, Client, Key
from zchat.eventlog.core.timeline import Appended
from zchat.eventlog.database import raw
from zchat.eventlog.tables import answers, entries, nonces, nonces_written
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode
from zchat.protocol.rules.nonces import prefix_of


class NonceIndex:
    """Made, read and written within the transactions of the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = raw(connection)
        dialect = connection.dialect
        self._select_position = compiled(_SELECT_POSITION, dialect)
        self._select_place = compiled(_SELECT_PLACE, dialect)
        self._select_answer = compiled(_SELECT_ANSWER, dialect)
        self._select_newest = [
            compiled(_select_newest(table), dialect) for table in (nonces, answers)
        ]
        self._recent: dict[tuple[str, bytes], int] = {}
        """By author and nonce: positions of entries that the index does not have yet."""
        self._newest: dict[Client, bytes] = {}
        """Of the recent ones."""
        if connection.scalar(select(nonces_written.c.position)) is None:
            connection.execute(insert(nonces_written).values(position=0))
        for author, nonce, position in connection.execute(_SELECT_UNWRITTEN):
            self._add(author, nonce, position)

    # --- Reading ----------------------------------------------------------------------------------

    def newest(self, client: Client) -> bytes:
        """The newest nonce of a client that has an answer; no bytes at all if none has."""
        author, prefix = client
        number_bytes = limits.NONCE_BYTES - limits.NONCE_PREFIX_BYTES
        bounds = (author, prefix + b"\x00" * number_bytes, prefix + b"\xff" * number_bytes)
        stored = [self._scalar(statement, bounds) or b"" for statement in self._select_newest]
        return max(self._newest.get(client, b""), *stored)

    def first_answer(self, key: Key) -> Answer | None:
        """What has become of the command; None if it has no answer yet."""
        sent = key.author_and_nonce
        position = self._recent.get(sent) or self._scalar(self._select_position, sent)
        if position is not None:
            if place := self._row(self._select_place, (position,)):
                return Answer(*place)
            if not key.rising:
                # It was done, and what it has made was removed since.
                return Answer(None, 0)
        if row := self._row(self._select_answer, sent):
            return _stored_answer(*row)
        return None

    def _row(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        return self._driver.execute(statement, parameters).fetchone()

    def _scalar(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        row = self._row(statement, parameters)
        return None if row is None else row[0]

    # --- Writing ----------------------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether the index is so far behind that it is to be written with the next commit."""
        return len(self._recent) >= limits.NONCES_UNWRITTEN_MAX

    def write(self, position: int) -> None:
        """Writes the nonces of all entries up to `position`, the newest of this transaction."""
        self._connection.execute(_WRITE_NONCES)
        self._connection.execute(update(nonces_written).values(position=position))

    def forget(self, removed: Iterable[Row[str, bytes]]) -> None:
        """These (author, nonce) of entries are removed, within a transaction after `write`.

        The newest of each client stays: all others are then known to have been answered. Those of
        commands that are not done in the order of their nonces are never given here.
        """
        newest: dict[Client, bytes] = {}
        rows: list[dict[str, Any]] = []
        for author, nonce in removed:
            client = (author, prefix_of(nonce))
            if client not in newest:
                newest[client] = self.newest(client)
            if nonce < newest[client]:
                rows.append({"old_author": author, "old_nonce": nonce})
        if rows:
            self._connection.execute(_DELETE_NONCE, rows)

    def committed(self, appended: Iterable[Appended], *, written: bool) -> None:
        """The transaction of these entries is committed; the index may have been written in it."""
        if written:
            self._recent = {}
            self._newest = {}
            return
        for entry in appended:
            if entry.nonce is not None:
                self._add(entry.author, entry.nonce, entry.position)

    def _add(self, author: str, nonce: bytes, position: int) -> None:
        self._recent[author, nonce] = position
        client = (author, prefix_of(nonce))
        self._newest[client] = max(nonce, self._newest.get(client, nonce))

    def write_answers(self, answered: Collection[tuple[Key, Answer]]) -> None:
        """Writes what no entry tells of, within a transaction."""
        rows = [
            {
                "author": key.author_and_nonce[0],
                "nonce": key.nonce,
                "log": answer.log,
                "code": answer.code,
                "reason": answer.reason,
            }
            for key, answer in answered
        ]
        self._connection.execute(insert(answers), rows)
        self._connection.execute(_DELETE_OLD_ANSWERS, {"kept": limits.ANSWERS_MAX})


def compiled(statement: ClauseElement, dialect: Dialect) -> str:
    """SQL whose parameters are given by position, in the order in which they stand in it."""
    return str(statement.compile(dialect=dialect))


def with_names(statement: Any, dialect: Dialect, names: Collection[str]) -> str:
    """SQL whose parameters are given by these names."""
    kind: Any = type(dialect)
    named = kind(paramstyle="named")
    return str(statement.compile(dialect=named, column_keys=list(names)))


def _select_newest(table: Table) -> ClauseElement:
    """Reads one row, from the end of the client's part of an index."""
    author, nonce = table.c.author, table.c.nonce
    in_range = nonce.between(bindparam("oldest"), bindparam("newest"))
    return select(func.max(nonce)).where(author == bindparam("author"), in_range)


def _stored_answer(log: str | None, code: str | None, reason: str) -> Answer:
    if code is None:
        return Answer(log, 0)
    # A newer release may have had more reasons to refuse.
    known = RefusalCode(code) if code in _REFUSAL_CODES else RefusalCode.OTHER
    return Answer(log, 0, known, reason)


_REFUSAL_CODES: Final = frozenset(RefusalCode)

_SELECT_UNWRITTEN: Final = select(entries.c.author, entries.c.nonce, entries.c.position).where(
    entries.c.position > select(nonces_written.c.position).scalar_subquery(),
    entries.c.nonce.is_not(None),
)
# That no nonce comes twice is seen to before anything is appended; here it would be too late.
_WRITE_NONCES: Final = (
    insert(nonces)
    .prefix_with("OR IGNORE", dialect="sqlite")
    .from_select(
        ["author", "nonce", "position"],
        _SELECT_UNWRITTEN.order_by(entries.c.author, entries.c.nonce),
    )
)
_DELETE_NONCE: Final = delete(nonces).where(
    nonces.c.author == bindparam("old_author"), nonces.c.nonce == bindparam("old_nonce")
)
_SELECT_POSITION: Final = select(nonces.c.position).where(
    nonces.c.author == bindparam("author"), nonces.c.nonce == bindparam("nonce")
)
_SELECT_PLACE: Final = select(entries.c.log, entries.c.sequence).where(
    entries.c.position == bindparam("position")
)
_SELECT_ANSWER: Final = select(answers.c.log, answers.c.code, answers.c.reason).where(
    answers.c.author == bindparam("author"), answers.c.nonce == bindparam("nonce")
)
_DELETE_OLD_ANSWERS: Final = delete(answers).where(
    answers.c.id <= select(func.max(answers.c.id)).scalar_subquery() - bindparam("kept")
)
