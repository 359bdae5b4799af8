"""Moving in the list of members, and what is done to whom there."""

from typing import Any

import pytest

from zchat.client.tui.controller.member_actions import may
from zchat.protocol.messages import (
    BanMember,
    DemoteMember,
    KickMember,
    MemberInfo,
    MemberList,
    PromoteMember,
    Role,
    Standing,
)
from zchat.rooms.core.model import Member, Room
from zchat.rooms.core.permission import check, check_target
from zchat.service.core.effects import Refusal

from ..fake_gateway import until
from .people import Person

KINDS = (KickMember, BanMember, PromoteMember, DemoteMember)
ROLES = (Role.MEMBER, Role.MODERATOR, Role.OWNER)


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("own", ROLES)
@pytest.mark.parametrize("other", ROLES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_offered_is_what_the_server_allows(
    kind: Any, other: Role, own: Role, standing: Standing
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
    offered = may(kind, standing, MemberInfo("ann", own, True), MemberInfo("bob", other, True))
    assert offered == allowed


def test_of_what_is_not_known_the_server_has_the_last_word() -> None:
    assert may(KickMember, Standing.ACCOUNT, None, None)
    assert may(KickMember, "archduke", MemberInfo("ann", Role.MEMBER, True), None)
    assert may(KickMember, Standing.ACCOUNT, MemberInfo("ann", "archduke", True), None)


async def listed(ann: Person, own: Role) -> None:
    await ann.write(":cr garden")
    await ann.sees("you created #garden")
    await until(lambda: "#garden" in ann.app.controller.members)
    ann.app.controller.members["#garden"] = MemberList(
        1,
        "garden",
        [
            MemberInfo("ann", own, True),
            MemberInfo("bob", Role.MEMBER, True),
            MemberInfo("carl", Role.OWNER, False),
        ],
        3,
    )
    ann.app.book.presence.here |= {"ann": None, "bob": "lunch"}
    await ann.press("f2")
    await ann.sees("not here")
    await ann.press("f2")
    await ann.sees("Enter talk")


async def test_keys_move_in_the_list_and_begin_what_they_say(ann: Person) -> None:
    await listed(ann, Role.MEMBER)
    await ann.press("j", "i")
    await ann.sees("bob · away: lunch")
    await ann.press("x")
    await ann.sees("! you may not do that to bob here")
    await ann.press("m")
    assert ann.written == "@bob "
    await ann.press("f2", "j", "enter")
    await ann.sees("between you and carl")


async def test_a_moderator_kicks_whom_they_have_chosen(ann: Person) -> None:
    await listed(ann, Role.MODERATOR)
    await ann.press("j", "j", "x")
    await ann.sees("! you may not do that to carl here")
    await ann.press("k", "x")
    await ann.sees("Kick bob out of #garden?")
    heard = ann.gateway.heard
    await ann.press("enter")
    await until(lambda: ann.gateway.heard > heard)


async def test_what_means_nothing_there_is_written(ann: Person) -> None:
    await listed(ann, Role.MEMBER)
    await ann.press("h", "e", "y")
    assert ann.written == "hey"
    await ann.press("f2", "f2")
    await ann.sees_no_more("not here ·")
