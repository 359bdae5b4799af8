"""What a person reads, event by event."""

import pytest

from zchat.client.core.events import Answered, ConnectionLost, EntryArrived, Fatal, SessionBegun
from zchat.client.model import book as book_module
from zchat.client.model.book import Book
from zchat.client.model.conversation import (
    Changed,
    Conversation,
    Delivery,
    Happened,
    Inserted,
    Kind,
    Removed,
    Replaced,
    Said,
)
from zchat.client.model.entries import NOTICES
from zchat.client.text.entries import words_of
from zchat.protocol.messages import (
    AccountChanged,
    ConversationInfo,
    ConversationList,
    Done,
    Entry,
    EntryBody,
    History,
    InvitedToRoom,
    ListConversations,
    ListMembers,
    ListRooms,
    ListUsers,
    LogState,
    LogStateChanged,
    MemberAdded,
    MemberInfo,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberList,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    Notify,
    Post,
    PresenceChanged,
    PrivateMessageSent,
    ReactionAdded,
    RefusalCode,
    Refused,
    Request,
    RoomInfo,
    RoomList,
    SetNotify,
    TopicChanged,
    TypingSeen,
    UserInfo,
    UserList,
)


class Reading:
    """A book of ann's, and events as they come."""

    def __init__(self, *states: LogState, since_ms: int = 1) -> None:
        self.book = Book("ann")
        self.begin(*(states or (LogState("#den", 0, 0), LogState("@ann", 0, 0))), since_ms=since_ms)

    def begin(self, *states: LogState, since_ms: int = 1) -> None:
        self.book.apply(SessionBegun("ann", False, list(states), False, since_ms), 0.0)

    def hear(self, log: str, sequence: int, body: EntryBody | str, author: str = "bob") -> None:
        if isinstance(body, str):
            body = MessagePosted(body) if log[0] == "#" else PrivateMessageSent("ann", body)
        entry = Entry(log, sequence, 1_000 * sequence, author, body)
        self.book.apply(EntryArrived(entry, False), 0.0)

    def answer(self, request: Request, answer: object, request_id: int = 1) -> None:
        self.book.apply(Answered(request_id, request, answer), 0.0)  # type: ignore[arg-type]

    def __getitem__(self, key: str) -> Conversation:
        return self.book.conversations[key]

    def said(self, key: str, index: int = -1) -> Said:
        item = self[key].items[index]
        assert isinstance(item, Said)
        return item


def texts(conversation: Conversation) -> list[str]:
    return [words_of(item, "ann") for item in conversation.items]


# --- Where things belong ------------------------------------------------------------------------


def test_rooms_and_private_conversations_are_called_as_people_call_them() -> None:
    reading = Reading(LogState("#lobby", 0, 0), LogState("#den", 0, 0), LogState("@ann", 0, 0))
    reading.hear("@ann", 1, "hello", "bob")
    reading.hear("@ann", 2, PrivateMessageSent("cat", "and you?"), "ann")
    assert {key: (each.kind, each.title) for key, each in reading.book.conversations.items()} == {
        "#lobby": (Kind.LOBBY, "lobby"),
        "#den": (Kind.ROOM, "den"),
        "@bob": (Kind.PRIVATE, "bob"),
        "@cat": (Kind.PRIVATE, "cat"),
    }


def test_a_conversation_of_several_is_called_by_who_else_is_in_it() -> None:
    reading = Reading()
    reading.hear("#c9f", 1, TopicChanged("ann, bob, cat"), "ann")
    assert reading["#c9f"].title == "c9f"
    reading.hear("#c9f", 2, MemberAdded("cat"), "ann")
    assert (reading["#c9f"].kind, reading["#c9f"].title) == (Kind.SEVERAL, "bob, cat")
    reading.hear("#c9f", 3, TopicChanged("Lunch"), "bob")
    assert reading["#c9f"].title == "Lunch"


