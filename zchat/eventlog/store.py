"""The durable side of a service's logs: one writer, and one commit for all that a beat has done."""

import contextlib
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeAlias, TypeVar

from sqlalchemy import (
    Connection,
    Executable,
    Row,
    Select,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    update,
)

from zchat.eventlog import forgetting
from zchat.eventlog.core.changes import ForgottenName, Policy, Removal, ThreadRenamed
from zchat.eventlog.core.idempotency import Answer, Client, Key
from zchat.eventlog.core.timeline import Amended, Appended
from zchat.eventlog.database import (
    LeaseHeld,
    StoreUnavailable,
    WriterLock,
    connect,
    create_file,
    disconnect,
    kept_before,
    raw,
    reading,
    writing,
)
from zchat.eventlog.forgetting import SELECT_POLICIES, read_floors, remove
from zchat.eventlog.nonces import NonceIndex, compiled, with_names
from zchat.eventlog.places import PlaceIndex, StoredEntry
from zchat.eventlog.schema import Schema
from zchat.eventlog.search import Found, Place, Search, Wanted
from zchat.eventlog.search_index import SearchIndex
from zchat.eventlog.tables import ALL_LOGS, LEASE_ID, WHOLE_LOG, entries, lease, outbox
from zchat.protocol import limits
from zchat.protocol.operators import IMPORT_NONCE
from zchat.protocol.rules.costs import Steps
from zchat.runtime.core.measures import Histogram

__all__ = [
    "Appended",
    "Fenced",
    "LeaseHeld",
    "Owed",
    "Store",
    "StoreUnavailable",
    "StoredEntry",
    "Write",
]

Write: TypeAlias = tuple[Executable, list[dict[str, Any]]]
"""A statement of the service's own, and the parameters of each time that it is executed."""

_R = TypeVar("_R", bound=Sequence[Any])
_SEQUENCE_MAX: Final = 2**63 - 1


class Fenced(Exception):
    """Another writer has taken the lease: this process must stop, for its view is out of date."""


class Owed(NamedTuple):
    """A command that this service owes to the one at `address`. `id` only ever rises."""

    id: int
    address: str
    key: str
    body: bytes


class Thread(NamedTuple):
    """A conversation in a log, and the sequence of its newest entry."""

    name: str
    head: int


