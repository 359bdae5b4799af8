"""The rules of rooms: what each command does, and when it is refused."""

import pytest
from committed import repeated

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import OpenRoom, RoomsCommand, Stamped
from zchat.protocol.messages import (
    Announce,
    Announced,
    CreateRoom,
    Done,
    JoinRoom,
    LeaveRoom,
    MemberJoined,
    MemberLeft,
    MessagePosted,
    Post,
    Posting,
    RefusalCode,
    Refused,
    RoomConfigured,
    RoomCreated,
    RoomOpened,
    SetTopic,
    Standing,
    TopicChanged,
)
from zchat.protocol.rules.nonces import nonce

from .playbook import LOBBY_ADDRESS, Rooms, refused


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    """With a room that ann owns and bob has joined: entries 1 and 2."""
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    return rooms


# --- Creating -------------------------------------------------------------------------------------


def test_who_creates_a_room_is_its_owner_and_first_member(rooms: Rooms) -> None:
    assert rooms.create("ann", "garden") == Done(1, "#garden", 1)

    assert rooms.members("garden") == {"ann": "owner"}
    assert rooms.entries("garden") == [(1, "ann", RoomCreated())]
    assert rooms.core.rooms_of == {"ann": {"garden"}}


def test_everyone_is_told_of_a_new_room_in_the_lobby(rooms: Rooms) -> None:
    rooms.create("ann", "garden")

    ((address, key, body),) = rooms.owed
    assert (address, key) == (LOBBY_ADDRESS, "open room garden")
    stamped = Decoder(Stamped).decode(body)
    opening = Decoder(OpenRoom).decode(stamped.body)
    assert (opening.room, opening.author) == ("garden", "ann")

    assert isinstance(rooms.do("", opening), Done)
    assert isinstance(rooms.do("", opening), Done), "owed at least once, done once"
    assert rooms.entries("lobby") == [(1, "ann", RoomOpened("garden"))]


def test_a_room_is_called_by_its_one_name(rooms: Rooms) -> None:
    assert rooms.create("ann", "Garden") == Done(1, "#garden", 1)
    assert refused(rooms.create("bob", "GARDEN")) is RefusalCode.ROOM_EXISTS
    assert rooms.join("bob", "GARDEN") == Done(2, "#garden", 2)
    assert rooms.post("bob", "gArDeN") == Done(4, "#garden", 3)


@pytest.mark.parametrize("name", ["two words", "#garden", "zchat", "x\u202ey"])
def test_a_room_has_a_proper_name(rooms: Rooms, name: str) -> None:
    assert refused(rooms.create("ann", name)) is RefusalCode.INVALID_NAME
    assert list(rooms.core.rooms) == ["lobby"]


def test_there_is_only_one_lobby(rooms: Rooms) -> None:
    assert refused(rooms.create("ann", "lobby")) is RefusalCode.ROOM_EXISTS
    # Also where another partition has it.
    del rooms.core.rooms["lobby"]
    assert refused(rooms.create("ann", "lobby")) is RefusalCode.ROOM_EXISTS


