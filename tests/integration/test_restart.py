"""The whole cluster ends and begins again: what was said and agreed is still there."""

import asyncio

import pytest

from testbed.cluster import Cluster
from testbed.people import Person, check_all_seen, gather_in, new_name
from zchat.protocol.messages import LOBBY, MemberLeft, inbox_log, room_log

pytestmark = pytest.mark.integration

PASSWORD = "correct horse"


async def test_everything_is_there_after_a_restart(cluster: Cluster) -> None:
    address, room = cluster.address, new_name("room")
    logs = [room_log(LOBBY), room_log(room)]
    async with Person(address) as ann, Person(address) as bob:
        for person in (ann, bob):
            await person.chat.register(PASSWORD)
        await gather_in(room, [ann, bob])
        await ann.chat.topic(room, "what stays")
        await ann.talk([*logs, inbox_log(bob.name)], 90)
        await check_all_seen([ann, bob], logs)
    async with Person(address, ann.name, PASSWORD) as away:
        # Bob has read all until now, and will have missed this.
        await away.talk([*logs, inbox_log(bob.name)], 30)
        before = [(await away.chat.history(log, 200)).entries for log in logs]
    await asyncio.to_thread(cluster.restart_all)
    async with Person(address, bob.name, PASSWORD) as back:
        assert [(await back.chat.history(log, 200)).entries for log in logs] == before
        assert len((await back.chat.history("@" + ann.name, 200)).entries) == 40
        rooms = {info.room: info for info in (await back.chat.rooms()).rooms}
        assert (rooms[room].topic, rooms[room].members, rooms[room].joined) == (
            "what stays",
            2,
            True,
        )
        members = {info.name: info.role for info in (await back.chat.members(room)).members}
        assert members == {ann.name: "owner", bob.name: "member"}
        # It goes on exactly where its read markers stood.
        wanted = {log: [one.text for one in away.said if one.to == log] for log in logs}
        wanted[inbox_log(bob.name)] = [o.text for o in away.said if o.to == inbox_log(bob.name)]
        for log, texts in wanted.items():
            await back.until(lambda t=texts, g=log: len(back.texts(g)) >= len(t))  # type: ignore[misc]
            assert back.texts(log) == texts
            assert back.entries[log][0].sequence > bob.head(log)


async def test_those_who_are_connected_come_back_by_themselves(cluster: Cluster) -> None:
    address, room = cluster.address, room_log(new_name("room"))
    async with Person(address) as guest, Person(address) as other:
        people = [guest, other]
        await gather_in(room, people)
        await guest.talk([room], 20)
        await asyncio.to_thread(cluster.stop)
        # What is said meanwhile waits.
        waiting = [asyncio.create_task(person.talk([room], 20)) for person in people]
        await asyncio.to_thread(cluster.start)
        await asyncio.gather(*waiting)
        await check_all_seen(people, [room])
        # Even guests are who they were, however many attempts that took.
        for person in people:
            first, *later = [login.resumed for login in person.logins]
            assert not first
            assert later
            assert all(later)
            assert not any(isinstance(body, MemberLeft) for _, body in person.bodies(room))
