"""`zchat-client`: options, exit codes, and the choice between a terminal and a pipe."""

import asyncio
import dataclasses
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from zchat import options
from zchat.client.trust import is_accepted, tls_of, tls_options
from zchat.options import Address, ConfiguredCommand
from zchat.protocol.names import InvalidName, canonical_name, printable

if TYPE_CHECKING:
    from zchat.client.chat import Chat
    from zchat.client.login import Login
    from zchat.client.tls import Tls

REFUSED: Final = 1
WRONG_USAGE: Final = 2
NOT_CONNECTED: Final = 3
UNCONFIRMED: Final = 4
INTERRUPTED: Final = 130

PIPE_QUIT_TIMEOUT_S: Final = 30.0
"""A script must not hang for ever on a server that is down. A person may press Ctrl-C."""
SIGNAL_QUIT_TIMEOUT_S: Final = 3.0
"""Whoever sent SIGTERM or SIGHUP will not wait for long."""

HELP: Final = """Chat as USER in a zchat cluster.

On a terminal there is a prompt: text goes to everyone in the lobby, and :help lists the commands.
Otherwise lines are read from standard input, and the end of it is :quit.

The password of a registered name comes from --password-file, from ZCHAT_PASSWORD, or is asked for
on a terminal. It is needed once: from then on this device is remembered, until :logout, --forget,
or a :revoke elsewhere. A bot logs in with an app token, from --token-file or ZCHAT_TOKEN.

\b
Exit codes:
    0  all that was said is confirmed
    1  a message or command was refused
    2  wrong usage
    3  could not connect, or the login was refused
    4  the end came with unconfirmed messages
  130  interrupted
"""


def run(
    user: str,
    address: tuple[Address, ...],
    *,
    password_file: Path | None,
    token_file: Path | None,
    code_file: Path | None,
    register: bool,
    invitation: str,
    device: str,
    no_remember: bool,
    forget: bool,
    **trust: Any,
) -> NoReturn:
    # Here and not above, so that --help need not wait for it.
    from zchat.client import forgetting, login  # noqa: PLC0415

    addresses = [str(one) for one in address]
    tls = tls_of(**trust)
    wanted = login.Options(
        password_file, token_file, code_file, register, invitation, device, not no_remember
    )
    try:
        if forget:
            code = asyncio.run(forgetting.forget(user, addresses, tls))
        else:
            code = _log_in(login.Login(user, addresses, wanted), user, addresses, tls)
    except login.WrongLogin as error:
        code = _fail(WRONG_USAGE, str(error))
    except login.Abandoned:
        code = NOT_CONNECTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone. Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = REFUSED
    sys.exit(code)


def _log_in(login: "Login", user: str, addresses: list[str], tls: "Tls") -> int:
    from zchat.client.asking import RefusedError  # noqa: PLC0415
    from zchat.client.tls import UnknownServerError  # noqa: PLC0415

    while True:
        try:
            return asyncio.run(_chat(login, user, addresses, tls))
        except UnknownServerError as error:
            if not (sys.stdin.isatty() and is_accepted(error)):
                return _fail(NOT_CONNECTED, str(error))
        except RefusedError as error:
            hint = login.hint(error)
            if not login.try_again(error):
                return _fail(NOT_CONNECTED, error.reason + hint)


async def _chat(login: "Login", user: str, addresses: list[str], tls: "Tls") -> int:
    """Raises `RefusedError` if the login is refused."""
    from zchat.client import chat as sdk  # noqa: PLC0415
    from zchat.client.asking import RefusedError  # noqa: PLC0415
    from zchat.client.drafts import InvalidRequest  # noqa: PLC0415
    from zchat.client.tls import UnknownServerError, UntrustedServerError  # noqa: PLC0415

    try:
        chat = sdk.connect(user, addresses, tls=tls, **dataclasses.asdict(login.shown))
    except InvalidRequest as error:
        return _fail(WRONG_USAGE, str(error))
    try:
        async with chat:
            login.remember(chat)
            try:
                return await _converse(chat, login)
            except RefusedError as error:
                return _fail(NOT_CONNECTED, error.reason)
            finally:
                login.remember(chat)
    except UnknownServerError:
        raise
    except (sdk.CannotConnectError, UntrustedServerError) as error:
        return _fail(NOT_CONNECTED, str(error))
    except sdk.UnconfirmedError as error:
        return _fail(UNCONFIRMED, str(error))
    except asyncio.CancelledError:
        if chat.unanswered:
            return _fail(UNCONFIRMED, str(sdk.UnconfirmedError(chat.unanswered)))
        raise


