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
DeviceName = Annotated[str, Meta(max_length=limits.DEVICE_NAME_CHARS_MAX)]
TargetText = Annotated[str, Meta(max_length=limits.TARGET_CHARS_MAX)]
"""An address, a block of them, a name or a pattern of names (`targets.py`); or nothing, for all."""
Target = Annotated[str, Meta(min_length=1, max_length=limits.TARGET_CHARS_MAX)]
"""The same, and never nothing."""
BanSeconds = Annotated[int, Meta(ge=1, le=limits.BAN_S_MAX)]
Reason = Annotated[str, Meta(max_length=limits.REASON_CHARS_MAX)]
RoomKey = Annotated[str, Meta(max_length=limits.ROOM_KEY_CHARS_MAX)]
Instance = Annotated[bytes, Meta(max_length=limits.INSTANCE_BYTES_MAX)]
Digest = Annotated[bytes, Meta(min_length=limits.DIGEST_BYTES, max_length=limits.DIGEST_BYTES)]
"""SHA-256 of a secret that its maker keeps."""
InvitationCode = Annotated[str, Meta(max_length=limits.INVITATION_CHARS_MAX)]
OneTimeCode = Annotated[str, Meta(max_length=limits.ONE_TIME_CODE_CHARS_MAX)]
Emoji = Annotated[str, Meta(min_length=1, max_length=limits.EMOJI_CHARS_MAX)]
"""Or a word as short, as `+1`: anything that can be seen and has no spaces."""
SearchText = Annotated[str, Meta(min_length=1, max_length=limits.SEARCH_CHARS_MAX)]