def test_a_list_of_rooms_tells_their_topics_and_what_is_unread() -> None:
    reading = Reading(LogState("#den", 5, 5, marker=2), LogState("@ann", 0, 0))
    room = RoomInfo("den", "Bears", 3, True, unread=7, mentions=2, notify="all", conversation=True)
    other = RoomInfo("attic", "Bats", 3, False, unread=0)
    reading.answer(ListRooms(), RoomList(1, [room, other], 2))
    den = reading["#den"]
    assert (den.topic, den.kind, den.title) == ("Bears", Kind.SEVERAL, "Bears")
    assert (den.unread, den.mentions, den.notify) == (7, 2, "all")
    assert "#attic" not in reading.book.conversations
    reading.hear("#den", 6, "hello @ann")
    assert (den.unread, den.mentions) == (8, 3)


def test_what_the_cluster_tells_is_a_conversation_of_its_own() -> None:
    reading = Reading(LogState("#den", 0, 0), LogState("@ann", 3, 3, marker=3))
    reading.hear("@ann", 4, InvitedToRoom("attic"), "bob")
    reading.hear("@ann", 5, AccountChanged("device_added", "phone"), "zchat")
    notices = reading[NOTICES]
    assert notices.kind is Kind.NOTICES
    assert texts(notices) == [
        "bob invited you to #attic (:jr attic)",
        "a device can log in without your password now: phone",
    ]
    assert (notices.unread, notices.mentions) == (2, 2)
    assert reading.book.ask_before(NOTICES) is None, "nobody could be asked"
    assert reading.book.read(NOTICES) is None, "nobody else keeps this marker"
    assert notices.unread == 0


def test_what_happens_in_a_room_is_said_in_words_without_its_name() -> None:
    reading = Reading()
    reading.hear("#den", 1, TopicChanged("Bears"), "bob")
    reading.hear("#den", 2, "look")
    reading.hear("#den", 3, MessagePinned(2), "ann")
    reading.hear("#den", 4, MemberKicked("cat", "noise"), "bob")
    happened = [
        words_of(item, "ann") for item in reading["#den"].items if isinstance(item, Happened)
    ]
    assert happened == [
        "bob set the topic to: Bears",
        "you pinned a message",
        "bob kicked cat: noise",
    ]


def test_a_room_that_the_user_leaves_can_be_read_and_joined_again() -> None:
    reading = Reading()
    reading.hear("#den", 1, "hello")
    reading.hear("#den", 2, MemberKicked("ann", ""), "bob")
    assert not reading["#den"].joined
    assert len(reading["#den"].items) == 2
    reading["#den"].take_changes()
    reading.hear("#den", 7, MemberJoined(), "ann")
    den = reading["#den"]
    assert den.joined
    assert [item.sequence for item in reading["#den"].items] == [7], "3 to 6 are not known"
    assert reading["#den"].take_changes() == [Replaced()]


def test_rooms_that_are_gone_when_a_session_begins_are_left() -> None:
    reading = Reading()
    reading.begin(LogState("@ann", 0, 0))
    assert not reading["#den"].joined


# --- What becomes of messages -------------------------------------------------------------------


def test_an_older_edit_that_comes_later_changes_nothing() -> None:
    reading = Reading()
    entry = Entry("#den", 1, 1_000, "bob", MessagePosted("third"), edited=3)
    reading.book.apply(EntryArrived(entry, True), 0.0)
    reading.hear("#den", 2, MessageEdited(1, "second"))
    assert reading.said("#den").text == "third"
    reading.hear("#den", 3, MessageEdited(1, "third"))
    assert (reading.said("#den").text, reading.said("#den").version) == ("third", 0)


def test_an_edit_may_begin_and_end_a_mention() -> None:
    reading = Reading()
    reading.hear("#den", 1, "hello")
    reading.hear("#den", 2, MessageEdited(1, "hello @ann"))
    assert (reading["#den"].unread, reading["#den"].mentions) == (1, 1)
    reading.hear("#den", 3, MessageEdited(1, "hello"))
    assert (reading["#den"].unread, reading["#den"].mentions) == (1, 0)
    reading.hear("#den", 4, MessageDeleted(1))
    assert reading["#den"].unread == 0
    assert (reading.said("#den").text, reading.said("#den").deleted_by) == ("", "bob")


