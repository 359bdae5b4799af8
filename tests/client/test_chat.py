"""The SDK over real sockets: a bot's view, with a gateway that misbehaves."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from zchat.client import (
    CannotConnectError,
    Chat,
    InvalidRequest,
    LoggingOut,
    RefusedError,
    UnconfirmedError,
    connect,
)
from zchat.client.sdk.connection import split_address
from zchat.client.sdk.event_queue import EVENTS_WAITING_MAX
from zchat.protocol.messages import (
    Entry,
    GoingAway,
    ListUsers,
    MessagePosted,
    PingTarget,
    Post,
    RefusalCode,
    Refused,
)

from .fake_gateway import FakeGateway, until


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


async def take(chat: Chat, count: int) -> list[Entry]:
    entries = []
    async with asyncio.timeout(90):
        async for entry in chat:
            entries.append(entry)
            if len(entries) == count:
                break
    return entries


async def test_a_day_in_a_room(gateway: FakeGateway) -> None:
    async with connect("Ann", gateway.address) as chat:
        assert chat.name == "ann"
        assert (await chat.create_room("ops")).log == "#ops"
        await chat.topic("ops", "Pumps")
        assert (await chat.post("ops", "hello")).sequence == 3
        await chat.tell("#lobby", "everyone")
        await chat.tell("@bob", "you")
        with pytest.raises(InvalidRequest, match="neither a #room nor a @name"):
            await chat.tell("bob", "you")
        assert [room.topic for room in (await chat.rooms()).rooms] == ["", "Pumps"]
        assert (await chat.members("ops")).total == 1
        assert (await chat.users()).users[0].name == "ann"
        assert 0 <= await chat.ping(PingTarget.GATEWAY) < 5
        assert len((await chat.history("ops", 2)).entries) == 2
        assert chat.rooms_followed == {"lobby", "ops"}
        bodies = [type(entry.body).__name__ for entry in await take(chat, 5)]
        await chat.leave("ops")
    assert bodies == [
        "RoomCreated",
        "TopicChanged",
        "MessagePosted",
        "MessagePosted",
        "PrivateMessageSent",
    ]
    assert ("#lobby", 1) in gateway.server.marks


async def test_refusals_are_raised(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        with pytest.raises(RefusedError, match="no room nowhere") as refused:
            await chat.post("nowhere", "hello")
        assert refused.value.code is RefusalCode.UNKNOWN_ROOM
        with pytest.raises(InvalidRequest, match="empty"):
            await chat.say(" ")


async def test_a_refused_login_is_raised(gateway: FakeGateway) -> None:
    gateway.refusal = Refused(0, RefusalCode.NAME_IN_USE, "The name is taken.")
    with pytest.raises(RefusedError, match="taken"):
        await connect("ann", gateway.address).__aenter__()


async def test_nobody_there(gateway: FakeGateway) -> None:
    gateway.stop()
    with pytest.raises(CannotConnectError, match=f"127.0.0.1:{gateway.port}"):
        await connect("ann", gateway.address, connect_timeout_s=0.3).__aenter__()


async def test_the_next_address_is_tried(gateway: FakeGateway) -> None:
    async with FakeGateway(gateway.server) as other:
        gateway.stop()
        async with connect("ann", [gateway.address, other.address]) as chat:
            await chat.say("hello")


async def test_broken_connections_heal(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        futures = []
        for number in range(200):
            futures.append(chat.submit(Post(room="lobby", text=str(number))))
            if number % 20 == 0:
                await asyncio.sleep(0.01)
                gateway.cut()
        await asyncio.wait_for(asyncio.gather(*futures), 90)
        entries = await take(chat, 200)
    assert gateway.server.texts("#lobby") == [str(number) for number in range(200)]
    assert [entry.sequence for entry in entries] == list(range(1, 201))
    assert len({login.token for login in gateway.logins}) == 1
    assert len(gateway.logins) > 1


async def test_a_leaving_gateway_is_not_waited_for(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        gateway.push([GoingAway("Restart.")])
        await until(lambda: len(gateway.logins) == 2)
        await chat.say("here again")


async def test_whoever_does_not_read_stops_the_flow_and_misses_nothing(
    gateway: FakeGateway,
) -> None:
    count = 6 * EVENTS_WAITING_MAX
    async with connect("ann", gateway.address) as chat:
        for _ in range(count):
            gateway.say("#lobby", "bob", MessagePosted("x" * 200))
        await asyncio.sleep(0.3)
        assert len(chat._events) < 3 * EVENTS_WAITING_MAX
        entries = await take(chat, count)
        assert [entry.sequence for entry in entries] == list(range(1, count + 1))
        assert len(gateway.logins) == 1


async def test_an_answer_comes_through_even_when_nobody_reads(gateway: FakeGateway) -> None:
    count = 6 * EVENTS_WAITING_MAX
    async with connect("ann", gateway.address) as chat:
        for _ in range(count):
            gateway.say("#lobby", "bob", MessagePosted("x" * 200))
        await asyncio.wait_for(chat.rooms(), 90)
        # What was skipped meanwhile is fetched once there is room for it.
        assert len(chat._events) < 3 * EVENTS_WAITING_MAX
        entries = await take(chat, count)
        assert [entry.sequence for entry in entries] == list(range(1, count + 1))


async def test_leaving_waits_for_the_answers(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        future = chat.submit(Post(room="lobby", text="last words"))
    assert future.done()
    assert gateway.server.texts("#lobby") == ["last words"]
    with pytest.raises(LoggingOut):
        chat.submit(ListUsers())


async def test_what_is_not_confirmed_is_said(gateway: FakeGateway) -> None:
    chat = await connect("ann", gateway.address, quit_timeout_s=0.1).__aenter__()
    gateway.mute = True
    future = chat.submit(Post(room="lobby", text="into the void"))
    with pytest.raises(UnconfirmedError, match="1 message is not confirmed"):
        await chat.__aexit__(None, None, None)
    assert future.cancelled()


async def test_the_end_of_the_session_ends_the_iteration(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        gateway.push([Refused(None, RefusalCode.MALFORMED, "That made no sense.")])
        with pytest.raises(RefusedError, match="no sense"):
            await take(chat, 1)


async def test_quitting_ends_the_iteration(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        await chat.say("hello")
        await chat.quit()
        assert len([entry async for entry in chat]) == 1


def test_addresses() -> None:
    assert split_address("[::1]:7447") == ("::1", 7447)
    for wrong in ("localhost", ":7447", "host:port", ""):
        with pytest.raises(ValueError, match="HOST:PORT"):
            split_address(wrong)
