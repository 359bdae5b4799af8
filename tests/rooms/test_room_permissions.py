"""Every command and query of rooms, asked by everyone: the answer is what the table says."""

from typing import Final, NamedTuple, get_args

import pytest
from msgspec import Struct

from zchat.protocol.cluster import RoomQuery
from zchat.protocol.codec import server_messages
from zchat.protocol.messages import (
    Announce,
    BanMember,
    CloseRoom,
    ConfigureRoom,
    CreateRoom,
    DemoteMember,
    InRoomCommand,
    InviteMember,
    JoinRoom,
    KickMember,
    LeaveRoom,
    ListBans,
    ListMembers,
    ListRooms,
    MarkRead,
    Message,
    MuteMember,
    Ping,
    Post,
    PromoteMember,
    ReadAudit,
    ReadHistory,
    RefusalCode,
    Refused,
    ReportMessage,
    SetTopic,
    Standing,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
)
from zchat.protocol.nonces import nonce
from zchat.protocol.permissions import PERMISSIONS, Place

from .playbook import Rooms

NONCE: Final = nonce(b"a client", 1)
ROOM: Final = "garden"
COMMANDS: Final[tuple[Message, ...]] = (
    Post(1, NONCE, ROOM, "hello"),
    CreateRoom(1, NONCE, "attic"),
    JoinRoom(1, NONCE, ROOM),
    LeaveRoom(1, NONCE, ROOM),
    SetTopic(1, NONCE, ROOM, "roses"),
    InviteMember(1, NONCE, ROOM, "stranger"),
    KickMember(1, NONCE, ROOM, "target"),
    BanMember(1, NONCE, ROOM, "target"),
    UnbanMember(1, NONCE, ROOM, "outcast"),
    MuteMember(1, NONCE, ROOM, "target"),
    UnmuteMember(1, NONCE, ROOM, "silent"),
    PromoteMember(1, NONCE, ROOM, "target"),
    DemoteMember(1, NONCE, ROOM, "deputy"),
    TransferRoom(1, NONCE, ROOM, "target"),
    ConfigureRoom(1, NONCE, ROOM, slow_mode_s=1),
    CloseRoom(1, NONCE, ROOM),
    Announce(1, NONCE, "hear, hear"),
    MarkRead(1, "#" + ROOM, 1),
    ReportMessage(1, NONCE, "#" + ROOM, 1, "spam"),
)
QUERIES: Final[tuple[Message, ...]] = (
    ReadHistory(1, "#" + ROOM),
    ListRooms(1),
    ListRooms(1, ROOM),
    ListMembers(1, ROOM),
    ListBans(1, ROOM),
    ReadAudit(1),
    Ping(1),
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


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    """A room with somebody at each place, and with those whom all may act on."""
    rooms.create("ann", ROOM)
    for user in ("mod", "deputy", "bob", "mute", "target", "silent"):
        rooms.join(user, ROOM)
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
    garden: Rooms, command: InRoomCommand, name: str
) -> None:
    who = EVERYONE[name]
    before = (garden.store.position, len(garden.audits()))
    answer = garden.do(who.user, command, who.standing)

    code = answer.code if isinstance(answer, Refused) else None
    assert code is expected(command, who)
    if code is not None:
        assert (garden.store.position, len(garden.audits())) == before
        assert garden.core.effects.rows == []
        assert garden.loaded().rooms == garden.core.rooms


@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: type(query).__name__)
def test_a_query_is_answered_to_whom_the_table_allows_it(
    garden: Rooms, query: RoomQuery, name: str
) -> None:
    who = EVERYONE[name]
    answer = server_messages.decode(garden.ask(who.user, query, who.standing))

    code = answer.code if isinstance(answer, Refused) else None
    assert code is expected(query, who)


def test_no_command_and_no_query_is_left_out() -> None:
    kinds: set[type[Struct]] = {type(request) for request in (*COMMANDS, *QUERIES)}
    theirs = {*get_args(InRoomCommand), Announce, MarkRead, ReportMessage}
    assert kinds == theirs | {ReadHistory, ListRooms, ListMembers, ListBans, ReadAudit, Ping}


def test_who_tries_a_room_that_is_hidden_stands_in_the_log(rooms: Rooms) -> None:
    rooms.create("ann", "den")
    rooms.do("ann", ConfigureRoom(1, rooms.nonce(), "den", private=True))
    for name in ("den", "none"):
        asked = ListMembers(1, name)
        refused = server_messages.decode(rooms.ask("bob", asked))
        assert isinstance(refused, Refused)
        assert refused.code is RefusalCode.UNKNOWN_ROOM
    told = [(user, answer.suspicious) for user, _, answer in rooms.core.effects.refused]
    assert told == [("bob", True), ("bob", False)]
