"""Whether a service's database is whole: nothing in it contradicts anything else in it.

Written from what the tables mean, and apart from the code that writes them. So is the fold of a
log here, apart from that of services and clients: it checks what those have done.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from zchat.eventlog.database import passing_errors
from zchat.eventlog.read_only import open_read_only
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import (
    LOBBY,
    Entry,
    MemberAdded,
    MemberBanned,
    MemberDemoted,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomTransferred,
    TopicChanged,
    inbox_log,
    room_log,
)
from zchat.protocol.operators import IMPORT_NONCE

_entries = Decoder(Entry)

_Found = Callable[[str], None]

FINDINGS_MAX: Final = 100
"""Of one database; what is broken through and through is known to be so after these."""
_REFERENCES: Final = (("room", "rooms"), ("user", "users"))
"""A column of this name holds names that are in this table, where the database has one."""
_NO_REFERENCES: Final = {"entries", "audit", "reports", "sightings"}
"""Tables that tell of what was, and may name what is no more."""


class NotADatabase(Exception):
    """What was to be verified is none of ours; the text says why."""


class Facts(NamedTuple):
    """What a database holds, and what other databases say of it."""

    position: int
    heads: dict[str, int]
    entries: int
    members: frozenset[str]
    users: frozenset[str] | None
    """None in a database of rooms."""


@dataclass
class Report:
    """What was checked of one database, what was found to be wrong, and what it holds."""

    checked: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=lambda: Facts(0, {}, 0, frozenset(), frozenset()))

    def found(self, finding: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
        elif len(self.findings) == FINDINGS_MAX:
            self.findings.append("and more than that")


def verify(path: Path) -> Report:
    """Looks at one moment of the database, which may be written to meanwhile.

    Raises `NotADatabase`, and `StoreUnavailable` for a disk that fails.
    """
    if not path.is_file():
        raise NotADatabase(f"there is no file {path}")
    with open_read_only(path) as connection:
        try:
            with passing_errors():
                connection.execute("BEGIN")
                return verify_connection(connection)
        except sqlite3.DatabaseError as error:
            report = Report()
            report.found(f"the file is no whole database: {error}")
            return report


def verify_connection(connection: sqlite3.Connection) -> Report:
    report = Report()
    tables = {name for (name,) in connection.execute(_TABLES)}
    if missing := {"entries", "nonces", "lease", "outbox"} - tables:
        raise NotADatabase(f"it has no table {min(missing)}, so it is no database of zchat")
    report.checked.append("file")
    for (verdict,) in connection.execute("PRAGMA integrity_check"):
        if verdict != "ok":
            report.found(f"the database is not whole: {verdict}")
    if report.findings:
        # What is read from broken pages proves nothing.
        return report
    _check_references(connection, tables, report)
    logs = _check_entries(connection, tables, report)
    report.checked.append("messages")
    messages = {name: (log.messages, log.floor) for name, log in logs.items()}
    _check_messages(messages, report.found)
    _check_nonces(connection, report)
    if "places" in tables:
        _check_places(connection, report)
    _check_outbox(connection, tables, logs, report)
    if "rooms" in tables and "members" in tables:
        report.checked.append("rooms")
        rooms = {name: (log.room, log.floor) for name, log in logs.items()}
        _check_rooms(connection, tables, rooms, report.found)
    if "blocks" in tables:
        _check_accounts(connection, report)
    report.facts = _facts(connection, tables, logs)
    removed = sum(log.floor for log in logs.values())
    if report.facts.entries + removed != report.facts.position and not report.findings:
        report.found(
            f"there are {report.facts.entries} entries, and {removed} have been removed, which "
            f"are not the {report.facts.position} that there were"
        )
    return report


def _check_references(connection: sqlite3.Connection, tables: set[str], report: Report) -> None:
    report.checked.append("references")
    for column, other in _REFERENCES:
        for table in sorted(tables - _NO_REFERENCES) if other in tables else ():
            columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
            if column not in columns or table == other:
                continue
            question = (
                f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" <> \'\' '  # noqa: S608
                f'AND "{column}" NOT IN (SELECT name FROM "{other}") LIMIT {FINDINGS_MAX}'
            )
            for (name,) in connection.execute(question):
                report.found(f"{table} has a row of {name!r}, which is not in {other}")


# --- Messages: whether they have become what later entries say ------------------------------------


@dataclass(slots=True)
class _Change:
    """What the entries of a log say of one of its messages."""

    edited: int = 0
    text: str = ""
    deleted_by: str = ""
    reactions: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Messages:
    """Those messages of one log that were changed: as they are, and as its later entries say."""

    messages: dict[int, Entry] = field(default_factory=dict)
    """Only those that are not as they were written."""
    imported: set[int] = field(default_factory=set)
    """Of them those that were imported as they are: what changed them is not in this log."""
    _changes: dict[int, _Change] = field(default_factory=dict)
    _edits: dict[int, MessageEdited] = field(default_factory=dict)

    def fold(self, entry: Entry, *, imported: bool) -> None:
        match entry.body:
            case MessagePosted() | PrivateMessageSent() if not (entry.edited or entry.reactions):
                return
            case MessagePosted() | PrivateMessageSent() | Redacted():
                self.messages[entry.sequence] = entry
                if imported:
                    self.imported.add(entry.sequence)
            case MessageEdited(sequence=sequence, text=text) as edit:
                change = self._of(sequence)
                change.edited, change.text = entry.sequence, text
                self._edits[entry.sequence] = edit
            case MessageDeleted(sequence=sequence):
                self._changes[sequence] = _Change(deleted_by=entry.author)
            case ReactionAdded(sequence=sequence, emoji=emoji):
                self._of(sequence).reactions.setdefault(emoji, []).append(entry.author)
            case ReactionRemoved(sequence=sequence, emoji=emoji):
                users = self._of(sequence).reactions.get(emoji, [])
                if entry.author in users:
                    users.remove(entry.author)
            case _:
                pass

    def _of(self, sequence: int) -> _Change:
        return self._changes.setdefault(sequence, _Change())

    def wrong(self, floor: int) -> Iterator[str]:
        """Which messages above the floor are not as they should be, and in what."""
        for sequence in sorted(self.messages.keys() | self._changes.keys()):
            if sequence > floor and (why := self._wrong(sequence)):
                yield f"{sequence} {why}"
        newest = {change.edited for change in self._changes.values()}
        for sequence, edit in sorted(self._edits.items()):
            if edit.text and sequence not in newest:
                yield f"{sequence} still tells of a text that is out of date"

    def _wrong(self, sequence: int) -> str | None:
        entry, change = self.messages.get(sequence), self._of(sequence)
        reactions = {emoji: users for emoji, users in change.reactions.items() if users}
        if entry is None:
            changed = change.edited or change.deleted_by or reactions
            return "was changed by a later entry, and does not say so" if changed else None
        match entry.body:
            case Redacted(by=by):
                is_told = by == change.deleted_by or (
                    sequence in self.imported and not change.deleted_by
                )
                return None if is_told else "is deleted, and not by its log"
            case MessagePosted(text=text) | PrivateMessageSent(text=text):
                if change.deleted_by:
                    return "is deleted by its log, and there still"
                if entry.edited != change.edited or (change.edited and text != change.text):
                    return "has another text than by its log"
            case _:
                pass
        if entry.reactions != reactions:
            return "has other reactions than by its log"
        return None


def _check_messages(logs: Mapping[str, tuple[_Messages, int]], found: _Found) -> None:
    """`logs` has, by name, the messages of each, and its floor."""
    for log, (messages, floor) in logs.items():
        for what in messages.wrong(floor):
            found(f"{log} {what}")


# --- Rooms: whether their tables say what their timelines tell ------------------------------------


@dataclass(slots=True)
class _Room:
    """A room as the entries of its log tell of it, as far as they have not been removed."""

    roles: dict[str, Role] = field(default_factory=dict)
    """Of those who are in."""
    gone: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    banned: set[str] = field(default_factory=set)
    pins: set[int] = field(default_factory=set)
    settings: RoomConfigured | None = None
    topic: str | None = None

    def fold(self, entry: Entry) -> None:
        match entry.body:
            case RoomCreated():
                self._begin()
                self.roles[entry.author] = Role.OWNER
            case RoomClosed():
                self._begin()
            case MemberJoined():
                # A room that everyone has left belongs to whoever comes in first.
                self.roles[entry.author] = Role.MEMBER if self.roles else Role.OWNER
                if self.roles[entry.author] is Role.OWNER:
                    self.muted.discard(entry.author)
            case MemberAdded(user=user):
                self.roles[user] = Role.MEMBER
            case MemberLeft():
                self._leave(entry.author)
            case MemberKicked(user=user):
                self._leave(user)
            case MemberBanned(user=user):
                self._leave(user)
                self.banned.add(user)
            case MemberUnbanned(user=user):
                self.banned.discard(user)
            case MemberMuted(user=user):
                self.muted.add(user)
            case MemberUnmuted(user=user):
                self.muted.discard(user)
            case MemberPromoted(user=user):
                self.roles[user] = Role.MODERATOR
            case MemberDemoted(user=user):
                self.roles[user] = Role.MEMBER
            case RoomTransferred(user=user):
                former = [name for name, role in self.roles.items() if role is Role.OWNER]
                self.roles.update(dict.fromkeys(former, Role.MODERATOR))
                self.roles[user] = Role.OWNER
                # Whoever becomes the owner may speak; moderators of the cluster may mute one.
                self.muted.discard(user)
            case RoomConfigured() as settings:
                self.settings = settings
            case TopicChanged(topic=topic):
                self.topic = topic
            case MessagePinned(sequence=sequence):
                self.pins.add(sequence)
            case MessageUnpinned(sequence=sequence) | MessageDeleted(sequence=sequence):
                self.pins.discard(sequence)
            case _:
                pass
        self.gone -= self.roles.keys()

    def _begin(self) -> None:
        self.gone |= self.roles.keys()
        self.roles.clear()
        self.muted.clear()
        self.banned.clear()
        self.pins.clear()
        self.settings = self.topic = None

    def _leave(self, user: str) -> None:
        self.roles.pop(user, None)
        self.gone.add(user)


def _check_rooms(
    connection: sqlite3.Connection,
    tables: Collection[str],
    timelines: Mapping[str, tuple[_Room, int]],
    found: _Found,
) -> None:
    """`timelines` has, by log, the room that its entries tell of, and its floor."""
    members: dict[str, dict[str, str]] = {}
    for room, user, role in connection.execute('SELECT room, "user", role FROM members'):
        members.setdefault(room, {})[user] = role
    for (room,) in connection.execute("SELECT name FROM rooms").fetchall():
        by_log, floor = timelines.get(room_log(room), (_Room(), 0))
        is_whole = not floor
        if room != LOBBY:
            for what in _wrong_members(room, members.get(room, {}), by_log, is_whole=is_whole):
                found(what)
        if "bans" not in tables:
            continue  # It is of an earlier release.
        for table, known in (("bans", by_log.banned), ("mutes", by_log.muted)):
            # A ban with a row must have been told of. That one has ended need not be: its guest
            # has gone, or its time is over.
            for user in sorted(_named(connection, table, room) - known) if is_whole else ():
                found(f"{user} of {room} is in the table of {table}, and not in its timeline")
        for user in sorted(_named(connection, "invitations", room) & members.get(room, {}).keys()):
            found(f"{user} is invited to {room}, and in it already")
        _check_settings(connection, room, by_log, found)
        if "pins" in tables:
            _check_pins(connection, room, by_log, floor, found)
            for user in sorted(_named(connection, "mentions", room) - {"", *members.get(room, {})}):
                found(f"{user} is mentioned in {room}, and not in it")


def _wrong_members(
    room: str, rows: Mapping[str, str], by_log: _Room, *, is_whole: bool
) -> Iterator[str]:
    for user in sorted(by_log.roles.keys() - rows.keys()):
        yield f"{user} is in {room} by its timeline, and not by the table of members"
    for user in sorted(
        rows.keys() - by_log.roles.keys() if is_whole else rows.keys() & by_log.gone
    ):
        yield f"{user} is in {room} by the table of members, and not by its timeline"
    # Without the beginning it is not known who came first.
    for user in sorted(rows.keys() & by_log.roles.keys()) if is_whole else ():
        role = by_log.roles[user]
        if rows[user] != role:
            yield f"{user} is {role} in {room} by its timeline, and {rows[user]} by row"


def _named(connection: sqlite3.Connection, table: str, room: str) -> set[str]:
    question = f'SELECT "user" FROM {table} WHERE room = ?'  # noqa: S608
    return {user for (user,) in connection.execute(question, (room,))}


def _check_pins(
    connection: sqlite3.Connection, room: str, by_log: _Room, floor: int, found: _Found
) -> None:
    rows = connection.execute("SELECT sequence FROM pins WHERE room = ?", (room,))
    pins = {sequence for (sequence,) in rows if sequence > floor}
    for sequence in sorted(pins - by_log.pins):
        found(f"{sequence} of {room} is pinned by the table of pins, and not by its timeline")
    for sequence in sorted(by_log.pins - pins):
        if sequence > floor:
            found(f"{sequence} of {room} is pinned by its timeline, and not by the table of pins")


def _check_settings(
    connection: sqlite3.Connection, room: str, by_log: _Room, found: _Found
) -> None:
    (topic, private, keyed, posting, slow, members_max) = connection.execute(
        "SELECT topic, private, \"key\" <> '', posting, slow_mode_s, members_max "
        "FROM rooms WHERE name = ?",
        (room,),
    ).fetchone()
    if by_log.topic is not None and by_log.topic != topic:
        found(f"the topic of {room} is another one than by its timeline")
    row = (bool(private), bool(keyed), posting, slow, members_max)
    if (said := by_log.settings) and row != (
        *(said.private, said.keyed, said.posting),
        *(said.slow_mode_s, said.members_max),
    ):
        found(f"the settings of {room} are others than by its timeline")


# --- Entries --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Log:
    floor: int
    last: int
    room: _Room = field(default_factory=_Room)
    messages: _Messages = field(default_factory=_Messages)


def _check_entries(
    connection: sqlite3.Connection, tables: set[str], report: Report
) -> dict[str, _Log]:
    """Numbers without gaps, and frames that say the same as their rows."""
    report.checked += ["entries", "logs"]
    floors: dict[str, int] = {}
    if "floors" in tables:
        floors.update(connection.execute("SELECT log, sequence FROM floors"))
    position_floor = floors.pop("", 0)
    logs = {log: _Log(floor, floor) for log, floor in floors.items()}
    halves: dict[tuple[str, str, str], dict[str, int]] = {}
    last = 0
    for position, log, sequence, author, nonce, frame in connection.execute(_ENTRIES):
        if position != last + 1 and position > position_floor + 1:
            report.found(f"position {position} comes after {last}")
        last = position
        known = logs.setdefault(log, _Log(0, 0))
        if sequence != known.last + 1:
            report.found(f"{log} has {sequence} after {known.last}")
        known.last = max(known.last, sequence)
        try:
            entry = _entries.decode(frame)
        except (ProtocolError, TypeError) as error:
            report.found(f"{log} {sequence} cannot be read: {error}")
            continue
        if (entry.log, entry.sequence, entry.author) != (log, sequence, author):
            report.found(
                f"{log} {sequence} of {author} says that it is {entry.log} {entry.sequence} "
                f"of {entry.author}"
            )
        imported = nonce is not None and nonce.startswith(IMPORT_NONCE)
        known.messages.fold(entry, imported=imported)
        if imported:
            continue
        known.room.fold(entry)
        if isinstance(entry.body, PrivateMessageSent):
            key = (author, entry.body.to, entry.body.text)
            places = halves.setdefault(key, {})
            places[log] = places.get(log, 0) + 1
    _check_halves(halves, floors, report)
    return logs


def _check_halves(
    halves: Mapping[tuple[str, str, str], Mapping[str, int]],
    floors: Mapping[str, int],
    report: Report,
) -> None:
    """A private message stands in both inboxes, as often, unless one has lost its beginning."""
    for (author, to, _), places in halves.items():
        inboxes = {inbox_log(author), inbox_log(to)}
        whole = places.keys() == inboxes and len(set(places.values())) == 1
        if not whole and not inboxes & floors.keys():
            at = " and ".join(sorted(places))
            report.found(f"a private message of {author} to {to} stands only in {at}")


# --- Nonces and what is owed ----------------------------------------------------------------------


def _check_nonces(connection: sqlite3.Connection, report: Report) -> None:
    """None stands twice, and the index has those of all entries up to its position."""
    report.checked.append("nonces")
    for author, count in connection.execute(_DOUBLED_NONCES):
        report.found(f"a nonce of {author} stands with {count} entries")
    written = connection.execute("SELECT max(position) FROM nonces_written").fetchone()[0] or 0
    for log, sequence in connection.execute(_NOT_INDEXED, (written,)):
        report.found(f"the nonce of {log} {sequence} is not in the index of nonces")
    for author, nonce, position in connection.execute(_INDEXED_WITHOUT_ENTRY).fetchall():
        if not isinstance(nonce, bytes):
            report.found(f"the index of nonces has one of {author} that is no nonce")
            continue
        removed = connection.execute(_REMOVED_POSITION).fetchone()[0]
        # Some nonces outlive their entries, so that what was done once is not done again.
        if position > removed:
            report.found(f"the index of nonces has one of {author}, but no entry {position}")


def _check_places(connection: sqlite3.Connection, report: Report) -> None:
    """The index has those of all entries up to its position, and no others."""
    report.checked.append("places")
    written = connection.execute("SELECT max(position) FROM places_written").fetchone()[0] or 0
    for log, thread, sequence in connection.execute(_WITHOUT_PLACE, (written,)):
        report.found(f"the index of places lacks {log} {sequence} of {thread!r}")
    for log, thread, sequence in connection.execute(_PLACE_WITHOUT_ENTRY):
        report.found(f"the index of places has {log} {sequence} of {thread!r}, but no such entry")


def _check_outbox(
    connection: sqlite3.Connection,
    tables: set[str],
    logs: Mapping[str, _Log],
    report: Report,
) -> None:
    """What is owed has been done here, and its ids are below the next one."""
    report.checked.append("outbox")
    newest = connection.execute(_NEWEST_OUTBOX_ID).fetchone()
    rows = connection.execute("SELECT id, address, key FROM outbox ORDER BY id").fetchall()
    for number, address, key in rows:
        if newest is None or number > newest[0]:
            report.found(f"the outbox has {number}, which was not given yet")
        if not key or not address:
            report.found(f"what is owed as {number} is owed to nobody")
        # The key of a room whose name another one had before has its first sequence besides.
        room = key.removeprefix("open room ").partition(" ")[0]
        if key.startswith("open room ") and room_log(room) not in logs:
            report.found(f"it owes that {room} was created, which nobody has done")
    if {"users", "blocks"} <= tables:
        _check_ended(connection, [key for *_, key in rows], report)


def _check_ended(connection: sqlite3.Connection, owed: Sequence[str], report: Report) -> None:
    """The row of a guest goes when all are told of its end, and that of an account stays."""
    ended: dict[bool, set[str]] = {False: set(), True: set()}
    for name, deleted in connection.execute("SELECT name, deleted FROM users WHERE ended"):
        ended[bool(deleted)].add(name)
    for beginning, deleted in (("end guest ", False), ("end account ", True)):
        told = {key.removeprefix(beginning) for key in owed if key.startswith(beginning)}
        for name in sorted(ended[deleted] - told) if not deleted else ():
            report.found(f"the guest {name} has ended, and nobody is to be told")
        for name in sorted(told - ended[deleted]):
            report.found(f"others are to be told that {name} has ended, which is not so")


def _check_accounts(connection: sqlite3.Connection, report: Report) -> None:
    """Of a deleted account nothing is left but its name, and no token has a number twice."""
    report.checked.append("accounts")
    for (name,) in connection.execute(_LEFT_OF_DELETED):
        report.found(f"the account {name} is deleted, and not all that it had is gone")
    for (name,) in connection.execute(_WRONG_DEVICES):
        report.found(f"two tokens of {name} have one number, or one that was not given yet")


def _facts(connection: sqlite3.Connection, tables: set[str], logs: Mapping[str, _Log]) -> Facts:
    position, entries = connection.execute(_POSITION).fetchone()
    if "floors" in tables:
        position = max(position, connection.execute(_REMOVED_POSITION).fetchone()[0])
    members: frozenset[str] = frozenset()
    users: frozenset[str] | None = None
    if "members" in tables:
        members = frozenset(
            name for (name,) in connection.execute('SELECT DISTINCT "user" FROM members')
        )
    if "users" in tables:
        users = frozenset(name for (name,) in connection.execute("SELECT name FROM users"))
    return Facts(position, {log: one.last for log, one in logs.items()}, entries, members, users)


# --- What is asked --------------------------------------------------------------------------------

_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
_ENTRIES: Final = (
    "SELECT position, log, sequence, author, nonce, frame FROM entries ORDER BY position"
)
_POSITION: Final = "SELECT coalesce(max(position), 0), count(*) FROM entries"
_DOUBLED_NONCES: Final = (
    "SELECT author, count(*) FROM entries WHERE nonce IS NOT NULL "
    "GROUP BY author, nonce HAVING count(*) > 1"
)
_NOT_INDEXED: Final = (
    "SELECT e.log, e.sequence FROM entries AS e LEFT JOIN nonces AS n "
    "ON n.author = e.author AND n.nonce = e.nonce AND n.position = e.position "
    "WHERE e.nonce IS NOT NULL AND e.position <= ? AND n.position IS NULL"
)
_WITHOUT_PLACE: Final = (
    "SELECT e.log, e.thread, e.sequence FROM ("
    "SELECT log, '' AS thread, sequence, position FROM entries UNION ALL "
    "SELECT log, thread, sequence, position FROM entries WHERE thread IS NOT NULL) AS e "
    "LEFT JOIN places AS p ON p.log = e.log AND p.thread = e.thread "
    "AND p.sequence = e.sequence AND p.position = e.position "
    "WHERE e.position <= ? AND p.position IS NULL"
)
_PLACE_WITHOUT_ENTRY: Final = (
    "SELECT p.log, p.thread, p.sequence FROM places AS p LEFT JOIN entries AS e "
    "ON e.position = p.position AND e.log = p.log AND e.sequence = p.sequence "
    "AND p.thread IN ('', e.thread) WHERE e.position IS NULL"
)
_INDEXED_WITHOUT_ENTRY: Final = (
    "SELECT n.author, n.nonce, n.position FROM nonces AS n LEFT JOIN entries AS e "
    "ON e.position = n.position AND e.author = n.author AND e.nonce = n.nonce "
    "WHERE e.position IS NULL"
)
_REMOVED_POSITION: Final = "SELECT coalesce(max(sequence), 0) FROM floors WHERE log = ''"
_LEFT_OF_DELETED: Final = (
    "SELECT name FROM users WHERE deleted AND (password_hash IS NOT NULL OR totp_secret IS NOT NULL"
    ' OR name IN (SELECT "user" FROM tokens) OR name IN (SELECT "user" FROM blocks))'
)
_WRONG_DEVICES: Final = (
    'SELECT u.name FROM users AS u JOIN tokens AS t ON t."user" = u.name GROUP BY u.name '
    "HAVING max(t.device) > u.devices_made OR count(DISTINCT t.device) < count(*)"
)
_NEWEST_OUTBOX_ID: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'outbox'"
