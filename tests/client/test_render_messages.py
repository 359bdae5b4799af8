"""How replies, edits, reactions and the end of messages read."""

from datetime import UTC, date

import pytest

from zchat.client.text.renderer import Renderer
from zchat.client.text.style import MESSAGES_MAX, RecentMessages
from zchat.protocol.messages import (
    ConversationInfo,
    ConversationList,
    EditInfo,
    EditList,
    Entry,
    EntryBody,
    History,
    MemberAdded,
    MemberInfo,
    MemberList,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PinList,
    PresenceChanged,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    RoomInfo,
    RoomList,
    SearchResults,
    UserInfo,
    UserList,
)

NOON_MS = 1_700_049_780_000
"""2023-11-15 12:03 UTC."""


def renderer(*, colour: bool = False) -> Renderer:
    render = Renderer("ann", date(2023, 11, 15), UTC, colour=colour)
    render.entry(said(1, "bob", "are the pumps running, or not? nobody here knows"))
    return render


def said(sequence: int, author: str, text: str, reply_to: int = 0, log: str = "#ops") -> Entry:
    return Entry(log, sequence, NOON_MS, author, MessagePosted(text, reply_to))


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (MessagePosted("yes", 1), "eve ↳ bob (are the pumps running, or not? nobody h…): yes"),
        (MessagePosted("yes", 7), "eve ↳ message 7: yes"),
        (MessagePosted("yes", bot=True), "eve (bot): yes"),
        (MessageEdited(1, "they run"), "* eve edited: they run"),
        (MessageEdited(1, ""), "* eve edited a message, which has changed since"),
        (MessageDeleted(1), "* eve deleted a message of bob"),
        (MessageDeleted(7, "spam"), "* eve deleted a message: spam"),
        (Redacted("eve"), "eve: (deleted)"),
        (Redacted("ann"), "eve: (deleted by you)"),
        (
            ReactionAdded(1, "👍"),
            "* eve reacted with 👍 to bob (are the pumps running, or not? nobody h…)",
        ),
        (ReactionRemoved(7, "👍"), "* eve took back 👍 from message 7"),
        (MessagePinned(7), "* eve pinned message 7"),
        (MessageUnpinned(7), "* eve unpinned message 7"),
        (MemberAdded("ann"), "* eve brought you into the conversation"),
    ],
)
def test_what_becomes_of_a_message_is_one_line(body: EntryBody, line: str) -> None:
    [shown] = renderer().entry(Entry("#ops", 2, NOON_MS, "eve", body))
    assert shown.removeprefix("12:03 ").replace("#ops ", "") == line
    assert "#ops" in shown


def test_a_private_reply_says_to_what() -> None:
    render = renderer()
    render.entry(Entry("@ann", 1, NOON_MS, "bob", PrivateMessageSent("ann", "psst")))
    reply = Entry("@ann", 2, NOON_MS, "ann", PrivateMessageSent("bob", "what?", 1))
    assert render.entry(reply) == ["12:03 [you -> bob] ↳ bob (psst) what?"]


def test_of_many_messages_that_an_operator_removes_two_lines_say_so() -> None:
    render = renderer()
    told: list[str] = []
    for number in range(1, 6):
        body = MessageDeleted(number + 1, "spam")
        told += render.entry(Entry("#ops", 10 + number, NOON_MS, "zchat", body))
    assert told == [
        "12:03 * #ops zchat deleted a message: spam",
        "12:03 * #ops zchat deleted a message: spam (and more of them)",
    ]
    for log, author, reason in (
        ("#ops", "zchat", "another reason"),
        ("#den", "zchat", "another reason"),
        ("#den", "bob", "another reason"),
        ("#den", "bob", "another reason"),
    ):
        deleted = Entry(log, 20, NOON_MS, author, MessageDeleted(9, reason))
        assert len(render.entry(deleted)) == 1
    assert "bob (are the pumps" in render.entry(said(30, "eve", "well?", 1))[0]


def test_of_a_private_message_that_was_deleted_the_place_is_left() -> None:
    entry = Entry("@ann", 1, NOON_MS, "bob", Redacted("bob", "ann"))
    assert renderer().entry(entry) == ["12:03 [bob -> you] (deleted)"]


def test_the_newest_text_of_a_message_is_quoted_and_a_deleted_one_is_not() -> None:
    render = renderer()
    render.entry(Entry("#ops", 2, NOON_MS, "bob", MessageEdited(1, "the pumps run")))
    assert "bob (the pumps run)" in render.entry(said(3, "eve", "good", 1))[0]
    render.entry(Entry("#ops", 4, NOON_MS, "bob", MessageDeleted(1)))
    assert render.entry(said(5, "eve", "what?", 1)) == ["12:03 #ops eve ↳ message 1: what?"]


def test_an_edit_is_not_news_of_a_message_that_was_edited_again() -> None:
    render = renderer()
    render.entry(Entry("#ops", 1, NOON_MS, "bob", MessagePosted("the pumps run"), 4))
    late = Entry("#ops", 3, NOON_MS, "bob", MessageEdited(1, "the pumps rum"))
    assert render.entry(late) == ["12:03 * #ops bob edited a message, which has changed since"]
    assert "bob (the pumps run)" in render.entry(said(5, "eve", "good", 1))[0]


