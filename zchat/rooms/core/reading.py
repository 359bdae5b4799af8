"""Read markers, notification levels and typing of a room's members."""

from typing import assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.internal import MarkerMoved, Typing
from zchat.protocol.messages import MarkRead, Role, SayTyping, SetNotify, SoftCommand, room_log
from zchat.rooms.core.mentions import have_read
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.state import RoomState


class Reading:
    """Read markers, notification levels, and who types: none of it makes an entry."""

    def __init__(self, state: RoomState) -> None:
        self._state = state

    def handle(self, user: str, room: Room, command: SoftCommand) -> Answer:
        match command:
            case MarkRead(sequence=sequence, back=back):
                self._mark_read(user, room, sequence, back=back)
            case SetNotify(level=level):
                self._set_notify(user, room, level.value)
            case SayTyping():
                self._state.effects.news.append(Typing(room_log(room.name), user))
            case _:
                assert_never(command)
        return Answer(room_log(room.name), 0)

    def _mark_read(self, user: str, room: Room, sequence: int, *, back: bool) -> None:
        # The lobby has no members but those whose markers it keeps.
        member = room.members.get(user) or Member(Role.MEMBER, floor=0)
        marker = min(sequence, self._state.head(room))
        before = member.marker
        # Only on purpose: another device that is behind says its own place, too, and is not heard.
        moves_back = back and before is not None and marker < before
        if before is None or marker > before or moves_back:
            member.marker = marker
            self._keep(user, room, member, back=moves_back)
            have_read(self._state, room, user, marker)

    def _set_notify(self, user: str, room: Room, level: str) -> None:
        member = room.members.get(user)
        if member is None:
            # The lobby has kept no marker of this user so far, so all that is there counts as read.
            member = Member(Role.MEMBER, floor=0, marker=self._state.head(room))
        if member.notify != level:
            member.notify = level
            self._keep(user, room, member)

    def _keep(self, user: str, room: Room, member: Member, *, back: bool = False) -> None:
        """And the user's other devices are told."""
        self._state.set_member(room, user, member)
        moved = MarkerMoved(user, room_log(room.name), member.marker or 0, member.notify, back)
        self._state.effects.news.append(moved)
