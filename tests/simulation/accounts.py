"""What people know of the accounts that they share, and how their clients log in to them."""

import base64
import random
from dataclasses import dataclass, field
from typing import Any, Final

import pyotp
from msgspec.structs import replace

from zchat.client import drafts
from zchat.client.core import ClientCore
from zchat.protocol import limits
from zchat.protocol.messages import (
    BlockUser,
    ChangePassword,
    DeleteAccount,
    EnableTotp,
    ListBlocked,
    ListDevices,
    LogIn,
    LogOutEverywhere,
    Message,
    Register,
    RevokeDevice,
    UnblockUser,
)

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
            case Register(password=password) | ChangePassword(new_password=password):
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

    def draft(self, kind: str, name: str, at_ms: int, chat: random.Random) -> drafts.Request:
        number, nonce = drafts.UNNUMBERED, drafts.NO_NONCE
        known = self.passwords.get(name, [PASSWORD])
        right = known[-1] if chat.random() < 0.9 else WRONG_PASSWORD
        match kind:
            case "change password":
                return ChangePassword(number, nonce, right, chat.choice([PASSWORD, NEW_PASSWORD]))
            case "delete account":
                return DeleteAccount(number, nonce, right)
            case "log out everywhere":
                return LogOutEverywhere(number, nonce)
            case "revoke":
                return RevokeDevice(number, nonce, chat.randint(1, DEVICES))
            case "devices":
                return ListDevices(number)
            case "one-time codes":
                secret = chat.randbytes(limits.TOTP_SECRET_BYTES)
                return EnableTotp(number, nonce, secret, code_at(secret, at_ms))
            case "block":
                return BlockUser(number, nonce, chat.choice("abcdefg"))
            case "unblock":
                return UnblockUser(number, nonce, chat.choice("abcdefg"))
            case _:
                return ListBlocked(number)


def code_at(secret: bytes, at_ms: int) -> str:
    return str(pyotp.HOTP(base64.b32encode(secret).decode()).at(at_ms // 30_000))


@dataclass
class LoggingIn:
    """With what a client proves who it is. A device that has been let in needs only its token."""

    password: str | None
    device: str = ""
    code: str = ""
    register: bool = False
    let_in: bool = False
    """As an account, by this client before."""

    def completed(self, log_in: LogIn) -> LogIn:
        remembered = self.device and self.let_in
        return replace(
            log_in,
            password=None if remembered else self.password,
            device=self.device,
            code="" if self.let_in else self.code,
            register=self.register and not self.let_in,
        )


class DeviceCore(ClientCore):
    """The client's core, with more in its logins."""

    logging_in: LoggingIn

    def _send(self, message: Any, now: float) -> None:
        if isinstance(message, LogIn):
            message = self.logging_in.completed(message)
        super()._send(message, now)
