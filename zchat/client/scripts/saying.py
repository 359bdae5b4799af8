"""Says one thing, when it is told to, and with a key once, however often it is run."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from zchat.client.access import REFUSED, UNCONFIRMED, Failed
from zchat.client.scripts.command import NOT_NOW
from zchat.protocol import limits
from zchat.protocol.messages import (
    Done,
    MessagePosted,
    Post,
    PrivateMessageSent,
    RefusalCode,
    SendPrivate,
)
from zchat.protocol.nonces import nonce

if TYPE_CHECKING:
    from zchat.client.chat import Chat

KEY_CHARS_MAX: Final = 200
RETRY_S: Final = 0.5
Saying = Post | SendPrivate


def idempotency_key(text: str) -> str:
    """Raises `ValueError`."""
    if not text.isprintable() or not 1 <= len(text) <= KEY_CHARS_MAX:
        raise ValueError(f"no key; give 1 to {KEY_CHARS_MAX} characters that can be seen")
    return text


async def say(chat: "Chat", place: str, draft: Saying, key: str | None, timeout_s: float) -> Done:
    """Raises `RefusedError`, at once where waiting would take longer; `Failed`; `TimeoutError`."""
    from zchat.client.asking import RefusedError  # noqa: PLC0415

    nonces = None if key is None else _nonces(place, key)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    async with asyncio.timeout_at(deadline):
        while True:
            try:
                answer = await chat.submit(replace(draft, nonce=nonces() if nonces else b""))
            except RefusedError as error:
                if nonces and error.code is RefusalCode.OVERTAKEN:
                    reason = "the key was used so long ago that nobody knows what became of it"
                    raise Failed(UNCONFIRMED, reason) from None
                if nonces and error.again:
                    continue  # That was an earlier run, and this one is to try for itself.
                wait_s = max(RETRY_S, error.retry_after_s)
                if error.code not in NOT_NOW or loop.time() + wait_s > deadline:
                    raise
                await asyncio.sleep(wait_s)
                continue
            assert isinstance(answer, Done)
            if key is not None and answer.again:
                await _check_same(chat, place, draft, key, answer)
            return answer


def _nonces(place: str, key: str) -> Callable[[], bytes]:
    """The same ones in each run: each attempt has the next, once all before were refused.

    So whatever was done with the key is found before anything new is tried.
    """
    prefix = sha256(f"{place}\0{key}".encode()).digest()[: limits.NONCE_PREFIX_BYTES]
    number = iter(range(1, limits.INTEGER_MAX))
    return lambda: nonce(prefix, next(number))


async def _check_same(chat: "Chat", place: str, draft: Saying, key: str, done: Done) -> None:
    """Raises `Failed` if something else was said with the key, as far as that can be read."""
    from zchat.client.asking import RefusedError  # noqa: PLC0415

    try:
        history = await chat.history(place, 1, done.sequence + 1)
    except RefusedError:
        return  # An app token that may only post, for one.
    for entry in history.entries:
        body = entry.body
        if entry.sequence != done.sequence or entry.edited:
            continue
        if isinstance(body, MessagePosted | PrivateMessageSent) and (
            (body.text, body.reply_to) != (draft.text, draft.reply_to)
        ):
            reason = f"the key {key!r} was used for another message: number {done.sequence} there"
            raise Failed(REFUSED, reason)
