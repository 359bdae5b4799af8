"""What edited messages said before, where the operator keeps that."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from zchat.eventlog.core.changes import Edit, ForgetEdits
from zchat.eventlog.store import Store, Write
from zchat.eventlog.tables import edits
from zchat.protocol import limits
from zchat.protocol.codec import fitting
from zchat.protocol.messages import EditInfo
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps

_INSERT: Final = insert(edits)
_of_message = (
    edits.c.log == bindparam("of_log"),
    edits.c.sequence == bindparam("at_sequence"),
)
_FORGET: Final = delete(edits).where(*_of_message)
_SELECT: Final = (
    select(edits.c.at_ms, edits.c.text)
    .where(*_of_message)
    .order_by(edits.c.id.desc())
    .limit(limits.HISTORY_ENTRIES_MAX)
)


def statements(changes: Sequence[Edit | ForgetEdits]) -> list[Write]:
    """What writes them, in order."""
    return [
        (_INSERT, [change._asdict()])
        if isinstance(change, Edit)
        else (_FORGET, [{"of_log": change.log, "at_sequence": change.sequence}])
        for change in changes
    ]


def read(store: Store, log: str, sequence: int) -> Steps[list[EditInfo]]:
    """Oldest first; of very many the newest ones, as far as they fit in an answer."""
    select_edits = _SELECT.params(of_log=log, at_sequence=sequence)
    rows = store.select_some(select_edits, limits.ANSWER_BYTES_MAX)
    yield costs.of_rows(len(rows), limits.ANSWER_BYTES_MAX)
    return fitting([EditInfo(*row) for row in rows], limits.ANSWER_BYTES_MAX)[::-1]
