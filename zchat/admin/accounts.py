"""`zchat-admin account`: for whoever has lost a password or a phone, and for accounts that go."""

from typing import Final

import click

from zchat.admin import times
from zchat.admin.answers import (
    REQUEST,
    CommandGroup,
    admin_command,
    argument,
    as_json_option,
    do,
    fresh_nonce,
    option,
    reason_option,
    refuse,
    show_done,
    show_json,
)
from zchat.admin.invitations import digest_of, new_code
from zchat.protocol.cluster import USER_SERVICE
from zchat.protocol.operators import RemoveAccount, ResetPassword, ResetTotp
from zchat.settings import Settings

EXPIRES: Final = "24h"


def _reset_password(
    settings: Settings, name: str, expires: int, shut_out: bool, as_json: bool
) -> None:
    code = new_code()
    expires_ms = times.now_ms() + expires
    digest = digest_of(code)
    command = ResetPassword(REQUEST, fresh_nonce(), name, digest, expires_ms, shut_out)
    do(settings, USER_SERVICE, command, as_json=as_json)
    if as_json:
        show_json({"code": code, "expires_ms": expires_ms})
        return
    click.echo(code)
    until = times.utc(expires_ms)
    click.echo(f"It works once, until {until}, in the place of the password of {name}:", err=True)
    click.echo(f"zchat-client {name} asks for the password, and then for a new one", err=True)


def _reset_totp(settings: Settings, name: str, as_json: bool) -> None:
    done = do(settings, USER_SERVICE, ResetTotp(REQUEST, fresh_nonce(), name), as_json=as_json)
    show_done(done, f"the password of {name} needs no one-time code any more", as_json=as_json)


def _delete(settings: Settings, name: str, reason: str, yes: bool, as_json: bool) -> None:
    confirm(f"The account {name} cannot be brought back. Go on?", yes=yes)
    command = RemoveAccount(REQUEST, fresh_nonce(), name, reason)
    done = do(settings, USER_SERVICE, command, as_json=as_json)
    said = f"{name} is deleted; what it has said stays, and its name, which nobody else gets"
    show_done(done, said, as_json=as_json)


def confirm(question: str, *, yes: bool) -> None:
    """Ends the program if it is not to go on."""
    if not yes and not click.confirm(question, err=True):
        refuse("nothing was changed")


def yes_option() -> click.Option:
    return click.Option(["--yes"], is_flag=True, help="Do not ask.")


ACCOUNT = CommandGroup("account", help="Lost passwords and phones, and accounts that go.")
ACCOUNT.add_command(
    admin_command(
        "reset-password",
        _reset_password,
        "Make a code with which NAME chooses a new password, once. The code is shown once.",
        argument("name"),
        option("--expires", "SPAN", "How long it works: 1h, 24h.", times.span_ms, EXPIRES),
        click.Option(
            ["--shut-out"],
            is_flag=True,
            help="Also end all sessions now, forget all devices, and make the old password worth "
            "nothing: somebody else has got into the account.",
        ),
        as_json_option(),
    )
)
ACCOUNT.add_command(
    admin_command(
        "reset-totp",
        _reset_totp,
        "Have the password of NAME need no one-time code any more.",
        argument("name"),
        as_json_option(),
    )
)
ACCOUNT.add_command(
    admin_command(
        "delete",
        _delete,
        "End the account NAME. What it has said stays.",
        argument("name"),
        reason_option(),
        yes_option(),
        as_json_option(),
    )
)
