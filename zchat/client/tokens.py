"""Tokens as text: for people and files, and what a client keeps of its own between two runs."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from zchat.protocol import limits

_HEX_CHARS: Final = 2 * limits.TOKEN_BYTES
_FIRST_LINE: Final = "zchat token 1"
"""A version, so that a newer client can change the form."""


def as_text(token: bytes) -> str:
    """URL-safe base64 without padding."""
    return urlsafe_b64encode(token).decode().rstrip("=")


def from_text(text: str) -> bytes:
    """What `as_text` makes, or hexadecimal. Raises `ValueError`, which does not show the text."""
    text = text.strip().rstrip("=")
    try:
        if len(text) == _HEX_CHARS:
            return bytes.fromhex(text)
        token = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        token = b""
    if len(token) != limits.TOKEN_BYTES or as_text(token) != text:
        raise ValueError("no token; a token is 43 characters of base64url, or 64 of hexadecimal")
    return token


@dataclass(frozen=True, slots=True)
class Kept:
    """A token that the server remembers under the name `device`."""

    device: str
    token: bytes = field(repr=False)

    def as_text(self, about: str) -> str:
        """`about` is for people who look into the file."""
        return f"{_FIRST_LINE}\n{self.device}\n{as_text(self.token)}\n{about}\n"

    @classmethod
    def from_text(cls, text: str) -> "Kept":
        """Raises `ValueError`."""
        lines = text.split("\n")
        if len(lines) < 3 or lines[0] != _FIRST_LINE:
            raise ValueError("not what zchat-client has written")
        return cls(lines[1], from_text(lines[2]))


def kept_name(user: str, addresses: Sequence[str]) -> str:
    """Under which the tokens of `user` are kept, of the server that has these addresses."""
    server = "\n".join(sorted(set(addresses)))
    return sha256(f"{user}\n{server}".encode()).hexdigest()[:32]
