"""What the user-service knows of a user, and the rows that it is kept in."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

SessionKey = tuple[bytes, int]
"""The gateway's identity and its number for the session."""


class SaveUser(NamedTuple):
    name: str
    password_hash: str | None
    created_at_ms: int
    registered_at_ms: int | None
    inbox_floor: int
    marker: int | None
    ended: bool


class DropUser(NamedTuple):
    name: str


class SaveToken(NamedTuple):
    user: str
    digest: bytes
    seen_at_ms: int


class DropToken(NamedTuple):
    user: str
    digest: bytes


UserRow = SaveUser | DropUser | SaveToken | DropToken


@dataclass(slots=True)
class Session:
    key: SessionKey
    user: str
    digest: bytes
    """Of the client's token; all connections of one client have the same."""
    opened_at_ms: int
    active_ms: int
    """When it last sent anything but pings."""


@dataclass(slots=True)
class User:
    """An account, or a guest: one without a password, that ends when its client is gone."""

    name: str
    created_at_ms: int
    inbox_floor: int
    """Entries of the inbox up to here belong to an earlier guest of this name."""
    password_hash: str | None = None
    registered_at_ms: int | None = None
    marker: int | None = None
    ended: bool = False
    """A guest that is gone, while its rooms do not know it yet; its name is not free until then."""
    # Lists, since most users have one of each, and a dict of one weighs thrice as much.
    tokens: list[bytes] = field(default_factory=list)
    """Digests, oldest first."""
    sessions: list[Session] = field(default_factory=list)
    since_ms: int = 0
    """When the user came online."""
    lost_at: float | None = None
    """When the last connection broke without a goodbye; None while connected or offline."""

    @property
    def guest(self) -> bool:
        return self.password_hash is None

    def row(self) -> SaveUser:
        return SaveUser(
            self.name,
            self.password_hash,
            self.created_at_ms,
            self.registered_at_ms,
            self.inbox_floor,
            self.marker,
            self.ended,
        )


def token_digest(token: bytes) -> bytes:
    """What is stored of a token: who reads it cannot log in with it."""
    return hashlib.sha256(token).digest()
