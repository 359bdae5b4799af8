"""Rooms from before they had settings, bans and mutes."""

import contextlib
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text

from zchat.eventlog import edits
from zchat.eventlog.schema import migration_config
from zchat.eventlog.store import Store
from zchat.protocol.messages import Role
from zchat.protocol.rules.costs import exhausted
from zchat.rooms.core.model import Member, Room
from zchat.rooms.store import projection
from zchat.rooms.store.tables import ROOMS_SCHEMA


def test_rooms_of_an_older_release_are_open_to_everyone(tmp_path: Path) -> None:
    path = tmp_path / "rooms.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = migration_config(ROOMS_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = ROOMS_SCHEMA.metadata
        for revision in ("log_0003", "rooms_0001"):
            command.upgrade(config, revision)
        connection.execute(text("INSERT INTO rooms VALUES ('garden', 'roses', 1)"))
        connection.execute(text("INSERT INTO members VALUES ('garden', 'ann', 'owner', 0, 3)"))
    engine.dispose()

    with contextlib.closing(Store.open(path, ROOMS_SCHEMA)) as store:
        core = projection.load(store, "rooms/0")
    members = {"ann": Member(Role.OWNER, 0, 3)}
    assert core.rooms == {"garden": Room("garden", "roses", 1, members=members)}


def test_rooms_of_the_release_before_mentions_have_none(tmp_path: Path) -> None:
    path = tmp_path / "rooms.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = migration_config(ROOMS_SCHEMA)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = ROOMS_SCHEMA.metadata
        for revision in ("log_0004", "rooms_0002"):
            command.upgrade(config, revision)
        connection.execute(
            text(
                "INSERT INTO rooms (name, topic, created_at_ms, private) "
                "VALUES ('garden', 'roses', 1, 1)"
            )
        )
        connection.execute(text("INSERT INTO members VALUES ('garden', 'ann', 'owner', 0, 3)"))
    engine.dispose()

    with contextlib.closing(Store.open(path, ROOMS_SCHEMA)) as store:
        core = projection.load(store, "rooms/0")
        assert exhausted(edits.read(store, "#garden", 1)) == []
    members = {"ann": Member(Role.OWNER, 0, 3, notify="")}
    garden = Room("garden", "roses", 1, private=True, conversation=False, members=members)
    assert core.rooms == {"garden": garden}
