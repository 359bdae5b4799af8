"""Waiting for what comes: given up and taken up again, and beside what is iterated over."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from zchat.client import (
    Chat,
    Entry,
    EntryArrived,
    LoggingOut,
    MessagePosted,
    RefusalCode,
    RefusedError,
    connect,
)
from zchat.client.sdk.event_queue import EVENTS_WAITING_MAX
from zchat.protocol.messages import Refused

from .fake_gateway import FakeGateway, until


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


def say(gateway: FakeGateway, *texts: str) -> None:
    for text in texts:
        gateway.say("#lobby", "bob", MessagePosted(text))


def text_of(entry: Entry) -> str:
    return entry.body.text if isinstance(entry.body, MessagePosted) else ""


def says(text: str) -> "Wanted":
    return Wanted(text)


class Wanted:
    def __init__(self, text: str) -> None:
        self.text = text
        self.looked_at: list[str] = []

    def __call__(self, entry: Entry) -> bool:
        self.looked_at.append(text_of(entry))
        return text_of(entry) == self.text


async def test_a_wait_that_was_given_up_is_taken_up_again(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        entries, events = chat.entries(), chat.events()
        for number in range(5):
            for waiting in (anext(entries), anext(events)):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(waiting, 0.01)
            say(gateway, str(number))
            assert text_of(await asyncio.wait_for(anext(entries), 10)) == str(number)


async def test_nothing_is_lost_whenever_a_wait_is_given_up(gateway: FakeGateway) -> None:
    got: list[str] = []
    async with connect("ann", gateway.address) as chat:
        entries = chat.entries()
        for number in range(200):
            say(gateway, str(number))
            if number % 3 == 0:
                await asyncio.sleep(0)
            task = asyncio.ensure_future(anext(entries))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            if not task.done():
                task.cancel()
            done = await asyncio.gather(task, return_exceptions=True)
            got += [text_of(one) for one in done if isinstance(one, Entry)]
        async with asyncio.timeout(10):
            while len(got) < 200:
                got.append(text_of(await anext(entries)))
    assert got == [str(number) for number in range(200)]


async def test_an_entry_counts_as_read_when_the_next_one_is_asked_for(
    gateway: FakeGateway,
) -> None:
    async with connect("ann", gateway.address) as chat:
        entries = chat.entries()
        say(gateway, "one")
        await anext(entries)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(entries), 0.01)
        say(gateway, "two")
        await anext(entries)
    assert [mark for mark in gateway.server.marks if mark[1]] == [("#lobby", 1)]


async def test_two_cannot_wait_for_one_iteration(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        events = chat.events()
        await anext(events)
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="somebody else waits"):
            await anext(events)
        say(gateway, "hi")
        assert isinstance(await first, EntryArrived)


async def test_a_script_waits_for_what_it_wants(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        say(gateway, "no", "yes", "no")
        await chat.ping()
        # Which came before, and is not given twice.
        assert (await chat.wait_for(says("yes"), 10)).sequence == 2
        with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
            await chat.wait_for(says("yes"), 0.05)
        waiting = asyncio.ensure_future(chat.wait_for(says("yes"), 10))
        say(gateway, "no", "yes")
        assert (await waiting).sequence == 5


async def test_who_waits_takes_nothing_from_the_iteration(gateway: FakeGateway) -> None:
    seen: list[str] = []
    async with connect("ann", gateway.address) as chat:
        say(gateway, "begin", "between")
        async for entry in chat:
            seen.append(text_of(entry))
            if text_of(entry) == "begin":
                wanted = says("answer")
                waiting = asyncio.ensure_future(chat.wait_for(wanted, 10))
                await chat.say("question")
                say(gateway, "noise", "answer", "end")
                assert text_of(await waiting) == "answer"
                assert wanted.looked_at[-3:] == ["question", "noise", "answer"]
            if text_of(entry) == "end":
                break
    assert seen == ["begin", "between", "question", "noise", "answer", "end"]


async def test_more_may_be_passed_over_than_is_kept(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        waiting = asyncio.ensure_future(chat.wait_for(says("last"), 60))
        say(gateway, *(["noise"] * (3 * EVENTS_WAITING_MAX)), "last")
        assert (await waiting).sequence == 3 * EVENTS_WAITING_MAX + 1


async def test_a_predicate_that_fails_fails_for_its_own(gateway: FakeGateway) -> None:
    async with connect("ann", gateway.address) as chat:
        waiting = asyncio.ensure_future(chat.wait_for(lambda entry: bool(1 / 0), 10))
        await asyncio.sleep(0)
        say(gateway, "hi")
        with pytest.raises(ZeroDivisionError):
            await waiting
        say(gateway, "ho")
        assert (await chat.wait_for(says("ho"), 10)).sequence == 2


async def test_the_end_of_the_session_ends_a_wait(gateway: FakeGateway) -> None:
    chat: Chat
    async with connect("ann", gateway.address) as chat:
        waiting = asyncio.ensure_future(chat.wait_for(says("never")))
        await asyncio.sleep(0)
        gateway.push([Refused(None, RefusalCode.MALFORMED, "Go away.")])
        with pytest.raises(RefusedError, match="Go away"):
            await waiting
        with pytest.raises(RefusedError, match="Go away"):
            await chat.wait_for(says("never"))
    async with connect("ann", gateway.address) as chat:
        waiting = asyncio.ensure_future(chat.wait_for(says("never")))
        await asyncio.sleep(0)
        await chat.quit()
        with pytest.raises(LoggingOut):
            await waiting
        await until(lambda: gateway.goodbyes == 1)
