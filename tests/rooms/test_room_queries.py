"""What may be asked about rooms, and who may ask it."""

import pytest

from zchat.eventlog.core.timeline import stored_stream_page
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, FrameReader, server_messages
from zchat.protocol.internal import (
    LogPage,
    MembersOf,
    ReadLog,
    ReadStream,
    ReadUserLogs,
    RoomQuery,
    StreamPage,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    Entry,
    History,
    ListMembers,
    ListRooms,
    MessagePosted,
    Ping,
    PingTarget,
    Pong,
    ReadHistory,
    RefusalCode,
    Refused,
    Role,
    RoomInfo,
    RoomList,
    ServerMessage,
)

from .playbook import Rooms

_entries, _members = Decoder(Entry), Decoder(MembersOf)


@pytest.fixture(name="rooms")
def rooms_in_use(rooms: Rooms) -> Rooms:
    """The garden of ann and bob with five entries, and two words in the lobby."""
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    for text in ("one", "two", "three"):
        rooms.post("ann", "garden", text)
    rooms.post("carl", "lobby", "hello")
    rooms.post("carl", "lobby", "anyone?")
    return rooms


def answer(rooms: Rooms, user: str, query: RoomQuery) -> ServerMessage:
    return server_messages.decode(rooms.ask(user, query))


def sequences(frames: bytes) -> list[int]:
    return [_entries.decode(frame).sequence for frame in FrameReader(1 << 30).feed(frames)]


def test_a_ping_is_answered(rooms: Rooms) -> None:
    assert answer(rooms, "ann", Ping(id=5, target=PingTarget.ROOM_SERVICE)) == Pong(5)


def test_a_page_of_a_log_holds_what_follows_the_cursor(rooms: Rooms) -> None:
    page = Decoder(LogPage).decode(rooms.ask("", ReadLog("#garden", 2)))

    assert (page.log, page.first, page.last, page.head) == ("#garden", 3, 5, 5)
    assert sequences(page.frames) == [3, 4, 5]


@pytest.mark.parametrize(("log", "cursor", "head"), [("#garden", 5, 5), ("#nowhere", 0, 0)])
def test_after_the_end_a_page_is_empty(rooms: Rooms, log: str, cursor: int, head: int) -> None:
    page = Decoder(LogPage).decode(rooms.ask("", ReadLog(log, cursor)))

    assert page == LogPage(log, cursor + 1, cursor, head, b"")


def test_a_page_has_a_largest_size(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAGE_ENTRIES_MAX", 2)
    page = Decoder(LogPage).decode(rooms.ask("", ReadLog("#garden", 0)))
    assert sequences(page.frames) == [1, 2]
    assert (page.last, page.head) == (2, 5)

    monkeypatch.setattr(limits, "PAGE_BYTES_MAX", 1)
    page = Decoder(LogPage).decode(rooms.ask("", ReadLog("#garden", 2)))
    assert sequences(page.frames) == [3]


def test_the_stream_is_read_by_position(rooms: Rooms) -> None:
    page = Decoder(StreamPage).decode(rooms.ask("", ReadStream(5)))

    assert page == stored_stream_page(rooms.store.read_stream(5, 100, 1 << 30), 6, 7)
    assert (page.first, page.last) == (6, 7)
    assert [(c.log, c.first, c.last) for c in page.chunks] == [("#lobby", 1, 2)]


def test_a_user_follows_the_lobby_and_its_rooms(rooms: Rooms) -> None:
    rooms.mark("bob", "#garden", 4)
    rooms.mark("bob", "#lobby", 1)

    assert Decoder(UserLogs).decode(rooms.ask("", ReadUserLogs("bob"))) == UserLogs(
        7, [UserLog("#lobby", 0, 1, 2), UserLog("#garden", 1, 4, 5)]
    )


def test_who_is_new_sees_of_the_lobby_what_is_said_from_now_on(rooms: Rooms) -> None:
    assert Decoder(UserLogs).decode(rooms.ask("", ReadUserLogs("dora"))) == UserLogs(
        7, [UserLog("#lobby", 0, 2, 2)]
    )


def test_history_is_the_newest_entries_oldest_first(rooms: Rooms) -> None:
    history = answer(rooms, "bob", ReadHistory(id=1, log="#garden", limit=2))

    assert isinstance(history, History)
    assert [entry.body for entry in history.entries] == [
        MessagePosted("two"),
        MessagePosted("three"),
    ]
    assert history.more


def test_history_goes_back_to_the_beginning(rooms: Rooms) -> None:
    history = answer(rooms, "bob", ReadHistory(id=1, log="#garden", limit=3, before=4))

    assert isinstance(history, History)
    assert [entry.sequence for entry in history.entries] == [1, 2, 3]
    assert not history.more


def test_history_fits_in_one_answer(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES_MAX", 1)
    history = answer(rooms, "bob", ReadHistory(id=1, log="#garden", limit=3))

    assert isinstance(history, History)
    assert [entry.sequence for entry in history.entries] == [5], "one at least"
    assert history.more


def test_anyone_reads_the_history_of_the_lobby(rooms: Rooms) -> None:
    history = answer(rooms, "dora", ReadHistory(id=1, log="#lobby"))

    assert isinstance(history, History)
    assert [entry.sequence for entry in history.entries] == [1, 2]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (ReadHistory(id=1, log="#garden"), RefusalCode.NOT_A_MEMBER),
        (ReadHistory(id=1, log="#attic"), RefusalCode.UNKNOWN_ROOM),
        (ListMembers(id=1, room="garden"), RefusalCode.NOT_A_MEMBER),
        (ListMembers(id=1, room="attic"), RefusalCode.UNKNOWN_ROOM),
    ],
)
def test_who_is_not_in_a_room_learns_nothing_of_it(
    rooms: Rooms, query: RoomQuery, code: RefusalCode
) -> None:
    refused = answer(rooms, "carl", query)

    assert isinstance(refused, Refused)
    assert (refused.id, refused.code) == (1, code)


