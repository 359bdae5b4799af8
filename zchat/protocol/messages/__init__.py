"""The protocol's one page: every message between a client and a gateway, in two closed unions.

A stream in either direction is msgpack values, one after another. Each value is a map with a
`kind`. Unknown fields are ignored, so that either side may be newer; anything else that is not as
written here ends the connection with a `Refused` that says why.

Times are milliseconds since 1970-01-01 UTC. A *log* is `#room` for a room's timeline or `@name`
for a user's inbox; its entries are numbered 1, 2, 3, … without a gap.
"""

import enum
from typing import Final, NamedTuple, get_args

from zchat.protocol.messages.accounts import *
from zchat.protocol.messages.base import *
from zchat.protocol.messages.entries import *
from zchat.protocol.messages.moderation import *
from zchat.protocol.messages.posts import *
from zchat.protocol.messages.rooms import *
from zchat.protocol.messages.session import *

AccountCommand = (
    Register
    | ChangePassword
    | LogOutEverywhere
    | DeleteAccount
    | RevokeDevice
    | CreateAppToken
    | EnableTotp
    | DisableTotp
    | BlockUser
    | UnblockUser
    | SendPrivate
    | StartConversation
    | CreateInvitation
    | RevokeInvitation
    | DisconnectUser
    | SuspendUser
    | RestoreUser
    | BanUsers
    | UnbanUsers
    | KickUsers
    | SetStanding
)
"""What the user-service does."""

InRoomCommand = (
    Post
    | CreateRoom
    | JoinRoom
    | LeaveRoom
    | SetTopic
    | InviteMember
    | KickMember
    | BanMember
    | UnbanMember
    | MuteMember
    | UnmuteMember
    | PromoteMember
    | DemoteMember
    | TransferRoom
    | ConfigureRoom
    | CloseRoom
    | PinMessage
    | UnpinMessage
)
"""What the room-service does that serves `room`."""

OfMessageCommand = EditMessage | DeleteMessage | AddReaction | RemoveReaction | ReportMessage
"""What is done to a message of `log`, by the service that has that log."""

SoftCommand = MarkRead | SetNotify | SayTyping
"""About `log`, and without a nonce: said again it does no harm."""

AnyCommand = AccountCommand | InRoomCommand | OfMessageCommand | Announce | SoftCommand | SetAway

Query = (
    ReadHistory
    | ReadEdits
    | SearchMessages
    | ListPins
    | ListConversations
    | ListRooms
    | ListMembers
    | ListBans
    | ListUsers
    | ListUserBans
    | ListDevices
    | ListBlocked
    | ReadAudit
    | Ping
)

ClientMessage = Hello | LogIn | LogOut | AnyCommand | Query

Answer = (
    Done
    | Refused
    | History
    | RoomList
    | MemberList
    | UserList
    | BanList
    | UserBanList
    | DeviceList
    | BlockedList
    | AuditList
    | PinList
    | ConversationList
    | EditList
    | SearchResults
    | Pong
)
"""To a request, of which it has the `id`."""

ServerMessage = (
    Welcome
    | LoggedIn
    | Entry
    | Answer
    | PresenceChanged
    | TypingSeen
    | LogStateChanged
    | SlowedDown
    | GoingAway
)


# --- What becomes of each request -----------------------------------------------------------------


class Service(enum.Enum):
    """Who serves a request; a gateway knows whom that means."""

    ROOM = "the room-service of `room`"
    LOG = "the service that has `log`"
    LOBBY = "the room-service of the lobby"
    USERS = "the user-service"
    ROOMS = "every room-service"
    ALL = "every service"
    TARGET = "the process that is asked"


class Row(NamedTuple):
    """Served by whom, answered with what, and told to whom follows the log by which entry.

    Who may do it is in `rules/permissions.py`, and what it costs in `rules/costs.py`; both are
    closed over the keys of this table.
    """

    service: Service
    answer: type[Message] = Done
    makes: type[Message] | None = None


