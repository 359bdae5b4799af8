"""What the owner of a room does: moderators, settings, transfer, and closing it."""

from typing import Any, Final

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.messages import (
    CloseRoom,
    ConfigureRoom,
    DemoteMember,
    EntryBody,
    MemberDemoted,
    MemberPromoted,
    PromoteMember,
    RefusalCode,
    Role,
    RoomClosed,
    RoomTransferred,
    TransferRoom,
    room_log,
)
from zchat.protocol.rules.names import canonical_name, printable
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.moderation import not_in
from zchat.rooms.core.permission import check_target
from zchat.rooms.core.state import RoomState
from zchat.service.core.effects import Refusal, Sender

OwnerCommand = PromoteMember | DemoteMember | TransferRoom | ConfigureRoom | CloseRoom
SETTINGS: Final = ("private", "key", "posting", "slow_mode_s", "members_max")
"""Fields that `ConfigureRoom` and a room have in common."""


class Ownership:
    def __init__(self, state: RoomState) -> None:
        self._state = state

    def handle(self, sender: Sender, room: Room, command: OwnerCommand, at_ms: int) -> Answer:
        if room.lobby:
            reason = "the lobby is nobody's, and stays as it is"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        match command:
            case ConfigureRoom():
                body = self._configure(room, command)
            case CloseRoom():
                # The entry first: members follow the room up to it, and then there is none.
                body = RoomClosed(printable(command.reason))
                answer = self._state.append(room.name, sender.user, body, at_ms, command.nonce)
                self._state.close(room)
                return answer
            case _:
                body = self._change_role(sender, room, command)
        if body is None:
            return Answer(room_log(room.name), 0)
        return self._state.append(room.name, sender.user, body, at_ms, command.nonce)

    def _change_role(
        self, sender: Sender, room: Room, command: PromoteMember | DemoteMember | TransferRoom
    ) -> EntryBody | None:
        """None if it is so already."""
        user = canonical_name(command.user)
        member = room.members.get(user)
        if member is None:
            raise not_in(room, user)
        if isinstance(command, TransferRoom) and member.role is Role.OWNER:
            return None
        check_target(type(command), sender.standing, sender.user, room, user)
        if member.role is Role.OWNER:
            reason = f"{user} owns {room.name}; transfer the room to somebody else"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        # A mute does not end with a new role, and whoever keeps order must be able to speak.
        if user in room.muted and not isinstance(command, DemoteMember):
            reason = f"{user} is muted in {room.name}; unmute it first"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        match command:
            case PromoteMember():
                return self._set_role(room, user, member, Role.MODERATOR, MemberPromoted(user))
            case DemoteMember():
                return self._set_role(room, user, member, Role.MEMBER, MemberDemoted(user))
            case TransferRoom():
                former = room.owner
                if former is not None:
                    # Whoever gives a room away stays somebody there.
                    self._set_role(room, former, room.members[former], Role.MODERATOR, None)
                return self._set_role(room, user, member, Role.OWNER, RoomTransferred(user))

    def _set_role(
        self, room: Room, user: str, member: Member, role: Role, body: EntryBody | None
    ) -> EntryBody | None:
        if member.role is role:
            return None
        member.role = role
        self._state.set_member(room, user, member)
        return body

    def _configure(self, room: Room, command: ConfigureRoom) -> EntryBody | None:
        changed = _changed_settings(room, command)
        if not changed:
            return None
        for name, value in changed.items():
            setattr(room, name, value)
        if not room.slow_mode_s:
            room.posted_at.clear()
        self._state.save(room)
        return room.settings


def _changed_settings(room: Room, command: ConfigureRoom) -> dict[str, Any]:
    wanted = {name: getattr(command, name) for name in SETTINGS}
    return {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(room, name)
    }
