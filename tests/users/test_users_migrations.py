"""What older databases hold is there after the migrations, and can be named."""

from alembic import command
from sqlalchemy import StaticPool, create_engine, text

from zchat.eventlog.schema import migration_config
from zchat.users.store.tables import USERS_SCHEMA

TOKENS = [("ann", b"b", 7), ("ann", b"a", 5), ("ann", b"c", 7), ("bob", b"d", 1)]


def test_the_tokens_that_there_are_get_numbers() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    config = migration_config(USERS_SCHEMA)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        config.attributes["metadata"] = USERS_SCHEMA.metadata
        command.upgrade(config, "users_0001")
        for name in ("ann", "bob", "carl"):
            user = text("insert into users (name, created_at_ms, inbox_floor) values (:name, 1, 0)")
            connection.execute(user, {"name": name})
        for owner, digest, seen_ms in TOKENS:
            token = text("insert into tokens values (:owner, :digest, :seen_ms)")
            connection.execute(token, {"owner": owner, "digest": digest, "seen_ms": seen_ms})
        command.upgrade(config, "users_0002")
        rows = 'select "user", device, digest, created_at_ms from tokens order by "user", device'
        assert connection.execute(text(rows)).all() == [
            ("ann", 1, b"a", 5),
            ("ann", 2, b"b", 7),
            ("ann", 3, b"c", 7),
            ("bob", 1, b"d", 1),
        ]
        made = text("select name, devices_made, standing from users order by name")
        assert connection.execute(made).all() == [
            ("ann", 3, "account"),
            ("bob", 1, "account"),
            ("carl", 0, "account"),
        ]
    engine.dispose()
