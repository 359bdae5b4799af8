"""The options that all of `zchat-client` has in common: who logs in, where, and with what."""

from pathlib import Path

import click

from zchat.client.auth.access import Access, Options
from zchat.client.core.key_pins import parse_pin
from zchat.client.sdk.tls import Tls
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.runtime import options
from zchat.runtime.options import Address


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
    """For all subcommands."""
    return click.Option(
        ["--json", "as_json"], is_flag=True, help="Print one JSON object a line, not text."
    )


def access_options() -> list[click.Parameter]:
    """How to reach the cluster and log in there, for the user whom another option names."""
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
        *_tls_options(),
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


def _tls_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--tls"],
            type=options.value_of(options.one_of("auto", "on", "off")),
            default="auto",
            envvar="ZCHAT_TLS",
            help="Whether to speak TLS: on, off, or auto, which is on except to this machine.",
            metavar="MODE",
            show_default=True,
            show_envvar=True,
        ),
        click.Option(
            ["--tls-ca"],
            type=click.Path(path_type=Path),
            envvar="ZCHAT_TLS_CA",
            help="File with the authorities to believe instead of the system's, in PEM.",
            metavar="PATH",
            show_envvar=True,
        ),
        click.Option(
            ["--tls-pin"],
            type=options.value_of(_pins),
            default="",
            envvar="ZCHAT_TLS_PIN",
            help="The only server key to accept, sha256:…; several separated by commas.",
            metavar="PIN",
            show_envvar=True,
        ),
        click.Option(
            ["--trust-new"],
            is_flag=True,
            envvar="ZCHAT_TRUST_NEW",
            help="Accept and keep the key of a server that is not known yet, without asking.",
            show_envvar=True,
        ),
    ]


def _pins(text: str) -> tuple[str, ...]:
    return tuple(parse_pin(part) for part in text.split(",") if part.strip())


# --- What their values come to --------------------------------------------------------------------


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
    tls: str,
    tls_ca: Path | None,
    tls_pin: tuple[str, ...],
    trust_new: bool,
) -> Access:
    """What the values of `access_options` come to."""
    wanted = Options(
        *(password_file, token_file, code_file, register, invitation, device, not no_remember),
        new_password_file,
        guest,
    )
    trust = Tls(tls, tls_ca, tls_pin, trust_new)
    return Access(user, [str(one) for one in address], wanted, trust, new_cluster)
