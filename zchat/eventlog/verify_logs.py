"""The verifier's own fold of a log: what its messages and its room should have become.

Apart from the code that services and clients fold with, on purpose: it checks what those have done.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

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
    room_log,
)

Found = Callable[[str], None]


# --- Messages: whether they have become what later entries say ------------------------------------


@dataclass(slots=True)
class _Change:
    """What the entries of a log say of one of its messages."""

    edited: int = 0
    text: str = ""
    deleted_by: str = ""
    reactions: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Became:
    """Of one log the messages that were changed, by what they are now and by what was said."""

    messages: dict[int, Entry] = field(default_factory=dict)
    """Only those that are not as they were written."""
    imported: set[int] = field(default_factory=set)
    """Of them those that came so."""
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
        """Of messages that are there still: which are other than they should be, and how."""
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


def check_messages(logs: Mapping[str, tuple[Became, int]], found: Found) -> None:
    """`logs` has, by name, what became of the messages, and the floor."""
    for log, (became, floor) in logs.items():
        for what in became.wrong(floor):
            found(f"{log} {what}")


# --- Rooms: whether their tables say what their timelines tell ------------------------------------


@dataclass(slots=True)
class Told:
    """What the entries of a log say of its room, as far as they are there."""

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


def check_rooms(
    connection: sqlite3.Connection,
    tables: Collection[str],
    told: Mapping[str, tuple[Told, int]],
    found: Found,
) -> None:
    """`told` has, by log, what it tells, and up to where it has been removed."""
    members: dict[str, dict[str, str]] = {}
    for room, user, role in connection.execute('SELECT room, "user", role FROM members'):
        members.setdefault(room, {})[user] = role
    for (room,) in connection.execute("SELECT name FROM rooms").fetchall():
        by_log, floor = told.get(room_log(room), (Told(), 0))
        is_whole = not floor
        if room != LOBBY:
            for what in _wrong_members(room, members.get(room, {}), by_log, is_whole=is_whole):
                found(what)
        if "bans" not in tables:
            continue  # It is of an earlier release.
        for table, known in (("bans", by_log.banned), ("mutes", by_log.muted)):
            # That one has ended is not always told: its guest has gone, or its time is over.
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
    room: str, rows: Mapping[str, str], told: Told, *, is_whole: bool
) -> Iterator[str]:
    for user in sorted(told.roles.keys() - rows.keys()):
        yield f"{user} is in {room} by its timeline, and not by the table of members"
    for user in sorted(rows.keys() - told.roles.keys() if is_whole else rows.keys() & told.gone):
        yield f"{user} is in {room} by the table of members, and not by its timeline"
    # Without the beginning it is not known who came first.
    for user in sorted(rows.keys() & told.roles.keys()) if is_whole else ():
        if rows[user] != told.roles[user]:
            yield f"{user} is {told.roles[user]} in {room} by its timeline, and {rows[user]} by row"


def _named(connection: sqlite3.Connection, table: str, room: str) -> set[str]:
    question = f'SELECT "user" FROM {table} WHERE room = ?'  # noqa: S608
    return {user for (user,) in connection.execute(question, (room,))}


def _check_pins(
    connection: sqlite3.Connection, room: str, told: Told, floor: int, found: Found
) -> None:
    rows = connection.execute("SELECT sequence FROM pins WHERE room = ?", (room,))
    pins = {sequence for (sequence,) in rows if sequence > floor}
    for sequence in sorted(pins - told.pins):
        found(f"{sequence} of {room} is pinned by the table of pins, and not by its timeline")
    for sequence in sorted(told.pins - pins):
        if sequence > floor:
            found(f"{sequence} of {room} is pinned by its timeline, and not by the table of pins")


def _check_settings(connection: sqlite3.Connection, room: str, told: Told, found: Found) -> None:
    (topic, private, keyed, posting, slow, members_max) = connection.execute(
        "SELECT topic, private, \"key\" <> '', posting, slow_mode_s, members_max "
        "FROM rooms WHERE name = ?",
        (room,),
    ).fetchone()
    if told.topic is not None and told.topic != topic:
        found(f"the topic of {room} is another one than by its timeline")
    row = (bool(private), bool(keyed), posting, slow, members_max)
    if (said := told.settings) and row != (
        *(said.private, said.keyed, said.posting),
        *(said.slow_mode_s, said.members_max),
    ):
        found(f"the settings of {room} are others than by its timeline")