def test_a_change_is_told_where_it_is() -> None:
    reading = Reading()
    for sequence in range(1, 4):
        reading.hear("#den", sequence, f"{sequence}")
    assert reading["#den"].take_changes() == [Inserted(0, 3)]
    reading.hear("#den", 4, ReactionAdded(2, "+1"), "cat")
    assert reading["#den"].take_changes() == [Changed(1)]
    assert reading.said("#den", 1).reactions == {"+1": ["cat"]}


def test_what_becomes_of_a_message_while_its_page_is_on_its_way_is_not_lost() -> None:
    reading = Reading(LogState("#den", 1, 1), LogState("@ann", 0, 0))
    request = reading.book.ask_before("#den")
    assert request is not None
    page = History(1, "#den", [Entry("#den", 1, 1_000, "bob", MessagePosted("old"))], more=False)
    reading.hear("#den", 2, MessageEdited(1, "new"))
    reading.answer(request, page)
    assert texts(reading["#den"]) == ["new"]


def test_whoever_may_calls_everyone() -> None:
    reading = Reading()
    reading.hear("#den", 1, "@room lunch!")
    assert reading["#den"].mentions == 0, "nobody knows that bob may"
    members = MemberList(1, "den", [MemberInfo("bob", "owner", online=True)], 1)
    reading.answer(ListMembers(room="den"), members)
    reading.hear("#den", 2, "@room lunch!")
    assert reading["#den"].mentions == 1
    # Who has left leads nothing any more, and does not when they come back.
    reading.hear("#den", 3, MemberLeft())
    reading.hear("#den", 4, MemberJoined())
    reading.hear("#den", 5, "@room lunch!")
    assert reading["#den"].mentions == 1


# --- History ------------------------------------------------------------------------------------


def test_a_page_is_asked_for_once_and_again_after_it_has_failed() -> None:
    reading = Reading(LogState("#den", 300, 300), LogState("@ann", 0, 0))
    request = reading.book.ask_before("#den")
    assert request is not None
    assert (request.log, request.before) == ("#den", 301)
    assert reading.book.ask_before("#den") is None
    reading.answer(request, Refused(1, RefusalCode.BUSY, "not now"))
    assert reading.book.ask_before("#den") == request


def test_a_gap_begins_the_conversation_anew() -> None:
    reading = Reading(LogState("#den", 0, 1), LogState("@ann", 0, 1))
    reading.hear("#den", 1, "old")
    reading.hear("@ann", 1, "old")
    for key in ("#den", "@bob"):
        reading[key].take_changes()
    reading.begin(LogState("#den", 500, 900, marker=500), LogState("@ann", 7, 7))
    for key, first in (("#den", 501), ("@bob", 8)):
        assert texts(reading[key]) == []
        assert reading[key].take_changes() == [Replaced()]
        assert reading[key].more_before
        assert reading.book.first(key) == first


def test_a_log_that_has_become_shorter_is_another_one() -> None:
    reading = Reading(LogState("#den", 9, 9, marker=9), LogState("@ann", 0, 0))
    reading.begin(LogState("#den", 0, 3, marker=0), LogState("@ann", 0, 0))
    reading.hear("#den", 1, "hello")
    assert (reading["#den"].unread, reading["#den"].marker) == (1, 0)


def test_what_an_earlier_user_of_the_name_has_read_is_forgotten() -> None:
    reading = Reading(since_ms=5)
    reading.hear("@ann", 1, "a secret")
    reading.book.open("@bob").draft = "dear bob"
    reading.begin(LogState("#den", 0, 0), LogState("@ann", 1, 1), since_ms=8)
    assert texts(reading["@bob"]) == []
    assert reading["@bob"].draft == ""


