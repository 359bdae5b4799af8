"""One example of every message as bytes, so that peers of different age understand each other.

A line that has to change breaks every client that is out there; a new line does not. Once a new
message has its example here, `python -m tests.protocol.test_wire` adds its line, and changes none.
"""

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

from zchat.protocol.codec import ProtocolError, client_messages, encode, server_messages
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
    Request,
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
    LogIn(
        id=1,
        name="ann",
        token=b"t" * 32,
        password="correct horse",
        cursors={"#garden": 6, "@ann": 0},
    ),
    LogOut(id=2),
    Register(id=3, nonce=NONCE, password="correct horse"),
    Post(id=4, nonce=NONCE, room="garden", text="grüße"),
    SendPrivate(id=5, nonce=NONCE, to="bob", text="psst"),
    CreateRoom(id=6, nonce=NONCE, room="garden"),
    JoinRoom(id=7, nonce=NONCE, room="garden"),
    LeaveRoom(id=8, nonce=NONCE, room="garden"),
    SetTopic(id=9, nonce=NONCE, room="garden", topic="roses"),
    MarkRead(id=10, log="#garden", sequence=7),
    ReadHistory(id=11, log="@bob", limit=50, before=300),
    ListRooms(id=12, room="garden"),
    ListMembers(id=13, room="garden"),
    ListUsers(id=14),
    Ping(id=2**53, target=PingTarget.ROOM_SERVICE),
    # Accounts.
    ChangePassword(id=16, nonce=NONCE, password="correct horse", new_password="battery staple"),
    LogOutEverywhere(id=17, nonce=NONCE),
    DeleteAccount(id=18, nonce=NONCE, password="correct horse"),
    RevokeDevice(id=19, nonce=NONCE, device=2),
    CreateAppToken(
        id=20,
        nonce=NONCE,
        digest=DIGEST,
        name="weather",
        scopes=[Scope.READ, Scope.POST],
        rooms=["garden"],
    ),
    EnableTotp(
        id=21,
        nonce=NONCE,
        secret=b"s" * 20,
        code="123456",
        password="correct horse",
        recovery=[DIGEST],
    ),
    DisableTotp(id=22, nonce=NONCE, password="correct horse"),
    BlockUser(id=23, nonce=NONCE, user="mallory"),
    UnblockUser(id=24, nonce=NONCE, user="mallory"),
    ReportMessage(id=25, nonce=NONCE, log="#garden", sequence=7, reason="spam"),
    ListDevices(id=26),
    ListBlocked(id=27),
    # Rooms.
    InviteMember(id=28, nonce=NONCE, room="garden", user="bob"),
    KickMember(id=29, nonce=NONCE, room="garden", user="mallory", reason="spam"),
    BanMember(id=30, nonce=NONCE, room="garden", user="mallory", reason="spam", until_ms=AT_MS),
    UnbanMember(id=31, nonce=NONCE, room="garden", user="mallory"),
    MuteMember(id=32, nonce=NONCE, room="garden", user="mallory", reason="spam"),
    UnmuteMember(id=33, nonce=NONCE, room="garden", user="mallory"),
    PromoteMember(id=34, nonce=NONCE, room="garden", user="bob"),
    DemoteMember(id=35, nonce=NONCE, room="garden", user="bob"),
    TransferRoom(id=36, nonce=NONCE, room="garden", user="bob"),
    ConfigureRoom(
        id=37,
        nonce=NONCE,
        room="garden",
        private=True,
        key="rosebud",
        posting=Posting.MODERATORS,
        slow_mode_s=30,
        members_max=50,
    ),
    CloseRoom(id=38, nonce=NONCE, room="garden", reason="winter"),
    ListBans(id=39, room="garden"),
    # The cluster.
    Announce(id=40, nonce=NONCE, text="we close at ten"),
    CreateInvitation(id=41, nonce=NONCE, digest=DIGEST, expires_ms=AT_MS, note="for carol"),
    RevokeInvitation(id=42, nonce=NONCE, digest=DIGEST),
    DisconnectUser(id=43, nonce=NONCE, user="mallory", reason="spam"),
    SuspendUser(id=44, nonce=NONCE, user="mallory", reason="spam", until_ms=AT_MS),
    RestoreUser(id=45, nonce=NONCE, user="mallory"),
    SetStanding(id=46, nonce=NONCE, user="bob", standing=Standing.MODERATOR),
    ReadAudit(id=47, limit=100, before_ms=AT_MS),
    # Messages, and what becomes of them.
    EditMessage(id=48, nonce=NONCE, log="#garden", sequence=7, text="grüße dich"),
    DeleteMessage(id=49, nonce=NONCE, log="#garden", sequence=7, reason="spam"),
    AddReaction(id=50, nonce=NONCE, log="@ann", sequence=7, emoji="👍🏽"),
    RemoveReaction(id=51, nonce=NONCE, log="@ann", sequence=7, emoji="👍🏽"),
    PinMessage(id=52, nonce=NONCE, room="garden", sequence=7),
    UnpinMessage(id=53, nonce=NONCE, room="garden", sequence=7),
    StartConversation(id=54, nonce=NONCE, users=["bob", "carol"]),
    SetNotify(id=55, log="#garden", level=Notify.MENTIONS),
    SayTyping(id=56, log="@bob"),
    SetAway(id=57, away="back at ten"),
    ListPins(id=58, room="garden"),
    ListConversations(id=59),
    ReadEdits(id=60, log="#garden", sequence=7),
    SearchMessages(id=61, text="red roses", log="#garden", author="bob", before_ms=AT_MS, limit=50),
    # Who is kept out of the server.
    BanUsers(
        id=62, nonce=NONCE, who="192.0.2.0/24", reason="spam", for_s=7200, guests=True, force=True
    ),
    UnbanUsers(id=63, nonce=NONCE, who="spam*"),
    KickUsers(
        id=64, nonce=NONCE, who="mallory", reason="spam", for_s=60, names_only=True, force=True
    ),
    ListUserBans(id=65, after="mallory"),
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
        id=1,
        name="ann",
        token=b"t" * 32,
        password="correct horse",
        cursors={"#garden": 6},
        device="my-phone",
        code="123456",
    ),
    "LogIn/new_account": LogIn(
        id=1,
        name="ann",
        token=b"t" * 32,
        password="correct horse",
        register=True,
        invitation="spring-2024",
    ),
    "Register/invited": Register(
        id=3, nonce=NONCE, password="correct horse", invitation="spring-2024"
    ),
    "CreateRoom/private": CreateRoom(id=6, nonce=NONCE, room="garden", private=True),
    "JoinRoom/key": JoinRoom(id=7, nonce=NONCE, room="garden", key="rosebud"),
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
    "LogIn/new_password": LogIn(
        id=1, name="ann", token=b"t" * 32, password="a code", new_password="correct horse"
    ),
    "LogIn/away": LogIn(id=1, name="ann", token=b"t" * 32, away="back at ten"),
    "Hello/instance": Hello(1, "test 1.0", b"i" * 8),
    "LogIn/some": LogIn(
        id=1, name="ann", token=b"t" * 32, logs=["#garden", "@ann"], from_head=True
    ),
    "LogIn/none": LogIn(id=1, name="ann", token=b"t" * 32, logs=[]),
    "LogIn/account": LogIn(id=1, name="ann", token=b"t" * 32, account=True),
    "Welcome/cluster": Welcome(1, "zchat 1.0", "c0ffee00c0ffee00"),
    "LoggedIn/since": LoggedIn(
        1, "ann", False, [LogState("#garden", 5, 9, 4, Notify.ALL)], since_ms=AT_MS
    ),
    "Post/reply": Post(id=4, nonce=NONCE, room="garden", text="grüße", reply_to=5),
    "SendPrivate/reply": SendPrivate(id=5, nonce=NONCE, to="bob", text="psst", reply_to=5),
    "SetAway/back": SetAway(id=57, away=None),
    "MarkRead/back": MarkRead(id=10, log="#garden", sequence=7, back=True),
    "LogStateChanged/back": LogStateChanged("@bob", 7, Notify.ALL, back=True),
    "SearchMessages/all": SearchMessages(id=61, text="red roses"),
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


