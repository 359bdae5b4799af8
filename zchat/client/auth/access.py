"""How `zchat-client` gets in, whatever it is called for: options, attempts, exit codes."""

import asyncio
import dataclasses
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from zchat.client.auth.trust import is_accepted, tls_of, tls_options
from zchat.programs import interrupts
from zchat.protocol.rules.names import InvalidName, canonical_name, printable
from zchat.runtime import options
from zchat.runtime.options import Address

if TYPE_CHECKING:
    from zchat.client.auth.login import Login, Options
    from zchat.client.auth.tls import Tls
    from zchat.client.sdk.chat import Chat

REFUSED: Final = 1
WRONG_USAGE: Final = 2
NOT_CONNECTED: Final = 3
UNCONFIRMED: Final = 4
TRY_LATER: Final = 5
INTERRUPTED: Final = 130

STDIN, STDOUT, STDERR = 0, 1, 2

SIGNAL_QUIT_TIMEOUT_S: Final = 3.0
"""Whoever sent SIGTERM or SIGHUP will not wait for long."""
SLOW_S: Final = 2.0
"""Whoever looks at a terminal on which nothing happens hears after so long why."""


class Failed(Exception):
    """The work ends with this exit code; the text says why, for people."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """Who logs in where, and with what."""

    user: str
    addresses: list[str]
    options: "Options"
    tls: "Tls"
    new_cluster: bool = False
    """Whoever is there now is right."""


def access_of(
    user: str,
    address: tuple[Address, ...],
    *,
    password_file: Path | None,
    token_file: Path | None,
    code_file: Path | None,
    device: str,
    no_remember: bool,
    new_cluster: bool,
    guest: bool,
    register: bool = False,
    invitation: str = "",
    new_password_file: Path | None = None,
    **trust: Any,
) -> Access:
    """What the values of `access_options` come to."""
    # Here and not above, so that --help need not wait for it.
    from zchat.client.auth.login import Options  # noqa: PLC0415

    wanted = Options(
        *(password_file, token_file, code_file, register, invitation, device, not no_remember),
        new_password_file,
        guest,
    )
    return Access(user, [str(one) for one in address], wanted, tls_of(**trust), new_cluster)


def end_with(work: Callable[[], int]) -> NoReturn:
    """Exits with the code that `work` returns, or that fits what it raises."""
    from zchat.client.auth import login  # noqa: PLC0415

    try:
        interrupts.are_raised()
        code = work()
    except login.WrongLogin as error:
        code = fail(WRONG_USAGE, str(error))
    except login.Abandoned:
        code = NOT_CONNECTED
    except Failed as error:
        code = fail(error.code, str(error))
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone. Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = REFUSED
    # A tenth of what a short command takes would be spent on looking for what can be forgotten.
    gc.freeze()
    interrupts.kill()
    sys.exit(code)


def log_in(
    access: Access, use: Callable[["Chat", "Login"], Awaitable[int]], **connecting: Any
) -> int:
    """Has `use` make of a session what it will, and returns its exit code.

    A person on a terminal is asked for what is missing. `connecting` is for `connect`.
    """
    from zchat.client.auth.clusters import identify  # noqa: PLC0415
    from zchat.client.auth.login import Login  # noqa: PLC0415
    from zchat.client.auth.tls import UnknownServerError  # noqa: PLC0415
    from zchat.client.sdk.requests import RefusedError  # noqa: PLC0415

    login = Login(access.user, access.addresses, access.options)
    if login.wants_cluster:
        timeout_s = connecting.get("connect_timeout_s", 10.0)
        login.at(identify(access, needed=login.has_kept, timeout_s=timeout_s))
    while True:
        try:
            return asyncio.run(_use(access, login, use, connecting))
        except UnknownServerError as error:
            if not (sys.stdin.isatty() and is_accepted(error)):
                return fail(NOT_CONNECTED, str(error))
        except RefusedError as error:
            hint = login.hint(error)
            if not login.try_again(error):
                return fail(NOT_CONNECTED, error.reason + hint)


async def _use(
    access: Access,
    login: "Login",
    use: Callable[["Chat", "Login"], Awaitable[int]],
    connecting: dict[str, Any],
) -> int:
    """Raises `RefusedError` if the login is refused, and `UnknownServerError`."""
    from zchat.client.auth.clusters import explained  # noqa: PLC0415
    from zchat.client.auth.tls import UnknownServerError, UntrustedServerError  # noqa: PLC0415
    from zchat.client.sdk import chat as sdk  # noqa: PLC0415
    from zchat.client.sdk.drafts import InvalidRequest  # noqa: PLC0415
    from zchat.client.sdk.requests import RefusedError  # noqa: PLC0415

    shown = dataclasses.asdict(login.shown)
    try:
        chat = sdk.connect(access.user, access.addresses, tls=access.tls, **shown, **connecting)
    except InvalidRequest as error:
        return fail(WRONG_USAGE, str(error))
    waiting = say_if_slow(access)
    try:
        async with chat:
            waiting.cancel()
            login.remember(chat)
            try:
                return await use(chat, login)
            except RefusedError as error:
                if not chat.has_begun:
                    raise
                # The session was ended, and no request alone was refused.
                return fail(NOT_CONNECTED, error.reason)
            finally:
                login.remember(chat)
    except UnknownServerError:
        raise
    except sdk.OtherClusterError as error:
        return fail(NOT_CONNECTED, explained(access, error, of_token=not login.wants_cluster))
    except (sdk.CannotConnectError, UntrustedServerError) as error:
        return fail(NOT_CONNECTED, str(error))
    except sdk.UnconfirmedError as error:
        return fail(UNCONFIRMED, str(error))
    except asyncio.CancelledError:
        if chat.unconfirmed:
            return fail(UNCONFIRMED, str(sdk.UnconfirmedError(chat.unconfirmed)))
        raise


def told_to_leave() -> asyncio.Event:
    """Set by SIGTERM, and by SIGHUP when the terminal is closed.

    A client that goes without a goodbye leaves its guest's name taken until its grace is over.
    """
    told = asyncio.Event()

    def leave(number: signal.Signals) -> None:
        if number is signal.SIGHUP:
            # The terminal is gone, and what is still shown goes nowhere instead of failing.
            nowhere = os.open(os.devnull, os.O_RDWR)
            # By number: whoever draws a screen has put something else in the place of the streams.
            for descriptor in (STDIN, STDOUT, STDERR):
                os.dup2(nowhere, descriptor)
        told.set()

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, leave, number)
    return told


def fail(code: int, reason: str) -> int:
    say(reason)
    return code


def say_if_slow(access: Access) -> asyncio.TimerHandle:
    """Tells a person what they are waiting for; to be cancelled once that is there."""

    def tell() -> None:
        if os.isatty(STDERR):
            say(f"connecting to {', '.join(access.addresses)} … Ctrl-C gives up")

    return asyncio.get_running_loop().call_later(SLOW_S, tell)


def say(text: str) -> None:
    """To whoever started us, beside what we were asked for."""
    # A reason may be a server's, which must not steer the terminal either.
    click.echo(f"zchat-client: {printable(text)}", err=True)


# --- Options --------------------------------------------------------------------------------------


def user_name(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """A callback of click."""
    if value is None:
        example = ctx.command_path if ctx.parent is None else f"{ctx.command_path} -u"
        raise click.UsageError(f"who are you? Give a name, for example: {example} ann", ctx)
    try:
        return canonical_name(value)
    except InvalidName as error:
        raise click.BadParameter(str(error), ctx, parameter) from None


def json_option() -> click.Option:
    """Of all subcommands."""
    return click.Option(
        ["--json", "as_json"], is_flag=True, help="Print one JSON object a line, not text."
    )


def access_options() -> list[click.Parameter]:
    """All but who it is."""
    return [
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
        _file_option("--password-file", "ZCHAT_PASSWORD_FILE", "the password."),
        _file_option("--token-file", "ZCHAT_TOKEN_FILE", "an app token, as :apptoken shows it."),
        _file_option(
            "--code-file",
            "ZCHAT_CODE_FILE",
            "a one-time or recovery code; or give it as ZCHAT_CODE.",
        ),
        _file_option(
            "--new-password-file",
            "ZCHAT_NEW_PASSWORD_FILE",
            "the new password, where an operator's code is the old.",
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
        *_cluster_options(),
        *tls_options(),
    ]


def _file_option(name: str, variable: str, what: str) -> click.Option:
    return click.Option(
        [name],
        type=click.Path(path_type=Path),
        envvar=variable,
        help=f"File whose first line is {what}",
        metavar="PATH",
        show_envvar=True,
    )


def _cluster_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--guest"],
            is_flag=True,
            help="The token is a guest's, who is made if there is none. Others are an account's.",
        ),
        click.Option(
            ["--new-cluster"],
            is_flag=True,
            help="The server was set up anew: take it for another one than before.",
        ),
    ]
