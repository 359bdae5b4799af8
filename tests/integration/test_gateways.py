"""Two gateways are one chat: nobody can tell on which of them the others are."""

import pytest

from testbed.cluster import GATEWAYS, Cluster
from testbed.people import Person, check_all_seen, crowd, eventually, gather_in, new_name
from zchat.protocol.messages import LOBBY, inbox_log, room_log

from .wire import witnesses

pytestmark = pytest.mark.integration


async def test_what_is_said_on_one_gateway_is_heard_on_the_other(shared_cluster: Cluster) -> None:
    room = room_log(new_name("room"))
    async with crowd(shared_cluster, 4) as places, witnesses(shared_cluster) as watching:
        people = [person for place in places.values() for person in place]
        await gather_in(room, people)
        # The first are on one gateway and the last on the other.
        for person, other in zip(people, reversed(people), strict=True):
            await person.talk([room_log(LOBBY), room, inbox_log(other.name)], 60)
        await check_all_seen(people, [room_log(LOBBY), room], watching.values())
        assert all(not person.connections_lost for person in people)


async def test_who_is_online_is_known_on_both_gateways(shared_cluster: Cluster) -> None:
    async with crowd(shared_cluster, 2) as places:
        people = [person for place in places.values() for person in place]
        room = new_name("room")
        await gather_in(room_log(room), people)

        async def all_are_known() -> bool:
            seen = [await online_in(room, person) for person in people]
            return all(online == {p.name for p in people} for online in seen)

        # A cluster that has just begun learns who is here before it tells of comings and goings.
        await eventually(all_are_known)
        async with Person(shared_cluster.address) as late:
            for gateway in GATEWAYS:
                person = places[gateway][0]
                await person.until(lambda p=person: came(p, late.name))  # type: ignore[misc]
                listed = {info.name for info in (await person.chat.users()).users}
                assert {late.name, *(p.name for p in people)} <= listed
        for gateway in GATEWAYS:
            person = places[gateway][0]
            await person.until(lambda p=person: went(p, late.name))  # type: ignore[misc]
            assert late.name not in {info.name for info in (await person.chat.users()).users}


async def online_in(room: str, person: Person) -> set[str]:
    """Who is in the room and online, as this person's gateway says."""
    members = await person.chat.members(room)
    return {info.name for info in members.members if info.online}


def came(person: Person, name: str) -> bool:
    return any(name in change.came for change in person.presence)


def went(person: Person, name: str) -> bool:
    return any(name in change.went for change in person.presence)
