"""The state of all rooms of a partition: every change passes here and becomes a row."""

from collections.abc import Mapping

from zchat.eventlog.core.idempotency import Answer
from zchat.eventlog.core.timeline import Timeline
from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    AuditRecord,
    EntryBody,
    Message,
    RefusalCode,
    room_log,
)
from zchat.protocol.rules.lookalikes import Lookalikes
from zchat.protocol.rules.names import RESERVED_ROOMS, canonical_name, printable
from zchat.rooms.core.model import (
    Ban,
    DropBan,
    DropInvitation,
    DropMember,
    DropMention,
    DropMute,
    DropPin,
    DropRoom,
    Member,
    Room,
    RoomRow,
    SaveBan,
    SaveInvitation,
    SaveMember,
    SaveMention,
    SaveMute,
    SavePin,
)
from zchat.rooms.core.permission import is_hidden
from zchat.service.core.beat import Job
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.core.refusals import check_reserved


class RoomState:
    def __init__(self, timeline: Timeline, floors: Mapping[str, int]) -> None:
        self.timeline = timeline
        self._floors = floors
        self.effects: Effects[RoomRow, Job] = Effects()
        self.rooms: dict[str, Room] = {}
        """To be changed by `add_room` and `close` alone."""
        self._lookalikes = Lookalikes(self.rooms)
        self.rooms_of: dict[str, set[str]] = {}
        """Names of the rooms that a user is in, without the lobby."""
        self.noted_in: dict[str, set[str]] = {}
        """Names of the rooms, and the lobby, that a user is invited to or muted in."""
        self._gone: dict[str, int] = {}
        """Guests that have ended, with since when the name was theirs; the latest at the end."""
        self._closed: list[str] = []
        """Rooms that were closed in this beat, until whose end their heads stay known."""

    # --- Loading ----------------------------------------------------------------------------------

    def add_room(self, room: Room) -> None:
        self.rooms[room.name] = room
        self._lookalikes.add(room.name)
        self.timeline.heads.setdefault(room_log(room.name), 0)

    def add_member(self, room: Room, user: str, member: Member) -> None:
        room.members[user] = member
        if not room.lobby:
            self.rooms_of.setdefault(user, set()).add(room.name)

    def add_invitation(self, room: Room, user: str) -> None:
        room.invited[user] = None
        self.noted_in.setdefault(user, set()).add(room.name)

    def add_mute(self, room: Room, user: str) -> None:
        room.muted[user] = None
        self.noted_in.setdefault(user, set()).add(room.name)

    # --- Finding ----------------------------------------------------------------------------------

    def find(self, name: str) -> Room | None:
        """However the name is spelled. Raises `InvalidName`."""
        return self.rooms.get(name) or self.rooms.get(canonical_name(name))

    def existing(self, sender: Sender, name: str) -> Room:
        """A room that is hidden from the sender does not exist for it."""
        room = self.find(name)
        hidden = room is not None and is_hidden(room, sender.user, sender.standing)
        if room is None or hidden:
            reason = f"there is no room {printable(name)}"
            raise Refusal(RefusalCode.UNKNOWN_ROOM, reason, suspicious=hidden)
        return room

    def check_new(self, sender: Sender, name: str) -> None:
        """Raises `Refusal` if no new room is called so, for what it could be mistaken for."""
        check_reserved(name, RESERVED_ROOMS)
        if other := self._lookalikes.of(name):
            # Whoever is not to know of a private room learns no more than that the name is taken.
            hidden = is_hidden(self.rooms[other], sender.user, sender.standing)
            which = "a room that there is already" if hidden else f"the room {other}"
            reason = f"{name} can be mistaken for {which}; choose another name"
            raise Refusal(RefusalCode.ROOM_EXISTS, reason)

    def logged(self, sender: Sender, log: str) -> Room:
        """The room whose log this is."""
        room = self.find(log[1:])
        hidden = room is not None and is_hidden(room, sender.user, sender.standing)
        if room is None or log[0] != "#" or hidden:
            reason = f"there is no log {printable(log)}"
            raise Refusal(RefusalCode.UNKNOWN_LOG, reason, suspicious=hidden)
        return room

    def head(self, room: Room) -> int:
        return self.timeline.heads[room_log(room.name)]

    def pins(self, room: Room) -> list[int]:
        """The pinned messages that are there still, oldest pin first."""
        floor = self._floors.get(room_log(room.name), 0)
        return [sequence for sequence in room.pins if sequence > floor]

    def check_here(self, sender: Sender) -> None:
        """Raises `Refusal` for a guest that has ended.

        Its gateway may have been cut off, and deliver only now what it had to say: a room that it
        joined by that would keep it for ever. The next guest of the name says it anew.
        """
        if sender.since_ms and self._gone.get(sender.user) == sender.since_ms:
            raise Refusal(RefusalCode.BUSY, f"the guest {sender.user} has gone meanwhile")

    # --- Changes ----------------------------------------------------------------------------------

    def end_guest(self, name: str, since_ms: int) -> None:
        """From now on nothing is done for it."""
        self._gone.pop(name, None)
        self._gone[name] = since_ms
        if len(self._gone) > limits.ENDED_GUESTS_MAX:
            del self._gone[next(iter(self._gone))]

    def append(
        self, room: str, author: str, body: EntryBody, at_ms: int, nonce: bytes | None
    ) -> Answer:
        """Without a user it is the system that says it: the operator has no name."""
        log = room_log(room)
        author = author or SYSTEM_AUTHOR
        return Answer(log, self.timeline.append(log, author, body, at_ms, nonce))

    def audit(
        self, sender: Sender, command: Message, room: Room, at_ms: int, subject: str, reason: str
    ) -> None:
        action = str(type(command).__struct_config__.tag)
        record = AuditRecord(at_ms, sender.actor, action, subject, room.name, reason)
        self.effects.audits.append(record)

    def save(self, room: Room) -> None:
        self.effects.rows.append(room.row())

    def close(self, room: Room) -> None:
        """Nothing of it is left but its log."""
        del self.rooms[room.name]
        self._lookalikes.discard(room.name)
        self._closed.append(room.name)
        for user in room.members:
            self._forget(self.rooms_of, user, room)
        for user in room.invited.keys() | room.muted.keys():
            self._forget(self.noted_in, user, room)
        self.effects.rows.append(DropRoom(room.name))

    def forget_closed(self) -> None:
        """To be called when all is committed: their heads are found in the store then."""
        for name in self._closed:
            if name not in self.rooms and name != LOBBY:
                self.timeline.heads.pop(room_log(name), None)
        self._closed.clear()

    def set_member(self, room: Room, user: str, member: Member) -> None:
        self.add_member(room, user, member)
        row = SaveMember(room.name, user, member.role, member.floor, member.marker, member.notify)
        self.effects.rows.append(row)

    def drop_member(self, room: Room, user: str) -> None:
        for sequence in room.members[user].mentions:
            self.drop_mention(room, user, sequence)
        del room.members[user]
        room.posted_at.pop(user, None)
        self.effects.rows.append(DropMember(room.name, user))
        if not room.lobby:
            self._forget(self.rooms_of, user, room)

    def set_ban(self, room: Room, user: str, ban: Ban, at_ms: int) -> None:
        for name in [name for name in room.bans if room.ban_of(name, at_ms) is None]:
            self.drop_ban(room, name)
        self._check_size(len(room.bans) - (user in room.bans), room, "bans")
        room.bans[user] = ban
        self.effects.rows.append(SaveBan(room.name, user, *ban))

    def drop_ban(self, room: Room, user: str) -> None:
        del room.bans[user]
        self.effects.rows.append(DropBan(room.name, user))

    def invite(self, room: Room, user: str) -> None:
        self._check_size(len(room.invited), room, "invitations")
        self.add_invitation(room, user)
        self.effects.rows.append(SaveInvitation(room.name, user))

    def drop_invitation(self, room: Room, user: str) -> None:
        """If there is one."""
        if user in room.invited:
            del room.invited[user]
            self.effects.rows.append(DropInvitation(room.name, user))
            self._forget_note(room, user)

    def mute(self, room: Room, user: str) -> None:
        self._check_size(len(room.muted), room, "mutes")
        self.add_mute(room, user)
        self.effects.rows.append(SaveMute(room.name, user))

    def unmute(self, room: Room, user: str) -> None:
        """If the user is muted."""
        if user in room.muted:
            del room.muted[user]
            self.effects.rows.append(DropMute(room.name, user))
            self._forget_note(room, user)

    def pin(self, room: Room, sequence: int, pinned: int) -> None:
        room.pins[sequence] = pinned
        self.effects.rows.append(SavePin(room.name, sequence, pinned))

    def unpin(self, room: Room, sequence: int) -> None:
        """If it is pinned."""
        if sequence in room.pins:
            del room.pins[sequence]
            self.effects.rows.append(DropPin(room.name, sequence))

    def mention(self, room: Room, user: str, sequence: int, author: str) -> None:
        room.add_mention(user, sequence, author)
        self.effects.rows.append(SaveMention(room.name, user, sequence, author))

    def drop_mention(self, room: Room, user: str, sequence: int) -> None:
        room.drop_mention(user, sequence)
        self.effects.rows.append(DropMention(room.name, user, sequence))

    def _forget_note(self, room: Room, user: str) -> None:
        if user not in room.invited and user not in room.muted:
            self._forget(self.noted_in, user, room)

    @staticmethod
    def _forget(names: dict[str, set[str]], user: str, room: Room) -> None:
        if of_user := names.get(user):
            of_user.discard(room.name)
            if not of_user:
                del names[user]

    @staticmethod
    def _check_size(size: int, room: Room, what: str) -> None:
        if size >= limits.ROOM_BANS_MAX:
            reason = f"{room.name} has {limits.ROOM_BANS_MAX} {what}, which is the most"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
