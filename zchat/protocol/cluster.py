"""What the processes say to each other inside the envelopes that the router does not open.

Envelopes are msgpack arrays, for size; what clients read travels in them as bytes, encoded once.
"""

from typing import Final

from msgspec import Raw, Struct

from zchat.protocol.messages import (
    AccountCommand,
    Announce,
    DeviceName,
    InRoomCommand,
    Instance,
    InvitationCode,
    ListBans,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListMembers,
    ListPins,
    ListRooms,
    ListUserBans,
    ListUsers,
    LogName,
    Message,
    Milliseconds,
    Name,
    OfMessageCommand,
    OneTimeCode,
    Ping,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    Reason,
    RefusalCode,
    Refused,
    Role,
    Scope,
    SearchMessages,
    Sequence,
    SetAway,
    SoftCommand,
    Standing,
    Token,
)
from zchat.protocol.operators import (
    ChangeSetting,
    CountExpired,
    EraseAccount,
    FindMessages,
    ForgetName,
    ImportEntries,
    ListAccounts,
    ListAllRooms,
    ListKept,
    ListSessions,
    ListSightings,
    ReadAccount,
    ReadErasure,
    RedactMessages,
    RemoveAccount,
    ReplaceName,
    ResetPassword,
    ResetTotp,
    SetRetention,
)


class Envelope(Struct, frozen=True, array_like=True):
    pass


# --- Addresses: which worker serves what ----------------------------------------------------------

USER_SERVICE = "users"


def room_partition(partition: int) -> str:
    return f"rooms/{partition}"


# --- Links: commands up, replies down -------------------------------------------------------------


class Up(Envelope, frozen=True):
    """Commands `first`, `first` + 1, … of one link; without items a heartbeat.

    `epoch` is the service's, `link` counts the restarts of this link. `replies_next` is the next
    reply that the sender waits for; `gap` asks for a resend from there. Items are bytes and no
    values, so that one that nests too deeply spoils none but itself.
    """

    epoch: int
    link: int
    first: int
    items: list[bytes]
    replies_next: int
    gap: bool


class Reply(Envelope, frozen=True):
    """Answers the command with this number; `frame` is what the client reads, already encoded.

    Number 0 answers nothing: a service's own word to the gateway (`SessionEnded`).
    """

    command: int
    frame: bytes


class Down(Envelope, frozen=True):
    """Replies `first`, …; `commands_next` 0 says that this link is unknown and must restart."""

    epoch: int
    link: int
    first: int
    items: list[Reply]
    commands_next: int
    gap: bool


class Stamped(Envelope, frozen=True):
    """A command or query as a gateway passes it on: who sends it, and the client's own bytes.

    `session` is the gateway's number for the connection; `user` is empty for the cluster's own,
    and for an operator's who has no account but the key of the fabric. `since_ms` is when the name
    became the user's: what was said under it before was said by somebody else. A `bot` is a session
    of a program.
    """

    session: int
    user: str
    body: Raw
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    bot: bool = False


class StampedQuery(Envelope, frozen=True):
    """A query, which is known again by its bytes when it is asked for the next step.

    `asked_ms` is the gateway's steady clock. Without it a session of its next life, which has the
    same number again, could be answered with what an earlier one has begun to ask.
    """

    session: int
    user: str
    body: Raw
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    asked_ms: int = 0


# --- Commands that no client can send -------------------------------------------------------------


class OpenSession(Message, frozen=True):
    """Answered with `SessionOpened` or `Refused`. `id` is the client's, for the refusal."""

    id: int
    name: Name
    token: Token
    password: str | None
    device: DeviceName = ""
    code: OneTimeCode = ""
    register: bool = False
    invitation: InvitationCode = ""
    address: str = ""
    """Where the client connects from, without the port: what attempts are counted by."""
    away: Reason | None = None
    new_password: str | None = None
    instance: Instance = b""
    account: bool = False


class CloseSession(Message, frozen=True):
    """`quit` says that the user meant it: no grace."""

    quit: bool


class SessionHere(Envelope, frozen=True):
    session: int
    user: str
    token: Token
    since_ms: int
    active_ms: int
    standing: Standing = Standing.GUEST
    address: str = ""
    away: Reason | None = None
    instance: Instance = b""


class AnnounceSessions(Message, frozen=True):
    """After a restart of either side: who is connected to this gateway."""

    sessions: list[SessionHere]


class ReportActivity(Message, frozen=True):
    """When these sessions last said something."""

    active_ms: dict[int, int]


class EndGuest(Message, frozen=True):
    """The guest is gone: its memberships end."""

    name: Name


class TellInvited(Message, frozen=True):
    """Tell `user`, in the inbox, that `author` has invited it to `room`."""

    nonce: bytes
    room: Name
    user: Name
    author: Name


class OpenConversation(Message, frozen=True):
    """The user-service knows all of `users`: make the private room that `author` wants for them.

    `standing` is the author's.
    """

    nonce: bytes
    room: Name
    author: Name
    users: list[Name]
    standing: Standing = Standing.ACCOUNT


class OpenRoom(Message, frozen=True):
    """Tell the lobby that `author` has created `room`."""

    nonce: bytes
    room: Name
    author: Name


