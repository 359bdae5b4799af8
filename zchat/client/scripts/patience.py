"""Questions that a server has no time for at the moment: they are asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from zchat.client.asking import RefusedError
from zchat.protocol.messages import RefusalCode

A = TypeVar("A")

PATIENCE_S: Final = 30.0
"""A script must not hang for ever on a service that is down."""
RETRY_S: Final = 0.5
_NOT_NOW: Final = (RefusalCode.UNAVAILABLE, RefusalCode.BUSY, RefusalCode.TOO_FAST)


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
            waited_s = loop.time() - begun
            if error.code not in _NOT_NOW or (patience_s is not None and waited_s > patience_s):
                raise
            await asyncio.sleep(max(RETRY_S, error.retry_after_s))
