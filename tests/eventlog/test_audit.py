"""The audit is only ever added to, and read newest first."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, delete, update
from sqlalchemy.exc import IntegrityError

from zchat.eventlog import audit
from zchat.eventlog.schema import migrate
from zchat.eventlog.store import Store, Write
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.eventlog.tables import audit as table
from zchat.protocol.messages import AuditRecord
from zchat.protocol.rules.costs import exhausted

KICK = AuditRecord(1_000, "ann", "kick_member", "bob", "#garden", "spam")
CLOSE = AuditRecord(2_000, "ann", "close_room", "", "#garden", "winter")
CHANGES: list[Write] = [(update(table).values(actor="nobody"), []), (delete(table), [])]


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open(None, LOG_SCHEMA)
    store.commit([], audit.statements([KICK, CLOSE]), [], [])
    yield store
    store.close()


def test_the_newest_record_comes_first(store: Store) -> None:
    assert exhausted(audit.read(store, 10, None)) == [CLOSE, KICK]
    assert exhausted(audit.read(store, 1, None)) == [CLOSE]
    assert exhausted(audit.read(store, 10, 2_000)) == [KICK]


@pytest.mark.parametrize("change", CHANGES, ids=["update", "delete"])
def test_nobody_changes_what_was_written(store: Store, change: Write) -> None:
    with pytest.raises(IntegrityError, match="the audit is only added to"):
        store.commit([], [change], [], [])
    assert exhausted(audit.read(store, 10, None)) == [CLOSE, KICK]


@pytest.mark.parametrize("change", CHANGES, ids=["update", "delete"])
def test_nor_in_a_database_that_was_migrated(change: Write) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate(connection, LOG_SCHEMA)
        for statement, rows in audit.statements([KICK]):
            connection.execute(statement, rows)
    with (
        pytest.raises(IntegrityError, match="the audit is only added to"),
        engine.begin() as connection,
    ):
        connection.execute(change[0])
    engine.dispose()
