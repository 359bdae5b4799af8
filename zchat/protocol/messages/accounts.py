"""A user's own account: its password, devices, app tokens, and whom it has blocked."""

import enum
from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages.base import (
    Command,
    DeviceName,
    Digest,
    InvitationCode,
    Message,
    Milliseconds,
    Name,
    OneTimeCode,
    Password,
    Request,
    RequestId,
    Scope,
    Sequence,
)

# --- What happened: the bodies of entries ---------------------------------------------------------


class AccountRegistered(Message, frozen=True):
    """In the inbox: from here on the name belongs to its password."""


class AccountChange(enum.StrEnum):
    PASSWORD_CHANGED = "password_changed"
    DEVICE_ADDED = "device_added"
    DEVICE_REVOKED = "device_revoked"
    APP_TOKEN_CREATED = "app_token_created"
    LOGGED_OUT_EVERYWHERE = "logged_out_everywhere"
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSWORD_RESET = "password_reset"
    STANDING_CHANGED = "standing_changed"


class AccountChanged(Message, frozen=True):
    """In the inbox, so that the user sees on each device what was done to the account.

    `change` is one of `AccountChange`, or one that a newer server knows; `about` names the device
    or the standing.
    """

    change: str
    about: str = ""


# --- Commands -------------------------------------------------------------------------------------


class Register(Command):
    """Makes the guest an account."""

    password: Password
    invitation: InvitationCode = ""


class ChangePassword(Command):
    """Logs out every other client of the account."""

    password: Password
    new_password: Password


class LogOutEverywhere(Command):
    """Forgets every device and app token of the account, and ends all its sessions."""


class DeleteAccount(Command):
    """What it has said stays, under its name, which nobody else can take; all else is removed."""

    password: Password


class RevokeDevice(Command):
    """Forgets a device or app token, and ends its sessions. `device` is as `DeviceList` says."""

    device: Sequence


class CreateAppToken(Command):
    """For a bot. `digest` is that of 32 random bytes, which are its token in `LogIn` from then on.

    It may do what `scopes` say, and only in `rooms`, if there are some: elsewhere it neither reads
    nor posts, and it has no inbox.
    """

    digest: Digest
    name: DeviceName
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    rooms: Annotated[list[Name], Meta(max_length=limits.APP_TOKEN_ROOMS_MAX)] = []


class EnableTotp(Command):
    """From now on a password needs a one-time code, too (RFC 6238: SHA-1, 30 s, 6 digits).

    The client makes `secret` and shows it; `code` proves that it has reached an authenticator, and
    `password` that it is the user: whoever finds an open session could shut its user out by this.
    `recovery` are the digests of codes that work once each, in the place of a one-time code.
    """

    secret: Annotated[
        bytes, Meta(min_length=limits.TOTP_SECRET_BYTES, max_length=limits.TOTP_SECRET_BYTES)
    ]
    code: OneTimeCode
    password: Password
    recovery: Annotated[list[Digest], Meta(max_length=limits.RECOVERY_CODES_MAX)] = []


class DisableTotp(Command):
    """A password is enough again, and the recovery codes are worth nothing."""

    password: Password


class BlockUser(Command):
    """No private messages from `user` any more."""

    user: Name


class UnblockUser(Command):
    """What the user has written meanwhile was refused, and does not come."""

    user: Name


# --- Queries and what is told ---------------------------------------------------------------------


class ListDevices(Request):
    """The user's own. Answered with `DeviceList`."""


class DeviceInfo(Message, frozen=True):
    """A remembered client or an app token. `device` is its number, which `RevokeDevice` takes."""

    device: int
    name: str
    created_ms: Milliseconds
    seen_ms: Milliseconds
    online: bool
    scopes: list[str] = []
    rooms: list[str] = []


class DeviceList(Message, frozen=True):
    """`totp`: whether a password needs a one-time code; `recovery_codes` are left."""

    id: RequestId
    devices: list[DeviceInfo]
    totp: bool = False
    recovery_codes: int = 0


class ListBlocked(Request):
    """Whom the user has blocked. Answered with `BlockedList`."""


class BlockedList(Message, frozen=True):
    id: RequestId
    users: list[str]
