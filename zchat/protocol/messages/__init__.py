"""The protocol's one page: every message between a client and a gateway, in two closed unions.

A stream in either direction is msgpack values, one after another. Each value is a map with a
`kind`. Unknown fields are ignored, so that either side may be newer; anything else that is not as
written here ends the connection with a `Refused` that says why.

Times are milliseconds since 1970-01-01 UTC. A *log* is `#room` for a room's timeline or `@name`
for a user's inbox; its entries are numbered 1, 2, 3, … without a gap.
"""

from zchat.protocol.messages.accounts import *
from zchat.protocol.messages.base import *
from zchat.protocol.messages.entries import *
from zchat.protocol.messages.operators import *
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
