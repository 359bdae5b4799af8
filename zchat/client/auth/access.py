"""Who logs in, where, and with what, as the command line says it."""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from zchat.client.exit_codes import STDERR, say
from zchat.client.sdk.tls import KnownServers, Tls, UnknownServerError, UntrustedServerError
from zchat.programs import typed_ahead

SLOW_S: Final = 2.0
"""After so long a person is told what the terminal waits for."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to log in. Secrets are read from files and variables, where nobody sees them."""

    password_file: Path | None = None
    token_file: Path | None = None
    code_file: Path | None = None
    register: bool = False
    invitation: str = field(default="", repr=False)
    device: str = ""
    remember: bool = True
    new_password_file: Path | None = None
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    user: str
    addresses: list[str]
    options: Options
    tls: Tls
    new_cluster: bool = False
    """The cluster that is there now is taken for the right one, whatever was there before."""


# --- While a connection is made -------------------------------------------------------------------


def say_if_slow(access: Access) -> asyncio.TimerHandle:
    """Tells a person what they are waiting for; to be cancelled once that is there."""

    def tell() -> None:
        if os.isatty(STDERR):
            say(f"connecting to {', '.join(access.addresses)} … Ctrl-C gives up")

    return asyncio.get_running_loop().call_later(SLOW_S, tell)


def is_accepted(error: UnknownServerError) -> bool:
    """Whether a person at the terminal trusts the server's key, which is kept from then on."""
    if not sys.stdin.isatty():
        return False
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
        say(str(trouble))
        return False
    return accepted