def test_the_oldest_are_forgotten_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "IDLE_ITEMS_MAX", 10)
    reading = Reading(LogState("#den", 0, 0), LogState("#attic", 0, 0), LogState("@ann", 0, 0))
    reading.book.looking_at = "#attic"
    for sequence in range(1, 31):
        reading.hear("#den", sequence, "hello @ann")
        reading.hear("#attic", sequence, "hello")
    assert len(reading["#attic"].items) == 30
    assert 10 <= len(reading["#den"].items) <= 11
    assert reading["#den"].more_before
    assert (reading["#den"].unread, reading["#den"].mentions) == (30, 30)
    first = reading.said("#den", 0).sequence
    request = reading.book.ask_before("#den")
    assert request is not None
    assert request.before == first
    page = [Entry("#den", at, 0, "bob", MessagePosted("hello @ann")) for at in range(1, first)]
    reading.answer(request, History(1, "#den", page, more=False))
    assert (reading["#den"].unread, reading["#den"].mentions) == (30, 30)


# --- What the user says -------------------------------------------------------------------------


@pytest.mark.parametrize("entry_first", [True, False])
def test_what_is_said_stands_where_it_was_shown_in_whatever_order_it_is_told(
    entry_first: bool,
) -> None:
    reading = Reading()
    said = reading.book.pending("#den", "hello", 0, request=7, at_ms=900)
    draft = Post(room="den", text="hello")
    assert reading["#den"].take_changes() == [Inserted(0, 1)]
    if entry_first:
        reading.hear("#den", 1, "hello", "ann")
        reading.answer(draft, Done(7, "#den", 1), 7)
    else:
        reading.answer(draft, Done(7, "#den", 1), 7)
        assert said.delivery is Delivery.DONE, "the server has it"
        reading.hear("#den", 1, "hello", "ann")
    assert reading["#den"].items == [said]
    assert (said.delivery, said.sequence) == (Delivery.DONE, 1)
    assert set(reading["#den"].take_changes()) == {Changed(0)}


def test_what_others_say_meanwhile_stands_before_it() -> None:
    reading = Reading()
    said = reading.book.pending("#den", "hello", 0, request=7, at_ms=900)
    other = reading.book.pending("#den", "there", 0, request=8, at_ms=900)
    reading.hear("#den", 1, "quick")
    assert texts(reading["#den"]) == ["quick", "hello", "there"]
    reading["#den"].take_changes()
    reading.hear("#den", 2, "there", "ann")
    assert reading["#den"].items[1:] == [other, said]
    assert reading["#den"].take_changes() == [Removed(2), Inserted(1, 1)]


def test_what_is_refused_can_be_said_again_or_given_up() -> None:
    reading = Reading()
    said = reading.book.pending("#den", "hello", 0, request=7, at_ms=900)
    draft = Post(room="den", text="hello")
    reading.answer(draft, Refused(7, RefusalCode.MUTED, "you are muted"), 7)
    assert (said.delivery, said.trouble) == (Delivery.FAILED, "you are muted")
    reading.book.retry("#den", said, request=9, at_ms=950)
    assert (said.delivery, said.trouble) == (Delivery.PENDING, "")
    reading.answer(draft, Refused(9, RefusalCode.MUTED, "still muted"), 9)
    reading.book.give_up("#den", said)
    reading.book.give_up("#den", said)
    assert reading["#den"].items == []


def test_nothing_is_lost_when_another_device_says_the_same() -> None:
    reading = Reading()
    reading.book.pending("#den", "yes", 0, request=7, at_ms=900)
    reading.hear("#den", 1, "yes", "ann")
    assert texts(reading["#den"]) == ["yes"]
    draft = Post(room="den", text="yes")
    reading.answer(draft, Refused(7, RefusalCode.TOO_FAST, "not so fast"), 7)
    assert [(said.text, said.delivery) for said in map(reading.said, ["#den"] * 2, (0, 1))] == [
        ("yes", Delivery.DONE),
        ("yes", Delivery.FAILED),
    ]


def test_what_was_said_alike_long_ago_is_not_what_was_said_now() -> None:
    reading = Reading()
    reading.book.pending("#den", "yes", 0, request=7, at_ms=10_000_000)
    reading.hear("#den", 1, "yes", "ann")
    assert texts(reading["#den"]) == ["yes", "yes"]


def test_when_the_session_is_over_for_good_what_was_not_confirmed_has_failed() -> None:
    reading = Reading()
    said = reading.book.pending("@bob", "hello", 0, request=7, at_ms=900)
    reading.book.apply(Fatal(Refused(None, RefusalCode.SUSPENDED, "you are suspended")), 0.0)
    assert (said.delivery, said.trouble) == (Delivery.FAILED, "you are suspended")


