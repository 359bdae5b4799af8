"""Queries that are asked again while the server has no time for them, and pages of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.protocol import limits
from zchat.protocol.messages import Entry, RefusalCode

A = TypeVar("A")

NOT_NOW: Final = (RefusalCode.UNAVAILABLE, RefusalCode.BUSY, RefusalCode.TOO_FAST)
"""The same is taken later, as far as anybody knows."""
PATIENCE_S: Final = 30.0
"""A script must not hang for ever on a service that is down."""
RETRY_S: Final = 0.5
"""Where the server does not say how long to wait, or less than this."""


async def patiently(ask: Callable[[], Awaitable[A]], patience_s: float | None = PATIENCE_S) -> A:
    """The answer. With no limit to the patience, whenever it comes.

    A command is repeated by the client itself; a query is for whoever still wants the answer.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        try:
            return await ask()
        except RefusedError as error:
            wait_s = max(RETRY_S, error.retry_after_s)
            over = patience_s is not None and loop.time() + wait_s > begun + patience_s
            if error.code not in NOT_NOW or over:
                raise
            await asyncio.sleep(wait_s)


# --- Pages of history -----------------------------------------------------------------------------

_SPARE: Final = 10
"""So many entries more than are wanted are asked for at once: some may be none that count."""


async def pages(
    chat: Chat,
    log: str,
    before: int | None = None,
    patience_s: float | None = PATIENCE_S,
    first: int = limits.HISTORY_ENTRIES_MAX,
) -> AsyncIterator[list[Entry]]:
    """The newest page first, which has up to `first` entries; each of them oldest first."""
    more, limit = True, first
    while more:
        ask = partial(chat.history, log, limit, before)
        history = await patiently(ask, patience_s)
        if not history.entries:
            return
        yield history.entries
        before, more = history.entries[0].sequence, history.more
        limit = limits.HISTORY_ENTRIES_MAX


async def last(
    chat: Chat,
    log: str,
    number: int,
    counts: Callable[[Entry], bool],
    before: int | None = None,
    patience_s: float | None = PATIENCE_S,
) -> list[Entry]:
    """The last `number` entries that count, oldest first."""
    found: list[Entry] = []
    if number:
        # Two hundred long messages are megabytes, and mostly a few are wanted.
        first = min(number + _SPARE, limits.HISTORY_ENTRIES_MAX)
        async for page in pages(chat, log, before, patience_s, first):
            found[:0] = filter(counts, page)
            if len(found) >= number:
                break
    return found[-number:] if number else []
