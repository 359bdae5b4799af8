"""Renaming people in stored entries, and forgetting their former names."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, case, delete, exists, select, update

from zchat.eventlog.core.timeline import Amended
from zchat.eventlog.tables import answers, entries, floors, nonces, retention
from zchat.protocol.messages import inbox_log


class ForgottenName(NamedTuple):
    """What is kept of `name` beside its entries goes; how far its inbox went is that of `now`."""

    name: str
    now: str


class ThreadRenamed(NamedTuple):
    """What no message is in a conversation of one inbox, which is called otherwise now."""

    log: str
    name: str
    now: str


def rename(connection: Connection, amended: Iterable[Amended]) -> None:
    """In the columns of these entries, and in the index of their nonces."""
    rows = [
        {"of_log": one.log, "at_sequence": one.sequence, "former": former, "now": now}
        for one in amended
        for former, now in one.renamed
    ]
    if rows:
        connection.execute(_RENAME_NONCE, rows)
        connection.execute(_RENAME, rows)


def forget(connection: Connection, forgotten: Iterable[ForgottenName | ThreadRenamed]) -> None:
    """With its nonces: nobody sends under this name again what was sent before."""
    for one in forgotten:
        if isinstance(one, ThreadRenamed):
            parameters = {"of_log": one.log, "former": one.name, "now": one.now}
            connection.execute(_RENAME_THREAD, parameters)
            continue
        connection.execute(_FORGET_NONCES, {"of_author": one.name})
        connection.execute(_FORGET_ANSWERS, {"of_author": one.name})
        logs = {"of_log": inbox_log(one.name), "now_log": inbox_log(one.now)}
        connection.execute(_MOVE_FLOOR, logs)
        connection.execute(_FORGET_POLICY, {"of_log": logs["of_log"]})


def move_floors(known: dict[str, int], forgotten: Iterable[ForgottenName | ThreadRenamed]) -> None:
    """The same in what is known of all logs."""
    for one in forgotten:
        if isinstance(one, ForgottenName) and inbox_log(one.name) in known:
            known[inbox_log(one.now)] = known.pop(inbox_log(one.name))


_of_entry = (entries.c.log == bindparam("of_log"), entries.c.sequence == bindparam("at_sequence"))


def _renamed(column: Any) -> Any:
    return case((column == bindparam("former"), bindparam("now")), else_=column)


_RENAME: Final = (
    update(entries)
    .where(*_of_entry)
    .values(author=_renamed(entries.c.author), thread=_renamed(entries.c.thread))
)
_RENAME_NONCE: Final = (
    update(nonces)
    .where(
        nonces.c.author == bindparam("former"),
        nonces.c.nonce
        == select(entries.c.nonce)
        .where(*_of_entry, entries.c.author == bindparam("former"))
        .scalar_subquery(),
    )
    .values(author=bindparam("now"))
)
_RENAME_THREAD: Final = (
    update(entries)
    .where(entries.c.log == bindparam("of_log"), entries.c.thread == bindparam("former"))
    .values(thread=bindparam("now"))
)
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
