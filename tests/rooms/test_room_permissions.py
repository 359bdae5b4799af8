"""Every command and query of rooms, asked by everyone: the answer is what the table says."""

from typing import Final, NamedTuple, get_args

import pytest
from msgspec import Struct
from msgspec.structs import replace

from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import MembersOf, RoomQuery
from zchat.protocol.messages import (
    LOBBY,
    AddReaction,
    Announce,
    BanMember,
    CloseRoom,
    ConfigureRoom,
    CreateRoom,
    DeleteMessage,
    DemoteMember,
    EditMessage,
    InRoomCommand,
    InviteMember,
    JoinRoom,
    KickMember,
    LeaveRoom,
    ListBans,
    ListMembers,
    ListPins,
    ListRooms,
    MarkRead,
    Message,
    MessagePosted,
    MuteMember,
    Notify,
    OfMessageCommand,
    Ping,
    PinMessage,
    Post,
    PromoteMember,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    RefusalCode,
    Refused,
    RemoveReaction,
    ReportMessage,
    Role,
    SayTyping,
    ServerMessage,
    SetNotify,
    SetTopic,
    SoftCommand,
    Standing,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
    UnpinMessage,
)
from zchat.protocol.rules.nonces import nonce
from zchat.protocol.rules.permissions import PERMISSIONS, PLACE_OF_ROLE, Permission, Place
from zchat.rooms.core.model import Ban, Member, Room
from zchat.rooms.core.permission import check
from zchat.service.core.effects import Refusal

from .playbook import Rooms

NONCE: Final = nonce(b"a client", 1)
HELLO: Final = MessagePosted("hello")
ROOM: Final = "garden"
COMMANDS: Final[tuple[Message, ...]] = (
    Post(id=1, nonce=NONCE, room=ROOM, text="hello"),
    CreateRoom(id=1, nonce=NONCE, room="attic"),
    JoinRoom(id=1, nonce=NONCE, room=ROOM),
    LeaveRoom(id=1, nonce=NONCE, room=ROOM),
    SetTopic(id=1, nonce=NONCE, room=ROOM, topic="roses"),
    InviteMember(id=1, nonce=NONCE, room=ROOM, user="stranger"),
    KickMember(id=1, nonce=NONCE, room=ROOM, user="target"),
    BanMember(id=1, nonce=NONCE, room=ROOM, user="target"),
    UnbanMember(id=1, nonce=NONCE, room=ROOM, user="outcast"),
    MuteMember(id=1, nonce=NONCE, room=ROOM, user="target"),
    UnmuteMember(id=1, nonce=NONCE, room=ROOM, user="silent"),
    PromoteMember(id=1, nonce=NONCE, room=ROOM, user="target"),
    DemoteMember(id=1, nonce=NONCE, room=ROOM, user="deputy"),
    TransferRoom(id=1, nonce=NONCE, room=ROOM, user="target"),
    ConfigureRoom(id=1, nonce=NONCE, room=ROOM, slow_mode_s=1),
    CloseRoom(id=1, nonce=NONCE, room=ROOM),
    Announce(id=1, nonce=NONCE, text="hear, hear"),
    MarkRead(id=1, log="#" + ROOM, sequence=1),
    SetNotify(id=1, log="#" + ROOM, level=Notify.NOTHING),
    SayTyping(id=1, log="#" + ROOM),
    ReportMessage(id=1, nonce=NONCE, log="#" + ROOM, sequence=1, reason="spam"),
    # The message is that of whoever asks, if there is one, else that of the target.
    EditMessage(id=1, nonce=NONCE, log="#" + ROOM, sequence=0, text="goodbye"),
    DeleteMessage(id=1, nonce=NONCE, log="#" + ROOM, sequence=0),
    AddReaction(id=1, nonce=NONCE, log="#" + ROOM, sequence=0, emoji="+1"),
    RemoveReaction(id=1, nonce=NONCE, log="#" + ROOM, sequence=0, emoji="+1"),
    PinMessage(id=1, nonce=NONCE, room=ROOM, sequence=0),
    UnpinMessage(id=1, nonce=NONCE, room=ROOM, sequence=0),
)
QUERIES: Final[tuple[Message, ...]] = (
    ReadHistory(id=1, log="#" + ROOM),
    ReadEdits(id=1, log="#" + ROOM, sequence=1),
    ListPins(id=1, room=ROOM),
    ListRooms(id=1),
    ListRooms(id=1, room=ROOM),
    ListMembers(id=1, room=ROOM),
    ListBans(id=1, room=ROOM),
    ReadAudit(id=1),
    Ping(id=1),
)


class Who(NamedTuple):
    user: str
    standing: Standing
    place: Place


EVERYONE: Final = {
    "guest": Who("carl", Standing.GUEST, Place.OUTSIDER),
    "account": Who("carl", Standing.ACCOUNT, Place.OUTSIDER),
    "banned": Who("bea", Standing.ACCOUNT, Place.BANNED),
    "muted": Who("mute", Standing.ACCOUNT, Place.MUTED),
    "guest who is a member": Who("bob", Standing.GUEST, Place.MEMBER),
    "member": Who("bob", Standing.ACCOUNT, Place.MEMBER),
    "moderator": Who("mod", Standing.ACCOUNT, Place.MODERATOR),
    "owner": Who("ann", Standing.ACCOUNT, Place.OWNER),
    "cluster moderator": Who("eve", Standing.MODERATOR, Place.OUTSIDER),
    "cluster moderator who is banned": Who("bea", Standing.MODERATOR, Place.BANNED),
    "operator": Who("root", Standing.OPERATOR, Place.OUTSIDER),
    "operator who is muted": Who("mute", Standing.OPERATOR, Place.MUTED),
    "admin": Who("", Standing.OPERATOR, Place.OUTSIDER),
}


