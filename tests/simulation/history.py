"""What was committed, read from the databases themselves, for the checkers to compare with."""

from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, text

from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Entry, MemberJoined, MemberLeft, RoomCreated

from .cluster import Cluster

_entries = Decoder(Entry)


class Committed(NamedTuple):
    position: int
    sequence: int
    author: str
    nonce: bytes | None
    entry: Entry


@dataclass
class History:
    logs: dict[str, list[Committed]] = field(default_factory=dict)
    positions: dict[str, list[int]] = field(default_factory=dict)
    """By service, in order of the database."""
    rows_of_members: dict[str, set[str]] = field(default_factory=dict)
    """By room, without the lobby, as the service's own table has it."""
    users: dict[str, bool] = field(default_factory=dict)
    """Who the user-service knows, and whether that is a guest."""
    owed: list[str] = field(default_factory=list)

    def members(self, log: str) -> set[str]:
        """The fold of a room's timeline."""
        members: set[str] = set()
        for committed in self.logs[log]:
            match committed.entry.body:
                case RoomCreated() | MemberJoined():
                    members.add(committed.author)
                case MemberLeft():
                    members.discard(committed.author)
                case _:
                    pass
        return members


def read(cluster: Cluster) -> History:
    history = History()
    for service in cluster.services:
        connection = service.connection
        connection.rollback()
        history.positions[service.name] = _read_entries(connection, history)
        for key, address in connection.execute(text("select key, address from outbox")):
            history.owed.append(f"{service.name} owes {address}: {key}")
        if service.name == "user-service":
            for name, password_hash in connection.execute(
                text("select name, password_hash from users")
            ):
                history.users[name] = password_hash is None
        else:
            for (room,) in connection.execute(text("select name from rooms")):
                history.rows_of_members.setdefault(room, set())
            for room, user in connection.execute(text('select room, "user" from members')):
                history.rows_of_members.setdefault(room, set()).add(user)
        connection.rollback()
    history.rows_of_members.pop("lobby", None)
    return history


def _read_entries(connection: Connection, history: History) -> list[int]:
    positions: list[int] = []
    for position, log, sequence, author, nonce, frame in connection.execute(
        text("select position, log, sequence, author, nonce, frame from entries order by position")
    ):
        positions.append(position)
        committed = Committed(position, sequence, author, nonce, _entries.decode(frame))
        history.logs.setdefault(log, []).append(committed)
    return positions
