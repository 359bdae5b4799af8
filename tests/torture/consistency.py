"""That nothing in a service's database contradicts anything else in it."""

from collections.abc import Mapping, Sequence

from committed import Committed, committed_entries
from sqlalchemy import Connection, text

from zchat.protocol.messages import (
    LOBBY,
    MemberJoined,
    MemberLeft,
    PrivateMessageSent,
    RoomCreated,
    inbox_log,
    room_log,
)

from .checkers import CommittedLogs


class Broken(Exception):
    """A promise is broken; the text says which, and how."""


def check_whole(connection: Connection) -> list[Committed]:
    """That nothing in it contradicts anything else in it; returns the entries."""
    if (verdict := connection.scalar(text("pragma integrity_check"))) != "ok":
        raise Broken(f"the database is not whole: {verdict}")
    logs = CommittedLogs()
    entries = list(committed_entries(connection))
    logs.read("the service", entries)
    for *_, finding in logs.findings:
        raise Broken(finding)
    _check_nonces(connection, entries)
    members: dict[str, set[str]] = {}
    halves: dict[tuple[str, str, str], set[str]] = {}
    for log, author, body in ((one.log, one.author, one.entry.body) for one in entries):
        match body:
            case RoomCreated():
                members[log] = {author}
            case MemberJoined():
                members[log].add(author)
            case MemberLeft():
                members[log].discard(author)
            case PrivateMessageSent(to=to, text=said):
                halves.setdefault((author, to, said), set()).add(log)
            case _:
                pass
    for (author, to, said), stands_in in halves.items():
        if stands_in != {inbox_log(author), inbox_log(to)}:
            raise Broken(f"{said[:20]!r} of {author} to {to} stands only in {stands_in}")
    _check_tables(connection, members)
    return entries


def _check_nonces(connection: Connection, entries: Sequence[Committed]) -> None:
    """None stands twice, and the index of nonces has those of all entries up to its position."""
    places = {(one.author, one.nonce): one.position for one in entries if one.nonce is not None}
    if len(places) != sum(one.nonce is not None for one in entries):
        raise Broken("a nonce stands twice")
    written = connection.scalar(text("select position from nonces_written")) or 0
    index = {
        (author, nonce): position
        for author, nonce, position in connection.execute(text("select * from nonces"))
    }
    if index != {key: position for key, position in places.items() if position <= written}:
        raise Broken("the index of nonces is not that of the entries")


def _check_tables(connection: Connection, members: Mapping[str, set[str]]) -> None:
    """The folded logs against what the service keeps beside them."""
    owed = set(connection.scalars(text("select key from outbox")))
    if connection.scalar(text("select count(*) from sqlite_master where name = 'rooms'")):
        rows: dict[str, set[str]] = {
            room_log(room): set()
            for room in connection.scalars(text("select name from rooms"))
            if room != LOBBY
        }
        for room, user in connection.execute(text('select room, "user" from members')):
            if room != LOBBY:
                rows[room_log(room)].add(user)
        if rows != members:
            raise Broken("the members are not those that the timelines tell")
        if stray := owed - {f"open room {log[1:]}" for log in members}:
            raise Broken(f"it owes what nobody has done: {stray}")
    else:
        ended = set(connection.scalars(text("select name from users where ended and not deleted")))
        if owed != {f"end guest {name}" for name in ended}:
            raise Broken(f"{ended} have ended, and what it owes is {owed}")
