"""What moderators and owners do is done once, told as it was, and outlasts a restart."""

import pytest
from committed import repeated

from zchat.protocol.internal import RoomsCommand
from zchat.protocol.messages import (
    BanMember,
    CloseRoom,
    ConfigureRoom,
    DemoteMember,
    Done,
    KickMember,
    MemberBanned,
    MemberDemoted,
    MuteMember,
    PromoteMember,
    RefusalCode,
    Refused,
    Standing,
    TransferRoom,
    UnbanMember,
    UnmuteMember,
)
from zchat.protocol.rules.nonces import nonce

from .playbook import Rooms, refused

MINUTE_MS = 60_000


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    """With a room of ann, where mod is a moderator and bob a member: entries 1 to 4."""
    rooms.create("ann", "garden")
    rooms.join("mod", "garden")
    rooms.promote("ann", "garden", "mod")
    rooms.join("bob", "garden")
    return rooms


def test_each_command_is_done_once_though_it_is_sent_again_after_a_restart(garden: Rooms) -> None:
    def of(number: int) -> bytes:
        return nonce(b"a client", number)

    commands: list[tuple[str, RoomsCommand]] = [
        ("ann", PromoteMember(id=1, nonce=of(1), room="garden", user="bob")),
        ("ann", DemoteMember(id=1, nonce=of(2), room="garden", user="bob")),
        ("ann", ConfigureRoom(id=1, nonce=of(3), room="garden", slow_mode_s=5)),
        ("mod", MuteMember(id=1, nonce=of(1), room="garden", user="bob")),
        ("mod", UnmuteMember(id=1, nonce=of(2), room="garden", user="bob")),
        ("mod", BanMember(id=1, nonce=of(3), room="garden", user="carl")),
        ("mod", UnbanMember(id=1, nonce=of(4), room="garden", user="carl")),
        ("mod", KickMember(id=1, nonce=of(5), room="garden", user="bob")),
        ("bob", PromoteMember(id=1, nonce=of(1), room="garden", user="mod")),
        ("ann", TransferRoom(id=1, nonce=of(4), room="garden", user="mod")),
        ("mod", BanMember(id=1, nonce=of(6), room="garden", user="ann")),
        ("mod", CloseRoom(id=1, nonce=of(7), room="garden")),
    ]
    first = [garden.do(user, command) for user, command in commands]
    assert [type(reply) for reply in first].count(Refused) == 1, "bob's, who is out"
    garden.core = garden.loaded()

    again = [garden.do(user, command) for user, command in commands]
    assert again == list(map(repeated, first))


def test_settings_and_roles_outlast_a_restart(garden: Rooms) -> None:
    garden.configure("ann", "garden", private=True, slow_mode_s=5, members_max=9)
    garden.transfer("ann", "garden", "bob")

    assert garden.loaded().rooms == garden.core.rooms


def test_everyone_is_told_who_is_banned_by_whom_and_until_when(garden: Rooms) -> None:
    until_ms = garden.at_ms + MINUTE_MS
    garden.ban("mod", "garden", "carl", "noise", until_ms)
    garden.ban("ann", "garden", "bob", "too", until_ms)

    told = [(author, body) for _, author, body in garden.entries("garden")[-2:]]
    assert told == [
        ("mod", MemberBanned("carl", "noise", until_ms)),
        ("ann", MemberBanned("bob", "too", until_ms)),
    ]


def test_who_is_no_moderator_any_more_is_told_also_if_muted(garden: Rooms) -> None:
    garden.mute("ann", "garden", "mod")
    garden.demote("ann", "garden", "mod")

    assert garden.entries("garden")[-1][1:] == ("ann", MemberDemoted("mod"))


def test_not_even_an_operator_takes_a_room_from_its_owner_but_by_giving_it_on(
    garden: Rooms,
) -> None:
    demoted = DemoteMember(id=1, nonce=garden.nonce(), room="garden", user="ann")

    assert garden.do("eve", demoted, Standing.OPERATOR) == Refused(
        1, RefusalCode.NOT_ALLOWED, "ann owns garden; transfer the room to somebody else"
    )
    reply = garden.demote("ann", "garden", "ann")
    assert isinstance(reply, Refused)
    assert reply.reason == "nobody can do that to themselves"
    for missing in (garden.promote("ann", "garden", "carl"), garden.kick("ann", "garden", "carl")):
        assert isinstance(missing, Refused)
        assert missing.reason == "carl is not in garden"


def test_slow_mode_is_kept_to_the_end_and_when_it_changes(garden: Rooms) -> None:
    garden.configure("ann", "garden", slow_mode_s=10)
    garden.post("bob", "garden")
    garden.now += 9.5
    assert refused(garden.post("bob", "garden")) is RefusalCode.TOO_FAST
    garden.configure("ann", "garden", slow_mode_s=20)
    garden.now += 10
    assert refused(garden.post("bob", "garden")) is RefusalCode.TOO_FAST
    garden.now += 0.5
    assert isinstance(garden.post("bob", "garden"), Done)


def test_when_somebody_has_spoken_is_known_only_where_it_is_needed(garden: Rooms) -> None:
    room = garden.core.rooms["garden"]
    garden.post("bob", "garden")
    assert room.posted_at == {}

    garden.configure("ann", "garden", slow_mode_s=10)
    garden.post("bob", "garden")
    garden.mute("mod", "garden", "bob")
    assert room.posted_at == {}


def test_the_newest_entry_can_be_reported_and_each_reports_for_oneself(garden: Rooms) -> None:
    garden.post("bob", "garden")
    newest = garden.entries("garden")[-1][0]
    while not isinstance(garden.report("mod", "#garden", newest), Refused):
        pass

    assert isinstance(garden.report("ann", "#garden", newest), Done)