def test_only_what_was_said_since_the_name_is_ones_own_is_ones_own() -> None:
    reading = Reading(since_ms=1_500)
    reading.hear("#den", 1, "mine?", "ann")
    reading.hear("#den", 2, "mine!", "ann")
    reading.hear("#den", 3, "not mine")
    own = [reading.book.is_own(reading.said("#den", index)) for index in range(3)]
    assert own == [False, True, False]


# --- Unread, and soft things --------------------------------------------------------------------


def test_reading_tells_the_server_up_to_where() -> None:
    reading = Reading()
    reading.hear("#den", 1, "hello")
    reading.hear("#den", 2, ReactionAdded(1, "+1"))
    reading.hear("@ann", 1, "hello", "bob")
    reading.hear("@ann", 2, "hello", "cat")
    assert reading.book.read("#den") == ("#den", 2)
    assert reading.book.read("#den") is None
    assert reading.book.read("@bob") == ("@bob", 1)
    assert (reading["@bob"].unread, reading["@cat"].unread) == (0, 1)


def test_what_is_still_to_come_is_not_read() -> None:
    reading = Reading(LogState("#den", 5, 9, marker=5), LogState("@ann", 0, 0))
    assert reading.book.read("#den") is None
    for sequence in range(6, 10):
        reading.hear("#den", sequence, "hello")
    assert reading["#den"].unread == 4
    assert reading.book.read("#den") == ("#den", 9)


def test_what_is_still_to_come_is_not_counted_twice() -> None:
    reading = Reading(LogState("#den", 5, 9, marker=2), LogState("@ann", 0, 0))
    room = RoomInfo("den", "", 3, joined=True, unread=7, mentions=4)
    reading.answer(ListRooms(), RoomList(1, [room], 1))
    for sequence in range(6, 10):
        reading.hear("#den", sequence, "hello @ann")
    assert (reading["#den"].unread, reading["#den"].mentions) == (7, 4)


def test_of_what_is_still_to_come_only_messages_are_counted() -> None:
    reading = Reading(LogState("#den", 5, 9, marker=2), LogState("@ann", 0, 0))
    room = RoomInfo("den", "", 3, joined=True, unread=4, mentions=0)
    reading.answer(ListRooms(), RoomList(1, [room], 1))
    reading.hear("#den", 6, MemberJoined())
    reading.hear("#den", 7, "one")
    reading.hear("#den", 8, TopicChanged("tea"))
    reading.hear("#den", 9, MemberJoined())
    # Three of the four came before what is known here.
    assert reading["#den"].unread == 4


def test_another_device_reads_and_sets_levels() -> None:
    reading = Reading()
    for sequence in range(1, 4):
        reading.hear("#den", sequence, "hello @ann")
    reading.book.apply(LogStateChanged("#den", 2, "all"), 0.0)
    den = reading["#den"]
    assert (den.marker, den.unread, den.mentions, den.notify) == (2, 1, 1, "all")
    reading.book.apply(LogStateChanged("#den", 1, ""), 0.0)
    assert (den.marker, den.notify) == (2, "")
    draft = SetNotify(log="#den", level=Notify.NOTHING)
    reading.answer(draft, Done(1), 1)
    assert den.notify == "nothing"


def test_what_was_read_is_unread_again_from_a_message_on() -> None:
    reading = Reading(LogState("#den", 0, 0), LogState("@ann", 0, 0))
    for sequence in range(1, 4):
        reading.hear("#den", sequence, "hello @ann")
    reading.hear("#den", 4, MemberJoined())
    den, book = reading["#den"], reading.book
    assert book.mark_unread("#den", 2) is None
    assert book.read("#den") == ("#den", 4)
    assert book.mark_unread("#den", 2) == ("#den", 1)
    assert (den.marker, den.unread, den.mentions) == (1, 2, 2)
    assert book.read("#den") == ("#den", 4)
    book.apply(LogStateChanged("#den", 2), 0.0)
    assert den.unread == 0
    book.apply(LogStateChanged("#den", 2, back=True), 0.0)
    assert (den.marker, den.unread) == (2, 1)


