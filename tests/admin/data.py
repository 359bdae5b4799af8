"""Databases as services leave them, for the operator's commands to look at."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from rooms.playbook import Rooms
from users.playbook import Users

from zchat.eventlog.store import Store
from zchat.protocol.messages import Done


def make_data(folder: Path, *, moderated: bool = False) -> None:
    """A users' and a rooms' database in which something has happened."""
    folder.mkdir(mode=0o700)
    rooms, users = Rooms(), Users()
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    rooms.join("eve", "garden")
    for number in range(5):
        rooms.post("bob", "garden", f"hello {number}")
    rooms.leave("eve", "garden")
    if moderated:
        moderate(rooms)
    users.account("ann")
    users.account("bob", n=2)
    users.come("zed", n=3)
    users.send("ann", "bob", "psst")
    users.send("ann", "ann", "a note")
    _save(rooms.store, folder / "rooms-0.sqlite")
    _save(users.store, folder / "users.sqlite")
    rooms.close()
    users.close()


def moderate(rooms: Rooms) -> None:
    """A second room, in which one of each thing is done that a room can have."""
    rooms.create("ann", "cellar")
    for user in ("bob", "eve", "dora"):
        rooms.join(user, "cellar")
    rooms.promote("ann", "cellar", "bob")
    rooms.mute("bob", "cellar", "dora")
    rooms.ban("bob", "cellar", "eve")
    rooms.set_topic("ann", "cellar", "wine")
    rooms.configure("ann", "cellar", private=True, slow_mode_s=5)
    rooms.invite("ann", "cellar", "zed")
    rooms.create("ann", "shed")
    rooms.transfer("ann", "cellar", "bob")
    rooms.close_room("ann", "shed")
    amend(rooms)


def amend(rooms: Rooms) -> None:
    """In the cellar of ann one of each thing that may become of a message."""
    said = [rooms.post("ann", "cellar", text) for text in ("@room: red or white?", "red", "rosé")]
    red_or_white, red, rose = (done.sequence for done in said if isinstance(done, Done))
    rooms.edit("ann", "#cellar", red, "white")
    rooms.edit("ann", "#cellar", red, "red after all")
    rooms.delete("ann", "#cellar", rose)
    rooms.react("ann", "#cellar", red_or_white)
    rooms.react("ann", "#cellar", red, "-1")
    rooms.unreact("ann", "#cellar", red, "-1")
    rooms.pin("ann", "cellar", red)


def _save(store: Store, path: Path) -> None:
    driver = cast(Any, store)._connection.connection.driver_connection
    with contextlib.closing(sqlite3.connect(path)) as file:
        driver.backup(file)
    path.chmod(0o600)


@contextlib.contextmanager
def damaging(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()
