"""What people know of the accounts that they share."""

import base64
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyotp

from zchat.protocol import limits
from zchat.protocol.messages import (
    BlockUser,
    ChangePassword,
    DeleteAccount,
    EnableTotp,
    ListBlocked,
    ListDevices,
    LogOutEverywhere,
    Message,
    Register,
    Request,
    RevokeDevice,
    Standing,
    UnblockUser,
)

if TYPE_CHECKING:
    from .people import Life

PASSWORD: Final = "correct horse"
NEW_PASSWORD: Final = "battery staple"
WRONG_PASSWORD: Final = "correct hose"
KINDS: Final = {
    "change password": 0.6,
    "delete account": 0.4,
    "log out everywhere": 0.4,
    "revoke": 2,
    "devices": 1,
    "one-time codes": 0.6,
    "block": 3,
    "unblock": 1,
    "blocked": 1,
}
"""What people do to accounts, and how often."""
DEVICES: Final = 4
"""Numbers of devices that somebody might want to revoke."""


@dataclass
class Accounts:
    """A person may not have heard of what became of a command, so it may be wrong in all of it."""

    passwords: dict[str, list[str]] = field(default_factory=dict)
    """By name: those that may be right, the likeliest at the end."""
    secrets: dict[str, bytes] = field(default_factory=dict)
    """By name: of one-time codes that are surely in use."""
    used_codes: set[tuple[str, str]] = field(default_factory=set)
    """Name and code that have enabled one-time codes, and log nobody in."""
    deleted: set[str] = field(default_factory=set)
    newest: dict[str, "Life"] = field(default_factory=dict)
    """By name: its newest program."""
    standings: dict[str, Standing] = field(default_factory=dict)
    """By name: what they have last heard that they are in the cluster."""

    invitations: list[str] = field(default_factory=list)
    """Codes that were made, where accounts take one: also those that were used, or are over."""

    worked: list[str] = field(default_factory=list)
    """Codes with which somebody has an account."""

    def invitation(self, chat: random.Random) -> str:
        """A new one, or one that has worked before, or none that could work."""
        what = chat.random()
        if what < 0.45 and self.worked:
            return chat.choice(self.worked)
        if what < 0.95 and self.invitations:
            return chat.choice(self.invitations[-2:])
        return chat.choice(["", "guessed", *self.invitations])

    def is_moderator(self, name: str) -> bool:
        return self.standings.get(name) is Standing.MODERATOR

    def registered(self, name: str, password: str = PASSWORD) -> None:
        known = self.passwords.setdefault(name, [])
        if password in known:
            known.remove(password)
        known.append(password)

    def password(self, name: str, chat: random.Random) -> str | None:
        known = self.passwords.get(name)
        if not known:
            return None
        return known[-1] if chat.random() < 0.8 else chat.choice(known)

    def asked(self, name: str, request: Message) -> None:
        if isinstance(request, ChangePassword):
            # It may be made, and nobody may hear of it.
            self.passwords.setdefault(name, []).insert(0, request.new_password)

    def done(self, name: str, request: Message) -> None:
        match request:
            case Register(password=password, invitation=invitation):
                self.registered(name, password)
                self.worked += [invitation] if invitation else []
            case ChangePassword(new_password=password):
                self.registered(name, password)
            case EnableTotp(secret=secret, code=code):
                self.secrets[name] = secret
                self.used_codes.add((name, code))
            case DeleteAccount():
                self.deleted.add(name)
            case _:
                pass

    def code(self, name: str, at_ms: int) -> str:
        secret = self.secrets.get(name)
        return "" if secret is None else code_at(secret, at_ms)

    def draft(self, kind: str, name: str, at_ms: int, chat: random.Random) -> Request:
        known = self.passwords.get(name, [PASSWORD])
        right = known[-1] if chat.random() < 0.9 else WRONG_PASSWORD
        match kind:
            case "change password":
                return ChangePassword(
                    password=right,
                    new_password=chat.choice([PASSWORD, NEW_PASSWORD]),
                )
            case "delete account":
                return DeleteAccount(password=right)
            case "log out everywhere":
                return LogOutEverywhere()
            case "revoke":
                return RevokeDevice(device=chat.randint(1, DEVICES))
            case "devices":
                return ListDevices()
            case "one-time codes":
                secret = chat.randbytes(limits.TOTP_SECRET_BYTES)
                return EnableTotp(
                    secret=secret,
                    code=code_at(secret, at_ms),
                    password=right,
                )
            case "block":
                return BlockUser(user=chat.choice("abcdefg"))
            case "unblock":
                return UnblockUser(user=chat.choice("abcdefg"))
            case _:
                return ListBlocked()


def code_at(secret: bytes, at_ms: int) -> str:
    return str(pyotp.HOTP(base64.b32encode(secret).decode()).at(at_ms // 30_000))