def test_history_shows_what_messages_have_become() -> None:
    entry = Entry(
        "#ops", 1, NOON_MS, "bob", MessagePosted("they run"), 3, {"👍": ["ann", "eve"], "+1": ["x"]}
    )
    lines = renderer().history(History(1, "#ops", [entry], False))
    assert lines[1] == "12:03 #ops bob: they run (edited) [👍 2, +1 1]"


def test_only_so_much_is_remembered() -> None:
    recent = RecentMessages()
    for sequence in range(1, MESSAGES_MAX + 2):
        recent.note(said(sequence, "bob", "x" * 1_000))
    assert recent.get("#ops", 1) is None
    kept = recent.get("#ops", 2)
    assert kept is not None
    assert len(kept.state.text) < 1_000


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("hello @ann.", "@ann"),
        ("hello @Ann", "@Ann"),
        ("hello @room", "@room"),
        ("hello @anna", None),
        ("hello ann@example.org", None),
    ],
)
def test_ones_own_name_is_seen_from_afar(text: str, called: str | None) -> None:
    [shown] = renderer(colour=True).entry(said(2, "bob", text))
    assert ("\x1b[33m" in shown) is (called is not None)
    if called:
        assert f"\x1b[33m{called}" in shown


def test_a_quiet_line_stays_quiet_after_the_name_of_its_room() -> None:
    [shown] = renderer(colour=True).entry(Entry("#ops", 2, NOON_MS, "bob", MessagePinned(7)))
    dim, plain = "\x1b[2m", "\x1b[0m"
    assert shown.endswith(f"#ops{plain}{dim} bob pinned message 7{plain}")


def test_a_conversation_is_called_by_who_is_in_it() -> None:
    render = renderer()
    render.titles["#talk-1"] = "ann, bob, eve"
    assert render.entry(said(1, "eve", "hi", log="#talk-1")) == ["12:03 (ann, bob, eve) eve: hi"]


def test_what_is_found_has_its_day_and_place() -> None:
    entries = [
        said(3, "bob", "two\nlines", log="#lobby"),
        Entry("@ann", 2, NOON_MS - 86_400_000, "ann", PrivateMessageSent("bob", "pumps")),
    ]
    render = renderer()
    assert render.answer(SearchResults(1, entries, True, False), 0) == [
        "14 Nov 12:03 [you -> bob] pumps",
        "15 Nov 12:03 #lobby bob: two",
        "      lines",
        "* there are older ones; with more words you find fewer",
        "* the server has not looked through everything yet",
    ]
    assert render.answer(SearchResults(1, [], False), 0) == ["* nothing was found"]
    assert render.answer(PinList(1, "ops", [said(1, "bob", "rules")]), 0) == [
        "— pinned in #ops —",
        "15 Nov 12:03 #ops bob: rules",
    ]
    assert render.answer(PinList(1, "ops", []), 0) == ["* nothing is pinned in #ops"]


def test_earlier_texts_are_listed() -> None:
    render = renderer()
    edits = EditList(1, [EditInfo(NOON_MS, "two\nlines")])
    assert render.answer(edits, 0) == ["until 15 Nov 12:03: two", "      lines"]
    assert render.answer(EditList(1, []), 0) == ["* what it said before is not kept"]


def test_conversations_and_what_is_unread() -> None:
    infos = [ConversationInfo("bob", 4, NOON_MS, 1, 2, "nothing")]
    render = renderer()
    assert render.answer(ConversationList(1, infos), 0) == [
        "with  unread  last",
        "@bob  2       15 Nov 12:03  [tells nothing]",
    ]
    assert len(render.answer(ConversationList(1, []), 0)) == 1
    room = RoomInfo("talk-1", "ann, bob", 2, True, 5, private=True, mentions=1, conversation=True)
    assert render.answer(RoomList(1, [room], 1), 0)[1] == (
        "* #talk-1  2        5 (1 @)  [conversation] ann, bob"
    )


def test_who_is_away_says_why() -> None:
    render = renderer()
    change = PresenceChanged([], [], 0, 0, 3, {"bob": "lunch", "eve": None, "joe": "", "ann": "x"})
    assert render.presence(change) == [
        "* bob is away: lunch",
        "* eve is back",
        "* joe is away",
    ]
    members = [MemberInfo("bob", "member", True, "lunch"), MemberInfo("eve", "member", False, "x")]
    assert render.answer(MemberList(1, "ops", members, 2), 0) == [
        "in #ops",
        "bob      away: lunch",
        "eve      offline",
    ]
    users = [UserInfo("bob", False, NOON_MS, 0, "lunch")]
    assert render.answer(UserList(1, users, 1), NOON_MS)[1].endswith("away: lunch")


def test_columns_stand_below_each_other_whatever_is_in_them() -> None:
    names = ["日本", "👩‍👩‍👧", "é", "ab"]
    rooms = [RoomInfo(name, "topic", 1, False, 0) for name in names]
    lines = renderer().answer(RoomList(1, rooms, 4), 0)[1:5]
    widths = {"日本": 4, "👩‍👩‍👧": 2, "é": 1, "ab": 2}
    for name, line in zip(names, lines, strict=True):
        before, _ = line.split("  1")
        assert len(before) - len(name) + widths[name] == len("  #日本") + 2
