"""Which conversations a log has, and when anything was last said in each."""

from typing import Final, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, literal, select

from zchat.log.store import Store
from zchat.log.tables import entries


class Thread(NamedTuple):
    """A conversation in a log, and its newest entry."""

    name: str
    head: int
    frame: bytes


def newest_threads(
    store: Store, log: str, floor: int, walked_max: int, threads_max: int
) -> list[Thread]:
    """The conversations with entries after the sequence `floor`, newest first.

    Only the first `walked_max` by name are looked at, whether they are new or old.
    """
    bounds = {"floor": floor, "walked_max": walked_max, "threads_max": threads_max}
    return [Thread._make(row) for row in store.select(_SELECT.params(log=log, **bounds))]


def _select_threads() -> Select[str, int, bytes]:
    """From one conversation to the next by the index: grouping would walk over all entries."""
    of_log = entries.c.log == bindparam("log")
    first = select(func.min(entries.c.thread).label("name"), literal(1).label("number"))
    walk = first.where(of_log, entries.c.thread > "").cte("walk", recursive=True)
    following = select(func.min(entries.c.thread)).where(of_log, entries.c.thread > walk.c.name)
    step = select(following.scalar_subquery(), walk.c.number + 1)
    walk = walk.union_all(
        step.where(walk.c.name.is_not(None), walk.c.number < bindparam("walked_max"))
    )
    head = (
        select(func.max(entries.c.sequence))
        .where(of_log, entries.c.thread == walk.c.name, entries.c.sequence > bindparam("floor"))
        .scalar_subquery()
    )
    threads = select(walk.c.name, head.label("head")).where(walk.c.name.is_not(None)).subquery()
    newest = and_(of_log, entries.c.sequence == threads.c.head)
    return (
        select(threads.c.name, threads.c.head, entries.c.frame)
        .join_from(threads, entries, newest)
        .order_by(threads.c.head.desc())
        .limit(bindparam("threads_max"))
    )


_SELECT: Final = _select_threads()
