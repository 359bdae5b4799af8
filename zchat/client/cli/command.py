"""What all subcommands have in common: who and where, text or JSON, and how they end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from zchat.client.auth.access import Access
from zchat.client.cli import json_output
from zchat.client.cli.options import access_of, access_options, json_option, user_name
from zchat.client.cli.output import Output
from zchat.client.cli.retry import NOT_NOW, patiently
from zchat.client.core.checks import InvalidRequest, checked, log_name
from zchat.client.exit_codes import (
    REFUSED,
    SIGNAL_QUIT_TIMEOUT_S,
    TRY_LATER,
    UNCONFIRMED,
    WRONG_USAGE,
    Failed,
    end_with,
    fail,
    told_to_leave,
)
from zchat.client.sdk.chat import Chat, UnconfirmedError
from zchat.client.sdk.requests import RefusedError
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, Done, Request, inbox_log, room_log
from zchat.runtime import options
from zchat.runtime.options import ConfiguredCommand

if TYPE_CHECKING:
    from zchat.client.auth.login import Login

TIMEOUT_S: Final = 30.0
"""A script must not hang for ever on a service that is down."""
FROM_NOW_ON: Final = limits.INTEGER_MAX
"""A cursor that no log has come to: the server takes it for the newest entry."""


def script(
    name: str,
    run: Callable[..., int],
    params: Sequence[click.Parameter],
    help: str,  # noqa: A002 - As click calls it.
) -> click.Command:
    """A subcommand. `run` gets an `Access`, an `Output` and the values of `params`."""
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
    """Logs in for `work`, and returns its exit code; nothing counts as read because of it.

    No entries come but those of the `logs` that it may ask for.
    """
    # Late, since not even a wrong command line needs it.
    from zchat.client.auth.login import log_in  # noqa: PLC0415

    async def use(chat: Chat, _: "Login") -> int:
        return await _until_told(chat, work)

    cursors = {**unheard(access.user), **connecting.pop("cursors", {})}
    connecting = {"logs": (), **connecting}
    return log_in(access, use, cursors=cursors, mark_read=False, **connecting)


def unheard(user: str) -> dict[str, int]:
    """Cursors behind which nothing comes: of the logs that everyone follows.

    Of a gateway that sends all logs, since it is older than that one may ask for some.
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
            # What is on its way may still be answered; `UnconfirmedError` if it is not.
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


# --- Subcommands that do one thing, which is done or refused --------------------------------------


def doing(
    name: str,
    draft: Callable[..., Request],
    params: Sequence[click.Parameter],
    help: str,  # noqa: A002 - As click calls it.
) -> click.Command:
    """A subcommand. `draft` gets the user's name and the values of `params`."""

    def run(access: Access, out: Output, **given: Any) -> int:
        try:
            request = checked(draft(access.user, **given))
        except InvalidRequest as error:
            raise Failed(WRONG_USAGE, str(error)) from None

        async def work(chat: Chat) -> int:
            done = await _done(chat, request)
            if out.as_json:
                out.shapes([json_output.of_done(done)])
            return 0

        return session(access, work)

    return script(name, run, params, help)


async def _done(chat: Chat, request: Request) -> Done:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            done = await patiently(lambda: chat.submit(request), TIMEOUT_S)
    except TimeoutError:
        raise Failed(UNCONFIRMED, str(UnconfirmedError(1))) from None
    assert isinstance(done, Done)
    return done


def log_of(user: str, place: str) -> str:
    """That in which the messages of a place are numbered: all private ones in the own inbox."""
    return place if place.startswith("#") else inbox_log(user)


def sequence_argument() -> click.Argument:
    whole = options.value_of(options.whole(1, limits.INTEGER_MAX))
    return click.Argument(["sequence"], type=whole, metavar="SEQUENCE")


def text_argument() -> click.Argument:
    return click.Argument(["text"], nargs=-1, metavar="[TEXT]...")


def reason_option() -> click.Option:
    return click.Option(
        ["--reason"], default="", help="Why, if it is another's; all read it.", metavar="TEXT"
    )
