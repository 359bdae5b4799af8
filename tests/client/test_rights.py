"""What the client lets the user do: what the server lets them, as soon as both know it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.core.events import Answered, EntryArrived, SessionBegun
from zchat.client.model.rights import Rights
from zchat.protocol.messages import (
    AccountRegistered,
    BanMember,
    ChangePassword,
    DeleteMessage,
    DemoteMember,
    Done,
    EditMessage,
    Entry,
    EntryBody,
    KickMember,
    ListMembers,
    MemberBanned,
    MemberDemoted,
    MemberInfo,
    MemberJoined,
    MemberLeft,
    MemberList,
    MemberMuted,
    MemberPromoted,
    MemberUnmuted,
    Message,
    PinMessage,
    PromoteMember,
    Register,
    Role,
    RoomCreated,
    RoomTransferred,
    Standing,
)
from zchat.protocol.rules.permissions import (
    PERMISSIONS,
    PLACE_OF_ROLE,
    Place,
    keeps_order,
    overrules,
)
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.permission import check, check_target
from zchat.service.core.effects import Refusal

GARDEN = "#garden"


def rights(standing: str = Standing.GUEST, *happened: tuple[str, EntryBody]) -> Rights:
    rights = Rights("ann")
    guest = standing == Standing.GUEST
    rights.hear(SessionBegun("ann", guest, [], resumed=False, standing=standing))
    happen(rights, *happened)
    return rights


def happen(rights: Rights, *happened: tuple[str, EntryBody], log: str = GARDEN) -> None:
    for author, body in happened:
        rights.hear(EntryArrived(Entry(log, 1, 0, author, body), missed=False))


def list_members(rights: Rights, **roles: str) -> None:
    members = [MemberInfo(name, role, True) for name, role in roles.items()]
    answer = MemberList(1, "garden", members, len(members))
    rights.hear(Answered(1, ListMembers(id=1, room="garden"), answer))


def test_a_guest_deletes_nothing_of_others_in_a_room_of_others() -> None:
    guest = rights(Standing.GUEST, ("bob", RoomCreated()), ("ann", MemberJoined()))
    assert not guest.may_delete_of("bob", GARDEN)
    assert not guest.may_delete_of("bob", "#lobby")
    assert not guest.may(PinMessage, GARDEN)


def test_a_guest_keeps_order_in_a_room_of_its_own() -> None:
    guest = rights(Standing.GUEST, ("ann", RoomCreated()), ("bob", MemberJoined()))
    assert guest.may_delete_of("bob", GARDEN)
    assert guest.may(PinMessage, GARDEN)
    assert guest.owned == [GARDEN]


def test_a_fresh_account_may_what_accounts_may() -> None:
    ann = rights(Standing.GUEST)
    happen(ann, ("ann", AccountRegistered()), log="@ann")
    assert ann.standing is Standing.ACCOUNT
    assert not ann.may_delete_of("bob", "#lobby")


def test_who_was_promoted_or_demoted_just_now_is_what_they_are_now() -> None:
    ann = rights(Standing.ACCOUNT, ("bob", RoomCreated()), ("ann", MemberJoined()))
    list_members(ann, ann=Role.MEMBER, bob=Role.OWNER, carl=Role.MODERATOR, dora=Role.MEMBER)
    happen(ann, ("bob", MemberPromoted("ann")))
    assert ann.may_delete_of("dora", GARDEN)
    # Nobody acts on their like, or on who is above them.
    assert not ann.may_delete_of("carl", GARDEN)
    assert not ann.may_delete_of("bob", GARDEN)
    happen(ann, ("bob", MemberDemoted("ann")))
    assert not ann.may_delete_of("dora", GARDEN)
    happen(ann, ("bob", RoomTransferred("ann")))
    assert ann.may_delete_of("bob", GARDEN)
    happen(ann, ("ann", RoomTransferred("bob")))
    assert not ann.may_delete_of("bob", GARDEN)
    assert ann.may_delete_of("dora", GARDEN)


def test_whoever_is_muted_only_deletes_their_own() -> None:
    ann = rights(Standing.ACCOUNT, ("bob", RoomCreated()), ("ann", MemberJoined()))
    happen(ann, ("bob", MemberMuted("ann", "")))
    assert not ann.may(EditMessage, GARDEN)
    assert ann.may(DeleteMessage, GARDEN)
    happen(ann, ("bob", MemberUnmuted("ann")))
    assert ann.may(EditMessage, GARDEN)
    happen(ann, ("bob", MemberBanned("ann", "", None)), log="#lobby")
    assert not ann.may(EditMessage, "#lobby")


def test_what_somebody_else_said_under_the_own_name_is_a_moderators_to_delete() -> None:
    ann = rights(Standing.ACCOUNT, ("bob", RoomCreated()), ("ann", MemberJoined()))
    assert not ann.may_delete_of("ann", GARDEN)
    happen(ann, ("bob", MemberPromoted("ann")))
    assert ann.may_delete_of("ann", GARDEN)


def test_a_moderator_who_has_left_is_none_when_they_come_back() -> None:
    ann = rights(Standing.ACCOUNT, ("bob", RoomCreated()), ("bob", MemberPromoted("carl")))
    assert ann.may_call_all("carl", GARDEN)
    happen(ann, ("carl", MemberLeft()), ("carl", MemberJoined()))
    assert not ann.may_call_all("carl", GARDEN)


def test_an_operator_who_reads_of_the_registration_is_one_still() -> None:
    ann = rights(Standing.OPERATOR)
    happen(ann, ("ann", AccountRegistered()), log="@ann")
    assert ann.standing is Standing.OPERATOR


def test_an_answer_makes_an_account_as_well_as_its_entry() -> None:
    ann = rights(Standing.GUEST)
    assert not ann.may(ChangePassword)
    ann.hear(Answered(1, Register(id=1, nonce=bytes(16), password="secret"), Done(1, "@ann", 1)))
    assert ann.may(ChangePassword)


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("own", [Role.MEMBER, Role.MODERATOR, Role.OWNER])
@pytest.mark.parametrize("other", [Role.MEMBER, Role.MODERATOR, Role.OWNER])
@pytest.mark.parametrize("kind", [KickMember, BanMember, PromoteMember, DemoteMember])
def test_what_is_offered_is_what_the_server_allows(
    kind: type[Message], other: Role, own: Role, standing: Standing
) -> None:
    room = Room("garden", "", 1)
    room.members = {"ann": Member(own, floor=0), "bob": Member(other, floor=0)}
    try:
        check(kind, standing, "ann", room, 0)
        check_target(kind, standing, "ann", room, "bob")
    except Refusal:
        allowed = False
    else:
        allowed = True
    ann = rights(standing)
    list_members(ann, ann=own, bob=other)
    assert ann.may_do_to("bob", kind, GARDEN) == allowed


def test_of_what_is_not_known_the_server_is_asked() -> None:
    assert rights(Standing.ACCOUNT).may_do_to("bob", KickMember, GARDEN)
    assert rights("archduke").may_do_to("bob", KickMember, GARDEN)
    assert Rights("ann").may(PinMessage, GARDEN)
    assert rights(Standing.ACCOUNT).may_delete_of("bob", GARDEN)
    assert rights("something-newer").may_delete_of("bob", GARDEN)


ROLES = {Role.OWNER, Role.MODERATOR, Role.MEMBER, Role.MUTED}


@given(
    st.sampled_from(list(Standing)),
    st.sampled_from(sorted(ROLES)),
    st.sampled_from([kind for kind, each in PERMISSIONS.items() if each.place is not None]),
)
def test_it_is_the_servers_table_that_says_so(
    standing: Standing, role: Role, kind: type[Message]
) -> None:
    ann = rights(standing)
    list_members(ann, ann=role, bob=Role.MEMBER)
    place = PLACE_OF_ROLE[role]
    assert ann.may(kind, GARDEN) == PERMISSIONS[kind].allows(standing, place)
    if place > Place.MEMBER or overrules(DeleteMessage, standing):
        assert ann.may_delete_of("bob", GARDEN) == keeps_order(standing, place)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_list_that_names_not_everyone_takes_nobody_out(role: Role) -> None:
    ann = rights(Standing.ACCOUNT)
    list_members(ann, ann=role, bob=Role.OWNER)
    place = ann.place(GARDEN)
    answer = MemberList(1, "garden", [MemberInfo("dora", Role.MEMBER, True)], 500)
    ann.hear(Answered(1, ListMembers(id=1, room="garden"), answer))
    assert ann.place(GARDEN) == place == PLACE_OF_ROLE[role]
