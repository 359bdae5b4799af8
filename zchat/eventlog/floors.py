"""Removal of the oldest entries of a log, and the policies of how long entries stay.

Whatever is removed keeps its numbers: a log goes on after its floor, and no position comes twice.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select

from zchat.eventlog.nonces import NonceIndex
from zchat.eventlog.search_index import SearchIndex
from zchat.eventlog.tables import ALL_LOGS, edits, entries, floors, retention
from zchat.protocol import limits


class Removal(NamedTuple):
    """The entries of `log` up to the sequence `upto`."""

    log: str
    upto: int


class Policy(NamedTuple):
    """How long the entries of `log` are kept, or those of all logs if it is only their prefix.

    `keep_s` is 0 for ever, and None if the log has no policy of its own. Entries up to `purge` go
    however old they are.
    """

    log: str
    keep_s: int | None = None
    purge: int = 0


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
    """Removes entries, within a transaction that has written the index of nonces.

    `position` is the newest that the service has given.
    """
    for log, upto in removals:
        parameters = {"removed_log": log, "upto": upto}
        nonces.forget(connection.execute(_SELECT_NONCES, parameters).all())
        search.forget(log, upto)
        connection.execute(_DELETE_ENTRIES, parameters)
        connection.execute(_DELETE_EDITS, parameters)
        _save_floor(connection, log, upto)
    # The newest entry may be gone, and the next life of the store must not give its position again.
    _save_floor(connection, ALL_LOGS, position)


def _save_floor(connection: Connection, log: str, sequence: int) -> None:
    connection.execute(_DELETE_FLOOR, {"old_log": log})
    connection.execute(insert(floors), {"log": log, "sequence": sequence})


SELECT_POLICIES: Final = select(retention.c.log, retention.c.keep_s, retention.c.purge)


def policy_statements(policies: Sequence[Policy]) -> list[Any]:
    """What replaces the policies of these logs; one that says nothing is dropped."""
    if not policies:
        return []
    rows = [policy._asdict() for policy in policies if policy.keep_s is not None or policy.purge]
    writes: list[Any] = [(_DELETE_POLICY, [{"old_log": policy.log} for policy in policies])]
    return [*writes, (insert(retention), rows)] if rows else writes


_SELECT_FLOORS: Final = select(floors.c.log, floors.c.sequence)
_DELETE_FLOOR: Final = delete(floors).where(floors.c.log == bindparam("old_log"))
_DELETE_POLICY: Final = delete(retention).where(retention.c.log == bindparam("old_log"))
_removed = (entries.c.log == bindparam("removed_log"), entries.c.sequence <= bindparam("upto"))
# Commands that are not done in the order of their nonces are known by these alone, for ever: those
# of services and imports, whose nonces are longer than a client's, and what is done to an account,
# which stands in an inbox and is in no conversation.
_SELECT_NONCES: Final = select(entries.c.author, entries.c.nonce).where(
    *_removed,
    func.length(entries.c.nonce) == limits.NONCE_BYTES,
    or_(func.substr(entries.c.log, 1, 1) != "@", entries.c.thread.is_not(None)),
)
_DELETE_ENTRIES: Final = delete(entries).where(*_removed)
_DELETE_EDITS: Final = delete(edits).where(
    edits.c.log == bindparam("removed_log"), edits.c.sequence <= bindparam("upto")
)