REQUESTS: Final[dict[type[Request], Row]] = {
    Post: Row(Service.ROOM, makes=MessagePosted),
    EditMessage: Row(Service.LOG, makes=MessageEdited),
    DeleteMessage: Row(Service.LOG, makes=MessageDeleted),
    AddReaction: Row(Service.LOG, makes=ReactionAdded),
    RemoveReaction: Row(Service.LOG, makes=ReactionRemoved),
    PinMessage: Row(Service.ROOM, makes=MessagePinned),
    UnpinMessage: Row(Service.ROOM, makes=MessageUnpinned),
    ReportMessage: Row(Service.LOG),
    SendPrivate: Row(Service.USERS, makes=PrivateMessageSent),
    MarkRead: Row(Service.LOG),
    SetNotify: Row(Service.LOG),
    SayTyping: Row(Service.LOG),
    StartConversation: Row(Service.USERS),
    CreateRoom: Row(Service.ROOM, makes=RoomCreated),
    JoinRoom: Row(Service.ROOM, makes=MemberJoined),
    LeaveRoom: Row(Service.ROOM, makes=MemberLeft),
    SetTopic: Row(Service.ROOM, makes=TopicChanged),
    InviteMember: Row(Service.ROOM, makes=MemberInvited),
    KickMember: Row(Service.ROOM, makes=MemberKicked),
    BanMember: Row(Service.ROOM, makes=MemberBanned),
    UnbanMember: Row(Service.ROOM, makes=MemberUnbanned),
    MuteMember: Row(Service.ROOM, makes=MemberMuted),
    UnmuteMember: Row(Service.ROOM, makes=MemberUnmuted),
    PromoteMember: Row(Service.ROOM, makes=MemberPromoted),
    DemoteMember: Row(Service.ROOM, makes=MemberDemoted),
    TransferRoom: Row(Service.ROOM, makes=RoomTransferred),
    ConfigureRoom: Row(Service.ROOM, makes=RoomConfigured),
    CloseRoom: Row(Service.ROOM, makes=RoomClosed),
    SetAway: Row(Service.USERS),
    Register: Row(Service.USERS, makes=AccountRegistered),
    ChangePassword: Row(Service.USERS, makes=AccountChanged),
    LogOutEverywhere: Row(Service.USERS, makes=AccountChanged),
    DeleteAccount: Row(Service.USERS),
    RevokeDevice: Row(Service.USERS, makes=AccountChanged),
    CreateAppToken: Row(Service.USERS, makes=AccountChanged),
    EnableTotp: Row(Service.USERS, makes=AccountChanged),
    DisableTotp: Row(Service.USERS, makes=AccountChanged),
    BlockUser: Row(Service.USERS),
    UnblockUser: Row(Service.USERS),
    Announce: Row(Service.LOBBY, makes=Announced),
    CreateInvitation: Row(Service.USERS),
    RevokeInvitation: Row(Service.USERS),
    DisconnectUser: Row(Service.USERS),
    SuspendUser: Row(Service.USERS),
    RestoreUser: Row(Service.USERS),
    BanUsers: Row(Service.USERS),
    UnbanUsers: Row(Service.USERS),
    KickUsers: Row(Service.USERS),
    SetStanding: Row(Service.USERS, makes=AccountChanged),
    ReadHistory: Row(Service.LOG, History),
    ReadEdits: Row(Service.LOG, EditList),
    SearchMessages: Row(Service.ALL, SearchResults),
    ListPins: Row(Service.ROOM, PinList),
    ListConversations: Row(Service.USERS, ConversationList),
    ListRooms: Row(Service.ROOMS, RoomList),
    ListMembers: Row(Service.ROOM, MemberList),
    ListBans: Row(Service.ROOM, BanList),
    ListUsers: Row(Service.USERS, UserList),
    ListUserBans: Row(Service.USERS, UserBanList),
    ListDevices: Row(Service.USERS, DeviceList),
    ListBlocked: Row(Service.USERS, BlockedList),
    ReadAudit: Row(Service.ALL, AuditList),
    Ping: Row(Service.TARGET, Pong),
}
# What is forgotten in one of them is named here, and not by a client that has waited for an answer.
assert not (_odd := REQUESTS.keys() ^ {*get_args(AnyCommand), *get_args(Query)}), _odd
assert not (
    _odd := {kind for kind in get_args(AnyCommand) if REQUESTS[kind].service is Service.ROOM}
    ^ {*get_args(InRoomCommand)}
), _odd
assert not (_odd := {row.makes for row in REQUESTS.values()} - {None, *get_args(EntryBody)}), _odd
assert not (_odd := {row.answer for row in REQUESTS.values()} - {*get_args(Answer)}), _odd
