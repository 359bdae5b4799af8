"""Credentials: what a client shows when it logs in, and tokens as text, for people and files."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import ChangePassword, LogIn, Message, Register


@dataclass(slots=True)
class Credentials:
    """`token` is 32 random bytes, or those that a server remembers, as it does an app token.

    With `account` the token must be an account's, and makes nobody a guest; with a `cluster` the
    credentials are shown to no other one. With a `device` the server remembers the token under that
    name, and no password is needed any more. `code`, `register` and `invitation` are for the first
    login alone, and so is a `new_password`, for which the password is a code from an operator.
    """

    token: bytes = field(repr=False)
    password: str | None = field(default=None, repr=False)
    device: str = ""
    code: str = field(default="", repr=False)
    register: bool = False
    invitation: str = field(default="", repr=False)
    new_password: str | None = field(default=None, repr=False)
    account: bool = False
    cluster: str = ""

    def log_in(self, request_id: int, name: str, cursors: dict[str, int]) -> LogIn:
        return LogIn(
            id=request_id,
            name=name,
            token=self.token,
            password=self.password,
            cursors=cursors,
            device=self.device,
            code=self.code,
            register=self.register,
            invitation=self.invitation,
            new_password=self.new_password,
            account=self.account,
        )

    def logged_in(self, cluster: str, *, guest: bool) -> None:
        self.code = self.invitation = ""
        self.register = False
        if self.new_password is not None:
            self.password, self.new_password = self.new_password, None
        if not guest:
            # From here on the token is worth something, and only here.
            self.account, self.cluster = True, self.cluster or cluster
        if self.device and not guest:
            self.password = None

    def done(self, request: Message) -> None:
        """The server has done what was asked for."""
        match request:
            case Register():
                # The guest's token may expire while we are away; then the password is needed.
                self.password = request.password
            case ChangePassword() if self.password is not None:
                self.password = request.new_password
            case _:
                pass


# --- Tokens as text -------------------------------------------------------------------------------

_HEX_CHARS: Final = 2 * limits.TOKEN_BYTES
_FIRST_LINE: Final = "zchat token 1"
"""A version, so that a newer client can change the form."""


def token_as_text(token: bytes, cluster: str = "") -> str:
    """URL-safe base64 without padding, after the cluster that it is for and a full stop."""
    text = urlsafe_b64encode(token).decode().rstrip("=")
    return f"{cluster}.{text}" if cluster else text


def cluster_of_text(text: str) -> str:
    """The cluster that a token is for; empty if its text does not say so."""
    cluster, dot, _ = text.strip().rpartition(".")
    return cluster if dot else ""


def token_from_text(text: str) -> bytes:
    """What `token_as_text` makes, or hexadecimal. Raises `ValueError`, whose text is without it."""
    text = text.strip().rpartition(".")[2]
    text = text.strip().rstrip("=")
    try:
        if len(text) == _HEX_CHARS:
            return bytes.fromhex(text)
        token = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        token = b""
    if len(token) != limits.TOKEN_BYTES or token_as_text(token) != text:
        raise ValueError("no token; a token is 43 characters of base64url, or 64 of hexadecimal")
    return token


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token that the server remembers under the name `device`."""

    device: str
    token: bytes = field(repr=False)

    def as_text(self, about: str) -> str:
        """`about` is for people who look into the file."""
        return f"{_FIRST_LINE}\n{self.device}\n{token_as_text(self.token)}\n{about}\n"

    @classmethod
    def from_text(cls, text: str) -> "KeptToken":
        """Raises `ValueError`."""
        lines = text.split("\n")
        if len(lines) < 3 or lines[0] != _FIRST_LINE:
            raise ValueError("not what zchat-client has written")
        return cls(lines[1], token_from_text(lines[2]))


def kept_name(user: str, addresses: Sequence[str], cluster: str = "") -> str:
    """Under which what `user` has in the cluster is kept.

    Where a cluster does not say which it is, as in earlier releases, its addresses stand for it.
    """
    server = f"cluster {cluster}" if cluster else "\n".join(sorted(set(addresses)))
    return sha256(f"{user}\n{server}".encode()).hexdigest()[:32]
