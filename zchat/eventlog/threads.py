"""Which conversations a log has, and what was said last in each."""

from typing import Final, NamedTuple

from sqlalchemy import Select, bindparam, func, literal, select

from zchat.eventlog.store import Store
from zchat.eventlog.tables import entries


class Thread(NamedTuple):
    """A conversation in a log, and the sequence of its newest entry."""

    name: str
    head: int


def threads_after(store: Store, log: str, after: str, threads_max: int) -> list[Thread]:
    """The next conversations of the log by their names."""
    bounds = {"after": after, "threads_max": threads_max}
    return [Thread._make(row) for row in store.select(_SELECT.params(log=log, **bounds))]


def _select_threads() -> Select[str, int]:
    """From one conversation to the next by the index: grouping would walk over all entries."""
    of_log = entries.c.log == bindparam("log")
    first = select(func.min(entries.c.thread).label("name"), literal(1).label("number"))
    walk = first.where(of_log, entries.c.thread > bindparam("after")).cte("walk", recursive=True)
    following = select(func.min(entries.c.thread)).where(of_log, entries.c.thread > walk.c.name)
    step = select(following.scalar_subquery(), walk.c.number + 1)
    walk = walk.union_all(
        step.where(walk.c.name.is_not(None), walk.c.number < bindparam("threads_max"))
    )
    head = (
        select(func.max(entries.c.sequence))
        .where(of_log, entries.c.thread == walk.c.name)
        .scalar_subquery()
    )
    return select(walk.c.name, head).where(walk.c.name.is_not(None)).order_by(walk.c.name)


_SELECT: Final = _select_threads()
