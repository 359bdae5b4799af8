"""The audit: what those have done who may do more than others. It is only ever added to."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, insert, select

from zchat.log.store import Store, Write
from zchat.log.tables import audit
from zchat.protocol.messages import AuditRecord

_INSERT: Final = insert(audit)
_columns = (
    audit.c.at_ms,
    audit.c.actor,
    audit.c.action,
    audit.c.subject,
    audit.c.room,
    audit.c.reason,
)
_SELECT: Final = (
    select(*_columns)
    .where(audit.c.at_ms < bindparam("before_ms"))
    .order_by(audit.c.id.desc())
    .limit(bindparam("limit"))
)


def statements(records: Sequence[AuditRecord]) -> list[Write]:
    """What writes them, in the transaction of what they tell of."""
    if not records:
        return []
    rows = [
        {
            "at_ms": record.at_ms,
            "actor": record.actor,
            "action": record.action,
            "subject": record.subject,
            "room": record.room,
            "reason": record.reason,
        }
        for record in records
    ]
    return [(_INSERT, rows)]


def read(store: Store, limit: int, before_ms: int | None) -> list[AuditRecord]:
    """The newest `limit` records before that time, newest first."""
    before_ms = 2**63 - 1 if before_ms is None else before_ms
    rows = store.select(_SELECT.params(before_ms=before_ms, limit=limit))
    return [AuditRecord(*row) for row in rows]
