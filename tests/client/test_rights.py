"""What the client lets the user do: what the server lets them, as soon as both know it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.client.core.events import Answered, EntryArrived, SessionBegun
from zchat.client.model.rights import Rights
from zchat.protocol.messages import (
    AccountRegistered,
    DeleteMessage,
    EditMessage,
    Entry,
    EntryBody,
    ListMembers,
    MemberBanned,
    MemberDemoted,
    MemberInfo,
    MemberJoined,
    MemberList,
    MemberMuted,
    MemberPromoted,
    MemberUnmuted,
    Message,
    PinMessage,
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


def test_of_what_is_not_known_the_server_is_asked() -> None:
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
