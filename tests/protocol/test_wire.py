"""One example of every message as bytes, so that peers of different age understand each other.

A line that has to change here breaks every client that is out there; a new line does not.
"""

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zchat.protocol.codec import client_messages, encode, server_messages
from zchat.protocol.messages import (
    AccountChange,
    AccountChanged,
    AccountRegistered,
    AddReaction,
    Announce,
    Announced,
    AuditList,
    AuditRecord,
    BanInfo,
    BanList,
    BanMember,
    BanUsers,
    BlockedList,
    BlockUser,
    ChangePassword,
    CloseRoom,
    ConfigureRoom,
    ConversationInfo,
    ConversationList,
    CreateAppToken,
    CreateInvitation,
    CreateRoom,
    DeleteAccount,
    DeleteMessage,
    DemoteMember,
    DeviceInfo,
    DeviceList,
    DisableTotp,
    DisconnectUser,
    Done,
    EditInfo,
    EditList,
    EditMessage,
    EnableTotp,
    Entry,
    EntryBody,
    GoingAway,
    Hello,
    History,
    InvitedToRoom,
    InviteMember,
    JoinRoom,
    KickMember,
    KickUsers,
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
    LogOutEverywhere,
    LogState,
    LogStateChanged,
    MarkRead,
    MemberAdded,
    MemberBanned,
    MemberDemoted,
    MemberInfo,
    MemberInvited,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberList,
    MemberMuted,
    MemberPromoted,
    MemberUnbanned,
    MemberUnmuted,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    MuteMember,
    Notify,
    Ping,
    PingTarget,
    PinList,
    PinMessage,
    Pong,
    Post,
    Posting,
    PresenceChanged,
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
    ReportMessage,
    RestoreUser,
    RevokeDevice,
    RevokeInvitation,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomInfo,
    RoomList,
    RoomOpened,
    RoomTransferred,
    SayTyping,
    Scope,
    SearchMessages,
    SearchResults,
    SendPrivate,
    SetAway,
    SetNotify,
    SetStanding,
    SetTopic,
    SlowedDown,
    Standing,
    StartConversation,
    SuspendUser,
    TopicChanged,
    TransferRoom,
    TypingSeen,
    UnbanMember,
    UnbanUsers,
    UnblockUser,
    UnmuteMember,
    UnpinMessage,
    Unrecognised,
    UserBan,
    UserBanList,
    UserInfo,
    UserList,
    Welcome,
)
from zchat.protocol.rules.nonces import nonce

from .shapes import CLIENT_MESSAGES, ENTRY_BODIES, SERVER_MESSAGES

GOLDEN = Path(__file__).with_name("wire.txt")
"""Lines of: name, a space, the bytes as Python writes them."""

NONCE = nonce(b"my-phone", 7)
DIGEST = b"d" * 32
AT_MS = 1_700_000_000_000


def entry(body: EntryBody, log: str = "#garden") -> Entry:
    return Entry(log, 7, AT_MS, "ann", body)


