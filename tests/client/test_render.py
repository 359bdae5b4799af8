"""How events and answers read, and that no text of a peer steers the terminal."""

import re
from datetime import UTC, date
from typing import get_args

import msgspec
import msgspec.inspect
import pytest

import zchat.client
from zchat.client.core.events import SessionBegun
from zchat.client.text import lists
from zchat.client.text.renderer import Renderer
from zchat.protocol.messages import (
    AccountChange,
    AccountChanged,
    AccountRegistered,
    Announced,
    Answer,
    AuditList,
    AuditRecord,
    BanInfo,
    BanList,
    BlockedList,
    ConversationInfo,
    ConversationList,
    DeviceInfo,
    DeviceList,
    Done,
    EditInfo,
    EditList,
    Entry,
    EntryBody,
    History,
    InvitedToRoom,
    LogState,
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
    PinList,
    Posting,
    PresenceChanged,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    RefusalCode,
    Refused,
    Role,
    RoomClosed,
    RoomConfigured,
    RoomCreated,
    RoomInfo,
    RoomList,
    RoomOpened,
    RoomTransferred,
    SearchResults,
    TopicChanged,
    Unrecognised,
    UserBan,
    UserBanList,
    UserInfo,
    UserList,
)

NOON_MS = 1_700_049_780_000  # 2023-11-15 12:03 UTC


def renderer(*, colour: bool = False) -> Renderer:
    return Renderer("ann", date(2023, 11, 15), UTC, colour=colour)


def lines(log: str, author: str, body: EntryBody, at_ms: int = NOON_MS) -> list[str]:
    return renderer().entry(Entry(log, 1, at_ms, author, body))


@pytest.mark.parametrize(
    ("log", "author", "body", "line"),
    [
        ("#lobby", "ann", MessagePosted("hello"), "12:03 ann: hello"),
        ("#ops", "ann", MessagePosted("hello"), "12:03 #ops ann: hello"),
        ("@ann", "ann", PrivateMessageSent("bob", "hi"), "12:03 [you -> bob] hi"),
        ("@ann", "bob", PrivateMessageSent("ann", "hi"), "12:03 [bob -> you] hi"),
        ("#ops", "bob", MemberJoined(), "12:03 * bob joined #ops"),
        ("#ops", "ann", MemberLeft(), "12:03 * you left #ops"),
        ("#ops", "bob", RoomCreated(), "12:03 * bob created #ops"),
        ("#ops", "bob", TopicChanged("Pumps"), "12:03 * #ops bob set the topic to: Pumps"),
        ("#ops", "bob", TopicChanged(""), "12:03 * #ops bob removed the topic"),
        ("#lobby", "bob", RoomOpened("ops"), "12:03 * bob opened the room #ops (:jr ops)"),
        ("#lobby", "zchat", Announced("Back at noon."), "12:03 *** Back at noon."),
        (
            "@ann",
            "ann",
            AccountRegistered(),
            "12:03 * your name is registered: from now on it needs your password",
        ),
        ("#ops", "bob", MemberInvited("ann"), "12:03 * #ops bob invited you"),
        ("#ops", "ann", MemberKicked("bob", ""), "12:03 * #ops you kicked bob"),
        ("#ops", "bob", MemberKicked("ann", "noise"), "12:03 * #ops bob kicked you: noise"),
        ("#ops", "bob", MemberBanned("eve", "", None), "12:03 * #ops bob banned eve"),
        (
            "#ops",
            "bob",
            MemberBanned("eve", "spam", NOON_MS + 3_600_000),
            "12:03 * #ops bob banned eve until 15 Nov 13:03: spam",
        ),
        ("#lobby", "bob", MemberBanned("eve", "", 2**53), "12:03 * bob banned eve until --:--"),
        ("#ops", "bob", MemberUnbanned("eve"), "12:03 * #ops bob lifted the ban of eve"),
        ("#ops", "bob", MemberMuted("ann", "noise"), "12:03 * #ops bob muted you: noise"),
        ("#ops", "bob", MemberUnmuted("ann"), "12:03 * #ops bob let you speak again"),
        ("#ops", "bob", MemberPromoted("eve"), "12:03 * #ops bob made eve a moderator"),
        ("#ops", "bob", MemberDemoted("eve"), "12:03 * #ops bob made eve a plain member"),
        ("#ops", "bob", RoomTransferred("ann"), "12:03 * #ops bob gave the room to you"),
        ("#ops", "zchat", RoomTransferred("ann"), "12:03 * #ops the room belongs to you now"),
        (
            "#ops",
            "bob",
            RoomConfigured(True, True, Posting.MODERATORS, 10, 50),
            (
                "12:03 * #ops bob set the room to: private, with a key, moderators speak, "
                "one message in 10 s, at most 50 members"
            ),
        ),
        (
            "#ops",
            "ann",
            RoomConfigured(False, False, Posting.MEMBERS, 0, 0),
            "12:03 * #ops you set the room to: public, all members speak",
        ),
        ("#ops", "bob", RoomClosed("winter"), "12:03 * #ops bob closed the room: winter"),
        ("@ann", "bob", InvitedToRoom("ops"), "12:03 * bob invited you to #ops (:jr ops)"),
        (
            "@ann",
            "zchat",
            AccountChanged("frozen", "x"),
            "12:03 * your account has changed: frozen: x",
        ),
    ],
)
def test_an_entry_is_one_line(log: str, author: str, body: EntryBody, line: str) -> None:
    assert lines(log, author, body) == [line]


