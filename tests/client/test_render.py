"""How events and answers read, and that no text of a peer steers the terminal."""

import re
from datetime import UTC, date

import pytest

from zchat.client import drafts
from zchat.client.events import SessionBegun
from zchat.client.render import Renderer
from zchat.protocol.messages import (
    AccountRegistered,
    Announced,
    Done,
    Entry,
    EntryBody,
    History,
    LogState,
    MemberInfo,
    MemberJoined,
    MemberLeft,
    MemberList,
    MessagePosted,
    PresenceChanged,
    PrivateMessageSent,
    RefusalCode,
    Refused,
    Role,
    RoomCreated,
    RoomInfo,
    RoomList,
    RoomOpened,
    TopicChanged,
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
    ],
)
def test_an_entry_is_one_line(log: str, author: str, body: EntryBody, line: str) -> None:
    assert lines(log, author, body) == [line]


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


def answered(answer: drafts.Answer) -> list[str]:
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


def test_commands_show_by_their_entries() -> None:
    assert answered(Done(1, "#ops", 1)) == []
    refused = Refused(1, RefusalCode.NOT_A_MEMBER, "You are not in ops.")
    assert answered(refused) == ["! You are not in ops."]


def test_ping_is_in_milliseconds() -> None:
    assert renderer().ping("gateway", 0.00123) == "gateway            1.2 ms"


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
    bodies: list[EntryBody] = [
        MessagePosted(evil),
        PrivateMessageSent(evil, evil),
        TopicChanged(evil),
        RoomOpened(evil),
        Announced(evil),
        MemberJoined(),
        MemberLeft(),
        RoomCreated(),
    ]
    entries = [Entry("#" + evil, 1, NOON_MS, evil, body) for body in bodies]
    room = RoomInfo(evil, evil, 1, True, 1)
    shown = [line for entry in entries for line in render.entry(entry)]
    shown += render.history(History(1, "@" + evil, entries, False))
    shown += render.presence(PresenceChanged([evil], [evil], 0, 0, 1))
    shown += render.session(SessionBegun(evil, True, [], False))
    shown.append(render.topic(room))
    for answer in (
        RoomList(1, [room], 1),
        MemberList(1, evil, [MemberInfo(evil, Role.OWNER, True)], 1),
        UserList(1, [UserInfo(evil, True, 0, 0)], 1),
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