RoomCommand = (
    InRoomCommand
    | OfMessageCommand
    | Announce
    | SoftCommand
    | OpenConversation
    | EndGuest
    | OpenRoom
    | SetRetention
    | RedactMessages
    | ReplaceName
    | ForgetName
    | ImportEntries
)
OperatorsAccountCommand = ResetPassword | ResetTotp | RemoveAccount | EraseAccount
"""What only `zchat-admin` does to an account."""
UserCommand = (
    AccountCommand
    | OfMessageCommand
    | SoftCommand
    | SetAway
    | OpenSession
    | CloseSession
    | AnnounceSessions
    | ReportActivity
    | TellInvited
    | OperatorsAccountCommand
    | SetRetention
    | RedactMessages
    | ReplaceName
    | ForgetName
    | ChangeSetting
    | ImportEntries
)

GatewayCommand = OpenSession | CloseSession | AnnounceSessions | ReportActivity
"""Of these only a gateway knows."""
ServiceCommand = EndGuest | OpenRoom | OpenConversation | TellInvited
"""These a service owes another one. All others come from a client, or from an operator."""


class StampedRoomCommand(Envelope, frozen=True):
    """What the room-service reads where a gateway wrote `Stamped`."""

    session: int
    user: str
    body: RoomCommand
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    bot: bool = False


class StampedUserCommand(Envelope, frozen=True):
    session: int
    user: str
    body: UserCommand
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    bot: bool = False


class SessionOpened(Message, frozen=True):
    """Without `scopes` the session may do what its user may.

    `since_ms` is when the user came, and `owned_since_ms` when the name became the user's.
    """

    name: str
    standing: Standing
    since_ms: int
    scopes: tuple[Scope, ...] = ()
    rooms: tuple[Name, ...] = ()
    owned_since_ms: int = 0
    cluster: str = ""


SessionReply = SessionOpened | Refused


class SessionEnded(Message, frozen=True):
    """To one gateway: close these; their clients have come back elsewhere, or may not be here.

    With a `code` their clients are told why, and when to come back.
    """

    sessions: list[int]
    code: RefusalCode | None = None
    reason: str = ""
    retry_after_ms: Milliseconds = 0


# --- Queries that no client can send --------------------------------------------------------------


class ReadLog(Message, frozen=True):
    """The entries of one log after `cursor`, a page at a time. Answered with `LogPage`."""

    log: str
    cursor: Sequence


class ReadStream(Message, frozen=True):
    """All that a service has written after `position`, a page at a time: `StreamPage`."""

    position: Sequence


class ReadUserLogs(Message, frozen=True):
    """Answered with `UserLogs`."""

    user: str


class ReadPresence(Message, frozen=True):
    """Answered with `PresenceSnapshot`."""


class ReadCluster(Message, frozen=True):
    """Answered with `ClusterInfo`."""


class ClusterInfo(Envelope, frozen=True):
    """By what clients know the cluster again."""

    id: str


UNFINISHED: Final = b"\xc0"
"""In the place of an answer: a step was done, and the same query goes on from there."""
NOT_BEGUN: Final = b"\xc2"
"""In the place of an answer: others came first; ask again."""

CommonQuery = (
    ReadHistory
    | ReadEdits
    | SearchMessages
    | ReadAudit
    | Ping
    | ReadLog
    | ReadStream
    | ReadUserLogs
    | CountExpired
    | FindMessages
    | ListKept
)
RoomQuery = CommonQuery | ListRooms | ListMembers | ListBans | ListPins | ListAllRooms
UserQuery = (
    CommonQuery
    | ListUsers
    | ListUserBans
    | ListDevices
    | ListBlocked
    | ListConversations
    | ReadPresence
    | ReadCluster
    | ListAccounts
    | ListSessions
    | ListSightings
    | ReadAccount
    | ReadErasure
)


class StampedRoomQuery(Envelope, frozen=True):
    session: int
    user: str
    body: RoomQuery
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0


class StampedUserQuery(Envelope, frozen=True):
    session: int
    user: str
    body: UserQuery
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0


class UserLog(Envelope, frozen=True):
    """Entries after `floor` are for the user; `marker` is what it has read, if it said so."""

    log: LogName
    floor: Sequence
    marker: Sequence | None
    head: Sequence
    notify: str = ""


class UserLogs(Envelope, frozen=True):
    """True at `position` of the service's stream."""

    position: int
    logs: list[UserLog]


class MembersOf(Message, frozen=True):
    """All members of a room in the order of their names, and the roles of all but plain ones.

    What a `ListMembers` is answered with, for the gateway to say who of them is online.
    """

    room: str
    names: list[str]
    roles: dict[str, Role]


# --- To and from the router itself ----------------------------------------------------------------


class WorkerHeartbeat(Envelope, frozen=True):
    """I serve `address`, with the fencing `epoch` of its store. `bye`: no more.

    `status` is a `ProcessStatus`, about once a second; the router keeps it and does not open it.
    `settings` are the `ChangedSettings` that the user-service keeps, for all processes to go by.
    """

    address: str
    epoch: int
    bye: bool
    status: bytes = b""
    settings: bytes = b""


class RoutingTable(Envelope, frozen=True):
    """Which addresses are served, each with the epoch of its worker.

    `settings` are the user-service's newest, and empty if the router has not heard of any.
    """

    epochs: dict[str, int]
    settings: bytes = b""
