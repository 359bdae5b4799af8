"""The audit: what those have done who may do more than others. It is only ever added to."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, insert, select

from zchat.eventlog.store import Store, Write
from zchat.eventlog.tables import audit
from zchat.protocol import limits
from zchat.protocol.codec import fitting
from zchat.protocol.messages import AuditRecord
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps

_ID_MAX: Final = 2**63 - 1
_RECORD_BYTES: Final = 256
"""What a record is taken to cost to read; one with the longest reason has four times as many."""
_INSERT: Final = insert(audit)
_columns = (
    audit.c.id,
    audit.c.at_ms,
    audit.c.actor,
    audit.c.action,
    audit.c.subject,
    audit.c.room,
    audit.c.reason,
)
_SELECT: Final = (
    select(*_columns)
    .where(audit.c.id < bindparam("before_id"))
    .order_by(audit.c.id.desc())
    .limit(limits.AUDIT_RECORDS_MAX)
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


def read(store: Store, limit: int, before_ms: int | None) -> Steps[list[AuditRecord]]:
    """The newest `limit` records before that time, newest first.

    Clocks are set back, so times do not tell where a record stands.
    """
    found: list[AuditRecord] = []
    before_id = _ID_MAX
    while rows := store.select(_SELECT.params(before_id=before_id)):
        yield costs.of_rows(len(rows), _RECORD_BYTES * len(rows))
        before_id = rows[-1].id
        records = (AuditRecord(*values) for _, *values in rows)
        found += [one for one in records if before_ms is None or one.at_ms < before_ms]
        if len(found) >= limit:
            break
    return fitting(found[:limit], limits.ANSWER_BYTES_MAX)
