"""A connection and its session: login, answers, pings, and who is online."""

import enum
from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages.base import (
    DeviceName,
    Instance,
    InvitationCode,
    LogName,
    Message,
    Milliseconds,
    Name,
    OneTimeCode,
    Password,
    Reason,
    Request,
    RequestId,
    Sequence,
    Software,
    Standing,
    Token,
)


class Hello(Message, frozen=True):
    """First message of a connection: which program it is. Answered with `Welcome`.

    `instance` are random bytes of the running program, the same on all its connections: a login
    ends the session that the same token and instance have, and leaves those of other programs. A
    `bot` says that it is one, which stands with all that it says; whoever has an app token is one
    anyway.
    """

    version: int
    software: Software
    instance: Instance = b""
    bot: bool = False


class LogIn(Request):
    """Answered with `LoggedIn`, then with every entry after the cursors.

    `token` is 32 random bytes of the client's choice. Repeated on another connection they prove
    that this is the same client: it gets its name back without a password, even as a guest. With a
    `device` the account remembers the token under that name, also after a goodbye, until it is
    revoked. `code` is a one-time or recovery code, for accounts that ask for one. `register` makes
    a new account of the name and password, with an `invitation` where one is needed. Who has a code
    of an operator in the place of a lost password gives it as `password`, with a `new_password`,
    which logs out every other client.

    `cursors` holds, by log, the sequence of the last entry that the client has; a log that is not
    in it starts at the user's read marker. Who is `away` says so at once, as by `SetAway`.

    With `logs` only these come, as far as the user follows them, now or later: no others are in
    `LoggedIn`, and with none at all there are answers alone, and no presence. `from_head` starts
    logs without a cursor at their newest entry instead of the read marker.

    `account` says that the token is an account's, remembered or of an app: if it is not, the login
    is refused, and nobody becomes a guest by it.
    """

    name: Name
    token: Token
    password: Password | None = None
    cursors: Annotated[dict[LogName, Sequence], Meta(max_length=limits.CURSORS_MAX)] = {}
    device: DeviceName = ""
    code: OneTimeCode = ""
    register: bool = False
    invitation: InvitationCode = ""
    away: Reason | None = None
    new_password: Password | None = None
    logs: Annotated[list[LogName], Meta(max_length=limits.CURSORS_MAX)] | None = None
    from_head: bool = False
    account: bool = False


class LogOut(Request):
    """The session ends now, and with it a guest's memberships. Answered with `Done`.

    So does its token, unless it is remembered as a device, or another session has it.
    """


class PingTarget(enum.StrEnum):
    GATEWAY = "gateway"
    USER_SERVICE = "user-service"
    ROOM_SERVICE = "room-service"


class Ping(Request):
    """To the gateway, or through it and the router to a service and back. Answered with `Pong`."""

    target: PingTarget = PingTarget.GATEWAY


class Welcome(Message, frozen=True):
    """`cluster` is the same for ever, whatever addresses lead there, and no secret. It is empty
    where the gateway, or what it belongs to, is older than that."""

    version: int
    software: str
    cluster: str = ""


class LogState(Message, frozen=True):
    """Where a user stands in one log: entries after `cursor` follow; `head` is the newest now.

    `marker` is what the user has read on any device.
    """

    log: str
    cursor: Sequence
    head: Sequence
    marker: Sequence = 0
    notify: str = ""
    """One of `Notify`; empty where the user has not said."""


class LoggedIn(Message, frozen=True):
    """`logs` are all that the user follows now: the inbox, the lobby, the joined rooms; where the
    client has said which of them it wants, those.

    `since_ms` is when the name became the user's own: what a client knows of an earlier user of
    this name, or of another cluster at this address, it had better forget.
    """

    id: RequestId
    name: str
    guest: bool
    logs: list[LogState]
    standing: str = Standing.ACCOUNT
    since_ms: Milliseconds = 0


