"""What the user-service knows of a user, and the rows that it is kept in."""

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from zchat.protocol.messages import Scope, Standing

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
    deleted: bool
    standing: str
    suspended: bool
    suspended_until_ms: int | None
    suspended_reason: str
    totp_secret: bytes | None
    totp_step: int
    recovery: bytes
    devices_made: int
    reset_digest: bytes | None
    reset_until_ms: int | None
    erased_as: str | None


class DropUser(NamedTuple):
    name: str


class SaveToken(NamedTuple):
    user: str
    digest: bytes
    seen_at_ms: int
    device: int
    name: str
    remembered: bool
    scopes: str
    rooms: str
    created_at_ms: int


class DropToken(NamedTuple):
    user: str
    digest: bytes


class SaveBlock(NamedTuple):
    user: str
    blocked: str


class DropBlock(NamedTuple):
    user: str
    blocked: str


class SaveConversation(NamedTuple):
    user: str
    other: str
    marker: int
    notify: str
    changed_at_ms: int


class DropConversation(NamedTuple):
    user: str
    other: str


class SaveInvitation(NamedTuple):
    digest: bytes
    created_at_ms: int
    expires_ms: int
    note: str


class DropInvitation(NamedTuple):
    digest: bytes


class SaveBan(NamedTuple):
    """`who` is the text of a `Target`."""

    who: str
    guests: bool
    reason: str
    made_by: str
    made_ms: int
    until_ms: int | None


class DropBan(NamedTuple):
    who: str
    guests: bool


class SaveSighting(NamedTuple):
    user: str
    address: str
    first_ms: int
    last_ms: int


class DropSighting(NamedTuple):
    user: str
    address: str


class SaveSetting(NamedTuple):
    name: str
    value: str
    changed_by: str
    changed_at_ms: int


class DropSetting(NamedTuple):
    name: str


UserRow = (
    SaveUser
    | DropUser
    | SaveToken
    | DropToken
    | SaveBlock
    | DropBlock
    | SaveConversation
    | DropConversation
    | SaveInvitation
    | DropInvitation
    | SaveBan
    | DropBan
    | SaveSighting
    | DropSighting
    | SaveSetting
    | DropSetting
)


@dataclass(slots=True)
class Token:
    """What a client has proved itself with once, and needs no password for since."""

    digest: bytes
    device: int
    """Its number, by which the user names it; rises with each token of the user."""
    name: str
    remembered: bool
    """It stays when its client says goodbye."""
    created_at_ms: int
    seen_at_ms: int
    """When it was last used to log in; told to the hour."""
    scopes: tuple[Scope, ...] = ()
    """What an app token may do; none for one of the user's own clients."""
    rooms: tuple[str, ...] = ()

    @property
    def kind(self) -> tuple[bool, bool]:
        """Tokens of one kind are counted together."""
        return bool(self.scopes), self.remembered

    def row(self, user: str) -> SaveToken:
        return SaveToken(
            user,
            self.digest,
            self.seen_at_ms,
            self.device,
            self.name,
            self.remembered,
            " ".join(self.scopes),
            " ".join(self.rooms),
            self.created_at_ms,
        )


@dataclass(slots=True)
class Session:
    key: SessionKey
    user: str
    digest: bytes
    """Of the client's token."""
    opened_at_ms: int
    active_ms: int
    """When it last sent anything but pings."""
    address: str = ""
    """Where its client connects from, as its gateway says."""
    away: str | None = None
    """A word for others of why nobody is there; None while somebody is."""
    instance: bytes = b""
    """Of the running program; several may have one token."""

    def is_of(self, digest: bytes, instance: bytes) -> bool:
        """Whether the same program has connected there, of which there is one connection."""
        return self.digest == digest and self.instance == instance


class Reset(NamedTuple):
    """A new password may be chosen by whoever has the code, until then."""

    digest: bytes
    until_ms: int


class Suspension(NamedTuple):
    until_ms: int | None
    """None for one that lasts until the user is restored."""
    reason: str


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
    """Gone: its rooms are told, or know it. The name of a guest is not free until they do."""
    deleted: bool = False
    """An account that its user has deleted: only its name is left, and stays taken."""
    rank: Standing = Standing.ACCOUNT
    """What an account is in the cluster."""
    suspension: Suspension | None = None
    totp_secret: bytes | None = None
    totp_step: int = 0
    """The last period whose one-time code was used: neither it nor an older one works again."""
    recovery: tuple[bytes, ...] = ()
    """Digests of the recovery codes that are left."""
    erased_as: str | None = None
    """What it is to be called when nothing is left of it, for as long as something is."""
    reset: Reset | None = None
    blocked: frozenset[str] = frozenset()
    devices_made: int = 0
    """The number of the newest token that there ever was."""
    # Lists, since most users have one of each, and a dict of one weighs thrice as much.
    tokens: list[Token] = field(default_factory=list)
    """By number."""
    sessions: list[Session] = field(default_factory=list)
    since_ms: int = 0
    """When the user came online."""
    lost_at: float | None = None
    """When the last connection broke without a goodbye; None while connected or offline."""

    @property
    def guest(self) -> bool:
        return self.password_hash is None and not self.deleted

    @property
    def vanishes(self) -> bool:
        """It ends when its last connection has been gone for a grace."""
        return not self.ended and (self.guest or self.deleted)

    @property
    def present(self) -> bool:
        """Somebody who can act and be spoken to."""
        return not self.ended and not self.deleted

    @property
    def away(self) -> str | None:
        """Only if nobody is at any of the sessions: the word of the one last used."""
        if not self.sessions or any(session.away is None for session in self.sessions):
            return None
        return max(self.sessions, key=lambda session: session.active_ms).away

    @property
    def standing(self) -> Standing:
        return Standing.GUEST if self.guest else self.rank

    def token(self, digest: bytes) -> Token | None:
        return next((token for token in self.tokens if token.digest == digest), None)

    def is_suspended(self, at_ms: int) -> bool:
        if self.suspension is None:
            return False
        until_ms = self.suspension.until_ms
        return until_ms is None or at_ms < until_ms

    def row(self) -> SaveUser:
        until_ms, reason = self.suspension or (None, "")
        reset_digest, reset_until_ms = self.reset or (None, None)
        return SaveUser(
            self.name,
            self.password_hash,
            self.created_at_ms,
            self.registered_at_ms,
            self.inbox_floor,
            self.marker,
            self.ended,
            self.deleted,
            self.rank,
            self.suspension is not None,
            until_ms,
            reason,
            self.totp_secret,
            self.totp_step,
            b"".join(self.recovery),
            self.devices_made,
            reset_digest,
            reset_until_ms,
            self.erased_as,
        )


def token_digest(token: bytes) -> bytes:
    """What is stored of a token: who reads it cannot log in with it."""
    return hashlib.sha256(token).digest()


def code_digest(code: str) -> bytes:
    """The same of an invitation or recovery code."""
    return hashlib.sha256(code.encode()).digest()