SPEAKERS: Final = ("target", "ann", "mod", "bob", "mute")


def about_own(garden: Rooms, command: Message, user: str) -> Message:
    """The command, about the user's own message."""
    if getattr(command, "sequence", None) != 0:
        return command
    author = user if user in SPEAKERS else "target"
    said = {by: sequence for sequence, by, body in garden.entries(ROOM) if body == HELLO}
    return replace(command, sequence=said[author])


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    """A room with somebody at each place, and with those whom all may act on."""
    rooms.create("ann", ROOM)
    for user in ("mod", "deputy", "bob", "mute", "target", "silent"):
        rooms.join(user, ROOM)
    for user in SPEAKERS:
        rooms.post(user, ROOM)
    for user in ("mod", "deputy"):
        rooms.promote("ann", ROOM, user)
    for user in ("mute", "silent"):
        rooms.mute("ann", ROOM, user)
    for user in ("bea", "outcast"):
        rooms.ban("ann", ROOM, user)
    return rooms


def expected(request: Message, who: Who) -> RefusalCode | None:
    """Why the table says no; None if it says yes."""
    permission = PERMISSIONS[type(request)]
    if permission.allows(who.standing, who.place):
        # Whoever has no name cannot be anywhere.
        nameless = not who.user and isinstance(request, CreateRoom | JoinRoom)
        return RefusalCode.NOT_ALLOWED if nameless else None
    if permission.place is None:
        return RefusalCode.NOT_ALLOWED
    match who.place:
        case Place.BANNED:
            return RefusalCode.BANNED
        case Place.OUTSIDER:
            return RefusalCode.NOT_A_MEMBER
        case Place.MUTED if permission.place is Place.MEMBER:
            return RefusalCode.MUTED
        case _:
            return RefusalCode.NOT_ALLOWED


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_is_done_for_whom_the_table_allows_it(
    garden: Rooms, command: Message, name: str
) -> None:
    who = EVERYONE[name]
    command = about_own(garden, command, who.user)
    before = (garden.store.position, len(garden.audits()))
    answer = garden.do(who.user, command, who.standing)  # type: ignore[arg-type]

    code = answer.code if isinstance(answer, Refused) else None
    assert code is expected(command, who)
    if code is not None:
        assert (garden.store.position, len(garden.audits())) == before
        assert garden.core.effects.rows == []
        assert garden.loaded().rooms == garden.core.rooms


# Some answers are for the gateway to complete.
_answers: Decoder[ServerMessage | MembersOf] = Decoder(ServerMessage | MembersOf)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: type(query).__name__)
def test_a_query_is_answered_to_whom_the_table_allows_it(
    garden: Rooms, query: RoomQuery, name: str
) -> None:
    who = EVERYONE[name]
    answer = _answers.decode(garden.ask(who.user, query, who.standing))

    code = answer.code if isinstance(answer, Refused) else None
    assert code is expected(query, who)


def test_no_command_and_no_query_is_left_out() -> None:
    kinds: set[type[Struct]] = {type(request) for request in (*COMMANDS, *QUERIES)}
    of_messages, soft = get_args(OfMessageCommand), get_args(SoftCommand)
    theirs = {ReadHistory, ReadEdits, ListRooms, ListMembers, ListBans, ListPins, ReadAudit, Ping}
    assert kinds == theirs | {*get_args(InRoomCommand), *of_messages, *soft, Announce}


def test_who_tries_a_room_that_is_hidden_stands_in_the_log(rooms: Rooms) -> None:
    rooms.create("ann", "den")
    rooms.do("ann", ConfigureRoom(id=1, nonce=rooms.nonce(), room="den", private=True))
    for name in ("den", "none"):
        asked = ListMembers(id=1, room=name)
        refused = server_messages.decode(rooms.ask("bob", asked))
        assert isinstance(refused, Refused)
        assert refused.code is RefusalCode.UNKNOWN_ROOM
    told = [(user, answer.suspicious) for user, _, answer in rooms.core.effects.refused]
    assert told == [("bob", True), ("bob", False)]


# --- The words of a refusal, for tables that are still to come ------------------------------------

ASKED: Final[type[Message]] = SetTopic
SHAPES: Final = tuple(
    Permission(standing, place, anywhere)
    for standing in Standing
    for place in (None, *Place)
    for anywhere in (None, *Standing)
)


def in_place(room: Room, place: Place) -> None:
    """Makes `ann` that, as far as somebody can be it in the room."""
    roles = {each: role for role, each in PLACE_OF_ROLE.items()}
    if place is Place.BANNED:
        room.bans["ann"] = Ban("bob", "noise", None)
    elif place is Place.MUTED:
        room.muted["ann"] = None
    if place > Place.OUTSIDER:
        role = Role.MEMBER if place is Place.MUTED else roles[place]
        room.members["ann"] = Member(role, floor=0)


def reason_told(standing: Standing, room: Room) -> str:
    try:
        check(ASKED, standing, "ann", room, at_ms=1)
    except Refusal as refusal:
        return str(refusal)
    return ""


@pytest.mark.parametrize("name", [LOBBY, ROOM])
@pytest.mark.parametrize("place", Place, ids=lambda place: str(place.name))
@pytest.mark.parametrize("standing", Standing)
def test_every_row_that_there_could_be_says_why_it_refuses(
    name: str, place: Place, standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(name, "", 0)
    in_place(room, place)
    for permission in SHAPES:
        monkeypatch.setitem(PERMISSIONS, ASKED, permission)
        reason = reason_told(standing, room)
        assert "None" not in reason
        # Somebody who is named there may.
        named = [each for each in Standing if f"only {each}s of the cluster" in reason]
        assert all(permission.allows(each, Place.OWNER) for each in named), permission