def _kind(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Message(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag=_kind):
    """A map on the wire; its `kind` is the class's name in snake_case.

    A field that has its default may be left out.
    """


# --- What a user may be ---------------------------------------------------------------------------


class Role(enum.StrEnum):
    """In a room. Whoever is muted is a member who may not speak."""

    OWNER = "owner"
    MODERATOR = "moderator"
    MEMBER = "member"
    MUTED = "muted"


class Standing(enum.StrEnum):
    """In the cluster. Moderators and operators act in every room, also where they are not in it."""

    GUEST = "guest"
    ACCOUNT = "account"
    MODERATOR = "moderator"
    OPERATOR = "operator"


class Posting(enum.StrEnum):
    """Who may speak in a room."""

    MEMBERS = "members"
    MODERATORS = "moderators"


class Scope(enum.StrEnum):
    """What a session with an app token may do. Without scopes it may do what its user may."""

    READ = "read"
    POST = "post"


class Notify(enum.StrEnum):
    """Of what somebody wants to be told aloud, in one room or conversation."""

    ALL = "all"
    MENTIONS = "mentions"
    NOTHING = "nothing"


# --- What happened: the bodies of entries ---------------------------------------------------------


class MessagePosted(Message, frozen=True):
    """`reply_to` is the entry of the same log that it answers, if any.

    `bot` says that a program has said it, by an app token or by its own account of itself.
    """

    text: str
    reply_to: Sequence = 0
    bot: bool = False


class PrivateMessageSent(Message, frozen=True):
    """Stands in the inbox of the recipient and in that of the sender.

    `twin` is its sequence in the other one's inbox; `reply_to` an entry of this one. `bot` is that
    of `MessagePosted`.
    """

    to: str
    text: str
    reply_to: Sequence = 0
    twin: Sequence = 0
    bot: bool = False


class MessageEdited(Message, frozen=True):
    """The message `sequence` of this log says `text` now.

    Without a text it is out of date: a later edit, or the message's end, has taken its place.
    """

    sequence: Sequence
    text: str


class MessageDeleted(Message, frozen=True):
    """The message `sequence` of this log is no more. `reason` is that of a moderator."""

    sequence: Sequence
    reason: str = ""


class Redacted(Message, frozen=True):
    """Stands in the place of a message that was deleted; `by` is who did it.

    `to` is whom a private message was sent to; empty in rooms.
    """

    by: str
    to: str = ""


class ReactionAdded(Message, frozen=True):
    sequence: Sequence
    emoji: str


class ReactionRemoved(Message, frozen=True):
    sequence: Sequence
    emoji: str


class MessagePinned(Message, frozen=True):
    sequence: Sequence


class MessageUnpinned(Message, frozen=True):
    sequence: Sequence


class MemberAdded(Message, frozen=True):
    """In a conversation of several: the author has brought `user` in."""

    user: str


class RoomCreated(Message, frozen=True):
    """First entry of a room: its author is the owner and the first member."""


class MemberJoined(Message, frozen=True):
    pass


class MemberLeft(Message, frozen=True):
    pass


class TopicChanged(Message, frozen=True):
    topic: str


class MemberInvited(Message, frozen=True):
    user: str


class MemberKicked(Message, frozen=True):
    user: str
    reason: str


class MemberBanned(Message, frozen=True):
    """`until_ms` is None for a ban without an end. The user need not have been a member."""

    user: str
    reason: str
    until_ms: Milliseconds | None


class MemberUnbanned(Message, frozen=True):
    user: str


class MemberMuted(Message, frozen=True):
    user: str
    reason: str


class MemberUnmuted(Message, frozen=True):
    user: str


class MemberPromoted(Message, frozen=True):
    """The user is a moderator now."""

    user: str


class MemberDemoted(Message, frozen=True):
    """The user is a plain member now."""

    user: str


class RoomTransferred(Message, frozen=True):
    """The user is the owner now, and the former one a moderator."""

    user: str


class RoomConfigured(Message, frozen=True):
    """All settings of the room as they are now. The key itself is shown to nobody."""

    private: bool
    keyed: bool
    posting: Posting
    slow_mode_s: int
    members_max: int


class RoomClosed(Message, frozen=True):
    """The last entry: nobody is in the room any more, and its name is free."""

    reason: str


class InvitedToRoom(Message, frozen=True):
    """In the inbox: the author has invited the user to `room`."""

    room: str


class RoomOpened(Message, frozen=True):
    """In the lobby: the author has created `room`."""

    room: str


class Announced(Message, frozen=True):
    """In the lobby: a word of the operator to everyone."""

    text: str


class AccountRegistered(Message, frozen=True):
    """In the inbox: from here on the name belongs to its password."""


class AccountChange(enum.StrEnum):
    PASSWORD_CHANGED = "password_changed"
    DEVICE_ADDED = "device_added"
    DEVICE_REVOKED = "device_revoked"
    APP_TOKEN_CREATED = "app_token_created"
    LOGGED_OUT_EVERYWHERE = "logged_out_everywhere"
    TOTP_ENABLED = "totp_enabled"
    TOTP_DISABLED = "totp_disabled"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSWORD_RESET = "password_reset"
    STANDING_CHANGED = "standing_changed"


class AccountChanged(Message, frozen=True):
    """In the inbox, so that the user sees on each device what was done to the account.

    `change` is one of `AccountChange`, or one that a newer server knows; `about` names the device
    or the standing.
    """

    change: str
    about: str = ""


class Unrecognised(Message, frozen=True):
    """Stands where a newer server wrote something of a `kind` that this client does not know."""

    what: str


EntryBody = (
    MessagePosted
    | PrivateMessageSent
    | MessageEdited
    | MessageDeleted
    | Redacted
    | ReactionAdded
    | ReactionRemoved
    | MessagePinned
    | MessageUnpinned
    | MemberAdded
    | RoomCreated
    | MemberJoined
    | MemberLeft
    | TopicChanged
    | MemberInvited
    | MemberKicked
    | MemberBanned
    | MemberUnbanned
    | MemberMuted
    | MemberUnmuted
    | MemberPromoted
    | MemberDemoted
    | RoomTransferred
    | RoomConfigured
    | RoomClosed
    | InvitedToRoom
    | RoomOpened
    | Announced
    | AccountRegistered
    | AccountChanged
    | Unrecognised
)


class Entry(Message, frozen=True):
    """One fact in a log. Sent to all who follow the log, once each and in sequence.

    A message that is read again is as it has become: with its newest text, or `Redacted`. The
    entries that made it so follow in the log as well, and change nothing more. `edited` is the
    `MessageEdited` that its text is from; `reactions` are the names by emoji, in their order.
    """

    log: str
    sequence: Sequence
    at_ms: Milliseconds
    author: str
    body: EntryBody
    edited: Sequence = 0
    reactions: dict[str, list[str]] = {}


# --- From a client: commands ----------------------------------------------------------------------
# A command changes something and is answered with `Done` or `Refused`. The client gives it a nonce
# of its own (`nonces.py`); repeated with the same nonce, it gets its first answer again and changes
# nothing more.


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


class LogIn(Message, frozen=True):
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

    id: RequestId
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


class LogOut(Message, frozen=True):
    """The session ends now, and with it a guest's memberships. Answered with `Done`.

    So does its token, unless it is remembered as a device, or another session has it.
    """

    id: RequestId


class Register(Message, frozen=True):
    """Makes the guest an account."""

    id: RequestId
    nonce: Nonce
    password: Password
    invitation: InvitationCode = ""


class ChangePassword(Message, frozen=True):
    """Logs out every other client of the account."""

    id: RequestId
    nonce: Nonce
    password: Password
    new_password: Password


class LogOutEverywhere(Message, frozen=True):
    """Forgets every device and app token of the account, and ends all its sessions."""

    id: RequestId
    nonce: Nonce


class DeleteAccount(Message, frozen=True):
    """What it has said stays, under its name, which nobody else can take; all else is removed."""

    id: RequestId
    nonce: Nonce
    password: Password


class RevokeDevice(Message, frozen=True):
    """Forgets a device or app token, and ends its sessions. `device` is as `DeviceList` says."""

    id: RequestId
    nonce: Nonce
    device: Sequence


class CreateAppToken(Message, frozen=True):
    """For a bot. `digest` is that of 32 random bytes, which are its token in `LogIn` from then on.

    It may do what `scopes` say, and only in `rooms`, if there are some: elsewhere it neither reads
    nor posts, and it has no inbox.
    """

    id: RequestId
    nonce: Nonce
    digest: Digest
    name: DeviceName
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    rooms: Annotated[list[Name], Meta(max_length=limits.APP_TOKEN_ROOMS_MAX)] = []


class EnableTotp(Message, frozen=True):
    """From now on a password needs a one-time code, too (RFC 6238: SHA-1, 30 s, 6 digits).

    The client makes `secret` and shows it; `code` proves that it has reached an authenticator, and
    `password` that it is the user: whoever finds an open session could shut its user out by this.
    `recovery` are the digests of codes that work once each, in the place of a one-time code.
    """

    id: RequestId
    nonce: Nonce
    secret: Annotated[
        bytes, Meta(min_length=limits.TOTP_SECRET_BYTES, max_length=limits.TOTP_SECRET_BYTES)
    ]
    code: OneTimeCode
    password: Password
    recovery: Annotated[list[Digest], Meta(max_length=limits.RECOVERY_CODES_MAX)] = []


class DisableTotp(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    password: Password


class BlockUser(Message, frozen=True):
    """No private messages from `user` any more."""

    id: RequestId
    nonce: Nonce
    user: Name


class UnblockUser(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    user: Name


class ReportMessage(Message, frozen=True):
    """Tells the operators about the entry `sequence` of a log that the user can read."""

    id: RequestId
    nonce: Nonce
    log: LogName
    sequence: Sequence
    reason: Reason


class Post(Message, frozen=True):
    """Says `text` in a room that the user is in, perhaps in reply to the message `reply_to`.

    `@name` mentions a member, `@room` everyone, if a moderator says it: `mentions.py`.
    """

    id: RequestId
    nonce: Nonce
    room: Name
    text: Text
    reply_to: Sequence = 0


class SendPrivate(Message, frozen=True):
    """`reply_to` is a message of the same conversation, as it stands in the sender's inbox."""

    id: RequestId
    nonce: Nonce
    to: Name
    text: Text
    reply_to: Sequence = 0


class EditMessage(Message, frozen=True):
    """One's own. `log` is `#room`, or one's own inbox."""

    id: RequestId
    nonce: Nonce
    log: LogName
    sequence: Sequence
    text: Text


class DeleteMessage(Message, frozen=True):
    """One's own, or in a room anybody's if one moderates it: its text is gone for good.

    The `reason` is for what somebody else has written; of one's own message none is kept.
    """

    id: RequestId
    nonce: Nonce
    log: LogName
    sequence: Sequence
    reason: Reason = ""


class AddReaction(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    log: LogName
    sequence: Sequence
    emoji: Emoji


class RemoveReaction(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    log: LogName
    sequence: Sequence
    emoji: Emoji


class PinMessage(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    sequence: Sequence


class UnpinMessage(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    sequence: Sequence


class StartConversation(Message, frozen=True):
    """A private room of the user and these others, who are in it at once.

    Answered with `Done`, whose `log` is its name: made of the nonce, so that nobody need think of
    one. The room's topic names who is in it.
    """

    id: RequestId
    nonce: Nonce
    users: Annotated[list[Name], Meta(min_length=1, max_length=limits.CONVERSATION_USERS_MAX)]


class CreateRoom(Message, frozen=True):
    """The lobby is told of a room, unless it is `private` from the beginning (`ConfigureRoom`)."""

    id: RequestId
    nonce: Nonce
    room: Name
    private: bool = False


class JoinRoom(Message, frozen=True):
    """A room that has a key wants it from everyone who is not invited."""

    id: RequestId
    nonce: Nonce
    room: Name
    key: RoomKey = ""


class LeaveRoom(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name


class SetTopic(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    topic: Topic


class InviteMember(Message, frozen=True):
    """The user may join, whatever the room's kind and key. Told in the room and to the user."""

    id: RequestId
    nonce: Nonce
    room: Name
    user: Name


class KickMember(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    user: Name
    reason: Reason = ""


class BanMember(Message, frozen=True):
    """Kicks a member, and keeps the user out until then, or for ever."""

    id: RequestId
    nonce: Nonce
    room: Name
    user: Name
    reason: Reason = ""
    until_ms: Milliseconds | None = None


class UnbanMember(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    user: Name


class MuteMember(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    user: Name
    reason: Reason = ""


class UnmuteMember(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    user: Name


class PromoteMember(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    user: Name


class DemoteMember(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    user: Name


class TransferRoom(Message, frozen=True):
    """Makes a member the owner."""

    id: RequestId
    nonce: Nonce
    room: Name
    user: Name


class ConfigureRoom(Message, frozen=True):
    """Changes what is not None. `private`: only who is invited may join, and it is not listed.

    An empty `key` takes it away; `slow_mode_s` is the least time between two messages of one
    member, 0 for none; `members_max` 0 is the cluster's own bound.
    """

    id: RequestId
    nonce: Nonce
    room: Name
    private: bool | None = None
    key: RoomKey | None = None
    posting: Posting | None = None
    slow_mode_s: Annotated[int, Meta(ge=0, le=limits.SLOW_MODE_S_MAX)] | None = None
    members_max: Annotated[int, Meta(ge=0, le=limits.ROOM_MEMBERS_MAX)] | None = None


class CloseRoom(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    room: Name
    reason: Reason = ""


class Announce(Message, frozen=True):
    """A word of an operator to everyone, in the lobby."""

    id: RequestId
    nonce: Nonce
    text: Text


class CreateInvitation(Message, frozen=True):
    """`digest` is that of the code, made by whoever invites; it works once, until `expires_ms`."""

    id: RequestId
    nonce: Nonce
    digest: Digest
    expires_ms: Milliseconds
    note: Reason = ""


class RevokeInvitation(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    digest: Digest


class DisconnectUser(Message, frozen=True):
    """Ends all sessions of the user, who may connect again."""

    id: RequestId
    nonce: Nonce
    user: Name
    reason: Reason = ""


class SuspendUser(Message, frozen=True):
    """Ends all sessions of the account, and lets it in no more until then, or until restored."""

    id: RequestId
    nonce: Nonce
    user: Name
    reason: Reason = ""
    until_ms: Milliseconds | None = None


class RestoreUser(Message, frozen=True):
    id: RequestId
    nonce: Nonce
    user: Name


class BanUsers(Message, frozen=True):
    """Keeps whoever `who` means out of the server, and ends their sessions at once.

    For `for_s` seconds, or for ever. `guests`: only guests, and who would make an account.
    Operators and moderators of the cluster are never kept out. What would hit whoever asks, an
    address of the server's own, or a good part of everybody is done only with `force`, and for
    operators.
    """

    id: RequestId
    nonce: Nonce
    who: Target
    reason: Reason = ""
    for_s: BanSeconds | None = None
    guests: bool = False
    force: bool = False


class UnbanUsers(Message, frozen=True):
    """Lifts the bans of exactly this `who`."""

    id: RequestId
    nonce: Nonce
    who: Target


class KickUsers(Message, frozen=True):
    """Ends all sessions of whoever `who` means, and keeps them out for so long.

    Of a guest the name is kept out, and the address for guests; of an account the name. With
    `names_only` no address is kept out that `who` does not say.
    """

    id: RequestId
    nonce: Nonce
    who: Target
    reason: Reason = ""
    for_s: BanSeconds = limits.KICK_S
    names_only: bool = False
    force: bool = False


class SetStanding(Message, frozen=True):
    """Makes an account an operator or moderator of the cluster, or a plain account again."""

    id: RequestId
    nonce: Nonce
    user: Name
    standing: Standing


class MarkRead(Message, frozen=True):
    """The user has read `log` up to `sequence`. Never moves back, unless `back`; needs no nonce.

    With `back` what comes after `sequence` is unread again, for all devices of the user: in a room,
    and in a conversation what is after the marker of the inbox itself, which never moves back.

    `log` is `#room`, or one's own inbox: that is how far it has been received. `@name` of somebody
    else is the conversation with them, up to that sequence of one's own inbox.
    """

    id: RequestId
    log: LogName
    sequence: Sequence
    back: bool = False


class SetNotify(Message, frozen=True):
    """For all devices of the user; `log` is `#room`, or `@name` for a conversation. No nonce."""

    id: RequestId
    log: LogName
    level: Notify


class SayTyping(Message, frozen=True):
    """The user writes in `#room` or to `@name`, and will for some seconds. Needs no nonce."""

    id: RequestId
    log: LogName


class SetAway(Message, frozen=True):
    """This client's user is away, with a word for others, or is back (None). Needs no nonce."""

    id: RequestId
    away: Reason | None


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


class ListBans(Message, frozen=True):
    """Answered with `BanList`."""

    id: RequestId
    room: Name


class ListUserBans(Message, frozen=True):
    """Who is kept out of the server; those that come after `after`. Answered with `UserBanList`."""

    id: RequestId
    after: TargetText = ""


class ListDevices(Message, frozen=True):
    """The user's own. Answered with `DeviceList`."""

    id: RequestId


class ListBlocked(Message, frozen=True):
    """Whom the user has blocked. Answered with `BlockedList`."""

    id: RequestId


class ListPins(Message, frozen=True):
    """The pinned messages of a room. Answered with `PinList`."""

    id: RequestId
    room: Name


class ListConversations(Message, frozen=True):
    """With whom the user has exchanged private messages. Answered with `ConversationList`."""

    id: RequestId


class ReadEdits(Message, frozen=True):
    """What a message has said before, where the cluster keeps that. Answered with `EditList`."""

    id: RequestId
    log: LogName
    sequence: Sequence


class SearchMessages(Message, frozen=True):
    """The newest `limit` messages that hold every word of `text`, be they upper or lower case.

    Words are what blanks divide, and each may stand anywhere, within another word too: `port` finds
    `transport`. No character of them means anything but itself.

    In all that the user can read, or only in `#room` or the conversation with `@name`; of all
    authors or of one; with `before_ms`, before that time. Answered with `SearchResults`.
    """

    id: RequestId
    text: SearchText
    log: LogName | None = None
    author: Name | None = None
    before_ms: Milliseconds | None = None
    limit: Annotated[int, Meta(ge=1, le=limits.SEARCH_RESULTS_MAX)] = 20


class ReadAudit(Message, frozen=True):
    """The newest `limit` records of what operators, moderators and owners have done.

    With `before_ms`, those before that time. Answered with `AuditList`.
    """

    id: RequestId
    limit: Annotated[int, Meta(ge=1, le=limits.AUDIT_RECORDS_MAX)] = 50
    before_ms: Milliseconds | None = None


class PingTarget(enum.StrEnum):
    GATEWAY = "gateway"
    USER_SERVICE = "user-service"
    ROOM_SERVICE = "room-service"


class Ping(Message, frozen=True):
    """To the gateway, or through it and the router to a service and back. Answered with `Pong`."""

    id: RequestId
    target: PingTarget = PingTarget.GATEWAY


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
Command = AccountCommand | InRoomCommand | OfMessageCommand | Announce | SoftCommand | SetAway
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
ClientMessage = Hello | LogIn | LogOut | Command | Query

# --- To a client: answers -------------------------------------------------------------------------


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


class History(Message, frozen=True):
    """Oldest first. `more` says that there are entries before them."""

    id: RequestId
    log: str
    entries: list[Entry]
    more: bool


class RoomInfo(Message, frozen=True):
    """`members` is None for the lobby, which everyone is in; `unread` is 0 where not joined.

    `unread` are the messages of others after the read marker; of very many entries only the newest
    are looked at, and all others are counted. `mentions` are those of the user in what is unread. A
    `conversation` is called by its topic.
    """

    room: str
    topic: str
    members: int | None
    joined: bool
    unread: int
    invited: bool = False
    private: bool = False
    keyed: bool = False
    posting: str = Posting.MEMBERS
    slow_mode_s: int = 0
    members_max: int = 0
    mentions: int = 0
    notify: str = ""
    conversation: bool = False


class RoomList(Message, frozen=True):
    """By name; `total` counts also those that found no place in `rooms`."""

    id: RequestId
    rooms: list[RoomInfo]
    total: int


class MemberInfo(Message, frozen=True):
    """`role` is one of `Role`, or one that a newer server knows. `away` is None for "is here"."""

    name: str
    role: str
    online: bool
    away: str | None = None


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
    away: str | None = None


class UserList(Message, frozen=True):
    """By name; `total` counts also those that found no place in `users`."""

    id: RequestId
    users: list[UserInfo]
    total: int


class BanInfo(Message, frozen=True):
    """`until_ms` is None for a ban without an end."""

    user: str
    reason: str
    by: str
    until_ms: Milliseconds | None = None


class BanList(Message, frozen=True):
    id: RequestId
    room: str
    bans: list[BanInfo]


class UserBan(Message, frozen=True):
    """`until_ms` is None for a ban without an end."""

    who: str
    reason: str
    by: str
    at_ms: Milliseconds
    until_ms: Milliseconds | None = None
    guests: bool = False


class UserBanList(Message, frozen=True):
    """By `who`; `more` says that there are others after the last one."""

    id: RequestId
    bans: list[UserBan]
    more: bool = False


class DeviceInfo(Message, frozen=True):
    """A remembered client or an app token. `device` is its number, which `RevokeDevice` takes."""

    device: int
    name: str
    created_ms: Milliseconds
    seen_ms: Milliseconds
    online: bool
    scopes: list[str] = []
    rooms: list[str] = []


class DeviceList(Message, frozen=True):
    """`totp`: whether a password needs a one-time code; `recovery_codes` are left."""

    id: RequestId
    devices: list[DeviceInfo]
    totp: bool = False
    recovery_codes: int = 0


class BlockedList(Message, frozen=True):
    id: RequestId
    users: list[str]


class PinList(Message, frozen=True):
    """Newest pin first; of each the message, as it has become."""

    id: RequestId
    room: str
    pins: list[Entry]


class ConversationInfo(Message, frozen=True):
    """With `name`: the newest entry, the last one read, and how many of the other are unread."""

    name: str
    head: Sequence
    at_ms: Milliseconds
    marker: Sequence
    unread: int
    notify: str = ""


class ConversationList(Message, frozen=True):
    """Newest first."""

    id: RequestId
    conversations: list[ConversationInfo]


class EditInfo(Message, frozen=True):
    """What a message said until `at_ms`."""

    at_ms: Milliseconds
    text: str


class EditList(Message, frozen=True):
    """Oldest first; empty also where edits are not kept."""

    id: RequestId
    edits: list[EditInfo]


class SearchResults(Message, frozen=True):
    """Newest first. `more`: ask again, before the last of them. Not `complete` while indexing."""

    id: RequestId
    entries: list[Entry]
    more: bool
    complete: bool = True


class AuditRecord(Message, frozen=True):
    """Who did what, to whom, where, why and when. `action` is the kind of the command."""

    at_ms: Milliseconds
    actor: str
    action: str
    subject: str = ""
    room: str = ""
    reason: str = ""


class AuditList(Message, frozen=True):
    """Newest first."""

    id: RequestId
    records: list[AuditRecord]


class Pong(Message, frozen=True):
    id: RequestId


# --- To a client: what is not an answer -----------------------------------------------------------


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


class TypingSeen(Message, frozen=True):
    """Soft state: these write at the moment, in `#room`, or to the user from `@name`."""

    log: str
    users: list[str]


class LogStateChanged(Message, frozen=True):
    """Soft state: another device of the user has read `log`, or wants to be told otherwise.

    `log` is `#room`, the own inbox, or `@name` for a conversation. Only with `back` is what comes
    after the marker unread again; else an older marker is old news.
    """

    log: str
    marker: Sequence
    notify: str = ""
    back: bool = False


class SlowedDown(Message, frozen=True):
    """This client says, or asks for, more than it may: it is heard again after `wait_ms`.

    Nothing is lost, and nothing need be sent again.
    """

    wait_ms: Milliseconds


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
    | PresenceChanged
    | TypingSeen
    | LogStateChanged
    | SlowedDown
    | GoingAway
)


def room_log(room: str) -> str:
    return "#" + room


def inbox_log(user: str) -> str:
    return "@" + user
