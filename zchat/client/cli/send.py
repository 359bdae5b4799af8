"""`zchat-client send`: one message, and an exit code that says whether it is kept for good."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Final

import click
from msgspec.structs import replace

from zchat.client.auth.access import Access
from zchat.client.cli.output import Output, done_object, text_of
from zchat.client.cli.subcommand import (
    FROM_NOW_ON,
    NOT_NOW,
    PATIENCE_S,
    RETRY_S,
    place_argument,
    script,
    session,
    text_argument,
)
from zchat.client.core.checks import InvalidRequest, saying
from zchat.client.exit_codes import REFUSED, UNCONFIRMED, WRONG_USAGE, Failed
from zchat.client.sdk.chat import Chat, UnconfirmedError
from zchat.client.sdk.requests import RefusedError
from zchat.protocol import limits
from zchat.protocol.messages import (
    Done,
    MessagePosted,
    Post,
    PrivateMessageSent,
    RefusalCode,
    SendPrivate,
)
from zchat.protocol.rules.nonces import nonce
from zchat.runtime import options

_GOODBYE_S: Final = 2.0
"""How long to wait for the goodbye: the message is confirmed by then."""
KEY_CHARS_MAX: Final = 200
Saying = Post | SendPrivate

HELP: Final = """Say TEXT in ROOM, or to @USER.

Without TEXT, or with -, it is read from standard input: all of it is one message. Returns once the
message is stored for good. An app token that may only post is enough.

With an --idempotency-key it can be run again, whatever became of it: what was said with the key in
this place is not said once more.

\b
Examples:
  zchat-client send -u cron ops "the backup is done"
  df -h | zchat-client send -u cron ops
  zchat-client send -u ann @bob hello
  zchat-client send -u cron --idempotency-key "backup $(date +%F)" ops "the backup is done"
"""


def run(
    access: Access,
    out: Output,
    place: str,
    text: tuple[str, ...],
    reply_to: int,
    timeout: float,
    idempotency_key: str | None,
) -> int:

    said = text_of(text)
    try:
        draft: Saying = saying(place, said, reply_to)
    except InvalidRequest as error:
        raise Failed(WRONG_USAGE, str(error)) from None

    async def say(chat: Chat) -> int:
        try:
            done = await say_once(chat, place, draft, idempotency_key, timeout)
        except TimeoutError:
            raise Failed(UNCONFIRMED, str(UnconfirmedError(1))) from None
        if out.as_json:
            out.objects([done_object(done)])
        return 0

    # Nothing of the room needs to come, also from a gateway that sends all logs.
    cursors = {place: FROM_NOW_ON} if place.startswith("#") else {}
    return session(
        access, say, cursors=cursors, connect_timeout_s=timeout, quit_timeout_s=_GOODBYE_S
    )


# --- Said once, however often it is run -----------------------------------------------------------


def idempotency_key(text: str) -> str:
    """Raises `ValueError`."""
    if not text.isprintable() or not 1 <= len(text) <= KEY_CHARS_MAX:
        raise ValueError(f"no key; give 1 to {KEY_CHARS_MAX} characters that can be seen")
    return text


async def say_once(
    chat: Chat, place: str, draft: Saying, key: str | None, timeout_s: float
) -> Done:
    """Raises `RefusedError`, at once where waiting would take longer; `Failed`; `TimeoutError`."""
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
                    continue  # An earlier run was refused; this one tries its next nonce.
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


async def _check_same(chat: Chat, place: str, draft: Saying, key: str, done: Done) -> None:
    """Raises `Failed` if something else was said with the key, as far as that can be read."""
    try:
        history = await chat.history(place, 1, done.sequence + 1)
    except RefusedError:
        return  # An app token that may only post is refused this.
    for entry in history.entries:
        body = entry.body
        if entry.sequence != done.sequence or entry.edited:
            continue  # It is not there any more, or does not say what was said at first.
        if isinstance(body, MessagePosted | PrivateMessageSent) and (
            (body.text, body.reply_to) != (draft.text, draft.reply_to)
        ):
            reason = f"the key {key!r} was used for another message: number {done.sequence} there"
            raise Failed(REFUSED, reason)


# --- How it is called -----------------------------------------------------------------------------

COMMANDS: Final = {
    "send": script(
        "send",
        run,
        [
            place_argument(),
            text_argument(),
            click.Option(
                ["--reply-to"],
                type=options.value_of(options.whole(0, limits.INTEGER_MAX)),
                default=0,
                help="The sequence of the message that it answers.",
                metavar="SEQUENCE",
            ),
            click.Option(
                ["--idempotency-key"],
                type=options.value_of(idempotency_key),
                help="Whatever you call this message: it is said once under this name.",
                metavar="KEY",
            ),
            click.Option(
                ["--timeout"],
                type=options.value_of(options.seconds(0.1, 86_400.0)),
                default=PATIENCE_S,
                help="How long to try to connect, and then to wait for the answer, or for slow "
                "mode.",
                metavar="SECONDS",
                show_default=True,
            ),
        ],
        HELP,
    )
}
