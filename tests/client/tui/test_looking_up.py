"""What somebody looks up on the screen, and what the screen says by itself."""

import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from zchat.client.sdk.chat import UnconfirmedError
from zchat.protocol.messages import (
    Entry,
    MemberDemoted,
    MemberJoined,
    MemberPromoted,
    MessagePosted,
    PresenceChanged,
    PrivateMessageSent,
    Role,
    RoomTransferred,
    Standing,
    UserInfo,
)

from ..fake_gateway import FakeGateway, until
from .people import Person, person


@pytest.fixture
async def moderator(gateway: FakeGateway, tmp_path: Path) -> AsyncIterator[Person]:
    """Of the cluster: nobody else keeps order in the lobby."""
    gateway.server.guest, gateway.server.standing = False, Standing.MODERATOR
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 3")
        yield ann


async def test_the_same_key_pins_and_unpins(moderator: Person) -> None:
    ann = moderator
    pins: list[Entry] = ann.gateway.server.pins
    await ann.press("up", "k", "p")
    await ann.sees("1 pinned")
    assert [pin.sequence for pin in pins] == [2]
    await ann.press("p")
    await ann.sees_no_more("1 pinned")
    assert ann.gateway.server.pins == []


async def test_what_is_pinned_is_listed_and_found(moderator: Person) -> None:
    ann = moderator
    await ann.press("f8")
    await ann.sees("nothing is pinned here")
    await ann.press("escape", "up", "k", "p")
    await ann.sees("1 pinned")
    await ann.press("escape", "f8")
    await ann.sees("bob        message 2")
    await ann.press(*"xyz")
    await ann.sees("no pinned message has these words")
    await ann.press("backspace", "backspace", "backspace", "enter")
    view = ann.app.timeline.view
    assert view is not None
    await until(lambda: view.chosen is not None and view.chosen.sequence == 2)


async def test_what_an_edited_message_has_said_before_is_shown(ann: Person) -> None:
    await ann.write("as it is")
    await ann.sees("as it is")
    await ann.press("up", "v")
    await ann.sees("it was never edited")
    await ann.press("e", *" now")
    await ann.press("enter")
    await ann.sees("(edited)")
    await ann.press("up", "v")
    await ann.sees("as it was")
    await ann.sees("until ")


async def test_a_search_goes_on_as_far_as_one_looks(gateway: FakeGateway, tmp_path: Path) -> None:
    for number in range(4, 140):
        gateway.server.append("#lobby", "bob", MessagePosted(f"message {number}"))
    async with person(gateway, tmp_path) as ann:
        await ann.sees("message 139")
        await ann.press("ctrl+f", *"message")
        await ann.sees("50 and more: go down")
        for _ in range(30):
            await ann.press("pagedown")
        await ann.sees("139, newest first")
        await ann.sees("message 1")
        await ann.press("enter")
        view = ann.app.timeline.view
        assert view is not None
        await until(lambda: view.chosen is not None and view.chosen.sequence == 1)


async def test_whoever_types_in_the_conversation_writes(ann: Person) -> None:
    # Not all of these letters mean anything there, but those after the first one do.
    await ann.press("up", *"hejdk")
    assert ann.written == "hejdk"
    assert ann.app.composer.has_focus


async def test_the_same_trouble_is_said_once(ann: Person) -> None:
    await ann.press("up", "e", "e")
    assert ann.screen.count("only your own messages can be edited") == 1
    await ann.press("o")
    await ann.sees("there is no link in it")
    assert ann.screen.count("only your own messages can be edited") == 1


async def test_a_guest_is_told_what_quitting_costs(ann: Person) -> None:
    ann.gateway.say("@ann", "bob", PrivateMessageSent("ann", "psst"))
    await ann.sees("○ bob")
    await ann.press("ctrl+q")
    await ann.sees("You are a guest")
    await ann.press("escape")
    assert ann.app.is_running
    await ann.press("ctrl+q", "enter")
    await until(lambda: not ann.app.is_running)


