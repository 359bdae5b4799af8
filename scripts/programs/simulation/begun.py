"""What one database has at the beginning of a history, and what its entries say."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from testbed.committed import Committed

from .amended import Fold
from .rooms import RoomStory


@dataclass(frozen=True)
class Begun:
    """Shared by many histories, so nobody changes it."""

    connection: Connection | None = None
    """None for a database that is empty."""
    frames: Mapping[int, bytes] = field(default_factory=dict)
    """By position: what is stored."""
    entries: Mapping[int, Committed] = field(default_factory=dict)
    """The same, read."""
    first: Mapping[int, Committed] = field(default_factory=dict)
    """By position, each entry as it was first, also if it is removed."""
    removed: Sequence[Committed] = ()
    floors: Mapping[str, int] = field(default_factory=dict)
    heads: Mapping[str, int] = field(default_factory=dict)
    folds: Mapping[str, Fold] = field(default_factory=dict)
    stories: Mapping[str, RoomStory] = field(default_factory=dict)


def copy(source: Connection, target: Connection) -> None:
    from_driver: Any = source.connection.driver_connection
    to_driver: Any = target.connection.driver_connection
    assert isinstance(from_driver, sqlite3.Connection)
    from_driver.backup(to_driver)
