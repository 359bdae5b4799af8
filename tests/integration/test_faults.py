"""A fault stays where it is: bad clients hurt themselves only, and a service may be missing."""

import asyncio
import os
from collections.abc import AsyncIterator

import msgpack
import pytest

from testbed.cluster import ROOM_SERVICE, Cluster
from testbed.people import Person, check_all_seen, crowd, gather_in, new_name
from zchat.client import PingTarget, RefusalCode, RefusedError
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    LOBBY,
    Hello,
    JoinRoom,
    ListRooms,
    LoggedIn,
    LogIn,
    Post,
    Refused,
    RoomList,
    Welcome,
    inbox_log,
    room_log,
)

from .wire import HELLO, Wire, Witness, witnesses

pytestmark = pytest.mark.integration

TOKEN = bytes(limits.TOKEN_BYTES)
NONCE = bytes(limits.NONCE_BYTES)
GREETING = encode(HELLO)
SOMEBODY = encode(LogIn(id=1, name="somebody", token=TOKEN))

BAD_BYTES = {
    # A letter would be HTTP.
    "rubbish": (b"\x00\x17 rubbish\r\n\r\n", "malformed"),
    "no msgpack": (b"\xc1" * 10, "malformed"),
    "too deep": (b"\x91" * 100_000, "malformed"),
    "no map": (GREETING + msgpack.packb([1, 2, 3]), "malformed"),
    "unknown kind": (GREETING + msgpack.packb({"kind": "fly_away", "id": 1}), "malformed"),
    "wrong type": (GREETING + msgpack.packb({"kind": "list_rooms", "id": "one"}), "malformed"),
    "missing field": (GREETING + msgpack.packb({"kind": "post", "id": 1}), "malformed"),
    "invalid UTF-8": (GREETING + b"\x82\xa4kind\xa6log_in\xa4name\xa2\xff\xfe", "malformed"),
    "over-long text": (
        GREETING
        + encode(Post(id=1, nonce=NONCE, room=LOBBY, text="x" * (limits.TEXT_CHARS_MAX + 1))),
        "malformed",
    ),
    "over-long frame": (
        GREETING + b"\xc6" + (limits.FRAME_BYTES_MAX * 2).to_bytes(4) + bytes(2**18),
        "malformed",
    ),
    "no hello": (SOMEBODY, "malformed"),
    "version of the future": (encode(Hello(99, "test")), "unsupported_version"),
}


@pytest.fixture
async def company(shared_cluster: Cluster) -> AsyncIterator[dict[str, Witness]]:
    """Somebody on each gateway who must notice nothing."""
    async with witnesses(shared_cluster) as watching:
        yield watching


async def check_unharmed(cluster: Cluster, company: dict[str, Witness]) -> None:
    async with Person(cluster.address) as person:
        done = await person.chat.say("is anybody hurt?")
        for witness in company.values():
            await witness.until_seen(room_log(LOBBY), done.sequence)


@pytest.mark.parametrize("name", BAD_BYTES)
async def test_bad_bytes_get_a_clear_error_and_the_end(
    shared_cluster: Cluster, company: dict[str, Witness], name: str
) -> None:
    data, code = BAD_BYTES[name]
    async with Wire(shared_cluster) as wire:
        await wire.send_bytes(data)
        message = await wire.next()
        if isinstance(message, Welcome):
            message = await wire.next()
        assert isinstance(message, Refused)
        assert (message.id, message.code) == (None, code)
        # For people, and not for those who read tracebacks.
        assert message.reason
        assert "Error" not in message.reason
        assert await wire.next() is None
    await check_unharmed(shared_cluster, company)


async def test_the_error_names_the_versions_that_are_spoken(shared_cluster: Cluster) -> None:
    async with Wire(shared_cluster) as wire:
        await wire.send(Hello(99, "test"))
        refused = await wire.receive(Refused)
        assert refused.reason == "protocol version 99 is not spoken here; 1 is"


async def test_bytes_may_come_one_at_a_time(shared_cluster: Cluster) -> None:
    async with Wire(shared_cluster) as wire:
        for number in GREETING:
            await wire.send_bytes(bytes([number]))
        assert (await wire.receive(Welcome)).version == 1


async def test_commands_before_the_login_are_refused(shared_cluster: Cluster) -> None:
    async with Wire(shared_cluster) as wire:
        await wire.send(HELLO, Post(id=7, nonce=NONCE, room=LOBBY, text="hello"), ListRooms(id=8))
        await wire.receive(Welcome)
        for request in (7, 8):
            refused = await wire.receive(Refused)
            assert (refused.id, refused.code) == (request, RefusalCode.NOT_LOGGED_IN)
        # That was no crime; the login is still possible.
        await wire.send(LogIn(id=9, name=wire.name, token=os.urandom(limits.TOKEN_BYTES)))
        assert (await wire.receive(LoggedIn)).name == wire.name


async def test_a_second_login_is_refused(shared_cluster: Cluster) -> None:
    async with Wire(shared_cluster) as wire:
        await wire.log_in()
        await wire.send(LogIn(id=2, name=new_name(), token=os.urandom(limits.TOKEN_BYTES)))
        refused = await wire.receive(Refused)
        assert (refused.id, refused.code) == (2, RefusalCode.ALREADY_LOGGED_IN)


async def test_wrong_names_are_refused_and_unknown_fields_are_not(shared_cluster: Cluster) -> None:
    async with Wire(shared_cluster) as wire:
        await wire.log_in()
        await wire.send(JoinRoom(id=2, nonce=NONCE, room="a\u202eb"))
        refused = await wire.receive(Refused)
        assert (refused.id, refused.code) == (2, RefusalCode.INVALID_NAME)
        newer = msgpack.unpackb(encode(ListRooms(id=3))) | {"since": "version 2"}
        await wire.send_bytes(msgpack.packb(newer))
        assert (await wire.receive(RoomList)).id == 3


async def test_a_missing_service_makes_what_it_does_wait_and_nothing_else(
    cluster: Cluster,
) -> None:
    room = room_log(new_name("room"))
    async with crowd(cluster, 2) as places:
        people = [person for place in places.values() for person in place]
        await gather_in(room, people)
        await asyncio.to_thread(cluster.control, "stop", ROOM_SERVICE)
        waiting = [asyncio.create_task(person.talk([room], 20)) for person in people]
        # What does not need it goes on.
        for person, other in zip(people, reversed(people), strict=True):
            await person.talk([inbox_log(other.name)], 20)
            await person.chat.ping()
            await person.chat.ping(PingTarget.USER_SERVICE)
            assert person.name in {info.name for info in (await person.chat.users()).users}
        with pytest.raises(RefusedError) as error:
            await people[0].chat.rooms()
        assert error.value.code is RefusalCode.UNAVAILABLE
        for person in people:
            await person.until(lambda p=person: p.delays)  # type: ignore[misc]
            assert not any(one.to == room for one in person.said)
        await asyncio.to_thread(cluster.control, "start", ROOM_SERVICE)
        await asyncio.gather(*waiting)
        await check_all_seen(people, [room])
        assert all(not person.connections_lost for person in people)
