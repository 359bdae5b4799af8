"""A database that went through the migrations is the one that the code describes."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, StaticPool, create_engine, inspect, text

from zchat.eventlog.core.idempotency import Key
from zchat.eventlog.core.search_words import block_piece
from zchat.eventlog.schema import (
    Schema,
    SchemaTooNew,
    create,
    migrate,
    migration_config,
    stored_revisions,
)
from zchat.eventlog.search import Place, Wanted
from zchat.eventlog.store import Store, Thread
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.eventlog.verify import verify
from zchat.protocol.codec import encode
from zchat.protocol.messages import Entry, MessagePosted
from zchat.protocol.rules.costs import exhausted
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.users.store.tables import USERS_SCHEMA

every_schema = pytest.mark.parametrize(
    "schema", [LOG_SCHEMA, USERS_SCHEMA, ROOMS_SCHEMA], ids=lambda schema: schema.name
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    # A percent sign means something to the parser of alembic's settings.
    return tmp_path / "100%" / "service.sqlite"


@pytest.fixture
def migrated(path: Path, schema: Schema) -> Iterator[Connection]:
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate(connection, schema)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


_IN_SEARCH = re.compile(r"search(_data|_idx|_config)?$")


def created(schema: Schema) -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        create(connection, schema)
    return engine


def described(database: Engine | Connection) -> dict[str, list[str]]:
    """What `compare_metadata` does not look at, too: keys, defaults, conditions of indexes."""
    inspector = inspect(database)
    described = {}
    for table in inspector.get_table_names():
        indexes = inspector.get_indexes(table)
        conditions = [str(index["dialect_options"].pop("sqlite_where", "")) for index in indexes]
        columns = [str(column) for column in inspector.get_columns(table)]
        key = inspector.get_pk_constraint(table)["constrained_columns"]
        uniques = inspector.get_unique_constraints(table)
        described[table] = [*columns, str(key), str(uniques), str(indexes), str(conditions)]
    return described


@every_schema
def test_the_schema_names_the_newest_migration_of_each_lineage(schema: Schema) -> None:
    script = ScriptDirectory.from_config(migration_config(schema))
    assert schema.revisions == set(script.get_heads())


@every_schema
def test_the_migrations_make_what_the_tables_say(schema: Schema, migrated: Connection) -> None:
    # The index of what is said is no table that SQLAlchemy knows; its own tables are like it.
    ours = {"include_name": lambda name, kind, _: kind != "table" or not _IN_SEARCH.match(name)}
    context = MigrationContext.configure(migrated, opts=ours)
    assert compare_metadata(context, list(schema.metadata)) == []  # type: ignore[arg-type]
    assert stored_revisions(migrated) == schema.revisions


@every_schema
def test_migrated_and_created_databases_are_alike(schema: Schema, migrated: Connection) -> None:
    """A new database is created without migrations; an old one must come to the same."""
    engine = created(schema)
    assert described(migrated) == described(engine)
    engine.dispose()


@pytest.mark.parametrize("schema", [ROOMS_SCHEMA])
def test_a_newer_database_is_left_alone(path: Path, schema: Schema, migrated: Connection) -> None:
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE alembic_version SET version_num = 'rooms_9' WHERE version_num LIKE 'rooms%'"
        )
    database.close()
    with pytest.raises(SchemaTooNew, match="rooms database is at revision rooms_9"):
        Store.open(path, schema)
    assert stored_revisions(migrated) == {*LOG_SCHEMA.revisions, "rooms_9"}


def test_a_lineage_that_is_behind_catches_up_and_keeps_what_is_there(path: Path) -> None:
    store = Store.open(path, LOG_SCHEMA)
    store.commit([], [], [("users", "key", b"body")], [])
    store.close()

    store = Store.open(path, USERS_SCHEMA)
    assert [owed.body for owed in store.owed()] == [b"body"]
    assert store.epoch == 2
    store.close()


def test_a_migration_that_fails_changes_nothing(path: Path, tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    versions.joinpath("broken_0001.py").write_text(
        "from alembic import op\n"
        "revision = 'broken_0001'\n"
        "down_revision = None\n"
        "def upgrade():\n"
        "    op.execute('CREATE TABLE half (id INTEGER)')\n"
        "    raise RuntimeError('power failure')\n"
    )
    broken = LOG_SCHEMA.extended("broken", MetaData(), tmp_path, "broken_0001")
    Store.open(path, LOG_SCHEMA).close()
    tables = "SELECT name FROM sqlite_master ORDER BY name"
    with contextlib.closing(sqlite3.connect(path)) as database:
        before = database.execute(tables).fetchall()
        with pytest.raises(RuntimeError, match="power failure"):
            Store.open(path, broken)
        assert database.execute(tables).fetchall() == before
    Store.open(path, LOG_SCHEMA).close()


def test_what_was_said_before_there_was_an_index_is_found(path: Path) -> None:
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    frame = encode(Entry("#garden", 1, 5, "ann", MessagePosted("a bean")))
    with engine.begin() as connection:
        config = migration_config(LOG_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = LOG_SCHEMA.metadata
        command.upgrade(config, "log_0005")
        connection.execute(
            text("INSERT INTO entries VALUES (1, '#garden', 1, 'ann', NULL, NULL, :frame)"),
            {"frame": frame},
        )
    engine.dispose()

    store = Store.open(path, LOG_SCHEMA)
    for _ in range(2):
        found = exhausted(store.search([Place("#garden", 0)], Wanted(("bean",), None, None, 1)))
        assert [entry.sequence for entry in found.entries] == [1]
        assert not store.index_messages()
    store.close()


def test_an_index_that_has_what_it_should_not_have_is_made_anew(path: Path) -> None:
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    frame = encode(Entry("#garden", 1, 5, "ann", MessagePosted("a bean")))
    with engine.begin() as connection:
        config = migration_config(LOG_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = LOG_SCHEMA.metadata
        command.upgrade(config, "log_0007")
        for statement in (
            "INSERT INTO entries VALUES (1, '#garden', 1, 'ann', NULL, NULL, :frame)",
            "INSERT INTO search (rowid, pieces) VALUES (1, 'xxx')",
            "INSERT INTO search_indexed VALUES (1)",
            "INSERT INTO search_spans VALUES ('', 1, 1, 5, 5)",
            "INSERT INTO search_due VALUES (1, 1, '#garden', 'ann', NULL, NULL, :frame, 1, 500)",
        ):
            connection.execute(text(statement), {"frame": frame})
    engine.dispose()

    store = Store.open(path, LOG_SCHEMA)
    while store.index_messages():
        pass
    found = exhausted(store.search([Place("#garden", 0)], Wanted(("bean",), None, None, 1)))
    assert [entry.sequence for entry in found.entries] == [1]
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        has = "SELECT count(*) FROM search WHERE search MATCH ?"
        for piece, times in (("xxx", 0), (f"{block_piece(1)}bea", 1)):
            assert database.execute(has, (piece,)).fetchone() == (times,)


def test_nonces_from_before_the_index_are_found(path: Path) -> None:
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = migration_config(LOG_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = LOG_SCHEMA.metadata
        command.upgrade(config, "log_0001")
        for number, nonce in enumerate((b"first", None, b"third"), 1):
            connection.execute(
                text(
                    "INSERT INTO entries VALUES (:n, '#garden', :n, 'ann', :nonce, NULL, 'frame')"
                ),
                {"n": number, "nonce": nonce},
            )
    engine.dispose()

    store = Store.open(path, LOG_SCHEMA)
    found = store.first_answers([Key("ann", b"first"), Key("ann", b"third")])
    assert [answer.sequence for answer in found.values()] == [1, 3]
    assert [entry.sequence for entry in store.read_stream(0, 10, 1000)] == [1, 2, 3]
    store.close()


def test_places_from_before_their_index_are_found(path: Path) -> None:
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = migration_config(LOG_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = LOG_SCHEMA.metadata
        command.upgrade(config, "log_0008")
        for position, (log, sequence, thread) in enumerate(
            [("@ann", 1, "bob"), ("@bob", 1, "ann"), ("@ann", 2, None), ("@ann", 3, "bob")], 1
        ):
            values = {"at": position, "log": log, "seq": sequence, "thread": thread}
            connection.execute(
                text("INSERT INTO entries VALUES (:at, :log, :seq, 'ann', NULL, :thread, 'text')"),
                values,
            )
    engine.dispose()

    store = Store.open(path, LOG_SCHEMA)
    assert store.logs_after("", 9) == ["@ann", "@bob"]
    assert store.threads_after("@ann", "", 9) == [Thread("bob", 3)]
    assert [entry.position for entry in store.read_log("@ann", 0, 9, 1000)] == [1, 3, 4]
    # All of it is in the index, so that no start has to look through it.
    assert store._places._unwritten == 0
    store.close()
    assert {finding for finding in verify(path).findings if "index" in finding} == set()


@pytest.mark.parametrize("schema", [USERS_SCHEMA], ids=["users"])
def test_a_cluster_has_one_name_whether_it_is_new_or_old(migrated: Connection) -> None:
    for connection in (migrated, created(USERS_SCHEMA).connect()):
        [name] = connection.scalars(text("SELECT id FROM cluster"))
        assert re.fullmatch(r"[0-9a-f]{16}", name)
