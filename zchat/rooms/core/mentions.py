"""Whom the messages of a room mention: noted when said, and gone once read or deleted."""

from collections.abc import Collection

from zchat.protocol import limits
from zchat.protocol.rules.mentions import ROOM, mentioned
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.permission import moderates
from zchat.rooms.core.state import RoomState
from zchat.service.core.effects import Sender


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
