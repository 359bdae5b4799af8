"""A model of the server for the client's tests: what it commits, it commits once per nonce."""

from dataclasses import dataclass, field
from typing import assert_never, get_args

import msgspec

from zchat.protocol import limits, messages
from zchat.protocol.codec import FrameReader, client_messages, encode
from zchat.protocol.messages import (
    AccountRegistered,
    AddReaction,
    AnyCommand,
    AuditList,
    AuditRecord,
    BanList,
    BanMember,
    BlockedList,
    ClientMessage,
    ConversationInfo,
    ConversationList,
    CreateRoom,
    DeleteMessage,
    DemoteMember,
    DeviceInfo,
    DeviceList,
    Done,
    EditInfo,
    EditList,
    EditMessage,
    EnableTotp,
    Entry,
    EntryBody,
    Hello,
    History,
    InRoomCommand,
    JoinRoom,
    KickMember,
    LeaveRoom,
    ListBans,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListMembers,
    ListPins,
    ListRooms,
    ListUserBans,
    ListUsers,
    LoggedIn,
    LogIn,
    LogOut,
    LogState,
    MarkRead,
    MemberAdded,
    MemberDemoted,
    MemberInfo,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberList,
    MemberMuted,
    MemberPromoted,
    MemberUnmuted,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    OfMessageCommand,
    Ping,
    PinList,
    PinMessage,
    Pong,
    Post,
    PrivateMessageSent,
    PromoteMember,
    ReactionAdded,
    ReactionRemoved,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    Redacted,
    RefusalCode,
    Refused,
    Register,
    RemoveReaction,
    Role,
    RoomCreated,
    RoomInfo,
    RoomList,
    RoomTransferred,
    SayTyping,
    SearchMessages,
    SearchResults,
    SendPrivate,
    ServerMessage,
    SetAway,
    SetNotify,
    SetTopic,
    Standing,
    StartConversation,
    TopicChanged,
    UnpinMessage,
    UserBan,
    UserBanList,
    UserInfo,
    UserList,
    Welcome,
)
from zchat.protocol.rules.permissions import (
    PLACE_OF_ROLE,
    Place,
    keeps_order,
    outranks,
    permission_of,
)

NOON_MS = 1_700_000_000_000
SOFT = (MarkRead, SetNotify, SayTyping, SetAway)
COMMANDS = tuple(kind for kind in get_args(AnyCommand) if kind not in SOFT)
ChangesNothing = (
    messages.InviteMember
    | messages.KickMember
    | messages.BanMember
    | messages.UnbanMember
    | messages.MuteMember
    | messages.UnmuteMember
    | messages.TransferRoom
    | messages.ConfigureRoom
    | messages.CloseRoom
    | messages.ReportMessage
    | messages.Announce
    | messages.ChangePassword
    | messages.LogOutEverywhere
    | messages.DeleteAccount
    | messages.RevokeDevice
    | messages.CreateAppToken
    | messages.EnableTotp
    | messages.DisableTotp
    | messages.BlockUser
    | messages.UnblockUser
    | messages.CreateInvitation
    | messages.RevokeInvitation
    | messages.DisconnectUser
    | messages.SuspendUser
    | messages.RestoreUser
    | messages.BanUsers
    | messages.UnbanUsers
    | messages.KickUsers
    | messages.SetStanding
)
"""What the model only notes: it has nothing that they would change. Not all make an entry."""


def parse_client(data: bytes) -> list[ClientMessage]:
    """What the client sent, message by message."""
    return [client_messages.decode(frame) for frame in FrameReader().feed(data)]


