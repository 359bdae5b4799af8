"""What becomes of messages, by lines in the real client against a real cluster."""

import re

import pytest

from testbed.cluster import Cluster
from testbed.people import new_name

from .lines import Program

pytestmark = pytest.mark.integration

TIME = r"^\d\d:\d\d "


async def test_a_message_is_answered_edited_pinned_and_deleted(shared_cluster: Cluster) -> None:
    ann, bob, room = new_name("ann"), new_name("bob"), new_name("ops")
    async with Program(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await one.say(f":cr {room}", f"you created #{room}")
        await two.say(f":jr {room}", f"you joined #{room}")
        await two.say(f":rm {room} are the pumps on?", f"{bob}: are the pumps on")
        await one.say(
            f":reply {room} they are",
            rf"{TIME}#{room} {ann} ↳ {bob} \(are the pumps on\?\): they are$",
        )
        await two.shows(rf"{ann} ↳ you \(are the pumps on\?\): they are$")
        await one.say(f":edit {room} they are off", r"\* .* you edited: they are off$")
        await two.say(f":react {room} 👍", rf"you reacted with 👍 to {ann} \(they are off\)$")
        await two.say(f":react {room} 👍 👍", "! :react: a reaction is an emoji")
        await one.say(f":pin {room}", rf"you pinned {bob} \(are the pumps on\?\)$")
        await one.say(f":pins {room}", f"— pinned in #{room} —", f"{bob}: are the pumps on")
        await one.say(f":history {room} 4", r"they are off \(edited\) \[👍 1\]$", "— end —")
        await one.say(f":redact {room} ^{bob} noise", rf"you deleted a message of {bob}: noise$")
        await two.say(f":history {room} 9", rf"{bob}: \(deleted by {ann}\)$")
        await two.say(f":unreact {room} 👍", "you took back 👍")
        await one.say(f":unpin {room}", "! there is no message with a pin among the newest")
        await two.say(f":edit {room} mine", "! there is no message of yours among the newest")


async def test_private_messages_are_changed_in_both_inboxes(shared_cluster: Cluster) -> None:
    ann, bob = new_name("ann"), new_name("bob")
    async with Program(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await two.shows(f"you are {bob}")
        await one.say(f":pm {bob} the key is 1234", r"\[you -> ")
        await two.shows("the key is 1234$")
        await two.say(f":reply @{ann} thanks", rf"\[you -> {ann}\] ↳ {ann} \(the key.*\) thanks$")
        await one.shows(rf"\[{bob} -> you\] ↳ you \(the key is 1234\) thanks$")
        await one.say(f":redact @{bob}", "you deleted a message$")
        await two.shows(f"{ann} deleted a message$")
        await two.say(f":history @{ann}", r"\(deleted\)$")
        assert "1234" not in two.output.rsplit("— the last", maxsplit=1)[1]
        await two.say(":conversations", f"@{ann}")


async def test_several_people_talk_and_say_that_they_are_away(shared_cluster: Cluster) -> None:
    ann, bob, eve = (new_name(name) for name in ("ann", "bob", "eve"))
    async with (
        Program(shared_cluster, ann) as one,
        Program(shared_cluster, bob) as two,
        Program(shared_cluster, eve) as third,
    ):
        await two.shows(f"you are {bob}")
        await third.shows(f"you are {eve}")
        await one.say(f":talk {bob} {eve}", f"you brought {bob} into", f"you brought {eve} into")
        await third.shows(f"{ann} brought you into the conversation")
        await third.say(":lrs", r"\[conversation")
        found = re.search(r"#(\S+).*\[conversation", third.output)
        assert found is not None
        await third.say(f":rm {found[1]} hello, you two", rf"{TIME}\(.*{bob}.*\) {eve}: hello")
        await two.shows(rf"\(.*{ann}.*\) {eve}: hello, you two$")
        await two.say(f":notify {found[1]} nothing", f"#{found[1]} tells you of nothing")
        await two.say(":away at lunch", "you are away: at lunch")
        await one.shows(f"{bob} is away: at lunch")
        await two.say(":back", "you are back")
        await one.shows(f"{bob} is back")


async def test_what_was_said_is_found(shared_cluster: Cluster) -> None:
    ann, word = new_name("ann"), new_name("quokka")
    async with Program(shared_cluster, ann) as one:
        await one.say(f"there is a {word} in the garden", f"{ann}: there is a {word}")
        # The index is made behind what is said.
        for _ in range(100):
            begin = len(one.output)
            await one.say(f":search from:{ann} {word}", f"#lobby {ann}: there|nothing was found")
            if "nothing was found" not in one.output[begin:]:
                break
        await one.say(f":search @{ann} {word}", "nothing was found")
