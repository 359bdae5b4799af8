"""The protocol's one page: every message between a client and a gateway, in two closed unions.

A stream in either direction is msgpack values, one after another. Each value is a map with a
`kind`. Unknown fields are ignored, so that either side may be newer; anything else that is not as
written here ends the connection with a `Refused` that says why.

Times are milliseconds since 1970-01-01 UTC. A *log* is `#room` for a room's timeline or `@name`
for a user's inbox; its entries are numbered 1, 2, 3, … without a gap.
"""

import enum
import re
from typing import Annotated, Final

from msgspec import Meta, Struct

from zchat.protocol import limits

PROTOCOL_VERSION: Final = 1
LOBBY: Final = "lobby"
"""The room that everyone is in."""
SYSTEM_AUTHOR: Final = "zchat"
"""Author of entries that no user wrote; nobody can take this name."""

RequestId = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
Sequence = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
Milliseconds = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
Nonce = Annotated[bytes, Meta(min_length=limits.NONCE_BYTES, max_length=limits.NONCE_BYTES)]
Token = Annotated[bytes, Meta(min_length=limits.TOKEN_BYTES, max_length=limits.TOKEN_BYTES)]
Name = Annotated[str, Meta(min_length=1, max_length=limits.NAME_CHARS_MAX)]
LogName = Annotated[str, Meta(min_length=2, max_length=limits.LOG_NAME_CHARS_MAX, pattern="^[#@]")]
Text = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_CHARS_MAX)]
Topic = Annotated[str, Meta(max_length=limits.TOPIC_CHARS_MAX)]
Password = Annotated[str, Meta(max_length=limits.PASSWORD_CHARS_MAX)]
Software = Annotated[str, Meta(max_length=limits.SOFTWARE_CHARS_MAX)]