class Store:
    """One service's database: its logs, its outbox, and the tables of the service itself.

    Reads see what is committed. Any method but `close` may raise `StoreUnavailable`; the store
    stays usable and the same call may succeed later.
    """

    epoch: int
    """Rises by one, durably, each time that the store is opened."""
    position: int
    """Of the newest committed entry, even if it has been removed; 0 if there was none."""
    kept: Path | None = None
    """Where the database is as it was before it was migrated, if it was."""
    floors: dict[str, int]
    """By log: entries up to this sequence have been removed. Most logs are not in it."""

    @classmethod
    def open(cls, path: Path | None, schema: Schema) -> Self:
        """Opens the database at `path`, made or migrated as needed; None keeps it in memory.

        Raises `LeaseHeld` if another process has it open, and `SchemaTooNew` if a newer release
        of zchat has had it.
        """
        if path is None:
            return cls(connect(None, schema), None)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(path.with_name(path.name + ".lock"))
        kept: list[Path] = []

        @contextlib.contextmanager
        def keep(connection: Connection) -> Iterator[None]:
            with kept_before(raw(connection), path) as copy:
                yield
            kept.append(copy)

        try:
            create_file(path)
            store = cls(connect(path, schema, keep), lock)
            store.kept = kept[0] if kept else None
            return store
        except BaseException:
            lock.close()
            raise

    def __init__(self, connection: Connection, lock: WriterLock | None) -> None:
        self._connection = connection
        self._driver = raw(connection)
        self._lock = lock
        self._sql: dict[tuple[Executable, tuple[str, ...]], str] = {}
        """By statement and parameters: what was written before, which are always the same few."""
        self.commits = Histogram()
        # What every beat executes is compiled here, once, to run with plain tuples.
        self._select_epoch = compiled(_SELECT_EPOCH, connection.dialect)
        self._insert_entries = compiled(insert(entries), connection.dialect)
        try:
            with writing(connection):
                self.epoch = _raise_epoch(connection)
                newest: int | None = connection.scalar(select(func.max(entries.c.position)))
                self.floors = read_floors(connection)
                self.position = max(newest or 0, self.floors.pop(ALL_LOGS, 0))
                self._nonces = NonceIndex(connection)
                self._places = PlaceIndex(connection)
                self._search = SearchIndex(connection)
        except BaseException:
            disconnect(connection)
            raise

    def commit(
        self,
        appended: Sequence[Appended],
        writes: Sequence[Write],
        owe: Sequence[tuple[str, str, bytes]],
        settled: Sequence[int],
        answered: Collection[tuple[Key, Answer]] = (),
        removed: Collection[Removal] = (),
        amended: Sequence[Amended] = (),
        forgotten: Sequence[ForgottenName | ThreadRenamed] = (),
    ) -> list[Owed]:
        """Makes everything durable, or nothing, and returns `owe` with the ids that it was given.

        `appended` follows on `position` without a gap. `writes` run in order, after the entries;
        each is executed once for every dict of parameters, or just once if there are none. `owe`
        holds (address, key, body); `settled` the ids of what is owed no more; `answered` what no
        entry tells of; `removed` which entries, of those that were there before, are no more;
        `amended` what is read from now on where another frame was; `forgotten` names.

        Raises `Fenced` if another writer has opened the database, and `StoreUnavailable`.
        """
        if not any((appended, writes, owe, settled, answered, removed, amended, forgotten)):
            return []
        if appended and appended[-1].position != self.position + len(appended):
            raise ValueError(f"position {appended[-1].position} does not follow {self.position}")
        connection = self._connection
        owed: list[Owed] = []
        begun_at = time.perf_counter()
        with writing(connection):
            self._check_epoch()  # Within the transaction, so that nobody can overtake it here.
            if appended:
                self._driver.executemany(self._insert_entries, appended)
            position = self.position + len(appended)
            # What is removed or renamed is found by the index, and its place changes with it.
            renamed = forgotten or any(one.renamed for one in amended)
            if places_due := self._places.due or bool(removed or renamed):
                self._places.write(position)
            self._amend(amended, appended)
            for statement, parameters in writes:
                self._write(statement, parameters)
            if owe:
                owed = self._owe(owe)
            if settled:
                connection.execute(_DELETE_OWED, [{"settled": number} for number in settled])
            if answered:
                self._nonces.write_answers(answered)
            # What the index does not have is found by its entry, and would be lost with that.
            if nonces_due := self._nonces.due or bool(removed):
                self._nonces.write(position)
            forgetting.forget_names(connection, forgotten)
            if removed:
                remove(connection, self._nonces, self._search, removed, position)
        # Only what is committed is remembered: if that has failed, all of this still is as before.
        self._nonces.committed(appended, written=nonces_due)
        self._places.committed(appended, written=places_due)
        self.position = position
        self.floors.update(removed)
        forgetting.move_floors(self.floors, forgotten)
        self.commits.observe(time.perf_counter() - begun_at)
        return owed

    def _owe(self, owe: Sequence[tuple[str, str, bytes]]) -> list[Owed]:
        rows = [{"address": to, "key": key, "body": body} for to, key, body in owe]
        return [Owed._make(row) for row in self._connection.execute(_INSERT_OWED, rows)]

    def _write(self, statement: Executable, parameters: list[dict[str, Any]]) -> None:
        if not parameters:
            self._connection.execute(statement)
            return
        columns = tuple(parameters[0])
        sql = self._sql.get((statement, columns))
        if sql is None:
            sql = self._sql[statement, columns] = with_names(
                statement, self._connection.dialect, columns
            )
        self._driver.executemany(sql, parameters)

    def _amend(self, amended: Sequence[Amended], appended: Sequence[Appended]) -> None:
        if not amended:
            return
        places = [(one.log, one.sequence) for one in amended]
        positions = self._places.positions_of(places, appended)
        stored = [(at, one) for at, one in zip(positions, amended, strict=True) if at is not None]
        self._search.amend(stored)
        rows = [{"at_position": at, "new_frame": one.frame} for at, one in stored]
        if rows:
            self._connection.execute(_AMEND, rows)
        forgetting.rename(self._connection, amended)

    def index_messages(self) -> bool:
        """One bounded step of having searches find more by the index; returns whether some is left.

        Raises `Fenced` and `StoreUnavailable`, as a commit does.
        """
        if not self._search.progress.is_behind(self.position):
            return False
        # It says itself how far it has come, so no step has to outlive a power failure.
        with writing(self._connection, durable=False):
            self._check_epoch()
            progress = self._search.write(self.position)
        self._search.progress = progress
        return progress.is_behind(self.position)

    def check_lease(self) -> None:
        """Raises `Fenced` if another writer has opened the database, and `StoreUnavailable`."""
        with reading(self._connection):
            self._check_epoch()

    def _check_epoch(self) -> None:
        (epoch,) = self._driver.execute(self._select_epoch, (LEASE_ID,)).fetchone()
        if epoch != self.epoch:
            raise Fenced(f"epoch {epoch} has begun, and this is the writer of {self.epoch}")

    def newest_nonces(self, clients: Iterable[Client]) -> dict[Client, bytes]:
        """The newest nonce of each client that has an answer; no bytes at all if none has."""
        with reading(self._connection):
            return {client: self._nonces.newest(client) for client in clients}

    def first_answers(self, keys: Iterable[Key]) -> dict[tuple[str, bytes], Answer]:
        """By author and nonce, of those commands that have an answer already."""
        found: dict[tuple[str, bytes], Answer] = {}
        with reading(self._connection):
            for key in keys:
                if answer := self._nonces.first_answer(key):
                    found[key.author_and_nonce] = answer
        return found

    def heads(self, logs: Iterable[str]) -> dict[str, int]:
        """The newest sequence of each log, even if it has been removed; 0 if there was none."""
        with reading(self._connection):
            return {log: self._places.head(log) or self.floors.get(log, 0) for log in logs}

    def logs_after(self, log: str, logs_max: int) -> list[str]:
        """Names of the next logs that have entries, whether anybody can still read them or not."""
        with reading(self._connection):
            return list(islice(self._places.logs_after(log), logs_max))

    def read_log(self, log: str, after: int, entries_max: int, bytes_max: int) -> list[StoredEntry]:
        """Entries of `log` after the sequence `after`; ends with the one that fills `bytes_max`."""
        return self._page(self._places.oldest_first(log, after), entries_max, bytes_max)

    def read_stream(self, after: int, entries_max: int, bytes_max: int) -> list[StoredEntry]:
        """Entries of all logs after the position `after`, paged like `read_log`."""
        parameters = {"after": after, "entries_max": entries_max}
        # The frame stands before what is only known of entries of a stream.
        rows = self._until_full(_SELECT_STREAM, parameters, bytes_max, column=3)
        return [StoredEntry(*row) for row in rows]

    def read_history(
        self,
        log: str,
        floor: int,
        before: int | None,
        limit: int,
        thread: str | None = None,
        bytes_max: int = limits.PAGE_BYTES_MAX,
    ) -> list[bytes]:
        """The newest `limit` frames between the sequences `floor` and `before`, oldest first.

        Both bounds are exclusive; with `thread`, only the entries of that conversation count. They
        begin with the frame that fills `bytes_max`, if there are so many.
        """
        place = log, WHOLE_LOG if thread is None else thread
        bounds = floor, _SEQUENCE_MAX if before is None else before
        rows = self._places.newest_first(*place, *bounds)
        return [entry.frame for entry in reversed(self._page(rows, limit, bytes_max))]

    def threads_after(self, log: str, after: str, threads_max: int) -> list[Thread]:
        """The next conversations of the log by their names."""
        with reading(self._connection):
            names = islice(self._places.threads_after(log, after), threads_max)
            return [Thread(name, self._places.head(log, name) or 0) for name in names]

    def search(self, places: Collection[Place], wanted: Wanted) -> Steps[Found]:
        """The newest messages in these places that are as wanted, also those not indexed yet."""
        return Search(self._connection, self._search, places, wanted, self.position).steps()

    def owed(self) -> list[Owed]:
        """All that is owed still, oldest first."""
        return [Owed._make(row) for row in self.select(_SELECT_OWED)]

    def policies(self) -> list[Policy]:
        """How long entries are kept, where that was said."""
        return [Policy._make(row) for row in self.select(SELECT_POLICIES)]

    def select(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
        """Rows of the service's own tables."""
        with reading(self._connection):
            return self._connection.execute(statement).all()

    def select_some(
        self, statement: Select[*tuple[Any, ...]], bytes_max: int
    ) -> list[Row[*tuple[Any, ...]]]:
        """The same, up to the row whose last column, text or bytes, fills `bytes_max`."""
        return self._until_full(statement, {}, bytes_max)

    def close(self) -> None:
        disconnect(self._connection)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _page(
        self, rows: Generator[StoredEntry], entries_max: int, bytes_max: int
    ) -> list[StoredEntry]:
        with reading(self._connection), contextlib.closing(rows):
            return _filling(islice(rows, entries_max), bytes_max, column=3)

    def _until_full(
        self,
        statement: Select[*tuple[Any, ...]],
        parameters: dict[str, Any],
        bytes_max: int,
        column: int = -1,
    ) -> list[Row[*tuple[Any, ...]]]:
        """Rows up to the one whose `column` fills `bytes_max`: those after it are never read."""
        with (
            reading(self._connection),
            self._connection.execute(
                statement, parameters, execution_options={"stream_results": True}
            ) as rows,
        ):
            return _filling(rows, bytes_max, column)


def _filling(rows: Iterable[_R], bytes_max: int, column: int) -> list[_R]:
    found: list[_R] = []
    read_bytes = 0
    for row in rows:
        found.append(row)
        read_bytes += len(row[column])
        if read_bytes >= bytes_max:
            break
    return found


def _raise_epoch(connection: Connection) -> int:
    of_lease = lease.c.id == LEASE_ID
    raised = connection.execute(update(lease).where(of_lease).values(epoch=lease.c.epoch + 1))
    if raised.rowcount == 0:
        connection.execute(insert(lease).values(id=LEASE_ID, epoch=1))
    epoch: int = connection.scalars(select(lease.c.epoch).where(of_lease)).one()
    return epoch


_SELECT_EPOCH: Final = (
    # Where rows have locks of their own, this one keeps a second writer waiting until the commit.
    select(lease.c.epoch).where(lease.c.id == LEASE_ID).with_for_update()
)
_imported = func.substr(entries.c.nonce, 1, len(IMPORT_NONCE)) == IMPORT_NONCE
_SELECT_STREAM: Final = (
    select(
        entries.c.position,
        entries.c.log,
        entries.c.sequence,
        entries.c.frame,
        func.coalesce(_imported, false()),
    )
    .where(entries.c.position > bindparam("after"))
    .order_by(entries.c.position)
    .limit(bindparam("entries_max"))
)
_AMEND: Final = (
    update(entries)
    .where(entries.c.position == bindparam("at_position"))
    .values(frame=bindparam("new_frame"))
)
_SELECT_OWED: Final = select(outbox.c.id, outbox.c.address, outbox.c.key, outbox.c.body).order_by(
    outbox.c.id
)
_INSERT_OWED: Final = insert(outbox).returning(
    outbox.c.id, outbox.c.address, outbox.c.key, outbox.c.body, sort_by_parameter_order=True
)
_DELETE_OWED: Final = delete(outbox).where(outbox.c.id == bindparam("settled"))