async def _converse(chat: "Chat", login: "Login") -> int:
    from zchat.client import plain  # noqa: PLC0415
    from zchat.client.line import LineClient  # noqa: PLC0415
    from zchat.client.render import Renderer  # noqa: PLC0415

    today = datetime.now().astimezone().date()
    if sys.stdin.isatty() and sys.stdout.isatty():
        from zchat.client import terminal  # noqa: PLC0415

        colour = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        render = Renderer(chat.name, today, None, colour=colour)
        client = LineClient(chat, render, plain.show, terminal.ask, login.forget)
        conversation, quit_timeout_s = terminal.converse(client), None
    else:
        render = Renderer(chat.name, today, None, colour=False)
        client = LineClient(chat, render, plain.show, forget=login.forget)
        conversation, quit_timeout_s = plain.converse(client), PIPE_QUIT_TIMEOUT_S
    told_to_leave = _told_to_leave()
    following = asyncio.create_task(client.follow())
    conversing = asyncio.create_task(conversation)
    leaving = asyncio.create_task(told_to_leave.wait())
    tasks = {following, conversing, leaving}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done():
            conversing.cancel()
            await client.quit(SIGNAL_QUIT_TIMEOUT_S)
        elif conversing.done():
            conversing.result()
            await client.quit(quit_timeout_s)
        await following
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return REFUSED if client.anything_refused else 0


def _told_to_leave() -> asyncio.Event:
    """Set by SIGTERM, and by SIGHUP when the terminal is closed.

    A client that goes without a goodbye leaves its guest's name taken until its grace is over.
    """
    told = asyncio.Event()

    def leave(number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            # The terminal is gone, and what is still shown goes nowhere instead of failing.
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (sys.stdin, sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
        told.set()

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, leave, number)
    return told


def _fail(code: int, reason: str) -> int:
    # A reason may be a server's, which must not steer the terminal either.
    click.echo(f"zchat-client: {printable(reason)}", err=True)
    return code


# --- The entry point ------------------------------------------------------------------------------


def _user(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str:
    if value is None:
        raise click.UsageError("who are you? Give a name, for example: zchat-client ann", ctx)
    try:
        return canonical_name(value)
    except InvalidName as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


main = ConfiguredCommand(
    "zchat-client",
    params=[
        click.Argument(
            ["user"], required=False, envvar="ZCHAT_USER", callback=_user, metavar="USER"
        ),
        click.Option(
            ["--address"],
            type=options.value_of(options.addresses),
            default="127.0.0.1:7447",
            envvar="ZCHAT_ADDRESS",
            help="Where the gateways are: HOST:PORT, several separated by commas.",
            metavar="ADDRESS",
            show_default=True,
            show_envvar=True,
        ),
        click.Option(
            ["--password-file"],
            type=click.Path(path_type=Path),
            envvar="ZCHAT_PASSWORD_FILE",
            help="File whose first line is the password.",
            metavar="PATH",
            show_envvar=True,
        ),
        click.Option(
            ["--token-file"],
            type=click.Path(path_type=Path),
            envvar="ZCHAT_TOKEN_FILE",
            help="File whose first line is an app token, as :apptoken shows it.",
            metavar="PATH",
            show_envvar=True,
        ),
        click.Option(
            ["--code-file"],
            type=click.Path(path_type=Path),
            envvar="ZCHAT_CODE_FILE",
            help="File whose first line is a one-time or recovery code; or give it as ZCHAT_CODE.",
            metavar="PATH",
            show_envvar=True,
        ),
        click.Option(
            ["--register"],
            is_flag=True,
            help="Make a new account of the name; on a terminal the password is asked for.",
        ),
        click.Option(
            ["--invitation"],
            default="",
            envvar="ZCHAT_INVITATION",
            help="To register where that takes an invitation.",
            hide_input=True,
            metavar="CODE",
            show_envvar=True,
        ),
        click.Option(
            ["--device"],
            default="",
            envvar="ZCHAT_DEVICE",
            help="What :devices calls this client; else the name of this host.",
            metavar="NAME",
            show_envvar=True,
        ),
        click.Option(
            ["--no-remember"],
            is_flag=True,
            help="Neither use nor keep a token on this machine.",
        ),
        click.Option(
            ["--forget"],
            is_flag=True,
            help="Log this device out, remove its token, and exit.",
        ),
        *tls_options(),
    ],
    callback=run,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
