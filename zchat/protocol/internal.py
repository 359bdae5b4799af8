"""What the processes of a cluster say to each other.

From the bottom up: the links that carry commands and replies, the commands and queries themselves,
then what services publish, and what the router is told and tells. The router opens none of it but
its own. Envelopes are msgpack arrays, for size; what clients read travels in them as bytes, encoded
once.
"""

from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Raw, Struct, field

from zchat.protocol import limits
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
ROUTER = "router"
"""A query to this address is answered by the router itself, whatever it says: `ClusterStatus`."""


def room_partition(partition: int) -> str:
    return f"rooms/{partition}"


# --- Links: commands up, replies down -------------------------------------------------------------


class Up(Envelope, frozen=True):
    """Commands `first`, `first` + 1, … of one link; without items a heartbeat.

    `epoch` is the service's, `link` counts the restarts of this link. `replies_next` is the next
    reply that the sender waits for; `gap` asks for a resend from there. Items are bytes and no
    values, so that one that nests too deeply spoils none but itself. Whoever `hears_stream` may be
    sent its replies with the pages of the stream.
    """

    epoch: int
    link: int
    first: int
    items: list[bytes]
    replies_next: int
    gap: bool
    hears_stream: bool = False


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


# --- Who asks: a command or query as a gateway passes it on ---------------------------------------


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


# --- What a user follows --------------------------------------------------------------------------


class UserLog(Envelope, frozen=True):
    """Entries after `floor` are for the user; `marker` is what it has read, if it said so."""

    log: LogName
    floor: Sequence
    marker: Sequence | None
    head: Sequence
    notify: str = ""


class UserLogs(Envelope, frozen=True):
    """All logs of one service that a user follows; true at `position` of the service's stream."""

    position: int
    logs: list[UserLog]


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
    """The guest is gone: its memberships end.

    `since_ms` is since when the name was its own, by which what it has said and is still on its way
    is told from what the next one of the name says.
    """

    name: Name
    since_ms: int = 0


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