def test_there_are_only_so_many_rooms(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOMS_MAX", 2)
    rooms.create("ann", "garden")

    assert refused(rooms.create("ann", "attic")) is RefusalCode.LIMIT_REACHED
    assert rooms.owed == []


# --- Joining and leaving --------------------------------------------------------------------------


def test_who_joins_is_a_member_and_all_are_told(rooms: Rooms) -> None:
    rooms.create("ann", "garden")
    rooms.post("ann", "garden")
    assert rooms.join("bob", "garden") == Done(2, "#garden", 3)

    assert rooms.members("garden") == {"ann": "owner", "bob": "member"}
    assert rooms.entries("garden")[-1] == (3, "bob", MemberJoined())
    assert rooms.core.rooms["garden"].members["bob"].floor == 2, "it sees from its coming on"


def test_who_is_in_joins_without_a_word(garden: Rooms) -> None:
    assert garden.join("bob", "garden") == Done(2, "#garden", 0)
    assert len(garden.entries("garden")) == 2


def test_everyone_is_in_the_lobby_already(rooms: Rooms) -> None:
    assert rooms.join("ann", "lobby") == Done(2, "#lobby", 0)
    assert rooms.entries("lobby") == []


def test_who_leaves_is_no_member_and_all_are_told(garden: Rooms) -> None:
    assert garden.leave("bob", "garden") == Done(3, "#garden", 3)

    assert garden.members("garden") == {"ann": "owner"}
    assert garden.entries("garden")[-1] == (3, "bob", MemberLeft())
    assert "bob" not in garden.core.rooms_of
    assert refused(garden.leave("bob", "garden")) is RefusalCode.NOT_A_MEMBER


def test_a_room_is_still_there_when_all_have_left(garden: Rooms) -> None:
    garden.leave("ann", "garden")
    garden.leave("bob", "garden")

    assert garden.members("garden") == {}
    assert garden.join("ann", "garden") == Done(2, "#garden", 6)
    assert garden.members("garden") == {"ann": "owner"}, "it is whose who finds it"


def test_nobody_leaves_the_lobby(rooms: Rooms) -> None:
    assert refused(rooms.leave("ann", "lobby")) is RefusalCode.NOT_ALLOWED


def test_a_room_has_only_so_many_members(garden: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOM_MEMBERS_MAX", 2)

    assert refused(garden.join("carl", "garden")) is RefusalCode.LIMIT_REACHED
    assert isinstance(garden.join("bob", "garden"), Done)


def test_a_user_is_in_only_so_many_rooms(garden: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USER_ROOMS_MAX", 1)
    garden.create("carl", "attic")

    assert refused(garden.join("bob", "attic")) is RefusalCode.LIMIT_REACHED
    assert refused(garden.create("bob", "barn")) is RefusalCode.LIMIT_REACHED
    assert "barn" not in garden.core.rooms
    garden.leave("bob", "garden")
    assert isinstance(garden.join("bob", "attic"), Done)


@pytest.mark.parametrize("room", ["attic", "Attic"])
def test_of_a_room_that_is_not_there_nothing_can_be_had(rooms: Rooms, room: str) -> None:
    for reply in (
        rooms.join("ann", room),
        rooms.leave("ann", room),
        rooms.post("ann", room),
        rooms.set_topic("ann", room, "dust"),
    ):
        assert refused(reply) is RefusalCode.UNKNOWN_ROOM


# --- Saying something -----------------------------------------------------------------------------


def test_a_member_says_something(garden: Rooms) -> None:
    assert garden.post("bob", "garden", "roses are red") == Done(4, "#garden", 3)
    assert garden.entries("garden")[-1] == (3, "bob", MessagePosted("roses are red"))


def test_anyone_says_something_in_the_lobby(rooms: Rooms) -> None:
    assert rooms.post("carl", "lobby") == Done(4, "#lobby", 1)
    assert rooms.core.rooms_of == {}


def test_nobody_else_says_anything(garden: Rooms) -> None:
    assert refused(garden.post("carl", "garden")) is RefusalCode.NOT_A_MEMBER
    assert refused(garden.set_topic("carl", "garden", "weeds")) is RefusalCode.NOT_A_MEMBER
    assert len(garden.entries("garden")) == 2


def test_what_could_steer_a_terminal_is_not_stored(garden: Rooms) -> None:
    garden.post("bob", "garden", "a\x1b[31m\u202eb\nc")

    assert garden.entries("garden")[-1] == (3, "bob", MessagePosted("a[31mb\nc"))


@pytest.mark.parametrize("text", [" ", "\x1b\x07", "\n\t", "\u202e", "\u200b\u2060", "\u3164"])
def test_a_text_that_shows_nothing_is_refused(garden: Rooms, text: str) -> None:
    assert refused(garden.post("bob", "garden", text)) is RefusalCode.EMPTY_TEXT
    announcement = Announce(id=1, nonce=garden.nonce(), text=text)
    assert refused(garden.do("", announcement, Standing.OPERATOR)) is RefusalCode.EMPTY_TEXT


def test_a_topic_is_one_line_and_may_be_empty(garden: Rooms) -> None:
    assert garden.set_topic("bob", "garden", "roses\nand\x1b tulips") == Done(5, "#garden", 3)
    assert garden.core.rooms["garden"].topic == "roses and tulips"
    assert garden.entries("garden")[-1] == (3, "bob", TopicChanged("roses and tulips"))

    for nothing in ("", "\u200b\u2060"):
        garden.set_topic("ann", "garden", nothing)
        assert garden.core.rooms["garden"].topic == ""
        assert garden.entries("garden")[-1][2] == TopicChanged("")


def test_the_lobby_has_no_topic(rooms: Rooms) -> None:
    assert refused(rooms.set_topic("ann", "lobby", "x")) is RefusalCode.NOT_ALLOWED


def test_a_word_of_the_operator_stands_in_the_lobby(rooms: Rooms) -> None:
    announcement = Announce(id=9, nonce=rooms.nonce(), text="we close at ten")

    first = rooms.do("", announcement, Standing.OPERATOR)
    assert first == Done(9, "#lobby", 1)
    assert rooms.do("", announcement, Standing.OPERATOR) == repeated(first)
    assert rooms.entries("lobby") == [(1, "zchat", Announced("we close at ten"))]
    assert rooms.audits() == [("admin/root", "announce", "", "lobby", "")]


# --- Nonces ---------------------------------------------------------------------------------------

NONCE = nonce(b"a client", 1)


def test_the_same_nonce_returns_the_first_result_and_changes_nothing(garden: Rooms) -> None:
    first = garden.do("bob", Post(id=7, nonce=NONCE, room="garden", text="once"))
    garden.post("ann", "garden", "between")

    assert garden.do("bob", Post(id=8, nonce=NONCE, room="garden", text="once")) == Done(
        8, "#garden", 3, again=True
    )
    assert first == Done(7, "#garden", 3)
    assert len(garden.entries("garden")) == 4


def test_the_same_nonce_twice_in_one_beat_counts_once(garden: Rooms) -> None:
    first = garden.give("bob", Post(id=7, nonce=NONCE, room="garden", text="once"))
    again = garden.give("bob", Post(id=8, nonce=NONCE, room="garden", text="once"))
    garden.commit()

    assert (first, again) == (Done(7, "#garden", 3), Done(8, "#garden", 3, again=True))
    assert len(garden.entries("garden")) == 3


def test_each_user_has_nonces_of_its_own(garden: Rooms) -> None:
    garden.do("bob", Post(id=1, nonce=NONCE, room="garden", text="bob's"))

    assert garden.do("ann", Post(id=1, nonce=NONCE, room="garden", text="ann's")) == Done(
        1, "#garden", 4
    )


def test_a_refusal_is_final_though_its_reason_is_gone(garden: Rooms) -> None:
    post = Post(id=1, nonce=NONCE, room="garden", text="may I?")
    first = garden.do("carl", post)
    assert refused(first) is RefusalCode.NOT_A_MEMBER

    garden.join("carl", "garden")
    assert garden.do("carl", post) == repeated(first)
    garden.core = garden.loaded()
    assert garden.do("carl", post) == repeated(first)


def test_what_changed_nothing_is_not_done_later_instead(garden: Rooms) -> None:
    join = JoinRoom(id=1, nonce=NONCE, room="garden")
    first = garden.do("bob", join)
    garden.leave("bob", "garden")

    assert first == Done(1, "#garden", 0)
    assert garden.do("bob", join) == repeated(first)
    assert "bob" not in garden.members("garden")


def test_what_was_overtaken_is_not_done_any_more(garden: Rooms) -> None:
    earlier, later = (
        Post(id=n, nonce=nonce(b"a client", n), room="garden", text=str(n)) for n in (1, 2)
    )
    assert garden.do("bob", later) == Done(2, "#garden", 3)

    assert refused(garden.do("bob", earlier)) is RefusalCode.OVERTAKEN
    garden.core = garden.loaded()
    assert refused(garden.do("bob", earlier)) is RefusalCode.OVERTAKEN
    assert garden.do("bob", later) == Done(2, "#garden", 3, again=True)


def test_a_resent_command_is_answered_though_the_room_has_changed(garden: Rooms) -> None:
    commands: list[RoomsCommand] = [
        JoinRoom(id=1, nonce=nonce(b"a client", 1), room="garden"),
        SetTopic(id=1, nonce=nonce(b"a client", 2), room="garden", topic="mine"),
        LeaveRoom(id=1, nonce=nonce(b"a client", 3), room="garden"),
        CreateRoom(id=1, nonce=nonce(b"a client", 4), room="attic"),
    ]
    first = [garden.do("carl", command) for command in commands]
    again = [garden.do("carl", command) for command in commands]

    assert again == list(map(repeated, first))
    assert all(isinstance(reply, Done) for reply in first)
    assert "carl" not in garden.members("garden")


# --- Read markers ---------------------------------------------------------------------------------


def test_a_read_marker_never_goes_back(garden: Rooms) -> None:
    garden.mark("bob", "#garden", 2)
    assert garden.mark("bob", "#garden", 1) == Done(6, "#garden", 0)

    assert garden.core.rooms["garden"].members["bob"].marker == 2
    assert garden.entries("garden")[2:] == []


def test_a_read_marker_is_never_ahead_of_what_there_is(garden: Rooms) -> None:
    garden.mark("bob", "#garden", 99)

    assert garden.core.rooms["garden"].members["bob"].marker == 2


def test_who_marks_nothing_as_read_has_said_so(rooms: Rooms) -> None:
    rooms.mark("ann", "#lobby", 0)

    assert rooms.core.rooms["lobby"].members["ann"].marker == 0


def test_the_lobby_keeps_the_marker_of_everyone_but_no_membership(rooms: Rooms) -> None:
    rooms.post("ann", "lobby")
    rooms.mark("ann", "#lobby", 1)

    assert rooms.core.rooms["lobby"].members["ann"].marker == 1
    assert rooms.core.rooms_of == {}


@pytest.mark.parametrize("log", ["#attic", "@garden", "@bob", "garden"])
def test_only_logs_that_are_there_can_be_marked(garden: Rooms, log: str) -> None:
    assert refused(garden.mark("bob", log, 1)) is RefusalCode.UNKNOWN_LOG


def test_only_members_mark_a_room(garden: Rooms) -> None:
    assert refused(garden.mark("carl", "#garden", 1)) is RefusalCode.NOT_A_MEMBER


# --- The end of a guest ---------------------------------------------------------------------------


def test_a_guest_that_ends_leaves_all_its_rooms(garden: Rooms) -> None:
    garden.create("bob", "attic")
    garden.mark("bob", "#lobby", 0)
    garden.join("ann", "attic")
    assert isinstance(garden.end_guest("bob"), Done)

    assert garden.members("garden") == {"ann": "owner"}
    assert garden.members("attic") == {"ann": "owner"}, "no room is left without one"
    assert garden.members("lobby") == {}
    assert garden.entries("garden")[-1] == (3, "bob", MemberLeft())
    assert garden.core.rooms_of == {"ann": {"garden", "attic"}}


def test_what_a_guest_has_said_and_comes_after_its_end_is_not_done(garden: Rooms) -> None:
    garden.end_guest("bob", since_ms=70)
    late = JoinRoom(id=2, nonce=garden.nonce(), room="garden")

    assert refused(garden.do("bob", late, since_ms=70)) is RefusalCode.BUSY
    assert garden.members("garden") == {"ann": "owner"}
    # The next one of the name is somebody else, and may say the very same.
    assert isinstance(garden.do("bob", late, since_ms=90), Done)
    assert "bob" in garden.members("garden")


def test_of_guests_that_are_gone_only_the_latest_are_remembered(
    garden: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ENDED_GUESTS_MAX", 2)
    for number, name in enumerate(("bob", "carl", "eve"), start=70):
        garden.end_guest(name, number)
    late = {
        name: garden.do(name, JoinRoom(id=2, nonce=garden.nonce(), room="garden"), since_ms=number)
        for number, name in enumerate(("bob", "carl", "eve"), start=70)
    }

    assert [name for name, answer in late.items() if isinstance(answer, Refused)] == ["carl", "eve"]


def test_what_is_written_again_is_no_new_statement(garden: Rooms) -> None:
    """Each would be compiled anew, and kept for ever."""
    counts = []
    for _ in range(3):
        garden.join("eve", "garden")
        garden.leave("eve", "garden")
        counts.append(len(garden.store._sql))

    assert counts[0] > 0
    assert len(set(counts)) == 1


def test_the_end_of_a_guest_may_come_twice(garden: Rooms) -> None:
    garden.end_guest("bob")
    before = garden.store.position

    assert isinstance(garden.end_guest("bob"), Done)
    assert isinstance(garden.end_guest("nobody"), Done)
    assert garden.store.position == before


def test_what_is_refused_owes_and_writes_nothing(garden: Rooms) -> None:
    before = (garden.store.position, encode(garden.core.timeline.heads))
    garden.create("ann", "garden")
    garden.post("carl", "garden")
    garden.mark("carl", "#garden", 2)

    assert garden.owed == []
    assert (garden.store.position, encode(garden.core.timeline.heads)) == before


def test_of_a_room_that_is_private_from_the_beginning_nobody_hears(rooms: Rooms) -> None:
    created = rooms.do("ann", CreateRoom(id=1, nonce=rooms.nonce(), room="cellar", private=True))

    assert created == Done(1, "#cellar", 1)
    assert rooms.owed == []
    settings = RoomConfigured(True, False, Posting.MEMBERS, 0, 0)
    assert rooms.entries("cellar") == [(1, "ann", RoomCreated()), (2, "ann", settings)]
    assert refused(rooms.join("bob", "cellar")) is RefusalCode.UNKNOWN_ROOM
    assert rooms.loaded().rooms["cellar"].private