@dataclass
class ServerModel:
    """One user's view of a cluster: its logs, its nonces, and how far it has read."""

    name: str = "ann"
    guest: bool = True
    standing: Standing = Standing.ACCOUNT
    """Of an account."""
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)
    """The cursor that a fresh login starts at, by log."""
    answers: dict[bytes, ServerMessage] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)
    marks: list[tuple[str, int]] = field(default_factory=list)
    done: list[AnyCommand] = field(default_factory=list)
    """What changes nothing that this model has."""
    pins: list[Entry] = field(default_factory=list)
    role: Role = Role.OWNER
    """Of the user, in each room whose entries do not say what the user is there."""
    roles: dict[str, dict[str, Role]] = field(default_factory=dict)
    """By log and name, as the entries say; all others are plain members."""
    offline: set[str] = field(default_factory=set)
    """Members of rooms who are not here."""
    away: dict[str, str] = field(default_factory=dict)
    """A word of those who are here, and away."""
    users: list[UserInfo] = field(default_factory=list)
    """Who is online; empty for the client alone."""
    devices: list[DeviceInfo] = field(default_factory=list)
    totp_code: str = "123456"
    refusals: dict[type[AnyCommand], RefusalCode] = field(default_factory=dict)
    """Why commands of this kind are not done."""
    cluster: str = ""
    sends_all: bool = False
    """Whatever logs are asked for, as older gateways do."""
    too_fast: list[Refused] = field(default_factory=list)
    """What the next commands are refused with."""
    history_limits: list[int] = field(default_factory=list)
    """How many entries were asked for, each time that history was read."""

    def __post_init__(self) -> None:
        for log in ("@" + self.name, "#lobby"):
            self.logs.setdefault(log, [])
            self.followed.setdefault(log, 0)

    def append(self, log: str, author: str, body: EntryBody) -> Entry:
        entries = self.logs.setdefault(log, [])
        entry = Entry(log, len(entries) + 1, NOON_MS + len(entries) * 60_000, author, body)
        entries.append(entry)
        self._change_roles(log, author, body)
        return entry

    def _change_roles(self, log: str, author: str, body: EntryBody) -> None:
        roles = self.roles.setdefault(log, {})
        match body:
            case RoomCreated():
                roles[author] = Role.OWNER
            case MemberJoined():
                roles[author] = Role.MEMBER
            case MemberDemoted(user=user) | MemberAdded(user=user) | MemberUnmuted(user=user):
                roles[user] = Role.MEMBER
            case MemberPromoted(user=user):
                roles[user] = Role.MODERATOR
            case MemberMuted(user=user):
                roles[user] = Role.MUTED
            case RoomTransferred(user=user):
                roles.update({name: Role.MODERATOR for name in roles if roles[name] is Role.OWNER})
                roles[user] = Role.OWNER
            case MemberLeft():
                roles.pop(author, None)
            case MemberKicked(user=user):
                roles.pop(user, None)
            case _:
                pass

    def place(self, name: str, log: str) -> Place:
        """What somebody is there; of a room that has been there before, the user is its `role`."""
        if log == "#lobby":
            return Place.MEMBER
        default = self.role if name == self.name else Role.MEMBER
        return PLACE_OF_ROLE[self.roles.get(log, {}).get(name, default)]

    def _may(self, message: AnyCommand) -> bool:
        """By the table that the real services go by."""
        standing = Standing.GUEST if self.guest else self.standing
        kind = type(message)
        if not isinstance(message, InRoomCommand | OfMessageCommand):
            return permission_of(kind, conversation=False).allows(standing, None)
        log = message.log if isinstance(message, OfMessageCommand) else "#" + message.room
        if log[0] == "@" or log not in self.logs:
            return True
        place = self.place(self.name, log)
        if not permission_of(kind, conversation=log == "#talk").allows(standing, place):
            return False
        if isinstance(message, PromoteMember | DemoteMember | KickMember | BanMember):
            return outranks(kind, standing, place, self.place(message.user, log))
        if isinstance(message, EditMessage | DeleteMessage):
            author = self.logs[log][message.sequence - 1].author
            moderates = isinstance(message, DeleteMessage) and keeps_order(standing, place)
            lower = outranks(kind, standing, place, self.place(author, log))
            return author == self.name or (moderates and lower)
        return True

    def texts(self, log: str) -> list[str]:
        return [
            entry.body.text
            for entry in self.logs.get(log, [])
            if isinstance(entry.body, MessagePosted)
        ]

    def log_in(self, message: LogIn) -> list[ServerMessage]:
        """The answer, and the entries after the cursors."""
        self.name = message.name
        states, entries = [], []
        for log, floor in self.followed.items():
            if message.logs is not None and log not in message.logs and not self.sends_all:
                continue
            default = len(self.logs[log]) if message.from_head else floor
            cursor = max(floor, message.cursors.get(log, default))
            cursor = min(cursor, len(self.logs[log]))
            states.append(LogState(log, cursor, len(self.logs[log])))
            entries += self.logs[log][cursor:]
        standing = Standing.GUEST if self.guest else self.standing
        return [LoggedIn(message.id, self.name, self.guest, states, standing), *entries]

    def handle(self, message: ClientMessage) -> list[ServerMessage]:
        """What a client that is logged in gets to read: entries, then the answer."""
        match message:
            case Hello():
                return [Welcome(1, "model", self.cluster)]
            case LogIn():
                return self.log_in(message)
            case LogOut():
                return [Done(message.id)]
            case MarkRead():
                self.marks.append((message.log, message.sequence))
                return [Done(message.id)]
            case SetNotify() | SayTyping():
                self.done.append(message)
                return [Done(message.id, message.log)]
            case SetAway():
                self.done.append(message)
                return [Done(message.id)]
            case _ if isinstance(message, COMMANDS):
                if message.nonce in self.answers:
                    answer = self.answers[message.nonce]
                    return [msgspec.structs.replace(answer, id=message.id, again=True)]
                if self.too_fast:
                    return [self._keep(message.id, message.nonce, self.too_fast.pop(0))]
                entries, answer = self._commit(message)
                return [*entries, self._keep(message.id, message.nonce, answer)]
            case _:
                return [self._answer(message)]

    def _keep(self, request: int, nonce: bytes, answer: ServerMessage) -> ServerMessage:
        self.answers[nonce] = msgspec.structs.replace(answer, id=request)
        return self.answers[nonce]

    def _commit(self, message: AnyCommand) -> tuple[list[Entry], ServerMessage]:
        code = self.refusals.get(type(message))
        if code is None and not self._may(message):
            code = RefusalCode.NOT_ALLOWED
        if code is not None:
            return [], Refused(message.id, code, f"No: {code}")
        if isinstance(message, EnableTotp) and message.code != self.totp_code:
            return [], Refused(message.id, RefusalCode.WRONG_CODE, "that was not the code")
        if isinstance(message, ChangesNothing):
            self.done.append(message)
            return [], Done(message.id)
        match message:
            case Post() | JoinRoom() | LeaveRoom() | SetTopic() if (
                "#" + message.room not in self.logs
            ):
                refusal = Refused(
                    message.id, RefusalCode.UNKNOWN_ROOM, f"there is no room {message.room}"
                )
                return [], refusal
            case Post():
                said = MessagePosted(message.text, message.reply_to)
                entry = self.append("#" + message.room, self.name, said)
            case SendPrivate():
                body = PrivateMessageSent(message.to, message.text, message.reply_to)
                entry = self.append("@" + self.name, self.name, body)
            case CreateRoom():
                entry = self.append("#" + message.room, self.name, RoomCreated())
                self.followed[entry.log] = entry.sequence - 1
            case JoinRoom():
                entry = self.append("#" + message.room, self.name, MemberJoined())
                self.followed[entry.log] = entry.sequence - 1
            case LeaveRoom():
                entry = self.append("#" + message.room, self.name, MemberLeft())
                del self.followed[entry.log]
            case EditMessage() | DeleteMessage() | AddReaction() | RemoveReaction():
                entry = self._amend(message)
            case PinMessage():
                self.pins.insert(0, self.logs["#" + message.room][message.sequence - 1])
                entry = self.append("#" + message.room, self.name, MessagePinned(message.sequence))
            case UnpinMessage():
                self.pins = [pin for pin in self.pins if pin.sequence != message.sequence]
                entry = self.append(
                    "#" + message.room, self.name, MessageUnpinned(message.sequence)
                )
            case StartConversation():
                log = "#talk"
                self.topics["talk"] = ", ".join([self.name, *message.users])
                entry = self.append(log, self.name, RoomCreated())
                self.followed[log] = entry.sequence - 1
                added = [self.append(log, self.name, MemberAdded(user)) for user in message.users]
                return [entry, *added], Done(message.id, log, entry.sequence)
            case SetTopic():
                self.topics[message.room] = message.topic
                entry = self.append("#" + message.room, self.name, TopicChanged(message.topic))
            case PromoteMember():
                entry = self.append("#" + message.room, self.name, MemberPromoted(message.user))
            case DemoteMember():
                entry = self.append("#" + message.room, self.name, MemberDemoted(message.user))
            case Register():
                self.guest = False
                entry = self.append("@" + self.name, self.name, AccountRegistered())
            case MarkRead() | SetNotify() | SayTyping() | SetAway():
                raise AssertionError(message)
            case _:
                assert_never(message)
        return [entry], Done(message.id, entry.log, entry.sequence)

    def _amend(self, message: EditMessage | DeleteMessage | AddReaction | RemoveReaction) -> Entry:
        log, sequence = self.logs[message.log], message.sequence
        entry = log[sequence - 1]
        body: EntryBody
        match message:
            case EditMessage(text=text):
                body = MessageEdited(sequence, text)
                said = msgspec.structs.replace(entry.body, text=text)
                entry = msgspec.structs.replace(entry, body=said, edited=len(log) + 1)
            case DeleteMessage(reason=reason):
                body = MessageDeleted(sequence, reason)
                gone = Redacted(self.name)
                entry = msgspec.structs.replace(entry, body=gone, edited=0, reactions={})
            case AddReaction(emoji=emoji):
                body = ReactionAdded(sequence, emoji)
                entry = msgspec.structs.replace(entry, reactions={emoji: [self.name]})
            case RemoveReaction(emoji=emoji):
                body = ReactionRemoved(sequence, emoji)
                entry = msgspec.structs.replace(entry, reactions={})
            case _:
                assert_never(message)
        log[sequence - 1] = entry
        return self.append(message.log, self.name, body)

    def _answer(self, message: ClientMessage) -> ServerMessage:
        match message:
            case ReadHistory():
                self.history_limits.append(message.limit)
                log = message.log
                if log[0] == "@" and log != "@" + self.name:
                    # Only one's own inbox is kept here: all of it counts as that conversation.
                    log = "@" + self.name
                entries = self.logs.get(log, [])
                if message.before is not None:
                    entries = entries[: max(message.before - 1, 0)]
                page = entries[-message.limit :]
                return History(message.id, message.log, page, len(page) < len(entries))
            case ListRooms():
                rooms = [
                    RoomInfo(
                        *(log[1:], self.topics.get(log[1:], ""), 2, log in self.followed, 0),
                        conversation=log == "#talk",
                    )
                    for log in sorted(self.logs)
                    if log[0] == "#"
                ]
                return RoomList(message.id, rooms, len(rooms))
            case ListMembers():
                own = {self.name: self.role}
                roles = own | self.roles.get("#" + message.room, {})
                members = [
                    MemberInfo(name, role, name not in self.offline, self.away.get(name))
                    for name, role in sorted(roles.items())
                ]
                return MemberList(message.id, message.room, members, len(members))
            case ListUsers():
                users = self.users or [UserInfo(self.name, True, NOON_MS, 0)]
                return UserList(message.id, users, len(users))
            case ListDevices():
                return DeviceList(message.id, self.devices)
            case ListBlocked():
                return BlockedList(message.id, ["mallory"])
            case ListBans():
                return BanList(message.id, message.room, [])
            case ListUserBans():
                return UserBanList(message.id, [UserBan("spam*", "spam", "ann", NOON_MS)])
            case ListPins():
                return PinList(
                    message.id,
                    message.room,
                    [pin for pin in self.pins if pin.log == "#" + message.room],
                )
            case ListConversations():
                return ConversationList(message.id, [ConversationInfo("bob", 1, NOON_MS, 0, 1)])
            case ReadEdits():
                return EditList(message.id, [EditInfo(NOON_MS, "as it was")])
            case SearchMessages():
                before_ms = message.before_ms or limits.INTEGER_MAX
                entries = [
                    entry
                    for log in self.logs.values()
                    for entry in log
                    if message.text in getattr(entry.body, "text", "") and entry.at_ms < before_ms
                ]
                entries.sort(key=lambda entry: -entry.at_ms)
                more = len(entries) > message.limit
                return SearchResults(message.id, entries[: message.limit], more)
            case ReadAudit():
                record = AuditRecord(NOON_MS, "ann", "suspend_user", "mallory", reason="spam")
                return AuditList(message.id, [record][: message.limit])
            case Ping():
                return Pong(message.id)
            case _:
                raise AssertionError(message)


def frames(answers: list[ServerMessage]) -> bytes:
    return b"".join(map(encode, answers))
