"""Invitations: codes that let somebody make an account where that is not open to all."""

import hashlib
import secrets
from typing import Final

import click

from zchat.admin import times
from zchat.admin.output import (
    REQUEST,
    admin_command,
    as_json_option,
    do,
    fresh_nonce,
    option,
    reason,
    show_done,
    show_json,
)
from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.messages import CreateInvitation, RevokeInvitation
from zchat.runtime.settings import Settings

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Nothing in it looks like something else (Crockford's base 32): 5 bits a character."""
_GROUPS: Final = 4
_GROUP_CHARS: Final = 4
EXPIRES: Final = "7d"


def new_code() -> str:
    """80 random bits, to be read aloud."""
    groups = ("".join(map(secrets.choice, [_ALPHABET] * _GROUP_CHARS)) for _ in range(_GROUPS))
    return "-".join(groups)


def digest_of(code: str) -> bytes:
    """What the server is told of a code: who reads that cannot register with it."""
    return hashlib.sha256(code.encode()).digest()


def _code(text: str) -> str:
    clean = text.strip()
    if not clean or len(clean) > limits.INVITATION_CHARS_MAX:
        raise ValueError("no invitation; give the code as it was shown")
    return clean


def _invite(settings: Settings, revoke: str | None, expires: int, note: str, as_json: bool) -> None:
    if revoke is not None:
        command = RevokeInvitation(id=REQUEST, nonce=fresh_nonce(), digest=digest_of(revoke))
        done = do(settings, USER_SERVICE, command, as_json=as_json)
        show_done(done, "the invitation is worth nothing any more", as_json=as_json)
        return
    code = new_code()
    expires_ms = times.now_ms() + expires
    invitation = CreateInvitation(
        id=REQUEST, nonce=fresh_nonce(), digest=digest_of(code), expires_ms=expires_ms, note=note
    )
    do(settings, USER_SERVICE, invitation, as_json=as_json)
    if as_json:
        show_json({"code": code, "expires_ms": expires_ms, "note": note})
        return
    click.echo(code)
    click.echo(f"It works once, until {times.utc(expires_ms)}:", err=True)
    click.echo(f"zchat-client NAME --register --invitation {code}", err=True)


INVITE = admin_command(
    "invite",
    _invite,
    "Make a code with which one person can make an account. The code is shown once.",
    option("--expires", "SPAN", "How long it works: 12h, 7d, 2w.", times.span_ms, EXPIRES),
    option("--note", "NOTE", "For whom; it stands in the audit.", reason, ""),
    option("--revoke", "CODE", "Make no code, but one that was made worth nothing.", _code),
    as_json_option(),
)
