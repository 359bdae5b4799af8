"""Questions that a server has no time for at the moment: they are asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from zchat.client.asking import RefusedError
from zchat.client.scripts.command import NOT_NOW

A = TypeVar("A")

PATIENCE_S: Final = 30.0
"""A script must not hang for ever on a service that is down."""
RETRY_S: Final = 0.5


async def patiently(ask: Callable[[], Awaitable[A]], patience_s: float | None = PATIENCE_S) -> A:
    """The answer. With no limit to the patience, whenever it comes.

    A command is repeated by the client itself; a question is for whoever asks it.
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
