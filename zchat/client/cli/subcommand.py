"""What all subcommands have in common: who and where, parameters, retries, and how they end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from zchat.client.auth.access import Access
from zchat.client.cli.options import access_of, access_options, json_option, user_name
from zchat.client.cli.output import Output
from zchat.client.core.checks import InvalidRequest, log_name
from zchat.client.exit_codes import (
    REFUSED,
    SIGNAL_QUIT_TIMEOUT_S,
    TRY_LATER,
    end_with,
    fail,
    told_to_leave,
)
from zchat.client.sdk.chat import Chat
from zchat.client.sdk.requests import RefusedError
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, RefusalCode, inbox_log, room_log
from zchat.runtime import options
from zchat.runtime.options import ConfiguredCommand

if TYPE_CHECKING:
    from zchat.client.auth.login import Login

A = TypeVar("A")

FROM_NOW_ON: Final = limits.INTEGER_MAX
"""A cursor beyond all entries, which the server takes for the newest one."""


def script(
    name: str,
    run: Callable[..., int],
    params: Sequence[click.Parameter],
    help: str,  # noqa: A002 - As click calls it.
) -> click.Command:
    """A subcommand, with the options that all have. `run` gets these as an `Access` and an
    `Output`, and the values of `params`.
    """
    common = [
        click.Option(
            ["-u", "--user"],
            envvar="ZCHAT_USER",
            callback=user_name,
            help="Who you are.",
            metavar="NAME",
            show_envvar=True,
        ),
        json_option(),
        *access_options(),
    ]
    shared = {parameter.name for parameter in common} - {"user", "as_json"}

    def callback(user: str, as_json: bool, **given: Any) -> None:
        ours = {name: value for name, value in given.items() if name not in shared}
        access = access_of(user, **{name: value for name, value in given.items() if name in shared})
        out = Output(user, as_json=as_json, everything=ours.pop("everything", False))
        end_with(lambda: run(access, out, **ours))

    return ConfiguredCommand(
        name,
        params=[*params, *common],
        callback=callback,
        help=help,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def session(access: Access, work: Callable[[Chat], Awaitable[int]], **connecting: Any) -> int:
    """Logs in for `work`, and returns its exit code; it marks nothing as read.

    Entries come only of the `logs` that are given with `connecting`.
    """
    # Imported here, so that a wrong command line, and a page of help, need not wait for it.
    from zchat.client.auth.login import log_in  # noqa: PLC0415

    async def use(chat: Chat, _: "Login") -> int:
        return await _until_told(chat, work)

    cursors = {**unheard(access.user), **connecting.pop("cursors", {})}
    connecting = {"logs": (), **connecting}
    return log_in(access, use, cursors=cursors, mark_read=False, **connecting)


def unheard(user: str) -> dict[str, int]:
    """Cursors after which nothing comes, for the logs that everyone follows.

    A gateway of an older release does not know that a client may ask for some logs, and sends all.
    """
    return {room_log(LOBBY): FROM_NOW_ON, inbox_log(user): FROM_NOW_ON}


async def _until_told(chat: Chat, work: Callable[[Chat], Awaitable[int]]) -> int:
    """Until the work is done, or a signal says that it is over."""
    told = told_to_leave()
    working = asyncio.ensure_future(_do(chat, work))
    leaving = asyncio.create_task(told.wait())
    tasks = {working, leaving}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and chat.unanswered:
            # What is on its way may still be answered; `UnconfirmedError`, by the goodbye below, if
            # it is not.
            await asyncio.wait({working}, timeout=SIGNAL_QUIT_TIMEOUT_S)
        if working.done():
            return working.result()
        working.cancel()
        await chat.quit(SIGNAL_QUIT_TIMEOUT_S)
        return 0
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _do(chat: Chat, work: Callable[[Chat], Awaitable[int]]) -> int:
    try:
        return await work(chat)
    except RefusedError as error:
        if chat.is_over:
            raise  # The session was ended, which is another exit code than a refusal.
        return fail(TRY_LATER if error.code in NOT_NOW else REFUSED, error.reason)


# --- Asking again while the server has no time ----------------------------------------------------

NOT_NOW: Final = (RefusalCode.UNAVAILABLE, RefusalCode.BUSY, RefusalCode.TOO_FAST)
"""Refusals of the moment, with an exit code of their own: the same may be taken later."""
PATIENCE_S: Final = 30.0
"""A script must not hang for ever on a service that is down."""
RETRY_S: Final = 0.5
"""Where the server does not say how long to wait, or says less than this."""


async def patiently(ask: Callable[[], Awaitable[A]], patience_s: float | None = PATIENCE_S) -> A:
    """The answer. With no limit to the patience, whenever it comes.

    The client itself repeats a command that was `unavailable` or came to a busy server. It repeats
    no query, whose answer nobody may want any more by then, and nothing that was too fast.
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


# --- Parameters -----------------------------------------------------------------------------------


def place(text: str) -> str:
    """`#room`, `room`, or `@name`, as the name of a log. Raises `ValueError`."""
    try:
        return log_name(text if text[:1] in ("#", "@") else room_log(text))
    except InvalidRequest as error:
        raise ValueError(f"no place to talk: {error}") from None


def room(text: str) -> str:
    """`#room` or `room`, as the name of a log. Raises `ValueError`."""
    if text.startswith("@"):
        raise ValueError("no room but a person; give a room, for example ops")
    return place(text)


def room_argument() -> click.Argument:
    return click.Argument(["room"], type=options.value_of(room), metavar="ROOM")


def place_argument() -> click.Argument:
    return click.Argument(["place"], type=options.value_of(place), metavar="ROOM|@USER")


def number_option(default: int | None, maximum: int, what: str) -> click.Option:
    return click.Option(
        ["-n", "--number"],
        type=options.value_of(options.whole(0, maximum)),
        default=default,
        help=what,
        metavar="N",
        show_default=default is not None,
    )


def everything_option() -> click.Option:
    return click.Option(
        ["--all", "everything"],
        is_flag=True,
        help="Also what is no message: who came and went, topics, edits, reactions.",
    )


def text_argument() -> click.Argument:
    return click.Argument(["text"], nargs=-1, metavar="[TEXT]...")


def key_option() -> click.Option:
    return click.Option(
        ["--key"],
        default="",
        help="The key of a room that has one.",
        hide_input=True,
        metavar="KEY",
    )