class Done(Message, frozen=True):
    """The command is committed: durable. `sequence` is that of its entry in `log`.

    It is 0 where the command has changed nothing, or made no entry. `again` says that this nonce
    had been answered before, and that this is its first answer.
    """

    id: RequestId
    log: str | None = None
    sequence: Sequence = 0
    again: bool = False


class RefusalCode(enum.StrEnum):
    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported_version"
    NOT_LOGGED_IN = "not_logged_in"
    ALREADY_LOGGED_IN = "already_logged_in"
    INVALID_NAME = "invalid_name"
    NAME_IN_USE = "name_in_use"
    PASSWORD_REQUIRED = "password_required"
    NEW_PASSWORD_REQUIRED = "new_password_required"
    WRONG_PASSWORD = "wrong_password"
    INVALID_PASSWORD = "invalid_password"
    ALREADY_REGISTERED = "already_registered"
    EMPTY_TEXT = "empty_text"
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_ROOM = "unknown_room"
    UNKNOWN_LOG = "unknown_log"
    ROOM_EXISTS = "room_exists"
    NOT_A_MEMBER = "not_a_member"
    NOT_ALLOWED = "not_allowed"
    LIMIT_REACHED = "limit_reached"
    TOO_FAST = "too_fast"
    GUESTS_NOT_ALLOWED = "guests_not_allowed"
    REGISTRATION_CLOSED = "registration_closed"
    INVITATION_REQUIRED = "invitation_required"
    INVALID_INVITATION = "invalid_invitation"
    CODE_REQUIRED = "code_required"
    WRONG_CODE = "wrong_code"
    SUSPENDED = "suspended"
    OUT_OF_SCOPE = "out_of_scope"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_TOKEN = "unknown_token"
    UNKNOWN_ENTRY = "unknown_entry"
    BLOCKED = "blocked"
    BANNED = "banned"
    MUTED = "muted"
    WRONG_KEY = "wrong_key"
    OVERTAKEN = "overtaken"
    SESSION_ENDED = "session_ended"
    TIMED_OUT = "timed_out"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


class Refused(Message, frozen=True):
    """The request changed nothing, and `reason` says why in a sentence for people.

    Without an `id` it is about the connection, which then ends. Two codes say "not now":
    `busy`, nothing was done; `unavailable`, no answer in time: the command still waits, and the
    same nonce, sent again, tells what became of it.
    """

    id: RequestId | None
    code: RefusalCode
    reason: str
    retry_after_ms: Milliseconds = 0
    """When to try again, if waiting helps."""
    again: bool = False
    """This nonce had been answered before, and this is its first answer."""


class Pong(Message, frozen=True):
    id: RequestId


class SlowedDown(Message, frozen=True):
    """This client says, or asks for, more than it may: it is heard again after `wait_ms`.

    Nothing is lost, and nothing need be sent again.
    """

    wait_ms: Milliseconds


class GoingAway(Message, frozen=True):
    """The gateway stops. Connect again, with the same token and your cursors."""

    reason: str


class SetAway(Request):
    """This client's user is away, with a word for others, or is back (None). Needs no nonce."""

    away: Reason | None


class ListUsers(Request):
    """Who is online. Answered with `UserList`."""


class UserInfo(Message, frozen=True):
    """`idle_ms` is the time since the user last sent anything but pings."""

    name: str
    guest: bool
    since_ms: Milliseconds
    idle_ms: Milliseconds
    away: str | None = None


class UserList(Message, frozen=True):
    """By name; `total` counts also those that found no place in `users`."""

    id: RequestId
    users: list[UserInfo]
    total: int


class PresenceChanged(Message, frozen=True):
    """Soft state, collected: who came and who went; the `more` counts are those not named.

    `away` has a word of everyone who has gone away, and None of who is back.
    """

    came: list[str]
    went: list[str]
    came_more: int
    went_more: int
    online: int
    away: dict[str, str | None] = {}
