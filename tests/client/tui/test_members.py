"""Moving in the list of members, and what is done to whom there."""

from zchat.protocol.messages import (
    MemberDemoted,
    MemberJoined,
    MemberPromoted,
    RoomCreated,
)

from ..fake_gateway import until
from .people import Person


async def listed(ann: Person, *, promoted: bool = False) -> None:
    """The room is carl's, and bob is in it."""
    server = ann.gateway.server
    server.append("#garden", "carl", RoomCreated())
    server.append("#garden", "bob", MemberJoined())
    server.offline.add("carl")
    server.away["bob"] = "lunch"
    await ann.write(":jr garden")
    await ann.sees("you joined")
    if promoted:
        ann.gateway.say("#garden", "carl", MemberPromoted("ann"))
        await ann.sees("a moderator")
    await until(lambda: "#garden" in ann.app.controller.members)
    await ann.press("f2")
    await ann.sees("offline")
    await ann.press("f2")
    await ann.sees("Enter talk")


async def test_keys_move_in_the_list_and_begin_what_they_say(ann: Person) -> None:
    await listed(ann)
    await ann.press("j", "i")
    await ann.sees("bob · away: lunch")
    await ann.press("x")
    await ann.sees("! you may not do that to bob here")
    await ann.press("m")
    assert ann.written == "@bob "
    await ann.press("f2", "j", "enter")
    await ann.sees("between you and carl")


async def test_a_moderator_kicks_whom_they_have_chosen(ann: Person) -> None:
    await listed(ann, promoted=True)
    await ann.press("j", "j", "x")
    await ann.sees("! you may not do that to carl here")
    await ann.press("k", "x")
    await ann.sees("Kick bob out of #garden?")
    heard = ann.gateway.heard
    await ann.press("enter")
    await until(lambda: ann.gateway.heard > heard)


async def test_who_is_promoted_or_demoted_may_at_once_what_they_may_then(ann: Person) -> None:
    await listed(ann)
    await ann.press("j", "x")
    await ann.sees("! you may not do that to bob here")
    ann.gateway.say("#garden", "carl", MemberPromoted("ann"))
    await ann.sees("made you a moderator")
    await ann.press("x")
    await ann.sees("Kick bob out of #garden?")
    await ann.press("escape")
    ann.gateway.say("#garden", "carl", MemberDemoted("ann"))
    await ann.sees("made you a plain member")
    await ann.sees_no_more("Kick bob out")
    await ann.press("b")
    await ann.sees("! you may not do that to bob here")
    await ann.sees_no_more("Ban bob from")


async def test_a_guest_keeps_order_in_a_room_of_its_own(ann: Person) -> None:
    server = ann.gateway.server
    assert server.guest
    await ann.write(":cr garden")
    await ann.sees("you created #garden")
    ann.gateway.say("#garden", "bob", MemberJoined())
    await ann.sees("bob joined")
    await ann.press("f2")
    await ann.press("f2", "j", "plus")
    await ann.sees("Make bob a moderator of #garden?")
    await ann.press("enter")
    await ann.sees("you made bob a moderator")
    await ann.press("plus")
    await ann.sees("Demote bob from moderator of #garden?")
    await ann.press("enter")
    await ann.sees("you made bob a plain member")


async def test_what_means_nothing_there_is_written(ann: Person) -> None:
    await listed(ann)
    await ann.press("h", "e", "y")
    assert ann.written == "hey"
    await ann.press("f2", "f2")
    await ann.sees_no_more("offline ·")
