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


def as_text(token: bytes, cluster: str = "") -> str:
    """URL-safe base64 without padding, after the cluster that it is for and a full stop."""
    text = urlsafe_b64encode(token).decode().rstrip("=")
    return f"{cluster}.{text}" if cluster else text


def cluster_of_text(text: str) -> str:
    """The cluster that a token is for; empty if its text does not say so."""
    cluster, dot, _ = text.strip().rpartition(".")
    return cluster if dot else ""


def from_text(text: str) -> bytes:
    """What `as_text` makes, or hexadecimal. Raises `ValueError`, which does not show the text."""
    text = text.strip().rpartition(".")[2]
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


def kept_name(user: str, addresses: Sequence[str], cluster: str = "") -> str:
    """Under which what `user` has in the cluster is kept.

    Of one that does not say which it is, as all did in earlier releases, the addresses must do.
    """
    server = f"cluster {cluster}" if cluster else "\n".join(sorted(set(addresses)))
    return sha256(f"{user}\n{server}".encode()).hexdigest()[:32]
