"""Every rule of rooms: what a command does to a room, its members and its timeline."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple, assert_never

from zchat.log.answers import Answer, FirstAnswers, Key
from zchat.log.timeline import Timeline
from zchat.protocol import limits
from zchat.protocol.cluster import EndGuest, OpenRoom, RoomCommand
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    Announce,
    Announced,
    CreateRoom,
    EntryBody,
    JoinRoom,
    LeaveRoom,
    MarkRead,
    MemberJoined,
    MemberLeft,
    MessagePosted,
    Post,
    RefusalCode,
    Role,
    RoomCreated,
    RoomOpened,
    SetTopic,
    TopicChanged,
    room_log,
)
from zchat.protocol.names import canonical_name, printable
from zchat.protocol.operating import ImportEntries, SetRetention
from zchat.rooms import imports
from zchat.service import operators
from zchat.service.beat import Job
from zchat.service.effects import Effects, Refusal, Sender, visible_text

OPEN_ROOM_NONCE: Final = b"a room has been opened: "
"""Beginning of a nonce that is longer than any client's, so that it is no client's."""


class SaveRoom(NamedTuple):
    name: str
    topic: str
    created_at_ms: int


class SaveMember(NamedTuple):
    room: str
    user: str
    role: Role
    floor: int
    marker: int | None


class DropMember(NamedTuple):
    room: str
    user: str


RoomRow = SaveRoom | SaveMember | DropMember


@dataclass(slots=True)
class Member:
    role: Role
    floor: int
    """The member sees entries after this sequence: it came then."""
    marker: int | None = None
    """What the member has read; None as long as it has not said so."""


@dataclass(slots=True)
class Room:
    name: str
    topic: str
    created_at_ms: int
    members: dict[str, Member] = field(default_factory=dict)
    """In the lobby only those whose read marker is kept: everyone is in it."""


class RoomCore:
    """The rooms of one partition."""

    def __init__(self, timeline: Timeline, lobby_address: str) -> None:
        self.timeline = timeline
        self.effects: Effects[RoomRow, Job] = Effects()
        self.answers = FirstAnswers()
        self.log_heads: dict[str, int] = {}
        self.rooms: dict[str, Room] = {}
        self.rooms_of: dict[str, set[str]] = {}
        """Names of the rooms that a user is in, without the lobby."""
        self._lobby_address = lobby_address

    # --- Loading ----------------------------------------------------------------------------------

    def add_room(self, room: Room) -> None:
        self.rooms[room.name] = room
        self.timeline.heads.setdefault(room_log(room.name), 0)

    def add_member(self, room: Room, user: str, member: Member) -> None:
        room.members[user] = member
        if room.name != LOBBY:
            self.rooms_of.setdefault(user, set()).add(room.name)

    def take_over(self, former: "RoomCore", now: float) -> None:
        pass  # All that is known of rooms is in the database.

    def open_lobby(self, at_ms: int) -> None:
        """In the partition that has it, the lobby exists from the first start on."""
        if LOBBY not in self.rooms:
            self.add_room(Room(LOBBY, "", at_ms))
            self.effects.rows.append(SaveRoom(LOBBY, "", at_ms))

    def import_room(self, name: str, topic: str, created_at_ms: int) -> None:
        """A room that nobody is in."""
        self.add_room(Room(name, topic, created_at_ms))
        self.effects.rows.append(SaveRoom(name, topic, created_at_ms))

    # --- Commands ---------------------------------------------------------------------------------

    def logs_of(self, command: RoomCommand) -> Collection[str]:
        # The heads of all rooms are known from the start, but not of what was once there.
        return [command.log] if isinstance(command, ImportEntries) else ()

    def key_of(self, user: str, command: RoomCommand) -> Key | None:
        match command:
            case OpenRoom(nonce=nonce, author=author):
                return Key(author, nonce, rising=False)
            case Announce(nonce=nonce):
                return Key(SYSTEM_AUTHOR, nonce)
            case ImportEntries():
                return operators.key_of_import(command)
            case MarkRead() | EndGuest() | SetRetention():
                return None
            case _:
                return Key(user, command.nonce)

    def handle(self, sender: Sender, command: RoomCommand, now: float, at_ms: int) -> Answer:
        user = sender.user
        match command:
            case Post():
                return self._post(user, command, at_ms)
            case CreateRoom():
                return self._create(user, command, at_ms)
            case JoinRoom():
                return self._join(user, command, at_ms)
            case LeaveRoom():
                room = self._joined(user, command.room)
                if room.name == LOBBY:
                    raise Refusal(RefusalCode.NOT_ALLOWED, "everyone is in the lobby, always")
                return self._leave(room, user, at_ms, command.nonce)
            case SetTopic():
                return self._set_topic(user, command, at_ms)
            case MarkRead():
                return self._mark_read(user, command)
            case EndGuest():
                return self._end_guest(command.name, at_ms)
            case SetRetention():
                heads = self.timeline.heads
                return operators.set_retention(sender, command, self.effects, heads, at_ms)
            case ImportEntries():
                return imports.import_entries(self, sender, command, at_ms)
            case OpenRoom():
                opened = RoomOpened(command.room)
                return self._append(LOBBY, command.author, opened, at_ms, command.nonce)
            case Announce():
                announced = Announced(visible_text(command.text))
                return self._append(LOBBY, SYSTEM_AUTHOR, announced, at_ms, command.nonce)
            case _:
                assert_never(command)

    def _post(self, user: str, command: Post, at_ms: int) -> Answer:
        room = self._joined(user, command.room)
        body = MessagePosted(visible_text(command.text))
        return self._append(room.name, user, body, at_ms, command.nonce)

    def _create(self, user: str, command: CreateRoom, at_ms: int) -> Answer:
        name = canonical_name(command.room)
        if name in self.rooms or name == LOBBY:
            raise Refusal(RefusalCode.ROOM_EXISTS, f"there is a room {name} already; join it")
        if len(self.rooms) >= limits.ROOMS_MAX:
            raise Refusal(RefusalCode.LIMIT_REACHED, f"there are {limits.ROOMS_MAX} rooms already")
        self._check_room_count(user)
        room = Room(name, "", at_ms)
        self.add_room(room)
        self.effects.rows.append(SaveRoom(name, "", at_ms))
        self._set_member(room, user, Member(Role.OWNER, floor=0))
        opening = OpenRoom(OPEN_ROOM_NONCE + name.encode(), name, user)
        self.effects.owe(self._lobby_address, f"open room {name}", opening)
        return self._append(name, user, RoomCreated(), at_ms, command.nonce)

    def _join(self, user: str, command: JoinRoom, at_ms: int) -> Answer:
        room = self._existing(command.room)
        if room.name == LOBBY or user in room.members:
            return Answer(room_log(room.name), 0)
        if len(room.members) >= limits.ROOM_MEMBERS_MAX:
            raise Refusal(
                RefusalCode.LIMIT_REACHED,
                f"{room.name} is full: a room has at most {limits.ROOM_MEMBERS_MAX} members",
            )
        self._check_room_count(user)
        floor = self.timeline.heads[room_log(room.name)]
        # A room that everyone has left belongs to whoever finds it.
        role = Role.MEMBER if room.members else Role.OWNER
        self._set_member(room, user, Member(role, floor))
        return self._append(room.name, user, MemberJoined(), at_ms, command.nonce)

    def _leave(self, room: Room, user: str, at_ms: int, nonce: bytes | None) -> Answer:
        result = self._append(room.name, user, MemberLeft(), at_ms, nonce)
        self._drop_member(room, user)
        return result

    def _set_topic(self, user: str, command: SetTopic, at_ms: int) -> Answer:
        room = self._joined(user, command.room)
        if room.name == LOBBY:
            raise Refusal(RefusalCode.NOT_ALLOWED, "the lobby has no topic")
        room.topic = printable(command.topic)
        self.effects.rows.append(SaveRoom(room.name, room.topic, room.created_at_ms))
        return self._append(room.name, user, TopicChanged(room.topic), at_ms, command.nonce)

    def _mark_read(self, user: str, command: MarkRead) -> Answer:
        room = self.rooms.get(canonical_name(command.log[1:]))
        if room is None or command.log[0] != "#":
            raise Refusal(RefusalCode.UNKNOWN_LOG, f"there is no log {printable(command.log)}")
        member = room.members.get(user)
        if member is None:
            if room.name != LOBBY:
                raise Refusal(RefusalCode.NOT_A_MEMBER, f"you are not in {room.name}")
            member = Member(Role.MEMBER, floor=0)
        log = room_log(room.name)
        marker = min(command.sequence, self.timeline.heads[log])
        if member.marker is None or marker > member.marker:
            member.marker = marker
            self._set_member(room, user, member)
        return Answer(log, 0)

    def _end_guest(self, user: str, at_ms: int) -> Answer:
        for name in sorted(self.rooms_of.get(user, ())):
            self._leave(self.rooms[name], user, at_ms, None)
        if (lobby := self.rooms.get(LOBBY)) and user in lobby.members:
            self._drop_member(lobby, user)
        return Answer(None, 0)

    # --- What they have in common -----------------------------------------------------------------

    def _existing(self, name: str) -> Room:
        room = self.rooms.get(name) or self.rooms.get(canonical_name(name))
        if room is None:
            raise Refusal(
                RefusalCode.UNKNOWN_ROOM,
                f"there is no room {printable(name)}",
            )
        return room

    def _joined(self, user: str, name: str) -> Room:
        room = self._existing(name)
        if room.name != LOBBY and user not in room.members:
            raise Refusal(RefusalCode.NOT_A_MEMBER, f"you are not in {room.name}; join it first")
        return room

    def _check_room_count(self, user: str) -> None:
        if len(self.rooms_of.get(user, ())) >= limits.USER_ROOMS_MAX:
            raise Refusal(
                RefusalCode.LIMIT_REACHED,
                f"you are in {limits.USER_ROOMS_MAX} rooms, which is the most; leave one first",
            )

    def _append(
        self, room: str, author: str, body: EntryBody, at_ms: int, nonce: bytes | None
    ) -> Answer:
        log = room_log(room)
        return Answer(log, self.timeline.append(log, author, body, at_ms, nonce))

    def _set_member(self, room: Room, user: str, member: Member) -> None:
        self.add_member(room, user, member)
        row = SaveMember(room.name, user, member.role, member.floor, member.marker)
        self.effects.rows.append(row)

    def _drop_member(self, room: Room, user: str) -> None:
        del room.members[user]
        self.effects.rows.append(DropMember(room.name, user))
        if names := self.rooms_of.get(user):
            names.discard(room.name)
            if not names:
                del self.rooms_of[user]

    # --- What does not concern rooms --------------------------------------------------------------

    def job_ended(self, job: Job) -> bool:
        raise AssertionError("a room has no passwords")

    def job_done(self, job: Job, outcome: bool | str, now: float, at_ms: int) -> Answer:
        raise AssertionError("a room has no passwords")

    def settled(self, key: str, now: float, at_ms: int) -> None:
        pass  # The lobby knows of the room; nothing waits for that.

    def asker_lost(self, asker: bytes, now: float, at_ms: int) -> None:
        pass  # Memberships do not depend on gateways.

    def tick(self, now: float, at_ms: int) -> None:
        pass