@pytest.mark.parametrize("change", AccountChange)
def test_every_change_of_an_account_has_words_of_its_own(change: AccountChange) -> None:
    [line] = lines("@ann", "ann", AccountChanged(change, "my phone"))
    [without] = lines("@ann", "ann", AccountChanged(change))
    assert change not in line
    assert line.removesuffix(": my phone") == without
    assert "{" not in line


def test_every_body_of_an_entry_can_be_shown() -> None:
    shown = [
        line
        for kind in get_args(EntryBody)
        for line in lines("#ops", "bob", msgspec.convert(_least(kind), kind))
    ]
    assert len(shown) == len(get_args(EntryBody))


def _least(kind: type[msgspec.Struct]) -> dict[str, object]:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    least: dict[str, object] = {"kind": info.tag}
    for field in info.fields:
        match field.type:
            case msgspec.inspect.StrType():
                least[field.encode_name] = "x"
            case msgspec.inspect.EnumType(cls=cls):
                least[field.encode_name] = next(iter(cls)).value
            case msgspec.inspect.UnionType():
                least[field.encode_name] = None
            case _:
                least[field.encode_name] = 0
        if isinstance(field.type, msgspec.inspect.BoolType):
            least[field.encode_name] = False
    return least


def test_further_lines_of_a_text_are_indented() -> None:
    assert lines("#lobby", "bob", MessagePosted("one\r\ntwo\n12:04 ann: three")) == [
        "12:03 bob: one",
        "      two",
        "      12:04 ann: three",
    ]


def test_another_day_is_said_once() -> None:
    render = renderer()
    entries = [Entry("#lobby", n, NOON_MS - 86_400_000, "bob", MessagePosted("x")) for n in (1, 2)]
    shown = [line for entry in entries for line in render.entry(entry)]
    assert shown == ["— Tuesday, 14 November 2023 —", "12:03 bob: x", "12:03 bob: x"]


def test_a_time_beyond_all_calendars_is_no_trouble() -> None:
    assert lines("#lobby", "bob", MessagePosted("x"), 2**53) == ["--:-- bob: x"]


def test_presence_is_one_line_for_many() -> None:
    change = PresenceChanged(["alice", "ann", "bob"], ["carol"], 48, 0, 60)
    assert renderer().presence(change) == [
        "* alice, bob and 48 others are here (60 online)",
        "* carol is gone (60 online)",
    ]
    assert renderer().presence(PresenceChanged(["ann"], [], 0, 0, 1)) == []


def test_what_was_missed_is_counted() -> None:
    logs = [LogState("#lobby", 3, 15), LogState("@ann", 2, 2)]
    assert renderer().session(SessionBegun("ann", True, logs, True)) == ["— 12 missed lines —"]


def answered(answer: Answer) -> list[str]:
    return renderer().answer(answer, NOON_MS)