def test_conversations_are_listed_with_what_is_unread() -> None:
    reading = Reading(LogState("#den", 0, 0), LogState("@ann", 40, 40))
    info = ConversationInfo("bob", head=40, at_ms=9_000, marker=30, unread=4, notify="all")
    reading.answer(ListConversations(), ConversationList(1, [info]))
    bob = reading["@bob"]
    assert (bob.unread, bob.mentions, bob.marker, bob.active_at_ms) == (4, 4, 30, 9_000)
    reading.hear("@ann", 41, "five")
    assert bob.unread == 5
    assert reading.book.read("@bob") == ("@bob", 41)
    assert bob.unread == 0


def test_typing_is_believed_for_a_while_and_until_something_is_said() -> None:
    reading = Reading()
    reading.book.apply(TypingSeen("#den", ["bob", "ann"]), 100.0)
    assert reading["#den"].typing == {"bob": 106.0}
    reading.book.apply(TypingSeen("#den", ["cat"]), 103.0)
    assert set(reading["#den"].typing) == {"bob", "cat"}
    reading.hear("#den", 1, "so", "cat")
    assert set(reading["#den"].typing) == {"bob"}
    reading.book.apply(ConnectionLost("broke"), 104.0)
    assert not reading["#den"].typing
    reading.book.apply(TypingSeen("@dora", ["dora"]), 104.0)
    assert "@dora" not in reading.book.conversations, "nobody has said anything there"


def test_presence_is_who_is_here_and_with_what_word_away() -> None:
    reading = Reading()
    users = [UserInfo("bob", False, 0, 0), UserInfo("cat", False, 0, 0, away="lunch")]
    reading.answer(ListUsers(), UserList(1, users, 2))
    assert reading.book.presence.here == {"bob": None, "cat": "lunch"}
    news = PresenceChanged(["dora"], ["bob"], 0, 0, online=2, away={"cat": None, "dora": "tea"})
    reading.book.apply(news, 0.0)
    assert reading.book.presence.here == {"cat": None, "dora": "tea"}


def test_the_list_has_pinned_ones_first_and_muted_ones_last() -> None:
    logs = [LogState(f"#{room}", 0, 0) for room in ("old", "new", "quiet", "kept", "left")]
    reading = Reading(*logs, LogState("@ann", 0, 0))
    for sequence, room in enumerate(("kept", "old", "new", "quiet", "left"), start=1):
        for before in range(1, sequence):
            reading.hear(f"#{room}", before, MemberJoined())
        reading.hear(f"#{room}", sequence, "hello")
    reading["#quiet"].notify = Notify.NOTHING
    reading.book.pin("#kept", pinned=True)
    reading.hear("#left", 6, MemberKicked("ann", ""))
    assert [each.title for each in reading.book.ordered()] == [
        "kept",
        "new",
        "old",
        "quiet",
        "left",
    ]


def test_nothing_grows_for_a_screen_that_does_not_look() -> None:
    conversation = Conversation("#den", Kind.ROOM, "den")
    for index in range(5_000):
        conversation.add_change(Inserted(index, 1))
    assert conversation.changes == [Inserted(0, 5_000)]
    for index in range(5_000):
        conversation.add_change(Changed(index))
    assert conversation.take_changes() == [Replaced()]
    assert conversation.take_changes() == []


def test_what_has_changed_is_told_once() -> None:
    reading = Reading()
    reading.book.take_touched()
    reading.hear("#den", 1, "hello")
    assert [each.key for each in reading.book.take_touched()] == ["#den"]
    assert reading.book.take_touched() == []


def test_what_an_operator_removes_of_the_inbox_goes_where_it_stands() -> None:
    reading = Reading()
    reading.hear("@ann", 1, "buy now", "bob")
    reading.hear("@ann", 2, MessageDeleted(1, "spam"), "zchat")
    assert (reading.said("@bob").deleted_by, reading.said("@bob").text) == ("zchat", "")
