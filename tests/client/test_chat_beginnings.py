"""The SDK for a client that keeps what it has seen: begun at once, and marked by itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from zchat.client import (
    Answered,
    Chat,
    ConnectionFailed,
    EntryArrived,
    Event,
    RefusedError,
    SessionBegun,
    State,
    connect,
)
from zchat.protocol.messages import Done, ListUsers, MessagePosted, Post, RefusalCode, Refused

from .fake_gateway import FakeGateway, until


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


async def events(chat: Chat, count: int) -> list[Event]:
    taken = []
    async with asyncio.timeout(90):
        async for event in chat.events():
            taken.append(event)
            if len(taken) == count:
                break
    return taken


async def test_it_begins_where_the_cache_stopped(gateway: FakeGateway) -> None:
    for number in range(5):
        gateway.server.append("#lobby", "bob", MessagePosted(str(number)))
    async with connect("ann", gateway.address, cursors={"#lobby": 3}, away="lunch") as chat:
        begun, *entries = await events(chat, 3)
        assert isinstance(begun, SessionBegun)
        assert [event.entry.sequence for event in entries if isinstance(event, EntryArrived)] == [
            4,
            5,
        ]
    assert gateway.logins[0].cursors == {"#lobby": 3}
    assert gateway.logins[0].away == "lunch"


async def test_nothing_counts_as_read_before_the_application_says_so(gateway: FakeGateway) -> None:
    gateway.server.append("#lobby", "bob", MessagePosted("hello"))
    cursors = {"#lobby": 0, "@ann": 0}
    async with connect("ann", gateway.address, cursors=cursors, mark_read=False) as chat:
        await events(chat, 2)
        chat.mark_read("@bob", 3)
    assert gateway.server.marks == [("@bob", 3)]


async def test_without_a_server_everything_waits_for_it(gateway: FakeGateway) -> None:
    gateway.stop()
    async with connect("ann", gateway.address, at_once=True) as chat:
        assert (chat.name, chat.state, chat.connected) == ("ann", State.CONNECTING, False)
        request = chat.send(Post(room="lobby", text="early"))
        future = chat.submit(ListUsers())
        [failed] = await events(chat, 1)
        assert isinstance(failed, ConnectionFailed)
        assert str(gateway.port) in failed.reason
        await gateway.start()
        await asyncio.wait_for(future, 90)
        assert chat.connected
        seen = []
        async for event in chat.events():
            seen.append(event)
            if isinstance(event, Answered):
                break
    assert [type(event) for event in seen if not isinstance(event, ConnectionFailed)] == [
        SessionBegun,
        EntryArrived,
        Answered,
    ]
    answered = seen[-1]
    assert isinstance(answered, Answered)
    assert answered.id == request
    assert answered.answer == Done(request, "#lobby", 1)


@pytest.mark.parametrize(
    ("credentials", "guest"),
    [({}, True), ({"token": b"a" * 32}, False), ({"password": "correct-horse"}, False)],
)
async def test_whoever_comes_with_what_an_account_has_is_no_guest_meanwhile(
    gateway: FakeGateway, credentials: dict[str, Any], guest: bool
) -> None:
    gateway.stop()
    async with connect("ann", gateway.address, at_once=True, **credentials) as chat:
        assert chat.guest == guest


async def test_a_login_that_is_refused_later_ends_the_events(gateway: FakeGateway) -> None:
    gateway.refusal = Refused(0, RefusalCode.WRONG_PASSWORD, "That is not the password.")
    chat = await connect("ann", gateway.address, at_once=True).__aenter__()
    future = chat.submit(ListUsers())
    with pytest.raises(RefusedError, match="not the password"):
        await events(chat, 1)
    assert isinstance(future.exception(), RefusedError)


async def test_leaving_without_ever_having_been_there(gateway: FakeGateway) -> None:
    gateway.stop()
    async with connect("ann", gateway.address, at_once=True) as chat:
        pass
    assert chat.is_over


async def test_a_question_that_nobody_has_answered_loses_nothing(gateway: FakeGateway) -> None:
    gateway.stop()
    chat = await connect("ann", gateway.address, at_once=True).__aenter__()
    chat.submit(ListUsers())
    await chat.quit(0.1)
    assert chat.unanswered == 1


async def test_a_refusal_is_an_answer_like_others(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        request = chat.send(Post(room="nowhere", text="hello"))
        _, answered = await events(chat, 2)
        assert isinstance(answered, Answered)
        assert isinstance(answered.answer, Refused)
        assert (answered.id, answered.answer.code) == (request, RefusalCode.UNKNOWN_ROOM)


async def test_away_is_said_again_after_a_broken_connection(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        await chat.away("lunch")
        gateway.cut()
        await until(lambda: len(gateway.logins) == 2)
        assert gateway.logins[1].away == "lunch"
        await chat.back()
