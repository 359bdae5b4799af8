"""What was committed, read from the databases themselves, for the checkers to compare with."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import text

from testbed.committed import Committed
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import AccountChanged, AuditRecord, Entry, RoomCreated, Standing

from .amended import Fold
from .cluster import Cluster
from .moderators import standing_in
from .rooms import RoomStory, is_room, told
from .services import Database

_entries = Decoder(Entry)


class Reading(NamedTuple):
    """How far somebody has read what, and of what of it to be told aloud."""

    floor: int
    marker: int
    notify: str = ""


@dataclass
class History:
    logs: dict[str, list[Committed]] = field(default_factory=dict)
    """Each entry as it was first."""
    stored: dict[tuple[str, int], Entry] = field(default_factory=dict)
    """By log and sequence: each entry as it is read now, or was when it was removed."""
    edits: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """By log: which message has said what before, as far as that is kept, in order."""
    positions: dict[str, list[int]] = field(default_factory=dict)
    """By service, in order of the database."""
    rows_of_members: dict[str, set[str]] = field(default_factory=dict)
    """By room, without the lobby, as the service's own table has it."""
    reading: dict[tuple[str, str], Reading] = field(default_factory=dict)
    """By user and log, or `@name` for a conversation: as it was committed."""
    users: dict[str, bool] = field(default_factory=dict)
    """Who the user-service knows, and whether that is a guest."""
    floors: dict[str, int] = field(default_factory=dict)
    """Where the inbox of each user begins."""
    removed: dict[str, set[int]] = field(default_factory=dict)
    """By log: up to where entries were removed, each time."""
    registered: dict[str, int] = field(default_factory=dict)
    """Accounts, also those that are deleted, and when they were made."""
    owed: list[str] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    """Who is kept out until somebody restores it."""
    banned: set[str] = field(default_factory=set)
    """Names that are kept out for ever."""
    tokens: dict[tuple[str, bytes], bool] = field(default_factory=dict)
    """By user and digest, without those of apps: whether the device is remembered."""
    audits: list[AuditRecord] = field(default_factory=list)

    begun: dict[str, int] = field(default_factory=dict)
    """By log: how many entries there were at the beginning."""

    _folds: dict[str, Fold] = field(default_factory=dict)
    _stories: dict[str, RoomStory] = field(default_factory=dict)
    _rooms_created: dict[str, list[int]] = field(default_factory=dict)
    _rooms_of: dict[str, set[str]] | None = None
    _begun_folds: dict[str, Fold] = field(default_factory=dict)
    _begun_stories: dict[str, RoomStory] = field(default_factory=dict)

    def fold(self, log: str) -> Fold:
        """What has become of the messages of a log, by its entries."""
        if log not in self._folds:
            self._folds[log] = fold = self.begun_fold(log)
            for committed in self.said(log):
                fold.take(committed.entry)
        return self._folds[log]

    def begun_fold(self, log: str) -> Fold:
        """What had become of them at the beginning, to go on with."""
        begun = self._begun_folds.get(log)
        return begun.copy() if begun else Fold()

    def said(self, log: str) -> list[Committed]:
        """The entries of the log since the beginning of the history."""
        return self.logs.get(log, [])[self.begun.get(log, 0) :]

    def was(self, entry: Entry) -> bool:
        """Whether the entry was so at some time."""
        return entry in self.fold(entry.log).versions.get(entry.sequence, ())

    def story(self, log: str) -> RoomStory:
        """What the log of a room says. Raises `Unlawful`."""
        if log not in self._stories:
            begun = self._begun_stories.get(log)
            story = begun.copy(self.moderators) if begun else RoomStory(self.moderators)
            self._stories[log] = told(story, self.said(log))
        return self._stories[log]

    @cached_property
    def moderators(self) -> frozenset[str]:
        """Who was a moderator of the cluster at some time."""
        inboxes = {log[1:]: entries for log, entries in self.logs.items() if log[0] == "@"}
        return frozenset(
            user
            for user, entries in inboxes.items()
            for committed in entries
            if standing_in(committed.entry.body) is Standing.MODERATOR
        )

    def done_to(self, user: str, action: str) -> bool:
        """Whether the audit says so."""
        return any((one.subject, one.action) == (user, action) for one in self.audits)

    def changes(self, user: str) -> list[AccountChanged]:
        """What was done to the account, in order."""
        bodies = (committed.entry.body for committed in self.logs.get(f"@{user}", ()))
        return [body for body in bodies if isinstance(body, AccountChanged)]

    def room_of(self, log: str, sequence: int) -> tuple[int, int]:
        """From which entry to which the room goes on that this one is of: they share a log."""
        created = self._created(log)
        number = bisect_right(created, sequence)
        last = created[number] - 1 if number < len(created) else len(self.logs[log])
        return created[number - 1], last

    def room_begin(self, log: str) -> int:
        """With which entry the present or last room of the log begins."""
        return self._created(log)[-1]

    def _created(self, log: str) -> list[int]:
        if log not in self._rooms_created:
            self._rooms_created[log] = [
                committed.sequence
                for committed in self.logs[log]
                if isinstance(committed.entry.body, RoomCreated)
            ]
        return self._rooms_created[log]

    def rooms_of(self, user: str) -> set[str]:
        """The rooms that the user is in, by their timelines."""
        if self._rooms_of is None:
            self._rooms_of = {}
            for room in self.open_rooms:
                for member in self.story(f"#{room}").roles:
                    self._rooms_of.setdefault(member, set()).add(room)
        return self._rooms_of.get(user, set())

    def members(self, log: str) -> set[str]:
        """Who is in the room, by its timeline."""
        return set(self.story(log).roles) if is_room(log) else set()

    @cached_property
    def open_rooms(self) -> set[str]:
        """Without the lobby."""
        return {log[1:] for log in self.logs if is_room(log) and self.story(log).open}