def test_tables() -> None:
    rooms = [RoomInfo("lobby", "", None, True, 0), RoomInfo("日本", "Tea", 1_200, False, 3)]
    assert answered(RoomList(1, rooms, 5)) == [
        "  room    members   unread  topic",
        "* #lobby  everyone",
        "  #日本   1,200     3       Tea",
        "… and 3 more rooms",
        "* you are in these",
    ]
    members = [MemberInfo("ann", Role.OWNER, True), MemberInfo("bob", Role.MEMBER, False)]
    assert answered(MemberList(1, "ops", members, 2)) == [
        "in #ops",
        "ann      online   owner",
        "bob      offline",
    ]
    users = [
        UserInfo("ann", False, NOON_MS - 3_600_000, 500),
        UserInfo("bob", True, NOON_MS - 7 * 86_400_000, 3_700_000),
    ]
    assert answered(UserList(1, users, 2)) == [
        "name         since         idle",
        "ann          11:03",
        "bob   guest  08 Nov 12:03  1 h 01 min",
    ]


def test_what_a_room_is_like_stands_before_its_topic() -> None:
    rooms = [
        RoomInfo("den", "", 2, True, 0, False, True, True, Posting.MODERATORS, 5, 2),
        RoomInfo("ops", "Pumps", 2, False, 0, invited=True),
    ]
    assert answered(RoomList(1, rooms, 2)) == [
        "  room  members  unread  topic",
        "* #den  2                [private, key, moderators speak, slow, full]",
        "  #ops  2                [invited] Pumps",
        "* you are in these",
    ]
    assert lists.modes(RoomList(1, rooms[:1], 1)) == [
        "#den: private, with a key, moderators speak, one message in 5 s, at most 2 members"
    ]


def test_roles_are_shown_also_those_of_a_newer_server() -> None:
    roles = [*Role, "gardener"]
    members = [MemberInfo(name, role, True) for name, role in zip("abcde", roles, strict=True)]
    assert answered(MemberList(1, "ops", members, 5)) == [
        "in #ops",
        "a        online  owner",
        "b        online  moderator",
        "c        online",
        "d        online  muted",
        "e        online  gardener",
    ]


def test_lists_of_trust() -> None:
    bans = [BanInfo("bob", "spam", "ann"), BanInfo("eve", "", "mod", NOON_MS)]
    assert answered(BanList(1, "ops", bans)) == [
        "banned from #ops  until         by   reason",
        "bob               for ever      ann  spam",
        "eve               15 Nov 12:03  mod",
    ]
    assert answered(BanList(1, "ops", [])) == ["* nobody is banned from #ops"]
    kept_out = [
        UserBan("192.0.2.7", "spam", "ann", NOON_MS, guests=True),
        UserBan("spam*", "", "mod", NOON_MS, NOON_MS),
    ]
    assert answered(UserBanList(1, kept_out)) == [
        "kept out   only    until         by   reason",
        "192.0.2.7  guests  for ever      ann  spam",
        "spam*              15 Nov 12:03  mod",
    ]
    assert answered(UserBanList(1, kept_out, True))[-1] == "… and more: zchat-admin bans"
    assert answered(UserBanList(1, [])) == ["* nobody is kept out of the server"]
    day_ms = 86_400_000
    devices = [
        DeviceInfo(1, "phone", NOON_MS - day_ms, NOON_MS, True),
        DeviceInfo(7, "bot", NOON_MS, NOON_MS, False, ["read", "post"], ["ops", "dev"]),
    ]
    assert answered(DeviceList(1, devices, True, 3)) == [
        "   device  since         last seen     may         in",
        "1  phone   14 Nov 12:03  online",
        "7  bot     15 Nov 12:03  15 Nov 12:03  read, post  #ops #dev",
        "* your password needs a one-time code; 3 recovery codes are left",
    ]
    assert answered(DeviceList(1, [], True, 1))[1:] == [
        "* your password needs a one-time code; 1 recovery code is left"
    ]
    assert answered(DeviceList(1, [])) == ["* no device and no app token is remembered"]
    assert answered(BlockedList(1, ["bob", "eve"])) == ["blocked", "bob", "eve"]
    assert answered(BlockedList(1, [])) == ["* you have blocked nobody"]
    records = [
        AuditRecord(NOON_MS, "mod", "kick_member", "bob", "ops", "noise"),
        AuditRecord(NOON_MS, "admin/root", "suspend_user", "eve"),
    ]
    assert answered(AuditList(1, records)) == [
        "when          who         did           to   in    why",
        "15 Nov 12:03  mod         kick member   bob  #ops  noise",
        "15 Nov 12:03  admin/root  suspend user  eve",
    ]
    assert answered(AuditList(1, [])) == ["* nothing has been done that is kept in the audit"]


