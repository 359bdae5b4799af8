"""Read markers, notification levels, typing and mentions of a room's members."""

from collections.abc import Collection
from typing import assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import MarkerMoved, Typing
from zchat.protocol.messages import MarkRead, Role, SayTyping, SetNotify, SoftCommand, room_log
from zchat.protocol.rules.mentions import ROOM, mentioned
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.permission import moderates
from zchat.rooms.core.state import RoomState
from zchat.service.core.effects import Sender


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


# --- Mentions -------------------------------------------------------------------------------------


def note_mentions(
    state: RoomState, sender: Sender, room: Room, text: str, sequence: int, at_ms: int
) -> None:
    """The message `sequence` says `text`, which has an `@` somewhere."""
    names, author = mentioned(text), sender.user
    if ROOM in names and moderates(room, sender.standing, author, at_ms):
        if len(room.mentions) >= limits.MEMBER_MENTIONS_MAX:
            state.drop_mention(room, "", next(iter(room.mentions)))
        state.mention(room, "", sequence, author)
    for user in sorted(names - {ROOM, author}):
        member = room.members.get(user)
        if member is None:
            continue
        if len(member.mentions) >= limits.MEMBER_MENTIONS_MAX:
            state.drop_mention(room, user, member.mentions[0])
        state.mention(room, user, sequence, author)


def have_read(state: RoomState, room: Room, user: str, marker: int) -> None:
    """What mentions the member up to there is not news any more."""
    for sequence in room.members[user].mentions:
        if sequence <= marker:
            state.drop_mention(room, user, sequence)


def forget_mentions(state: RoomState, room: Room, gone: Collection[int]) -> None:
    """The messages are gone, and with them whom they mentioned."""
    for sequence in room.mentions.keys() & gone:
        state.drop_mention(room, "", sequence)
    # Looked for among all members, as nobody has noted whom a message mentions.
    named = [
        (name, sequence)
        for name, member in room.members.items()
        for sequence in member.mentions
        if sequence in gone
    ]
    for name, sequence in named:
        state.drop_mention(room, name, sequence)


def unread_mentions(room: Room, user: str, member: Member, after: int) -> int:
    """How many messages after that one mention the member."""
    named = {sequence for sequence in member.mentions if sequence > after}
    with_all = {
        sequence
        for sequence, author in room.mentions.items()
        if sequence > after and author != user
    }
    return min(len(named | with_all), limits.MEMBER_MENTIONS_MAX)
