"""Forgetting: the oldest entries of a log, and the names of people who are erased.

What is removed keeps its numbers: a log goes on after its floor, and no position comes twice.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from zchat.eventlog.core.changes import ForgottenName, Policy, Removal, ThreadRenamed
from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.nonces import NonceIndex
from zchat.eventlog.places import are_of
from zchat.eventlog.search_index import SearchIndex
from zchat.eventlog.tables import (
    ALL_LOGS,
    WHOLE_LOG,
    answers,
    edits,
    entries,
    floors,
    nonces,
    places,
    retention,
)
from zchat.protocol import limits
from zchat.protocol.messages import inbox_log

# --- Entries that are too old, and how long they are kept -----------------------------------------


def read_floors(connection: Connection) -> dict[str, int]:
    """By log; a log that still has all its entries is not in it."""
    return {row.log: row.sequence for row in connection.execute(_SELECT_FLOORS)}


def remove(
    connection: Connection,
    nonces: NonceIndex,
    search: SearchIndex,
    removals: Iterable[Removal],
    position: int,
) -> None:
    """Removes entries, within a transaction that has written the indexes of nonces and places.

    `position` is the newest that the service has given.
    """
    for log, upto in removals:
        parameters = {"removed_log": log, "upto": upto}
        # Both read from the entries what goes along with them, so before these go themselves.
        nonces.forget(connection.execute(_SELECT_NONCES, parameters).all())
        search.forget(log, upto)
        connection.execute(_DELETE_FROM_THREADS, parameters)
        connection.execute(_DELETE_ENTRIES, parameters)
        connection.execute(_DELETE_FROM_LOG, parameters)
        connection.execute(_DELETE_EDITS, parameters)
        _save_floor(connection, log, upto)
    # The newest entry may be gone, and after a restart its position must not be given again.
    _save_floor(connection, ALL_LOGS, position)


def _save_floor(connection: Connection, log: str, sequence: int) -> None:
    connection.execute(_DELETE_FLOOR, {"old_log": log})
    connection.execute(insert(floors), {"log": log, "sequence": sequence})


SELECT_POLICIES: Final = select(retention.c.log, retention.c.keep_s, retention.c.purge)


def policy_statements(policies: Sequence[Policy]) -> list[Any]:
    """What replaces the policies of these logs; one that has nothing to say is deleted."""
    if not policies:
        return []
    rows = [policy._asdict() for policy in policies if policy.keep_s is not None or policy.purge]
    writes: list[Any] = [(_DELETE_POLICY, [{"old_log": policy.log} for policy in policies])]
    return [*writes, (_INSERT_POLICY, rows)] if rows else writes


_SELECT_FLOORS: Final = select(floors.c.log, floors.c.sequence)
_DELETE_FLOOR: Final = delete(floors).where(floors.c.log == bindparam("old_log"))
_INSERT_POLICY: Final = insert(retention)
_DELETE_POLICY: Final = delete(retention).where(retention.c.log == bindparam("old_log"))
_upto = places.c.sequence <= bindparam("upto")
_removed = are_of(bindparam("removed_log"), _upto)
# Of a client whose commands are done in the order of their nonces the newest one is enough to know
# all others as done, so those of removed entries go. Commands in no such order are known as done by
# their own nonces alone, which stay for ever: those of services and imports, whose are longer
# than a client's, and what is done to an account, which stands in an inbox and in no conversation.
_SELECT_NONCES: Final = select(entries.c.author, entries.c.nonce).where(
    _removed,
    func.length(entries.c.nonce) == limits.NONCE_BYTES,
    or_(func.substr(entries.c.log, 1, 1) != "@", entries.c.thread.is_not(None)),
)
_DELETE_ENTRIES: Final = delete(entries).where(_removed)
_DELETE_FROM_LOG: Final = delete(places).where(
    places.c.log == bindparam("removed_log"), places.c.thread == WHOLE_LOG, _upto
)
# By the entries: to look through all conversations of the log would take longer each time.
_DELETE_FROM_THREADS: Final = delete(places).where(
    tuple_(places.c.log, places.c.thread, places.c.sequence).in_(
        select(entries.c.log, entries.c.thread, entries.c.sequence).where(
            _removed, entries.c.thread.is_not(None)
        )
    )
)
_DELETE_EDITS: Final = delete(edits).where(
    edits.c.log == bindparam("removed_log"), edits.c.sequence <= bindparam("upto")
)


# --- Names ----------------------------------------------------------------------------------------


def rename(connection: Connection, amended: Iterable[Amended]) -> None:
    """Replaces names in the columns of these entries and in the indexes of them.

    The frames themselves are replaced by whoever amends the entries.
    """
    rows = [
        {"of_log": one.log, "at_sequence": one.sequence, "former": former, "now": now}
        for one in amended
        for former, now in one.renamed
    ]
    if rows:
        # The nonces first: they are found by the author that the entry still has.
        connection.execute(_RENAME_NONCE, rows)
        connection.execute(_RENAME, rows)
        connection.execute(_RENAME_PLACE, rows)


def forget_names(
    connection: Connection, forgotten: Iterable[ForgottenName | ThreadRenamed]
) -> None:
    """Nonces and answers go, too: nobody sends again under this name what was sent before."""
    for one in forgotten:
        if isinstance(one, ThreadRenamed):
            parameters = {"of_log": one.log, "former": one.name, "now": one.now}
            connection.execute(_RENAME_THREAD, parameters)
            connection.execute(_RENAME_PLACES, parameters)
            continue
        connection.execute(_FORGET_NONCES, {"of_author": one.name})
        connection.execute(_FORGET_ANSWERS, {"of_author": one.name})
        logs = {"of_log": inbox_log(one.name), "now_log": inbox_log(one.now)}
        connection.execute(_MOVE_FLOOR, logs)
        connection.execute(_FORGET_POLICY, {"of_log": logs["of_log"]})


def move_floors(known: dict[str, int], forgotten: Iterable[ForgottenName | ThreadRenamed]) -> None:
    """What `forget_names` does to floors, in the store's own copy of them."""
    for one in forgotten:
        if isinstance(one, ForgottenName) and inbox_log(one.name) in known:
            known[inbox_log(one.now)] = known.pop(inbox_log(one.name))