def test_commands_show_by_their_entries() -> None:
    assert answered(Done(1, "#ops", 1)) == []
    refused = Refused(1, RefusalCode.NOT_A_MEMBER, "You are not in ops.")
    assert answered(refused) == ["! You are not in ops."]


def test_ping_is_in_milliseconds() -> None:
    assert lists.ping("gateway", 0.00123) == "gateway            1.2 ms"


OF_MEMBER = (
    *(MemberInvited, MemberUnbanned, MemberUnmuted, MemberPromoted, MemberDemoted),
    RoomTransferred,
)
EVIL = (
    "\x1b[2J\x1b]0;title\x07",
    "\x1bP+q\x1b\\",
    "\x9b31mred",
    "\x90\x9c",
    "\u202eright to left",
    "\u2066isolate\u2069",
    "\u061c\u200f",
    "\rover\b\b\b",
    "\x00\x7f",
)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("colour", [False, True])
def test_no_text_of_a_peer_steers_the_terminal(evil: str, colour: bool) -> None:
    render = renderer(colour=colour)
    render.titles["#" + evil] = evil
    bodies: list[EntryBody] = [
        MessagePosted(evil),
        MessagePosted(f"@ann {evil}", 1),
        PrivateMessageSent(evil, evil, 1),
        MessageEdited(1, evil),
        ReactionAdded(1, evil),
        ReactionRemoved(1, evil),
        MessagePinned(1),
        MessageUnpinned(1),
        MemberAdded(evil),
        MessageDeleted(1, evil),
        Redacted(evil),
        PrivateMessageSent(evil, evil),
        TopicChanged(evil),
        RoomOpened(evil),
        Announced(evil),
        MemberJoined(),
        MemberLeft(),
        RoomCreated(),
        *(kind(evil) for kind in OF_MEMBER),
        MemberKicked(evil, evil),
        MemberMuted(evil, evil),
        MemberBanned(evil, evil, 1),
        RoomClosed(evil),
        InvitedToRoom(evil),
        AccountChanged(evil, evil),
        AccountChanged(AccountChange.DEVICE_ADDED, evil),
        Unrecognised(evil),
    ]
    entries = [Entry("#" + evil, 1, NOON_MS, evil, body, 1, {evil: [evil]}) for body in bodies]
    room = RoomInfo(evil, evil, 1, True, 1, posting=evil, notify=evil)
    shown = [line for entry in entries for line in render.entry(entry)]
    shown += render.history(History(1, "@" + evil, entries, False))
    shown += render.presence(PresenceChanged([evil], [evil], 0, 0, 1, {evil: evil}))
    shown += render.session(SessionBegun(evil, True, [], False))
    shown += [*lists.topics(RoomList(1, [room], 1)), *lists.modes(RoomList(1, [room], 1))]
    for answer in (
        RoomList(1, [room], 1),
        MemberList(1, evil, [MemberInfo(evil, evil, True, evil)], 1),
        PinList(1, evil, entries),
        SearchResults(1, entries, True, False),
        ConversationList(1, [ConversationInfo(evil, 1, 1, 1, 1, evil)]),
        EditList(1, [EditInfo(1, evil)]),
        BanList(1, evil, [BanInfo(evil, evil, evil)]),
        DeviceList(1, [DeviceInfo(1, evil, 1, 1, False, [evil], [evil])]),
        BlockedList(1, [evil]),
        UserBanList(1, [UserBan(evil, evil, evil, 1)]),
        AuditList(1, [AuditRecord(1, evil, evil, evil, evil, evil)]),
        UserList(1, [UserInfo(evil, True, 0, 0, evil)], 1),
        Refused(1, RefusalCode.BUSY, evil),
    ):
        shown += render.answer(answer, NOON_MS)
    for line in shown:
        own_styles_removed = re.sub(r"\x1b\[[0-9]{1,2}m", "", line) if colour else line
        assert re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f]", own_styles_removed) is None
        assert re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", line) is None


def test_without_colour_there_are_no_escapes() -> None:
    assert "\x1b" not in "".join(lines("#ops", "bob", MessagePosted("hi")))
    coloured = renderer(colour=True).entry(Entry("#ops", 1, NOON_MS, "bob", MessagePosted("hi")))
    assert "\x1b[" in coloured[0]


def test_programs_can_name_every_entry_that_people_can_read() -> None:
    assert {body.__name__ for body in get_args(EntryBody)} <= set(zchat.client.__all__)