RoomsCommand = (
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
UsersCommand = (
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
    body: RoomsCommand
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    bot: bool = False


class StampedUserCommand(Envelope, frozen=True):
    session: int
    user: str
    body: UsersCommand
    standing: Standing = Standing.ACCOUNT
    since_ms: int = 0
    bot: bool = False


class SessionOpened(Message, frozen=True):
    """Without `scopes` the session may do what its user may.

    `since_ms` is when the user came, and `owned_since_ms` when the name became the user's. `logs`
    are those of the user-service, which need not be asked for them. Of a name that is `new` nobody
    has heard before, so that its user is in no room yet but the lobby.
    """

    name: str
    standing: Standing
    since_ms: int
    scopes: tuple[Scope, ...] = ()
    rooms: tuple[Name, ...] = ()
    owned_since_ms: int = 0
    cluster: str = ""
    logs: UserLogs = UserLogs(0, [])
    new: bool = False


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
    """Answered with `UserLogs`. Those of the user-service come with `SessionOpened`."""

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
    | CountExpired
    | FindMessages
    | ListKept
)
RoomQuery = (
    CommonQuery | ReadUserLogs | ListRooms | ListMembers | ListBans | ListPins | ListAllRooms
)
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


class MembersOf(Message, frozen=True):
    """All members of a room in the order of their names, and the roles of all but plain ones.

    What a `ListMembers` is answered with, for the gateway to say who of them is online.
    """

    room: str
    names: list[str]
    roles: dict[str, Role]


# --- Streams: what a service has written, as it is published and read again -----------------------


class LogPage(Envelope, frozen=True):
    """`frames` are the entries `first` to `last` as clients read them; none if `last` < `first`.

    What is between the cursor that was asked for and `first` has been removed.
    """

    log: str
    first: int
    last: int
    head: int
    frames: bytes


class MembershipChange(NamedTuple):
    """With the entry `sequence` the user begins (`joined`) or ceases to follow the log.

    The user is `EVERYONE`, of `rules/membership.py`, where it is all who follow the log. `position`
    is that of the entry in the stream: a page that is read again may be cut so that it reaches
    beyond what it is compared with.
    """

    user: str
    sequence: int
    joined: bool
    position: int


class Chunk(Envelope, frozen=True):
    """Consecutive entries of one log, as clients read them, one after another in `frames`."""

    log: LogName
    first: Sequence
    last: Sequence
    frames: bytes
    changes: list[MembershipChange]


class StreamPage(Envelope, frozen=True):
    """All entries at the positions `first` to `last`, in order. If `last` < `first`: a heartbeat.

    A service numbers everything that it writes, over all its logs, with one gapless position.
    This is what is published, and what a follower that missed something reads again. It is not
    `whole` if some of these entries have been removed since.
    """

    first: int
    last: int
    chunks: list[Chunk]
    whole: bool = True


class Publication(Envelope, frozen=True):
    """What a service of this `epoch` publishes: a page, and `Down`s, encoded, by an asker's alias.

    So that an acknowledgement takes no way of its own through the router, and comes to a client
    with the entry that it is about. Whoever misses it asks for it again by its link.
    """

    epoch: int
    page: StreamPage
    downs: dict[bytes, list[bytes]] = {}


# --- Presence: published by the user-service, numbered but not stored -----------------------------


class PresenceDelta(Envelope, frozen=True):
    """Change number `number` since the user-service took `epoch`; an empty one is a heartbeat."""

    epoch: int
    number: int
    came: list[str]
    went: list[str]
    away: dict[str, str | None] = field(default_factory=dict)
    """A word of everyone who has gone away; None of who is back."""


class PresenceSnapshot(Envelope, frozen=True):
    """Who is online after change `number`; `settled` is false while sessions still announce."""

    epoch: int
    number: int
    settled: bool
    online: list[str]
    away: dict[str, str] = field(default_factory=dict)


# --- Ephemeral events: unnumbered, unstored, safe to lose -----------------------------------------


class Typing(Envelope, frozen=True, tag=True):
    """`user` writes in the room `log`, or to the user whose inbox that is."""

    log: LogName
    user: str


class MarkerMoved(Envelope, frozen=True, tag=True):
    """For the sessions of `user`: what `LogStateChanged` says."""

    user: str
    log: str
    marker: int
    notify: str = ""
    back: bool = False


class SoftNews(Envelope, frozen=True):
    """What one beat of a service has of it. Not numbered: whoever misses it does without."""

    news: list[Typing | MarkerMoved]


# --- Routing: what workers tell the router, and the router tells everyone -------------------------


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


# --- Status: what each process tells the router of itself, and the router tells an operator -------


Number = Annotated[float, Meta(ge=0, le=limits.INTEGER_MAX)]
"""So that it is none of the floats that are no numbers."""


class ProcessStatus(Envelope, frozen=True):
    """How a process is. `cpu_s` is the processor time of its `up_s` seconds so far.

    `numbers` are what is its own: units are in their names, and what is about one service has that
    service's address after a space, as in `link_queue_bytes rooms/0`.
    """

    program: str
    version: str
    pid: int
    host: str
    started_ms: int
    up_s: Number
    cpu_s: Number
    rss_bytes: int
    numbers: dict[str, Number]
    clock_ms: int = 0
    """What its clock showed when it told this; 0 of one that does not tell."""


class PeerStatus(Envelope, frozen=True):
    """The newest status of one process, and how long ago it was heard from; empty if it told none.

    `name` is as in its identity: `gateway/west`, `rooms/0`.
    """

    name: str
    silent_ms: int
    status: bytes


class ClusterStatus(Envelope, frozen=True):
    """All processes that the router has heard from of late, and which addresses are served.

    `settings` as in `RoutingTable`.
    """

    epochs: dict[str, int]
    peers: list[PeerStatus]
    settings: bytes = b""
