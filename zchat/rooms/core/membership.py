"""Who is in a room: creating it, being invited, joining, leaving, and who owns it then."""

import hmac
from typing import Final

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE, OpenConversation, OpenRoom, TellInvited
from zchat.protocol.messages import (
    LOBBY,
    SYSTEM_AUTHOR,
    CreateRoom,
    EntryBody,
    InviteMember,
    JoinRoom,
    MemberAdded,
    MemberInvited,
    MemberJoined,
    MemberLeft,
    RefusalCode,
    Role,
    RoomClosed,
    RoomCreated,
    RoomTransferred,
    Standing,
    room_log,
)
from zchat.protocol.rules.names import canonical_name
from zchat.protocol.rules.permissions import Place, at_least, overrules
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.permission import place_of
from zchat.rooms.core.state import RoomState
from zchat.service.core import refusals
from zchat.service.core.effects import Refusal, Sender

# Beginnings of the nonces of what follows from a command. What it is about comes after them, so
# that it is the same nonce if the service dies and does it again; all are longer than a client's.
OPEN_ROOM_NONCE: Final = b"a room has been opened: "
INVITED_NONCE: Final = b"invited to a room: "


class Membership:
    def __init__(self, state: RoomState, lobby_address: str) -> None:
        self._state = state
        self._lobby_address = lobby_address
        self._new_rooms = refusals.of_new_rooms()

    def create(
        self, sender: Sender, command: CreateRoom, head: int, now: float, at_ms: int
    ) -> Answer:
        """`head` is that of an earlier room of this name."""
        state, user = self._state, _named(sender)
        name = canonical_name(command.room)
        if name in state.rooms or name == LOBBY:
            raise Refusal(RefusalCode.ROOM_EXISTS, f"there is a room {name} already; join it")
        state.check_new(sender, name)
        self._check_places(user, sender.standing)
        if not at_least(sender.standing, Standing.MODERATOR):
            self._check_owned(user, sender.standing)
            self._new_rooms.take(user, now)
        room = Room(name, "", at_ms, private=command.private)
        answer = self._begin(room, user, head, command.nonce)
        if room.private:
            # Nothing else tells that it is, and nobody who is not in it is to hear of it.
            state.append(name, user, room.settings, at_ms, None)
            return answer
        # A name may be taken again when its room is closed. Each room of it is told of once.
        which = name if room.floor == 0 else f"{name} {room.floor}"
        opening = OpenRoom(OPEN_ROOM_NONCE + which.encode(), name, user)
        state.effects.owe(self._lobby_address, f"open room {which}", opening)
        return answer

    def open_conversation(self, command: OpenConversation, head: int, at_ms: int) -> Answer:
        """Nobody need join it, and nobody else hears of it."""
        state, author = self._state, command.author
        name = canonical_name(command.room)
        if name in state.rooms:
            return Answer(room_log(name), 0)
        self._check_places(author, command.standing)
        others = [
            user
            for user in dict.fromkeys(command.users)
            if user != author and self._rooms_left(user, limits.BROUGHT_ROOMS_MAX)
        ]
        topic = ", ".join((author, *others))[: limits.TOPIC_CHARS_MAX]
        room = Room(name, topic, at_ms, private=True, conversation=True)
        answer = self._begin(room, author, head, command.nonce)
        for user in others:
            state.set_member(room, user, Member(Role.MEMBER, state.head(room)))
            state.append(name, author, MemberAdded(user), at_ms, None)
        return answer

    def _begin(self, room: Room, owner: str, head: int, nonce: bytes) -> Answer:
        """`head` is that of an earlier room of this name, after which the log goes on."""
        state = self._state
        room.floor = state.timeline.heads.setdefault(room_log(room.name), head)
        state.add_room(room)
        state.save(room)
        state.set_member(room, owner, Member(Role.OWNER, floor=room.floor))
        return state.append(room.name, owner, RoomCreated(), room.created_at_ms, nonce)

    def _check_places(self, user: str, standing: Standing) -> None:
        """Raises `Refusal` unless there is a place for one more room, and for the user in it."""
        count = len(self._state.rooms)
        if count >= limits.ROOMS_MAX:
            reason = f"there are {count} rooms already; ask an operator to close some"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        # Whose the others are is not counted: even if all are guests', the rest is for accounts.
        if standing is Standing.GUEST and count >= limits.ROOMS_MAX * limits.GUEST_ROOMS_SHARE:
            reason = f"there are {count} rooms already, and guests make no more; register first"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        self._check_room_count(user)

    def _check_owned(self, user: str, standing: Standing) -> None:
        """Raises `Refusal` if the user owns as many rooms as one of that standing may make."""
        rooms = (self._state.rooms[name] for name in self._state.rooms_of.get(user, ()))
        owned = sum(
            room.members[user].role is Role.OWNER and not room.conversation for room in rooms
        )
        if standing is Standing.GUEST and owned >= limits.GUEST_ROOMS_MAX:
            reason = f"you own {owned} rooms, and a guest makes no more; register, or close one"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        if owned >= limits.ACCOUNT_ROOMS_MAX:
            reason = f"you own {owned} rooms, which is the most; close one, or transfer it"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)

    def join(self, sender: Sender, room: Room, command: JoinRoom, at_ms: int) -> Answer:
        state, user = self._state, _named(sender)
        if room.lobby or user in room.members:
            return Answer(room_log(room.name), 0)
        closed = self._closed_to(room, user, command.key, at_ms)
        if closed is not None:
            if not overrules(JoinRoom, sender.standing):
                raise closed
            state.audit(sender, command, room, at_ms, user, str(closed))
        members_max = room.members_max or limits.ROOM_MEMBERS_MAX
        if len(room.members) >= min(members_max, limits.ROOM_MEMBERS_MAX):
            reason = f"{room.name} is full: it has at most {members_max} members"
            raise Refusal(RefusalCode.LIMIT_REACHED, reason)
        self._check_room_count(user)
        state.drop_invitation(room, user)
        # A room that everyone has left belongs to whoever may come in first, muted there or not:
        # nobody else is there to lift it.
        role = Role.MEMBER if room.members else Role.OWNER
        if role is Role.OWNER:
            state.unmute(room, user)
        state.set_member(room, user, Member(role, state.head(room)))
        return state.append(room.name, user, MemberJoined(), at_ms, command.nonce)

    def _closed_to(self, room: Room, user: str, key: str, at_ms: int) -> Refusal | None:
        """Why the room does not let in everyone who is not invited; None if it does."""
        if place_of(room, user, at_ms) is Place.BANNED:
            return Refusal(RefusalCode.BANNED, f"you are banned from {room.name}")
        if user in room.invited:
            return None
        if room.private:
            reason = f"{room.name} is private: only who is invited may join it"
            return Refusal(RefusalCode.NOT_ALLOWED, reason)
        # In constant time, or a key could be guessed from its beginning on.
        if room.key and not hmac.compare_digest(key.encode(), room.key.encode()):
            reason = (
                f"{room.name} has a key, and this is not it" if key else f"{room.name} has a key"
            )
            return Refusal(RefusalCode.WRONG_KEY, reason)
        return None

    def leave(self, room: Room, user: str, at_ms: int, nonce: bytes | None) -> Answer:
        if room.lobby:
            raise Refusal(RefusalCode.NOT_ALLOWED, "everyone is in the lobby, always")
        return self.end(room, user, user, MemberLeft(), at_ms, nonce)

    def end(
        self,
        room: Room,
        user: str,
        author: str,
        body: EntryBody,
        at_ms: int,
        nonce: bytes | None,
    ) -> Answer:
        """The membership ends with this entry; a room is never left without an owner by that."""
        was_owner = room.members[user].role is Role.OWNER
        answer = self._state.append(room.name, author, body, at_ms, nonce)
        self._state.drop_member(room, user)
        if was_owner and room.members:
            self._succeed(room, at_ms)
        self._close_if_abandoned(room, at_ms)
        return answer

    def _succeed(self, room: Room, at_ms: int) -> None:
        """The longest-standing moderator, else member, is the owner now; muted ones come last."""

        def precedence(user: str) -> tuple[bool, bool, int]:
            member = room.members[user]
            return user in room.muted, member.role is not Role.MODERATOR, member.floor

        heir = min(room.members, key=precedence)
        self._state.unmute(room, heir)
        member = room.members[heir]
        member.role = Role.OWNER
        self._state.set_member(room, heir, member)
        self._state.append(room.name, SYSTEM_AUTHOR, RoomTransferred(heir), at_ms, None)

    def _close_if_abandoned(self, room: Room, at_ms: int) -> None:
        """Nobody could ever come into a private room that all have left, and nobody is invited."""
        if room.private and not room.members and not room.invited:
            body = RoomClosed("everyone has left this private room")
            self._state.append(room.name, SYSTEM_AUTHOR, body, at_ms, None)
            self._state.close(room)

    def invite(self, sender: Sender, room: Room, command: InviteMember, at_ms: int) -> Answer:
        state, user = self._state, canonical_name(command.user)
        if user in room.members or user in room.invited:
            return Answer(room_log(room.name), 0)
        if room.ban_of(user, at_ms):
            raise Refusal(RefusalCode.BANNED, f"{user} is banned from {room.name}; unban it first")
        # Whether there is such a user only the user-service knows: it tells whom it can.
        state.invite(room, user)
        answer = state.append(room.name, sender.user, MemberInvited(user), at_ms, command.nonce)
        nonce = INVITED_NONCE + f"{room.name} {answer.sequence}".encode()
        telling = TellInvited(nonce, room.name, user, sender.user or SYSTEM_AUTHOR)
        key = f"tell {user} of the invitation {room.name} {answer.sequence}"
        state.effects.owe(USER_SERVICE, key, telling)
        return answer

    def end_guest(self, user: str, since_ms: int, at_ms: int) -> Answer:
        """What becomes of a guest's rooms: it leaves them, and no invitation or mute of it stays.

        The next one of this name is somebody else; but a ban is a ban of the name.
        """
        state = self._state
        state.end_guest(user, since_ms)
        for name in sorted(state.noted_in.get(user, ())):
            room = state.rooms[name]
            state.unmute(room, user)
            state.drop_invitation(room, user)
            self._close_if_abandoned(room, at_ms)
        for name in sorted(state.rooms_of.get(user, ())):
            self.leave(state.rooms[name], user, at_ms, None)
        if (lobby := state.rooms.get(LOBBY)) and user in lobby.members:
            state.drop_member(lobby, user)
        return Answer(None, 0)

    def _rooms_left(self, user: str, rooms_max: int) -> bool:
        """Whether the user may be in one more room."""
        return len(self._state.rooms_of.get(user, ())) < min(rooms_max, limits.USER_ROOMS_MAX)

    def _check_room_count(self, user: str) -> None:
        if not self._rooms_left(user, limits.USER_ROOMS_MAX):
            raise Refusal(
                RefusalCode.LIMIT_REACHED,
                f"you are in {limits.USER_ROOMS_MAX} rooms, which is the most; leave one first",
            )


def _named(sender: Sender) -> str:
    if not sender.user:
        raise Refusal(RefusalCode.NOT_ALLOWED, "only somebody with a name can be in a room")
    return sender.user