def add_missing() -> None:
    known = golden()
    with GOLDEN.open("a", encoding="utf-8") as lines:
        for name, example in EXAMPLES.items():
            if name not in known:
                lines.write(f"{name} {encode(example)!r}\n")


def test_every_message_has_an_example() -> None:
    assert {type(message) for message in FROM_CLIENTS} == set(CLIENT_MESSAGES)
    assert {type(message) for message in FROM_SERVERS} == set(SERVER_MESSAGES)
    assert {type(body) for body in BODIES} == set(ENTRY_BODIES)
    assert golden().keys() == EXAMPLES.keys(), "python -m tests.protocol.test_wire adds lines"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_has_the_bytes_that_it_always_had(name: str) -> None:
    assert encode(EXAMPLES[name]) == golden()[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bytes_mean_what_they_always_meant(name: str) -> None:
    example = EXAMPLES[name]
    decoder = client_messages if isinstance(example, CLIENT_MESSAGES) else server_messages

    assert decoder.decode(golden()[name]) == example


@pytest.mark.parametrize("request_", [each for each in FROM_CLIENTS if isinstance(each, Request)])
def test_a_draft_is_no_message_yet(request_: Request) -> None:
    for field in {"id", "nonce"} & set(request_.__struct_fields__):
        fields = msgspec.msgpack.decode(encode(request_))
        del fields[field]
        with pytest.raises(ProtocolError, match=f"missing required field `{field}`"):
            client_messages.decode(encode(fields))


if __name__ == "__main__":
    add_missing()
