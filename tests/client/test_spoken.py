"""The keyboard of the client that draws nothing: what is typed ahead of who takes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date

import pytest

from zchat.client import connect
from zchat.client.line import plain
from zchat.client.line.line_client import LineClient
from zchat.client.line.plain import Keyboard, SpokenRenderer

from .fake_gateway import FakeGateway, until

PASSWORD = "correct horse"


async def typed(*lines: str, is_over: bool = False) -> AsyncIterator[str]:
    """All at once; with `is_over` the terminal is gone then."""
    for line in lines:
        yield line
    if not is_over:
        await asyncio.Event().wait()


async def converse(
    lines: AsyncIterator[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[str]]:
    """What was shown, and what was said in the lobby."""
    monkeypatch.setattr(plain, "_unseen", contextlib.nullcontext)
    shown: list[str] = []
    monkeypatch.setattr(plain, "show", shown.extend)
    keyboard = Keyboard(lines)
    async with FakeGateway() as gateway, connect("ann", gateway.address) as chat:
        render = SpokenRenderer("ann", date(2023, 11, 14), UTC, colour=False)
        client = LineClient(chat, render, shown.extend, keyboard.ask)
        following = asyncio.create_task(client.follow())
        async with asyncio.timeout(90):
            await keyboard.converse(client)
            await client.quit(10)
            await following
        return shown, gateway.server.texts("#lobby")


async def test_a_command_typed_ahead_of_the_end_of_a_question_is_obeyed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = typed("hello", ":register", PASSWORD, PASSWORD, ":quit")
    shown, said = await converse(lines, monkeypatch)
    assert said == ["hello"]
    assert any("your name is registered" in line for line in shown)


async def test_what_was_typed_for_no_question_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = typed(":register", PASSWORD, PASSWORD, PASSWORD, ":quit")
    shown, said = await converse(lines, monkeypatch)
    assert said == []
    assert "! not said, since it was typed while something was asked" in shown


async def test_a_terminal_that_is_gone_leaves_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, said = await converse(typed("hello", ":register", is_over=True), monkeypatch)
    assert said == ["hello"]
    assert not any("your name is registered" in line for line in shown)


async def test_of_a_long_paste_no_more_is_read_than_is_taken_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a command waits for the server, nobody takes what is typed."""
    monkeypatch.setattr(plain, "_unseen", contextlib.nullcontext)
    shown: list[str] = []
    monkeypatch.setattr(plain, "show", shown.extend)
    pasted = 3 * plain.TYPED_LINES_MAX
    read: list[str] = []

    async def paste() -> AsyncIterator[str]:
        for line in (":register", PASSWORD, PASSWORD, *[":whoami"] * pasted, ":quit"):
            read.append(line)
            yield line

    keyboard = Keyboard(paste())
    async with FakeGateway() as gateway, connect("ann", gateway.address) as chat:
        gateway.delayed = []
        render = SpokenRenderer("ann", date(2023, 11, 14), UTC, colour=False)
        client = LineClient(chat, render, shown.extend, keyboard.ask)
        following = asyncio.create_task(client.follow())
        async with asyncio.timeout(90):
            conversing = asyncio.create_task(keyboard.converse(client))
            await until(lambda: len(read) > plain.TYPED_LINES_MAX)
            assert len(read) < pasted
            gateway.catch_up()
            await conversing
            await client.quit(10)
            await following
    assert len([line for line in shown if "ann (registered)" in line]) == pasted