def _kind(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Message(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag=_kind):
    """A map on the wire; its `kind` is the class's name in snake_case.

    A field that has its default may be left out.
    """


# --- What happened: the bodies of entries ---------------------------------------------------------


class MessagePosted(Message, frozen=True):
    text: str


class PrivateMessageSent(Message, frozen=True):
    """Stands in the inbox of the recipient and in that of the sender."""

    to: str
    text: str


class RoomCreated(Message, frozen=True):
    """First entry of a room: its author is the owner and the first member."""


class MemberJoined(Message, frozen=True):
    pass


class MemberLeft(Message, frozen=True):
    pass


class TopicChanged(Message, frozen=True):
    topic: str


class RoomOpened(Message, frozen=True):
    """In the lobby: the author has created `room`."""

    room: str


class Announced(Message, frozen=True):
    """In the lobby: a word of the operator to everyone."""

    text: str


class AccountRegistered(Message, frozen=True):
    """In the inbox: from here on the name belongs to its password."""


class Unrecognised(Message, frozen=True):
    """Stands where a newer server wrote something of a `kind` that this client does not know."""

    what: str


EntryBody = (
    MessagePosted
    | PrivateMessageSent
    | RoomCreated
    | MemberJoined
    | MemberLeft
    | TopicChanged
    | RoomOpened
    | Announced
    | AccountRegistered
    | Unrecognised
)


class Entry(Message, frozen=True):
    """One fact in a log. Sent to all who follow the log, once each and in sequence."""

    log: str
    sequence: Sequence
    at_ms: Milliseconds
    author: str
    body: EntryBody


# --- From a client: commands ----------------------------------------------------------------------
# A command changes something and is answered with `Done` or `Refused`. The client gives it a nonce
# of its own (`nonces.py`); repeated with the same nonce, it gets its first answer again and changes
# nothing more.


class Hello(Message, frozen=True):
    """First message of a connection. Answered with `Welcome`."""

    version: int
    software: Software


class LogIn(Message, frozen=True):
    """Answered with `LoggedIn`, then with every entry after the cursors.

    `token` is 32 random bytes of the client's choice. Repeated on another connection they prove
    that this is the same client: it gets its name back without a password, even as a guest.
    `cursors` holds, by log, the sequence of the last entry that the client has; a log that is not
    in it starts at the user's read marker.
    """

    id: RequestId
    name: Name
    token: Token
    password: Password | None = None
    cursors: Annotated[dict[LogName, Sequence], Meta(max_length=limits.CURSORS_MAX)] = {}


class LogOut(Message, frozen=True):
    """The session ends now, and with it a guest's memberships. Answered with `Done`."""

    id: RequestId


class Register(Message, frozen=True):
    """Makes the guest an account."""

    id: RequestId
    nonce: Nonce
    password: Annotated[str, Meta(max_length=limits.PASSWORD_CHARS_MAX)]


class Post(Message, frozen=True):
    """Says `text` in a room that the user is in."""

    id: RequestId
    nonce: Nonce
    room: Name
    text: Text


class SendPrivate(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    to: Name
    text: Text


class CreateRoom(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name


class JoinRoom(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name


class LeaveRoom(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name


class SetTopic(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    topic: Topic


class MarkRead(Message, frozen=True):
    """The user has read `log` up to `sequence`. Never moves back; needs no nonce."""

    id: RequestId
    log: LogName
    sequence: Sequence


# --- From a client: queries -----------------------------------------------------------------------


class ReadHistory(Message, frozen=True):
    """The last `limit` entries of `#room`, or of the private conversation with `@name`.

    With `before`, those before that sequence. Answered with `History`.
    """

    id: RequestId
    log: LogName
    limit: Annotated[int, Meta(ge=1, le=limits.HISTORY_ENTRIES_MAX)] = 20
    before: Sequence | None = None


class ListRooms(Message, frozen=True):
    """All rooms, or only `room`. Answered with `RoomList`."""

    id: RequestId
    room: Name | None = None


class ListMembers(Message, frozen=True):
    """Answered with `MemberList`."""

    id: RequestId
    room: Name


class ListUsers(Message, frozen=True):
    """Who is online. Answered with `UserList`."""

    id: RequestId


class PingTarget(enum.StrEnum):
    GATEWAY = "gateway"
    USER_SERVICE = "user-service"
    ROOM_SERVICE = "room-service"


class Ping(Message, frozen=True):
    """To the gateway, or through it and the router to a service and back. Answered with `Pong`."""

    id: RequestId
    target: PingTarget = PingTarget.GATEWAY


Command = Register | Post | SendPrivate | CreateRoom | JoinRoom | LeaveRoom | SetTopic | MarkRead
Query = ReadHistory | ListRooms | ListMembers | ListUsers | Ping
ClientMessage = Hello | LogIn | LogOut | Command | Query

# --- To a client: answers -------------------------------------------------------------------------


class Welcome(Message, frozen=True):
    version: int
    software: str


class LogState(Message, frozen=True):
    """Where a user stands in one log: entries after `cursor` follow; `head` is the newest now."""

    log: str
    cursor: Sequence
    head: Sequence


class LoggedIn(Message, frozen=True):
    """`logs` are all that the user follows now: the inbox, the lobby, the joined rooms."""

    id: RequestId
    name: str
    guest: bool
    logs: list[LogState]


class Done(Message, frozen=True):
    """The command is committed: durable. `sequence` is that of its entry in `log`."""

    id: RequestId
    log: str | None = None
    sequence: Sequence = 0


class RefusalCode(enum.StrEnum):
    MALFORMED = "malformed"
    UNSUPPORTED_VERSION = "unsupported_version"
    NOT_LOGGED_IN = "not_logged_in"
    ALREADY_LOGGED_IN = "already_logged_in"
    INVALID_NAME = "invalid_name"
    NAME_IN_USE = "name_in_use"
    PASSWORD_REQUIRED = "password_required"
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


class History(Message, frozen=True):
    """Oldest first. `more` says that there are entries before them."""

    id: RequestId
    log: str
    entries: list[Entry]
    more: bool


class RoomInfo(Message, frozen=True):
    """`members` is None for the lobby, which everyone is in; `unread` is 0 where not joined."""

    room: str
    topic: str
    members: int | None
    joined: bool
    unread: int


class RoomList(Message, frozen=True):
    """By name; `total` counts also those that found no place in `rooms`."""

    id: RequestId
    rooms: list[RoomInfo]
    total: int


class Role(enum.StrEnum):
    OWNER = "owner"
    MEMBER = "member"


class MemberInfo(Message, frozen=True):
    """`role` is one of `Role`, or one that a newer server knows."""

    name: str
    role: str
    online: bool


class MemberList(Message, frozen=True):
    """Those online first, each half by name; `total` counts also those not in `members`."""

    id: RequestId
    room: str
    members: list[MemberInfo]
    total: int


class UserInfo(Message, frozen=True):
    """`idle_ms` is the time since the user last sent anything but pings."""

    name: str
    guest: bool
    since_ms: Milliseconds
    idle_ms: Milliseconds


class UserList(Message, frozen=True):
    """By name; `total` counts also those that found no place in `users`."""

    id: RequestId
    users: list[UserInfo]
    total: int


class Pong(Message, frozen=True):
    id: RequestId


# --- To a client: what is not an answer -----------------------------------------------------------


class PresenceChanged(Message, frozen=True):
    """Soft state, collected: who came and who went; the `more` counts are those not named."""

    came: list[str]
    went: list[str]
    came_more: int
    went_more: int
    online: int


class GoingAway(Message, frozen=True):
    """The gateway stops. Connect again, with the same token and your cursors."""

    reason: str


ServerMessage = (
    Welcome
    | LoggedIn
    | Done
    | Refused
    | Entry
    | History
    | RoomList
    | MemberList
    | UserList
    | Pong
    | PresenceChanged
    | GoingAway
)


def room_log(room: str) -> str:
    return "#" + room


def inbox_log(user: str) -> str:
    return "@" + user
