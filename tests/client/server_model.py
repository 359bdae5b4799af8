"""A model of the server for the client's tests: what it commits, it commits once per nonce."""

from dataclasses import dataclass, field
from typing import get_args

import msgspec

from zchat.protocol.codec import FrameReader, client_messages, encode
from zchat.protocol.messages import (
    AccountRegistered,
    AuditList,
    AuditRecord,
    BanList,
    BlockedList,
    ClientMessage,
    Command,
    CreateRoom,
    DeviceInfo,
    DeviceList,
    Done,
    EnableTotp,
    Entry,
    EntryBody,
    Hello,
    History,
    JoinRoom,
    LeaveRoom,
    ListBans,
    ListBlocked,
    ListDevices,
    ListMembers,
    ListRooms,
    ListUsers,
    LoggedIn,
    LogIn,
    LogOut,
    LogState,
    MarkRead,
    MemberInfo,
    MemberJoined,
    MemberLeft,
    MemberList,
    MessagePosted,
    Ping,
    Pong,
    Post,
    PrivateMessageSent,
    ReadAudit,
    ReadHistory,
    RefusalCode,
    Refused,
    Register,
    Role,
    RoomCreated,
    RoomInfo,
    RoomList,
    SayTyping,
    SendPrivate,
    ServerMessage,
    SetAway,
    SetNotify,
    SetTopic,
    TopicChanged,
    UserInfo,
    UserList,
    Welcome,
)

NOON_MS = 1_700_000_000_000
SOFT = (MarkRead, SetNotify, SayTyping, SetAway)
COMMANDS = tuple(kind for kind in get_args(Command) if kind not in SOFT)


def parse_client(data: bytes) -> list[ClientMessage]:
    """What the client sent, message by message."""
    return [client_messages.decode(frame) for frame in FrameReader().feed(data)]


@dataclass
class ServerModel:
    """One user's view of a cluster: its logs, its nonces, and how far it has read."""

    name: str = "ann"
    guest: bool = True
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    followed: dict[str, int] = field(default_factory=dict)
    """The cursor that a fresh login starts at, by log."""
    answers: dict[bytes, ServerMessage] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)
    marks: list[tuple[str, int]] = field(default_factory=list)
    done: list[Command] = field(default_factory=list)
    """What changes nothing that this model has."""
    devices: list[DeviceInfo] = field(default_factory=list)
    totp_code: str = "123456"

    def __post_init__(self) -> None:
        for log in ("@" + self.name, "#lobby"):
            self.logs.setdefault(log, [])
            self.followed.setdefault(log, 0)

    def append(self, log: str, author: str, body: EntryBody) -> Entry:
        entries = self.logs.setdefault(log, [])
        entry = Entry(log, len(entries) + 1, NOON_MS + len(entries) * 60_000, author, body)
        entries.append(entry)
        return entry

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
            cursor = max(floor, message.cursors.get(log, floor))
            cursor = min(cursor, len(self.logs[log]))
            states.append(LogState(log, cursor, len(self.logs[log])))
            entries += self.logs[log][cursor:]
        return [LoggedIn(message.id, self.name, self.guest, states), *entries]

    def handle(self, message: ClientMessage) -> list[ServerMessage]:
        """What a client that is logged in gets to read: entries, then the answer."""
        match message:
            case Hello():
                return [Welcome(1, "model")]
            case LogIn():
                return self.log_in(message)
            case LogOut():
                return [Done(message.id)]
            case MarkRead():
                self.marks.append((message.log, message.sequence))
                return [Done(message.id)]
            case SetNotify() | SayTyping() | SetAway():
                self.done.append(message)
                return [Done(message.id)]
            case _ if isinstance(message, COMMANDS):
                if message.nonce in self.answers:
                    answer = self.answers[message.nonce]
                    return [msgspec.structs.replace(answer, id=message.id)]
                entries, answer = self._commit(message)
                self.answers[message.nonce] = answer
                return [*entries, answer]
            case _:
                return [self._answer(message)]

    def _commit(self, message: Command) -> tuple[list[Entry], ServerMessage]:
        match message:
            case Post() | JoinRoom() | LeaveRoom() | SetTopic() if (
                "#" + message.room not in self.logs
            ):
                refusal = Refused(
                    message.id, RefusalCode.UNKNOWN_ROOM, f"there is no room {message.room}"
                )
                return [], refusal
            case Post():
                entry = self.append("#" + message.room, self.name, MessagePosted(message.text))
            case SendPrivate():
                body = PrivateMessageSent(message.to, message.text)
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
            case SetTopic():
                self.topics[message.room] = message.topic
                entry = self.append("#" + message.room, self.name, TopicChanged(message.topic))
            case Register():
                self.guest = False
                entry = self.append("@" + self.name, self.name, AccountRegistered())
            case EnableTotp() if message.code != self.totp_code:
                refusal = Refused(message.id, RefusalCode.WRONG_CODE, "that was not the code")
                return [], refusal
            case MarkRead() | SetNotify() | SayTyping() | SetAway():
                raise AssertionError(message)
            case _:
                self.done.append(message)
                return [], Done(message.id)
        return [entry], Done(message.id, entry.log, entry.sequence)

    def _answer(self, message: ClientMessage) -> ServerMessage:
        match message:
            case ReadHistory():
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
                    RoomInfo(log[1:], self.topics.get(log[1:], ""), 2, log in self.followed, 0)
                    for log in sorted(self.logs)
                    if log[0] == "#"
                ]
                return RoomList(message.id, rooms, len(rooms))
            case ListMembers():
                members = [MemberInfo(self.name, Role.OWNER, True)]
                return MemberList(message.id, message.room, members, 1)
            case ListUsers():
                return UserList(message.id, [UserInfo(self.name, True, NOON_MS, 0)], 1)
            case ListDevices():
                return DeviceList(message.id, self.devices)
            case ListBlocked():
                return BlockedList(message.id, ["mallory"])
            case ListBans():
                return BanList(message.id, message.room, [])
            case ReadAudit():
                record = AuditRecord(NOON_MS, "ann", "suspend_user", "mallory", reason="spam")
                return AuditList(message.id, [record][: message.limit])
            case Ping():
                return Pong(message.id)
            case _:
                raise AssertionError(message)


def frames(messages: list[ServerMessage]) -> bytes:
    return b"".join(map(encode, messages))