_of_entry = are_of(bindparam("of_log"), places.c.sequence == bindparam("at_sequence"))


def _renamed(column: Any) -> Any:
    return case((column == bindparam("former"), bindparam("now")), else_=column)


_RENAME: Final = (
    update(entries)
    .where(_of_entry)
    .values(author=_renamed(entries.c.author), thread=_renamed(entries.c.thread))
)
_RENAME_NONCE: Final = (
    update(nonces)
    .where(
        nonces.c.author == bindparam("former"),
        nonces.c.nonce
        == select(entries.c.nonce)
        .where(_of_entry, entries.c.author == bindparam("former"))
        .scalar_subquery(),
    )
    .values(author=bindparam("now"))
)
_RENAME_THREAD: Final = (
    update(entries)
    .where(are_of(bindparam("of_log"), thread=bindparam("former")))
    .values(thread=bindparam("now"))
)
_of_former = (places.c.log == bindparam("of_log"), places.c.thread == bindparam("former"))
_RENAME_PLACES: Final = update(places).where(*_of_former).values(thread=bindparam("now"))
_RENAME_PLACE: Final = _RENAME_PLACES.where(places.c.sequence == bindparam("at_sequence"))
# An earlier user of the name, whose entries tell of it still, may have been a guest.
_FORGET_NONCES: Final = delete(nonces).where(
    nonces.c.author == bindparam("of_author"),
    ~exists().where(
        entries.c.position == nonces.c.position,
        entries.c.author == nonces.c.author,
        entries.c.nonce == nonces.c.nonce,
    ),
)
_FORGET_ANSWERS: Final = delete(answers).where(answers.c.author == bindparam("of_author"))
_MOVE_FLOOR: Final = (
    update(floors).where(floors.c.log == bindparam("of_log")).values(log=bindparam("now_log"))
)
_FORGET_POLICY: Final = delete(retention).where(retention.c.log == bindparam("of_log"))
