"""Who may use a name, and what somebody finds who was away."""

import asyncio

import pytest

from testbed.cluster import Cluster
from testbed.people import Person, check_sequences, gather_in, new_name, text_of
from zchat.client import RefusalCode, RefusedError
from zchat.protocol.messages import (
    LOBBY,
    AccountRegistered,
    MemberJoined,
    MemberLeft,
    RoomOpened,
    inbox_log,
    room_log,
)

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


async def refused(cluster: Cluster, name: str, password: str | None = None) -> RefusalCode:
    """Why this login is refused."""
    with pytest.raises(RefusedError) as error:
        async with Person(cluster.address, name, password):
            pass
    return error.value.code


async def test_a_registered_name_belongs_to_its_password(shared_cluster: Cluster) -> None:
    name = new_name()
    async with Person(shared_cluster.address, name) as guest:
        kinds = [guest.chat.guest]
        await guest.chat.register(PASSWORD)
        assert [*kinds, guest.chat.guest] == [True, False]
        await guest.until_seen(inbox_log(name), 1)
        assert guest.bodies(inbox_log(name)) == [(name, AccountRegistered())]
        with pytest.raises(RefusedError) as error:
            await guest.chat.register(PASSWORD)
        assert error.value.code is RefusalCode.ALREADY_REGISTERED
    assert await refused(shared_cluster, name) is RefusalCode.PASSWORD_REQUIRED
    assert await refused(shared_cluster, name, "wrong password") is RefusalCode.WRONG_PASSWORD
    async with Person(shared_cluster.address, name, PASSWORD) as account:
        assert not account.chat.guest


async def test_the_name_of_somebody_here_cannot_be_taken(shared_cluster: Cluster) -> None:
    async with Person(shared_cluster.address) as guest:
        assert await refused(shared_cluster, guest.name) is RefusalCode.NAME_IN_USE
        # Nor with a password, which it does not have.
        assert await refused(shared_cluster, guest.name, PASSWORD) is RefusalCode.NAME_IN_USE
        assert await refused(shared_cluster, guest.name.upper()) is RefusalCode.NAME_IN_USE
        await guest.chat.say("still here")
        assert guest.connections_lost == []


async def test_an_account_sees_first_what_it_missed_and_then_goes_on_live(
    shared_cluster: Cluster,
) -> None:
    address = shared_cluster.address
    rooms = [room_log(new_name("room")) for _ in range(2)]
    async with Person(address) as talker:
        async with Person(address) as before:
            name = before.name
            logs = [*rooms, room_log(LOBBY), inbox_log(name)]
            await before.chat.register(PASSWORD)
            for room in rooms:
                await gather_in(room, [talker, before])
            await talker.talk(logs, 40)
            await before.until(lambda: all(len(before.texts(log)) == 10 for log in logs))
        await talker.talk(logs, 40)
        missed = {log: [one.text for one in talker.said if one.to == log][10:] for log in logs}
        # It comes back in the middle of a conversation.
        talking = asyncio.create_task(talker.talk(logs, 400))
        async with Person(address, name, PASSWORD) as after:
            await talking
            await after.until(lambda: all(len(after.texts(log)) >= 110 for log in logs))
            for log in logs:
                seen = before.entries[log] + after.entries[log]
                first = seen[0].sequence
                assert [e.sequence for e in seen] == list(range(first, first + len(seen)))
                # Its inbox also holds that it registered, which has no text.
                heard = [text for e in seen if e.author == talker.name and (text := text_of(e))]
                assert heard == [one.text for one in talker.said if one.to == log]
                old = [text for e in after.missed if e.log == log and (text := text_of(e))]
                assert old[:10] == missed[log], "what was missed came as something new"


async def test_all_devices_of_an_account_see_everything(shared_cluster: Cluster) -> None:
    name, address = new_name(), shared_cluster.address
    async with Person(address, name) as phone, Person(address) as other:
        await phone.chat.register(PASSWORD)
        async with Person(address, name, PASSWORD) as desk:
            await other.talk([inbox_log(name)], 20)
            await desk.talk([inbox_log(other.name)], 20)
            inbox = inbox_log(name)
            for device in (phone, desk):
                await device.until(lambda d=device: len(d.texts(inbox)) == 40)  # type: ignore[misc]
                check_sequences(device)
            # One of them may also have seen the registration once more.
            assert phone.entries[inbox][-40:] == desk.entries[inbox][-40:]


async def test_an_account_stays_a_member_and_a_guest_does_not(shared_cluster: Cluster) -> None:
    address, room, account = shared_cluster.address, new_name("room"), new_name()
    log = room_log(room)
    async with Person(address) as owner:
        await owner.chat.create_room(room)
        async with Person(address) as guest, Person(address, account) as member:
            await guest.chat.join(room)
            await member.chat.register(PASSWORD)
            await member.chat.join(room)
        # The guest has said goodbye, and the owner hears of it.
        await owner.until(lambda: (guest.name, MemberLeft()) in owner.bodies(log))
        members = await owner.chat.members(room)
        # In which order depends on whether it is known already that the account has gone offline.
        assert {info.name for info in members.members} == {owner.name, account}
        assert (account, MemberLeft()) not in owner.bodies(log)
        # Another guest of that name inherits nothing.
        async with Person(address, guest.name) as namesake:
            assert room not in namesake.chat.rooms_followed
            with pytest.raises(RefusedError) as error:
                await namesake.chat.post(room, "let me in")
            assert error.value.code is RefusalCode.NOT_A_MEMBER
        async with Person(address, account, PASSWORD) as again:
            assert room in again.chat.rooms_followed
            await again.chat.post(room, "still in")
    assert owner.bodies(log).count((account, MemberJoined())) == 1


async def test_everyone_hears_of_a_new_room(shared_cluster: Cluster) -> None:
    address, room = shared_cluster.address, new_name("room")
    async with Person(address) as founder, Person(address) as other:
        await founder.chat.create_room(room)
        opened = (founder.name, RoomOpened(room))
        for person in (founder, other):
            await person.until(lambda p=person: opened in p.bodies(room_log(LOBBY)))  # type: ignore[misc]
            assert person.bodies(room_log(LOBBY)).count(opened) == 1