FROM_CLIENTS: list[Any] = [
    Hello(1, "test 1.0"),
    LogIn(1, "ann", b"t" * 32, "correct horse", {"#garden": 6, "@ann": 0}),
    LogOut(2),
    Register(3, NONCE, "correct horse"),
    Post(4, NONCE, "garden", "grüße"),
    SendPrivate(5, NONCE, "bob", "psst"),
    CreateRoom(6, NONCE, "garden"),
    JoinRoom(7, NONCE, "garden"),
    LeaveRoom(8, NONCE, "garden"),
    SetTopic(9, NONCE, "garden", "roses"),
    MarkRead(10, "#garden", 7),
    ReadHistory(11, "@bob", 50, 300),
    ListRooms(12, "garden"),
    ListMembers(13, "garden"),
    ListUsers(14),
    Ping(2**53, PingTarget.ROOM_SERVICE),
    # Accounts.
    ChangePassword(16, NONCE, "correct horse", "battery staple"),
    LogOutEverywhere(17, NONCE),
    DeleteAccount(18, NONCE, "correct horse"),
    RevokeDevice(19, NONCE, 2),
    CreateAppToken(20, NONCE, DIGEST, "weather", [Scope.READ, Scope.POST], ["garden"]),
    EnableTotp(21, NONCE, b"s" * 20, "123456", "correct horse", [DIGEST]),
    DisableTotp(22, NONCE, "correct horse"),
    BlockUser(23, NONCE, "mallory"),
    UnblockUser(24, NONCE, "mallory"),
    ReportMessage(25, NONCE, "#garden", 7, "spam"),
    ListDevices(26),
    ListBlocked(27),
    # Rooms.
    InviteMember(28, NONCE, "garden", "bob"),
    KickMember(29, NONCE, "garden", "mallory", "spam"),
    BanMember(30, NONCE, "garden", "mallory", "spam", AT_MS),
    UnbanMember(31, NONCE, "garden", "mallory"),
    MuteMember(32, NONCE, "garden", "mallory", "spam"),
    UnmuteMember(33, NONCE, "garden", "mallory"),
    PromoteMember(34, NONCE, "garden", "bob"),
    DemoteMember(35, NONCE, "garden", "bob"),
    TransferRoom(36, NONCE, "garden", "bob"),
    ConfigureRoom(37, NONCE, "garden", True, "rosebud", Posting.MODERATORS, 30, 50),
    CloseRoom(38, NONCE, "garden", "winter"),
    ListBans(39, "garden"),
    # The cluster.
    Announce(40, NONCE, "we close at ten"),
    CreateInvitation(41, NONCE, DIGEST, AT_MS, "for carol"),
    RevokeInvitation(42, NONCE, DIGEST),
    DisconnectUser(43, NONCE, "mallory", "spam"),
    SuspendUser(44, NONCE, "mallory", "spam", AT_MS),
    RestoreUser(45, NONCE, "mallory"),
    SetStanding(46, NONCE, "bob", Standing.MODERATOR),
    ReadAudit(47, 100, AT_MS),
    # Messages, and what becomes of them.
    EditMessage(48, NONCE, "#garden", 7, "grüße dich"),
    DeleteMessage(49, NONCE, "#garden", 7, "spam"),
    AddReaction(50, NONCE, "@ann", 7, "👍🏽"),
    RemoveReaction(51, NONCE, "@ann", 7, "👍🏽"),
    PinMessage(52, NONCE, "garden", 7),
    UnpinMessage(53, NONCE, "garden", 7),
    StartConversation(54, NONCE, ["bob", "carol"]),
    SetNotify(55, "#garden", Notify.MENTIONS),
    SayTyping(56, "@bob"),
    SetAway(57, "back at ten"),
    ListPins(58, "garden"),
    ListConversations(59),
    ReadEdits(60, "#garden", 7),
    SearchMessages(61, "red roses", "#garden", "bob", AT_MS, 50),
    # Who is kept out of the server.
    BanUsers(62, NONCE, "192.0.2.0/24", "spam", 7200, True, True),
    UnbanUsers(63, NONCE, "spam*"),
    KickUsers(64, NONCE, "mallory", "spam", 60, True, True),
    ListUserBans(65, "mallory"),
]
FROM_SERVERS: list[Any] = [
    Welcome(1, "zchat 1.0"),
    LoggedIn(1, "ann", True, [LogState("@ann", 0, 0), LogState("#lobby", 5, 70_000)]),
    Done(4, "#garden", 7),
    Refused(None, RefusalCode.MALFORMED, "that was no message"),
    entry(MessagePosted("grüße")),
    History(11, "@bob", [entry(PrivateMessageSent("bob", "psst"), "@ann")], True),
    RoomList(12, [RoomInfo("lobby", "", None, True, 0), RoomInfo("g", "roses", 2, False, 3)], 2),
    MemberList(13, "garden", [MemberInfo("ann", Role.OWNER, True)], 2),
    UserList(14, [UserInfo("ann", False, AT_MS, 1500)], 1),
    Pong(15),
    PresenceChanged(["ann"], [], 0, 48, 50),
    GoingAway("the gateway stops"),
    BanList(39, "garden", [BanInfo("mallory", "spam", "ann", AT_MS), BanInfo("eve", "", "ann")]),
    DeviceList(
        26,
        [
            DeviceInfo(1, "my-phone", AT_MS, AT_MS + 5, True),
            DeviceInfo(2, "weather", AT_MS, AT_MS, False, ["read", "post"], ["garden"]),
        ],
        True,
        9,
    ),
    BlockedList(27, ["mallory"]),
    AuditList(47, [AuditRecord(AT_MS, "ann", "ban_member", "mallory", "garden", "spam")]),
    SlowedDown(1500),
    PinList(58, "garden", [entry(MessagePosted("grüße"))]),
    ConversationList(59, [ConversationInfo("bob", 9, AT_MS, 7, 2, Notify.NOTHING)]),
    EditList(60, [EditInfo(AT_MS, "grüße")]),
    SearchResults(61, [entry(MessagePosted("red roses"))], True, False),
    TypingSeen("#garden", ["bob"]),
    LogStateChanged("@bob", 7, Notify.ALL),
    UserBanList(65, [UserBan("spam*", "spam", "ann", AT_MS, AT_MS + 5, True)], True),
]
BODIES: list[Any] = [
    MessagePosted("grüße"),
    PrivateMessageSent("bob", "psst"),
    RoomCreated(),
    MemberJoined(),
    MemberLeft(),
    TopicChanged("roses"),
    RoomOpened("garden"),
    Announced("we close at ten"),
    AccountRegistered(),
    Unrecognised("dance"),
    MemberInvited("bob"),
    MemberKicked("mallory", "spam"),
    MemberBanned("mallory", "spam", AT_MS),
    MemberUnbanned("mallory"),
    MemberMuted("mallory", "spam"),
    MemberUnmuted("mallory"),
    MemberPromoted("bob"),
    MemberDemoted("bob"),
    RoomTransferred("bob"),
    RoomConfigured(True, True, Posting.MODERATORS, 30, 50),
    RoomClosed("winter"),
    InvitedToRoom("garden"),
    AccountChanged(AccountChange.DEVICE_ADDED, "my-phone"),
    MessageEdited(5, "grüße dich"),
    MessageDeleted(5, "spam"),
    Redacted("bob"),
    ReactionAdded(5, "👍🏽"),
    ReactionRemoved(5, "👍🏽"),
    MessagePinned(5),
    MessageUnpinned(5),
    MemberAdded("carol"),
]
WITH_ALL_FIELDS: dict[str, Any] = {
    "LogIn/new_device": LogIn(
        1, "ann", b"t" * 32, "correct horse", {"#garden": 6}, "my-phone", "123456"
    ),
    "LogIn/new_account": LogIn(
        1, "ann", b"t" * 32, "correct horse", register=True, invitation="spring-2024"
    ),
    "Register/invited": Register(3, NONCE, "correct horse", "spring-2024"),
    "CreateRoom/private": CreateRoom(6, NONCE, "garden", private=True),
    "JoinRoom/key": JoinRoom(7, NONCE, "garden", "rosebud"),
    "LoggedIn/operator": LoggedIn(1, "ann", False, [], Standing.OPERATOR),
    "Done/again": Done(4, "#garden", 7, again=True),
    "Refused/again": Refused(4, RefusalCode.NOT_A_MEMBER, "you are not in it", again=True),
    "Hello/bot": Hello(1, "test 1.0", bot=True),
    "Entry/MessagePosted/bot": entry(MessagePosted("grüße", bot=True)),
    "Entry/PrivateMessageSent/bot": entry(PrivateMessageSent("bob", "psst", bot=True), "@ann"),
    "Refused/later": Refused(4, RefusalCode.TOO_FAST, "not so fast", 1500),
    "RoomList/settings": RoomList(
        12,
        [RoomInfo("g", "", 2, False, 0, True, True, True, Posting.MODERATORS, 30, 50)],
        1,
    ),
    "LogIn/new_password": LogIn(1, "ann", b"t" * 32, "a code", new_password="correct horse"),
    "LogIn/away": LogIn(1, "ann", b"t" * 32, away="back at ten"),
    "Hello/instance": Hello(1, "test 1.0", b"i" * 8),
    "LogIn/some": LogIn(1, "ann", b"t" * 32, logs=["#garden", "@ann"], from_head=True),
    "LogIn/none": LogIn(1, "ann", b"t" * 32, logs=[]),
    "LogIn/account": LogIn(1, "ann", b"t" * 32, account=True),
    "Welcome/cluster": Welcome(1, "zchat 1.0", "c0ffee00c0ffee00"),
    "LoggedIn/since": LoggedIn(
        1, "ann", False, [LogState("#garden", 5, 9, 4, Notify.ALL)], since_ms=AT_MS
    ),
    "Post/reply": Post(4, NONCE, "garden", "grüße", 5),
    "SendPrivate/reply": SendPrivate(5, NONCE, "bob", "psst", 5),
    "SetAway/back": SetAway(57, None),
    "MarkRead/back": MarkRead(10, "#garden", 7, back=True),
    "LogStateChanged/back": LogStateChanged("@bob", 7, Notify.ALL, back=True),
    "SearchMessages/all": SearchMessages(61, "red roses"),
    "MemberList/away": MemberList(
        13, "garden", [MemberInfo("ann", Role.OWNER, True, "back at ten")], 1
    ),
    "UserList/away": UserList(14, [UserInfo("ann", False, AT_MS, 1500, "back at ten")], 1),
    "PresenceChanged/away": PresenceChanged([], [], 0, 0, 50, {"ann": "back at ten", "bob": None}),
    "RoomList/conversation": RoomList(
        12,
        [RoomInfo("g", "ann, bob", 2, True, 3, mentions=1, notify="all", conversation=True)],
        1,
    ),
    "Entry/MessagePosted/amended": msgspec.structs.replace(
        entry(MessagePosted("grüße dich", 5)), edited=9, reactions={"👍🏽": ["bob", "carol"]}
    ),
    "Entry/PrivateMessageSent/twin": entry(PrivateMessageSent("bob", "psst", 5, 6), "@ann"),
    "Entry/Redacted/private": entry(Redacted("ann", "bob"), "@ann"),
}
"""What the same kinds look like with the fields that came later."""
EXAMPLES: dict[str, msgspec.Struct] = {
    **{type(message).__name__: message for message in FROM_CLIENTS + FROM_SERVERS},
    **{f"Entry/{type(body).__name__}": entry(body) for body in BODIES},
    **WITH_ALL_FIELDS,
}


def golden() -> dict[str, bytes]:
    lines = [line.split(" ", 1) for line in GOLDEN.read_text("utf-8").splitlines()]
    return {name: ast.literal_eval(frame) for name, frame in lines}


def test_every_message_has_an_example() -> None:
    assert {type(message) for message in FROM_CLIENTS} == set(CLIENT_MESSAGES)
    assert {type(message) for message in FROM_SERVERS} == set(SERVER_MESSAGES)
    assert {type(body) for body in BODIES} == set(ENTRY_BODIES)
    assert golden().keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_has_the_bytes_that_it_always_had(name: str) -> None:
    assert encode(EXAMPLES[name]) == golden()[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bytes_mean_what_they_always_meant(name: str) -> None:
    example = EXAMPLES[name]
    decoder = client_messages if isinstance(example, CLIENT_MESSAGES) else server_messages

    assert decoder.decode(golden()[name]) == example
