"""What members have read, want to be told of, and are about to say: their other devices hear it."""

import pytest

from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import MarkerMoved, ReadUserLogs, Typing, UserLogs
from zchat.protocol.messages import Done, ListRooms, Notify, RefusalCode, RoomList, SayTyping

from .playbook import Rooms, refused, state_of


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    return rooms


def test_the_users_other_devices_hear_that_a_marker_has_moved(garden: Rooms) -> None:
    garden.mark("bob", "#garden", 2)
    assert garden.news == [MarkerMoved("bob", "#garden", 2)]

    for sequence in (2, 1):
        garden.mark("bob", "#garden", sequence)
        assert garden.news == [], "it has not"


def test_what_a_member_wants_to_be_told_of_is_kept(garden: Rooms) -> None:
    garden.mark("bob", "#garden", 1)
    assert garden.notify("bob", "#Garden", Notify.MENTIONS) == Done(25, "#garden", 0)

    assert garden.news == [MarkerMoved("bob", "#garden", 1, "mentions")]
    assert state_of(garden.loaded()) == state_of(garden.core)
    logs = Decoder(UserLogs).decode(garden.ask("", ReadUserLogs("bob"))).logs
    assert [(log.log, log.notify) for log in logs] == [("#lobby", ""), ("#garden", "mentions")]
    rooms = server_messages.decode(garden.ask("bob", ListRooms(id=1, room="garden")))
    assert isinstance(rooms, RoomList)
    assert rooms.rooms[0].notify == "mentions"
    garden.mark("bob", "#garden", 2)
    assert garden.news == [MarkerMoved("bob", "#garden", 2, "mentions")]


def test_a_level_that_is_set_already_is_no_news(garden: Rooms) -> None:
    garden.notify("bob", "#garden", Notify.NOTHING)
    assert garden.news == [MarkerMoved("bob", "#garden", 0, "nothing")]
    garden.notify("bob", "#garden", Notify.NOTHING)
    assert garden.news == []


def test_who_comes_back_has_said_nothing(garden: Rooms) -> None:
    garden.notify("bob", "#garden", Notify.NOTHING)
    garden.leave("bob", "garden")
    garden.join("bob", "garden")

    assert garden.loaded().rooms["garden"].members["bob"].notify == ""


def test_in_the_lobby_a_level_does_not_bring_back_what_was_said_before(rooms: Rooms) -> None:
    rooms.post("ann", "lobby")
    rooms.notify("bob", "#lobby", Notify.NOTHING)

    (lobby,) = Decoder(UserLogs).decode(rooms.ask("", ReadUserLogs("bob"))).logs
    assert (lobby.floor, lobby.marker, lobby.notify) == (0, 1, "nothing")
    assert rooms.core.rooms_of == {}
    rooms.end_guest("bob")
    assert rooms.loaded().rooms["lobby"].members == {}


def test_to_read_in_the_lobby_hides_nothing_of_it(rooms: Rooms) -> None:
    rooms.post("ann", "lobby")
    rooms.mark("bob", "#lobby", 1)

    (lobby,) = Decoder(UserLogs).decode(rooms.ask("", ReadUserLogs("bob"))).logs
    assert (lobby.floor, lobby.marker) == (0, 1)


def test_that_somebody_types_is_told_and_kept_nowhere(garden: Rooms) -> None:
    before = garden.store.position
    assert garden.do("bob", SayTyping(id=1, log="#GARDEN")) == Done(1, "#garden", 0)

    assert garden.news == [Typing("#garden", "bob")]
    assert garden.store.position == before
    garden.do("carl", SayTyping(id=1, log="#lobby"))
    assert garden.news == [Typing("#lobby", "carl")]


def test_who_may_not_speak_does_not_type(garden: Rooms) -> None:
    garden.mute("ann", "garden", "bob")

    assert refused(garden.do("bob", SayTyping(id=1, log="#garden"))) is RefusalCode.MUTED
    assert refused(garden.do("carl", SayTyping(id=1, log="#garden"))) is RefusalCode.NOT_A_MEMBER
    assert refused(garden.do("carl", SayTyping(id=1, log="#den"))) is RefusalCode.UNKNOWN_LOG
    assert garden.news == []
