"""Keeping order in a room, by people of a real cluster."""

import time

import pytest

from testbed.cluster import Cluster
from testbed.people import Person, new_name
from zchat.client import RefusalCode, RefusedError
from zchat.protocol.messages import InvitedToRoom, MemberKicked, RoomClosed, inbox_log, room_log

from .lines import Program

pytestmark = pytest.mark.integration


async def test_who_is_put_out_hears_nothing_more_and_the_others_go_on(
    shared_cluster: Cluster,
) -> None:
    den, address = new_name("den"), shared_cluster.address
    async with Person(address) as ann, Person(address) as bob, Person(address) as eve:
        await ann.chat.create_room(den)
        for person in (bob, eve):
            await person.chat.join(den)
        kicked = await ann.chat.kick(den, bob.name, "noise")
        await bob.until_seen(room_log(den), kicked.sequence)
        posted = await ann.chat.post(den, "he is gone")
        await eve.until_seen(room_log(den), posted.sequence)
        # What is said to all comes later than what was not said to him.
        said = await ann.chat.say("aloud")
        await bob.until_seen("#lobby", said.sequence)
        assert bob.bodies(room_log(den))[-1] == (ann.name, MemberKicked(bob.name, "noise"))
        assert bob.connections_lost == eve.connections_lost == []

        until_ms = round(time.time() * 1000) + 3_600_000
        await ann.chat.ban(den, bob.name, until_ms=until_ms)
        with pytest.raises(RefusedError) as error:
            await bob.chat.join(den)
        assert error.value.code is RefusalCode.BANNED
        assert [ban.user for ban in (await ann.chat.bans(den)).bans] == [bob.name]


async def test_a_private_room_is_there_for_who_is_invited_and_gone_for_all_when_it_is_closed(
    shared_cluster: Cluster,
) -> None:
    den, address = new_name("den"), shared_cluster.address
    async with Person(address) as ann, Person(address) as bob:
        await ann.chat.create_room(den)
        await ann.chat.configure(den, private=True)
        with pytest.raises(RefusedError) as error:
            await bob.chat.join(den)
        assert error.value.code is RefusalCode.UNKNOWN_ROOM

        await ann.chat.invite(den, bob.name)
        await bob.until_seen(inbox_log(bob.name), 1)
        assert bob.bodies(inbox_log(bob.name)) == [(ann.name, InvitedToRoom(den))]
        await bob.chat.join(den)
        closed = await ann.chat.close_room(den, "winter")
        for person in (ann, bob):
            await person.until_seen(room_log(den), closed.sequence)
            assert person.bodies(room_log(den))[-1] == (ann.name, RoomClosed("winter"))

        created = await bob.chat.create_room(den)
        assert created.sequence == closed.sequence + 1
        history = await bob.chat.history(room_log(den))
        assert [entry.sequence for entry in history.entries] == [created.sequence]


async def test_a_room_is_kept_in_order_by_lines(shared_cluster: Cluster) -> None:
    ann, bob, den = new_name("ann"), new_name("bob"), new_name("den")
    async with Program(shared_cluster, ann) as one, Program(shared_cluster, bob) as two:
        await two.shows(f"you are {bob}")
        await one.say(f":cr {den}", f"you created #{den}$")
        await one.say(f":mode {den} key sesame slow 10s", "public, with a key, all members speak")
        await two.say(f":jr {den}", f"! {den} has a key$")
        await two.say(f":jr {den} sesame", f"you joined #{den}$")
        await one.say(f":mute {den} {bob} noise", f"#{den} you muted {bob}: noise$")
        await two.shows(f"#{den} {ann} muted you: noise$")
        await two.say(f":rm {den} hello", f"! you are muted in {den} until its moderators")
        await one.say(f":lru {den}", f"^{bob} +[a-z]+ +muted$")
        await one.say(f":ban {den} {bob} 2h enough", f"you banned {bob} until .*: enough$")
        await two.shows(f"{ann} banned you until .*: enough$")
        await one.say(f":bans {den}", f"^{bob} .* {ann} +enough$")
        await two.say(f":jr {den} sesame", f"! you are banned from {den} for another 2 h: enough$")
