"""Rooms divided between two room-services are one list of rooms, and one chat."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from testbed.cluster import ROOM_SERVICE, Cluster
from testbed.people import Person, check_all_seen, crowd, gather_in, new_name
from zchat.protocol.messages import LOBBY, MemberLeft, RoomOpened, room_log
from zchat.protocol.rules.partitions import address_of_room, room_addresses

pytestmark = pytest.mark.integration

PARTITIONS = 2


def two_room_services(conf: str) -> str:
    """The procfile with a second room-service, as an operator would write it."""
    section = re.search(r"^\[program:room-service\]\n.*?(?=^\[)", conf, re.DOTALL | re.MULTILINE)
    assert section is not None
    second = section[0].replace(ROOM_SERVICE, f"{ROOM_SERVICE}-1", 1)
    second = second.replace("zchat-room-service", "zchat-room-service --partition 1")
    return conf + "\n" + second.replace("room-service.log", "room-service-1.log")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    environment = {"ZCHAT_PARTITIONS": str(PARTITIONS)}
    folder = tmp_path_factory.mktemp("c")
    with Cluster(folder, environment=environment, edit_conf=two_room_services) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


def new_rooms() -> list[str]:
    """One in each partition."""
    rooms: dict[str, str] = {}
    while len(rooms) < PARTITIONS:
        room = new_name("room")
        rooms[address_of_room(room, PARTITIONS)] = room
    return [rooms[address] for address in room_addresses(PARTITIONS)]


async def test_rooms_of_all_partitions_are_used_alike(cluster: Cluster) -> None:
    rooms = new_rooms()
    logs = [room_log(room) for room in rooms]
    async with crowd(cluster, 3) as places:
        people = [person for place in places.values() for person in place]
        for log in logs:
            await gather_in(log, people)
        for person in people:
            await person.talk([room_log(LOBBY), *logs], 60)
        # Also while one of them dies.
        talks = [asyncio.create_task(person.talk(logs, 200)) for person in people]
        await asyncio.to_thread(cluster.kill_and_wait, f"{ROOM_SERVICE}-1")
        await asyncio.gather(*talks)
        await check_all_seen(people, [room_log(LOBBY), *logs])
        for person in people:
            assert person.connections_lost == []
            opened = [
                body
                for _, body in person.bodies(room_log(LOBBY))
                if body in [RoomOpened(room) for room in rooms]
            ]
            assert sorted(opened, key=str) == sorted(map(RoomOpened, rooms), key=str)
            listed = (await person.chat.rooms()).rooms
            assert [info.room for info in listed] == sorted([LOBBY, *rooms])
            assert all(info.joined for info in listed)
            for room in rooms:
                members = (await person.chat.members(room)).members
                assert {info.name for info in members} == {p.name for p in people}


async def test_the_end_of_a_guest_reaches_all_partitions(cluster: Cluster) -> None:
    rooms = new_rooms()
    async with Person(cluster.address) as owner:
        async with Person(cluster.address) as guest:
            for room in rooms:
                await gather_in(room, [owner, guest])
        left = (guest.name, MemberLeft())
        for room in rooms:
            await owner.until(lambda r=room: left in owner.bodies(room_log(r)))  # type: ignore[misc]
            members = (await owner.chat.members(room)).members
            assert [info.name for info in members] == [owner.name]
