"""How the line client is opened, by what it reads from, and how it ends."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Final

from zchat.client.auth.access import Access
from zchat.client.auth.login import Login, log_in
from zchat.client.exit_codes import REFUSED, SIGNAL_QUIT_TIMEOUT_S, told_to_leave
from zchat.client.line import plain
from zchat.client.line.line_client import LineClient
from zchat.client.line.plain import Keyboard, SpokenRenderer
from zchat.client.sdk.chat import Chat
from zchat.client.text.renderer import Renderer

PIPE_QUIT_TIMEOUT_S: Final = 30.0
"""A script must not hang for ever on a server that is down. A person may press Ctrl-C."""


def chat_by_lines(access: Access, *, is_plain: bool) -> int:
    """Returns the exit code. With `is_plain` a person's terminal is left as it is."""

    async def use(chat: Chat, login: Login) -> int:
        client, conversation, quit_timeout_s = _opened(chat, login, is_plain=is_plain)
        return await _until_over(client, conversation, quit_timeout_s)

    return log_in(access, use)


def _opened(
    chat: Chat, login: Login, *, is_plain: bool
) -> tuple[LineClient, Coroutine[Any, Any, None], float | None]:
    """The client, its conversation, and how long a goodbye may take."""
    today = datetime.now().astimezone().date()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        render = Renderer(chat.name, today, None, colour=False)
        client = LineClient(chat, render, plain.show, forget=login.forget)
        return client, plain.converse(client), PIPE_QUIT_TIMEOUT_S
    if is_plain:
        keyboard = Keyboard()
        render = SpokenRenderer(chat.name, today, None, colour=False)
        client = LineClient(chat, render, plain.show, keyboard.ask, login.forget)
        return client, keyboard.converse(client), None
    # prompt_toolkit takes longer to load than all else together, and only this needs it.
    from zchat.client.line import terminal  # noqa: PLC0415

    colour = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    render = Renderer(chat.name, today, None, colour=colour)
    client = LineClient(chat, render, plain.show, terminal.ask, login.forget)
    return client, terminal.converse(client), None


async def _until_over(
    client: LineClient, conversation: Coroutine[Any, Any, None], quit_timeout_s: float | None
) -> int:
    """Until the person or the input is done, the server ends it, or a signal does."""
    told = told_to_leave()
    following = asyncio.create_task(client.follow())
    conversing = asyncio.create_task(conversation)
    leaving = asyncio.create_task(told.wait())
    tasks = {following, conversing, leaving}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            conversing.cancel()
            await client.quit(SIGNAL_QUIT_TIMEOUT_S)
        elif conversing.done():
            conversing.result()
            await client.quit(quit_timeout_s)
        # `follow` ends with the goodbye, or raises why the server has ended the session.
        await following
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return REFUSED if client.anything_refused else 0