def read(cluster: Cluster) -> History:
    history = History()
    for database in cluster.databases:
        connection = database.connection
        connection.rollback()
        history.removed |= database.floors
        history.begun |= database.begun.heads
        history._begun_folds |= database.begun.folds
        history._begun_stories |= database.begun.stories
        history.positions[database.name] = _read_entries(database, history)
        for key, address in connection.execute(text("select key, address from outbox")):
            history.owed.append(f"{database.name} owes {address}: {key}")
        history.audits += [
            AuditRecord(*row)
            for row in connection.execute(
                text("select at_ms, actor, action, subject, room, reason from audit order by id")
            )
        ]
        for log, sequence, said in connection.execute(
            text("select log, sequence, text from edits order by id")
        ):
            history.edits.setdefault(log, []).append((sequence, said))
        if database is cluster.users:
            for (name,) in connection.execute(
                text("select name from users where suspended and suspended_until_ms is null")
            ):
                history.suspended.add(name)
            for (name,) in connection.execute(
                text("select who from bans where until_ms is null and not guests")
            ):
                history.banned.add(name)
            for name, at_ms in connection.execute(
                text("select name, registered_at_ms from users where registered_at_ms is not null")
            ):
                history.registered[name] = at_ms
            for name, password_hash, floor, marker in connection.execute(
                text("select name, password_hash, inbox_floor, marker from users where not deleted")
            ):
                history.users[name] = password_hash is None
                history.floors[name] = floor
                history.reading[name, f"@{name}"] = Reading(floor, marker or 0)
            for user, digest, remembered in connection.execute(
                text("""select "user", digest, remembered from tokens where scopes = ''""")
            ):
                history.tokens[user, digest] = bool(remembered)
            for user, other, marker, notify in connection.execute(
                text('select "user", other, marker, notify from conversations')
            ):
                history.reading[user, f"@{other}"] = Reading(0, marker, notify)
        else:
            for (room,) in connection.execute(text("select name from rooms")):
                history.rows_of_members.setdefault(room, set())
            for room, user, floor, marker, notify in connection.execute(
                text('select room, "user", floor, marker, notify from members')
            ):
                history.rows_of_members.setdefault(room, set()).add(user)
                history.reading[user, f"#{room}"] = Reading(floor, marker or 0, notify)
        connection.rollback()
    history.rows_of_members.pop("lobby", None)
    return history


def _read_entries(database: Database, history: History) -> list[int]:
    """Those, too, that have been removed: what was true of them stays true."""
    there = [*database.removed, *stored_entries(database)]
    there.sort(key=lambda committed: committed.position)
    appended = database.appended
    for committed in there:
        history.stored[committed.log, committed.sequence] = committed.entry
        first = appended.get(committed.position, committed)
        said = committed._replace(entry=first.entry)
        history.logs.setdefault(committed.log, []).append(said)
    return [committed.position for committed in there]


def stored_entries(database: Database, *, since_beginning: bool = False) -> Iterator[Committed]:
    """Those that are still what they were at the beginning need not be read again."""
    frames, entries = database.begun.frames, database.begun.entries
    database.connection.rollback()
    driver: Any = database.connection.connection.driver_connection
    for position, log, sequence, author, nonce, frame in driver.execute(
        "select position, log, sequence, author, nonce, frame from entries order by position"
    ):
        if frames.get(position) != frame:
            yield Committed(position, log, sequence, author, nonce, _entries.decode(frame))
        elif not since_beginning:
            yield entries[position]
