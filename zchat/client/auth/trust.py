"""How the people who run `zchat-client` say which servers they trust: its options, a question."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zchat.programs import typed_ahead
from zchat.runtime import options

if TYPE_CHECKING:
    from zchat.client.auth.tls import Tls, UnknownServerError


def tls_of(tls: str, tls_ca: Path | None, tls_pin: tuple[str, ...], trust_new: bool) -> "Tls":
    """What the values of `tls_options` come to."""
    from zchat.client.auth.tls import Tls  # noqa: PLC0415 - `--help` need not wait for it.

    return Tls(tls, tls_ca, tls_pin, trust_new)


def is_accepted(error: "UnknownServerError") -> bool:
    """Asks on the terminal, and keeps the key that was accepted."""
    from zchat.client.auth.tls import KnownServers, UntrustedServerError  # noqa: PLC0415

    click.echo(f"The server {error.address} is not known here. Its key is\n  {error.pin}", err=True)
    try:
        with typed_ahead.as_lines():
            question = "Is that what its operator says? Trust it from now on"
            accepted = click.confirm(question, err=True)
        if accepted:
            KnownServers().add(error.address, error.pin)
    except click.Abort:
        return False
    except UntrustedServerError as trouble:
        click.echo(f"zchat-client: {trouble}", err=True)
        return False
    return accepted


def _pins(text: str) -> tuple[str, ...]:
    from zchat.client.auth.pins import parse_pin  # noqa: PLC0415

    return tuple(parse_pin(part) for part in text.split(",") if part.strip())


def tls_options() -> list[click.Parameter]:
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