async def test_who_has_an_account_just_quits(gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.server.guest = False
    gateway.server.append("#garden", "ann", MemberJoined())
    gateway.server.followed["#garden"] = 0
    async with person(gateway, tmp_path) as ann:
        await ann.sees("#garden")
        await ann.press("ctrl+q")
        await until(lambda: not ann.app.is_running)


async def test_of_many_who_come_at_once_it_asks_who_they_are(ann: Person) -> None:
    ann.gateway.say("@ann", "bob", PrivateMessageSent("ann", "psst"))
    await ann.sees("○ bob")
    everyone = [UserInfo(name, True, 0, 0) for name in ("ann", "bob")]
    ann.gateway.server.users = everyone
    ann.gateway.push([PresenceChanged(["carol"], [], 30, 0, 32)])
    await ann.sees("● bob")


async def test_it_asks_anew_whether_the_other_is_here_when_one_goes_there(ann: Person) -> None:
    ann.gateway.say("@ann", "bob", PrivateMessageSent("ann", "psst"))
    await ann.sees("○ bob")
    ann.gateway.server.users = [UserInfo(name, True, 0, 0) for name in ("ann", "bob")]
    await ann.press("alt+2")
    await ann.sees("● bob")


async def test_one_comes_back_to_where_one_was(gateway: FakeGateway, tmp_path: Path) -> None:
    gateway.server.guest = False
    async with person(gateway, tmp_path) as ann:
        await ann.write(":cr kitchen")
        await ann.sees("you created #kitchen")
    async with person(gateway, tmp_path) as ann:
        assert ann.app.navigation.conversation is not None
        assert ann.app.navigation.conversation.key == "#kitchen"


async def test_the_topic_of_a_room_is_there_with_the_room(ann: Person) -> None:
    ann.gateway.server.append("#garden", "bob", MessagePosted("roses"))
    ann.gateway.server.topics["garden"] = "All that grows"
    await ann.write(":jr garden")
    await ann.sees("#garden  All that grows")


async def test_the_status_says_that_one_is_away(ann: Person) -> None:
    await ann.write(":away lunch")
    await ann.sees("ann, away: lunch")
    await ann.write(":back")
    await ann.sees_no_more("away: lunch")


async def say_into_a_dead_terminal(gateway: FakeGateway, folder: Path, *texts: str) -> None:
    with suppress(UnconfirmedError):
        async with person(gateway, folder) as ann:
            await ann.sees("message 3")
            gateway.mute = True
            for text in texts:
                await ann.write(text)
                await ann.sees(f"{text} …")
    gateway.mute = False


async def test_what_was_said_into_a_dead_terminal_can_be_said_again(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    await say_into_a_dead_terminal(gateway, tmp_path, "did you hear that?", "and that?")
    async with person(gateway, tmp_path) as ann:
        await ann.sees("not confirmed before the client ended")
        assert gateway.server.texts("#lobby")[-1] == "message 3"
        await ann.press("up", "k", "r")
        await until(lambda: gateway.server.texts("#lobby")[-1] == "did you hear that?")
        await ann.press("j", "d")
        await ann.sees("Forget what was not sent?")
        await ann.press("enter")
        await ann.sees_no_more("and that?")
    async with person(gateway, tmp_path) as ann:
        await ann.sees("did you hear that?")
        assert "the client ended" not in ann.screen


async def test_what_was_said_and_had_come_is_not_said_again(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    await say_into_a_dead_terminal(gateway, tmp_path, "did you hear that?")
    entry = gateway.server.append("#lobby", "ann", MessagePosted("did you hear that?"))
    now_ms = round(time.time() * 1000)
    gateway.server.logs["#lobby"][-1] = msgspec.structs.replace(entry, at_ms=now_ms)
    async with person(gateway, tmp_path) as ann:
        await ann.sees_no_more("the client ended")
        assert ann.screen.count("did you hear that?") == 1
    async with person(gateway, tmp_path) as ann:
        await ann.sees("did you hear that?")
        assert "the client ended" not in ann.screen


async def test_of_a_chosen_message_it_says_who_has_reacted_and_that_it_is_pinned(
    moderator: Person,
) -> None:
    ann = moderator
    await ann.press("up", "p")
    await ann.sees("1 pinned")
    await ann.press("plus", *"tada", "enter")
    await ann.sees("pinned · 🎉 ann")
    await ann.press("escape")
    await ann.sees_no_more("🎉 ann")


async def test_only_moderators_are_asked_whether_to_delete_what_others_said(ann: Person) -> None:
    """They are as soon as they are, and no longer."""
    await ann.press("up", "d")
    await ann.sees("only moderators delete what others have said")
    await ann.press("escape", "escape")
    ann.gateway.server.append("#garden", "bob", MessagePosted("roses"))
    ann.gateway.server.role = Role.MEMBER
    await ann.write(":jr garden")
    await ann.sees("you joined")
    ann.gateway.say("#garden", "carl", MessagePosted("tulips"))
    await ann.sees("tulips")
    await ann.press("up", "d")
    await ann.sees("only moderators delete what others have said")
    ann.gateway.say("#garden", "bob", MemberPromoted("ann"))
    await ann.sees("moderator")
    await ann.press("d")
    await ann.sees("Delete somebody else's message?")
    await ann.press("escape")
    ann.gateway.say("#garden", "bob", MemberDemoted("ann"))
    await ann.sees("a plain member")
    await ann.press("d")
    await ann.sees("only moderators delete what others have said")
    assert len(ann.app.screen_stack) == 1


async def test_a_guest_is_told_which_rooms_quitting_costs(ann: Person) -> None:
    await ann.write(":talk bob carl")
    await ann.sees("bob, carl")
    await ann.write(":cr kitchen")
    await ann.sees("you created #kitchen")
    await ann.press("ctrl+q")
    await ann.sees("You own #kitchen: ")
    await ann.sees(":transfer gives it to whom you want")
    await ann.press("escape")
    ann.gateway.say("#kitchen", "ann", RoomTransferred("bob"))
    await ann.sees("bob")
    await ann.press("ctrl+q")
    await ann.sees("You are a guest")
    assert "You own" not in ann.screen


async def test_an_emptied_search_looks_for_nothing(ann: Person) -> None:
    await ann.press("ctrl+f", *"nowhere")
    await ann.sees("nothing has all of these words")
    await ann.press(*["backspace"] * len("nowhere"))
    await ann.sees("searches for messages that have all of these words")
    await ann.press("escape", "up", "slash", *"message", "enter", "slash")
    await ann.press(*["backspace"] * len("message"), "enter")
    await ann.press("slash")
    await ann.sees("Find in the loaded messages:")
    assert ann.app.timeline.found == ""
