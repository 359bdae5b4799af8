"""What commands do, for whoever shows what comes of them."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from zchat.client import connect
from zchat.client.commands.actions import Quit
from zchat.client.commands.executor import Executor
from zchat.client.commands.table import parse
from zchat.protocol.messages import Answer, Done, RoomList, Standing, SuspendUser

from .fake_gateway import FakeGateway, until


class Outside:
    """Shows nothing, and keeps what it was given."""

    def __init__(self, *, leaves: bool = True) -> None:
        self.words: list[str] = []
        self.mistakes: list[str] = []
        self.refusals: list[str] = []
        self.answers: list[Answer] = []
        self._leaves = leaves

    def show(self, lines: Sequence[str]) -> None:
        self.words += lines

    def notice(self, text: str) -> None:
        self.words.append(text)

    def mistaken(self, reason: str) -> None:
        self.mistakes.append(reason)

    def refused(self, reason: str) -> None:
        self.refusals.append(reason)

    def answered(self, answer: Answer) -> None:
        self.answers.append(answer)

    def may_leave(self) -> bool:
        return self._leaves


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as gateway:
        yield gateway


@asynccontextmanager
async def executor(gateway: FakeGateway, outside: Outside) -> AsyncIterator[Executor]:
    async with connect("ann", gateway.address) as chat:
        yield Executor(chat, outside)


async def test_an_answer_comes_as_the_server_has_given_it(gateway: FakeGateway) -> None:
    outside = Outside()
    async with executor(gateway, outside) as commands:
        for line in (":cr ops", ":lrs"):
            assert commands.perform(parse(line))
        await until(lambda: len(outside.answers) == 2)
    made, listed = outside.answers
    assert isinstance(made, Done)
    assert isinstance(listed, RoomList)
    assert "ops" in [info.room for info in listed.rooms]
    assert not outside.words


async def test_what_is_not_sent_is_told_from_what_is_refused(gateway: FakeGateway) -> None:
    outside = Outside()
    async with executor(gateway, outside) as commands:
        commands.perform(parse(":pm bob"))
        commands.perform(parse(":rm nowhere hi"))
        await until(lambda: outside.refusals != [])
    assert len(outside.mistakes) == len(outside.refusals) == 1


async def test_who_shows_it_decides_about_leaving(gateway: FakeGateway) -> None:
    for leaves in (True, False):
        async with executor(gateway, Outside(leaves=leaves)) as commands:
            assert commands.perform(Quit()) is not leaves


async def test_a_suspension_has_an_end_or_none(gateway: FakeGateway) -> None:
    gateway.server.guest = False
    gateway.server.standing = Standing.MODERATOR
    outside = Outside()
    async with executor(gateway, outside) as commands:
        before_ms = round(time.time() * 1000)
        commands.perform(parse(":suspend mallory 1h spam"))
        commands.perform(parse(":suspend mallory spam"))
        await until(lambda: len(outside.words) == 2)
    timed, endless = gateway.server.done
    assert isinstance(timed, SuspendUser)
    assert isinstance(endless, SuspendUser)
    assert timed.until_ms is not None
    assert timed.until_ms >= before_ms + 3_600_000
    assert endless.until_ms is None
    assert timed.reason == endless.reason == "spam"
    assert outside.words == ["mallory is logged out, and may not log in"] * 2