def test_rooms_are_listed_by_name_with_what_is_unread(rooms: Rooms) -> None:
    rooms.set_topic("ann", "garden", "roses")
    rooms.create("carl", "attic")
    rooms.mark("bob", "#garden", 4)
    rooms.post("ann", "garden", "news")

    assert answer(rooms, "bob", ListRooms(id=3)) == RoomList(
        3,
        [
            RoomInfo("attic", "", 1, False, 0),
            RoomInfo("garden", "roses", 2, True, 2),
            RoomInfo("lobby", "", None, True, 0),
        ],
        3,
    )


def test_what_was_said_before_one_came_is_not_unread(rooms: Rooms) -> None:
    rooms.join("dora", "garden")
    rooms.post("ann", "garden", "welcome")
    assert unread(rooms, "dora") == {"garden": 1, "lobby": 0}


def unread(rooms: Rooms, user: str) -> dict[str, int]:
    listed = answer(rooms, user, ListRooms(id=1))
    assert isinstance(listed, RoomList)
    return {info.room: info.unread for info in listed.rooms}


def test_only_what_others_say_is_unread(rooms: Rooms) -> None:
    rooms.mark("bob", "#garden", rooms.core.timeline.heads["#garden"])
    rooms.join("dora", "garden")
    rooms.set_topic("ann", "garden", "roses")
    for text in ("one", "two", "three"):
        rooms.post("ann", "garden", text)
    newest = rooms.core.timeline.heads["#garden"]
    rooms.post("bob", "garden", "his own")
    assert unread(rooms, "bob")["garden"] == 3
    rooms.delete("ann", "#garden", newest - 1)
    rooms.edit("ann", "#garden", newest, "four")
    rooms.react("dora", "#garden", newest, "+1")
    assert unread(rooms, "bob")["garden"] == 2


def test_what_was_read_is_unread_again_where_that_is_meant(rooms: Rooms) -> None:
    for text in ("one", "two", "three"):
        rooms.post("ann", "garden", text)
    head = rooms.core.timeline.heads["#garden"]
    rooms.mark("bob", "#garden", head)
    rooms.mark("bob", "#garden", head - 2)
    assert unread(rooms, "bob")["garden"] == 0
    rooms.mark("bob", "#garden", head - 2, back=True)
    assert unread(rooms, "bob")["garden"] == 2
    rooms.mark("bob", "#garden", head + 5, back=True)
    assert unread(rooms, "bob")["garden"] == 0


def test_more_than_is_counted_is_taken_for_messages(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.mark("bob", "#garden", rooms.core.timeline.heads["#garden"])
    rooms.set_topic("ann", "garden", "roses")
    for number in range(5):
        rooms.post("ann", "garden", f"{number}")
        rooms.set_topic("ann", "garden", f"{number}")
    assert unread(rooms, "bob")["garden"] == 5
    monkeypatch.setattr(limits, "CONVERSATION_UNREAD_MAX", 4)
    assert unread(rooms, "bob")["garden"] == 2 + 7


def test_a_list_of_rooms_fits_in_one_answer(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES_MAX", 100)
    listed = answer(rooms, "bob", ListRooms(id=1))

    assert isinstance(listed, RoomList)
    assert [room.room for room in listed.rooms] == ["garden"]
    assert listed.total == 2


def test_members_are_listed_by_name(rooms: Rooms) -> None:
    listed = _members.decode(rooms.ask("bob", ListMembers(id=4, room="garden")))
    assert listed == MembersOf("garden", ["ann", "bob"], {"ann": Role.OWNER})


def test_a_muted_member_is_listed_as_that_and_one_who_left_not_at_all(rooms: Rooms) -> None:
    rooms.mute("ann", "garden", "bob")
    listed = _members.decode(rooms.ask("bob", ListMembers(id=4, room="garden")))
    assert listed.roles == {"ann": Role.OWNER, "bob": Role.MUTED}

    rooms.leave("bob", "garden")
    listed = _members.decode(rooms.ask("ann", ListMembers(id=4, room="garden")))
    assert listed == MembersOf("garden", ["ann"], {"ann": Role.OWNER})


def test_the_lobby_lists_no_members_of_its_own(rooms: Rooms) -> None:
    rooms.mark("bob", "#lobby", 1)

    listed = _members.decode(rooms.ask("carl", ListMembers(id=4, room="lobby")))
    assert listed == MembersOf("lobby", [], {})
