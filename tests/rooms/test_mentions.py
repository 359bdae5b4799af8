"""Who is mentioned in a room, and until when that is news."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import server_messages
from zchat.protocol.messages import ListRooms, Post, RoomInfo, RoomList, Standing

from .playbook import Rooms, state_of


@pytest.fixture
def garden(rooms: Rooms) -> Rooms:
    """A room of ann, its owner, and bob and carl: entries 1 to 3."""
    rooms.create("ann", "garden")
    for user in ("bob", "carl"):
        rooms.join(user, "garden")
    return rooms


def info(rooms: Rooms, user: str, room: str = "garden") -> RoomInfo:
    answer = server_messages.decode(rooms.ask(user, ListRooms(id=1, room=room)))
    assert isinstance(answer, RoomList)
    return answer.rooms[0]


def mentions(rooms: Rooms, room: str = "garden") -> list[int]:
    """Of ann, bob and carl; as they are now, and after a restart."""
    counts = [info(rooms, user, room).mentions for user in ("ann", "bob", "carl")]
    core, rooms.core = rooms.core, rooms.loaded()
    assert state_of(core) == state_of(rooms.core)
    assert counts == [info(rooms, user, room).mentions for user in ("ann", "bob", "carl")]
    return counts


def test_who_is_named_is_mentioned(garden: Rooms) -> None:
    garden.post("ann", "garden", "@Bob, look! And @bob: @eve is gone, mail carl@example.org")
    garden.post("ann", "garden", "@bob?")

    assert mentions(garden) == [0, 2, 0]


def test_of_those_who_are_named_some_may_not_be_there(garden: Rooms) -> None:
    garden.post("ann", "garden", "@alf @bob @bud @carl")

    assert mentions(garden) == [0, 1, 1]


def test_nobody_is_news_to_itself(garden: Rooms) -> None:
    garden.post("ann", "garden", "@ann was here")
    garden.post("ann", "garden", "@room, I was here")

    assert mentions(garden) == [0, 1, 1]


def test_a_mention_that_was_read_is_none(garden: Rooms) -> None:
    for text in ("@bob", "@room", "@bob @room"):
        garden.post("ann", "garden", text)
    assert mentions(garden) == [0, 3, 2]

    garden.mark("bob", "#garden", 4)
    garden.mark("carl", "#garden", 99)
    assert mentions(garden) == [0, 2, 0]
    assert list(garden.core.rooms["garden"].members["bob"].mentions) == [6]
    garden.mark("bob", "#garden", 6)
    assert mentions(garden) == [0, 0, 0]
    assert garden.core.rooms["garden"].members["bob"].mentions == ()


def test_everyone_is_mentioned_by_who_may_only(garden: Rooms) -> None:
    garden.post("bob", "garden", "@room")
    assert mentions(garden) == [0, 0, 0]

    garden.promote("ann", "garden", "bob")
    garden.post("bob", "garden", "@room")
    by_carl = Post(id=1, nonce=garden.nonce(), room="garden", text="@room")
    garden.do("carl", by_carl, Standing.MODERATOR)
    assert mentions(garden) == [2, 1, 1]


def test_nobody_is_mentioned_for_bearing_the_rooms_name(garden: Rooms) -> None:
    garden.join("room", "garden")
    garden.post("bob", "garden", "@room")

    assert info(garden, "room").mentions == 0


def test_to_mention_everyone_is_one_row_however_many_they_are(garden: Rooms) -> None:
    garden.give("ann", Post(id=1, nonce=garden.nonce(), room="garden", text="@room @nobody"))

    assert len(garden.core.effects.rows) == 1
    garden.give("ann", Post(id=1, nonce=garden.nonce(), room="garden", text="plain"))
    assert len(garden.core.effects.rows) == 1


def test_who_comes_later_was_not_mentioned(garden: Rooms) -> None:
    garden.post("ann", "garden", "@room @dora")
    garden.join("dora", "garden")

    assert info(garden, "dora").mentions == 0


@pytest.mark.parametrize("how", ["leave", "kick", "ban", "end"])
def test_who_goes_takes_its_mentions_along(garden: Rooms, how: str) -> None:
    garden.post("ann", "garden", "@bob")
    match how:
        case "leave":
            garden.leave("bob", "garden")
        case "kick":
            garden.kick("ann", "garden", "bob")
        case "ban":
            garden.ban("ann", "garden", "bob")
            garden.unban("ann", "garden", "bob")
        case _:
            garden.end_guest("bob")
    garden.join("bob", "garden")

    assert mentions(garden) == [0, 0, 0]
    assert garden.core.rooms["garden"].members["bob"].mentions == ()


def test_a_deleted_message_mentions_nobody(garden: Rooms) -> None:
    garden.post("ann", "garden", "@bob @room")
    garden.delete("ann", "#garden", 4)

    assert mentions(garden) == [0, 0, 0]


def test_what_is_removed_mentions_nobody(garden: Rooms) -> None:
    for _ in range(2):
        garden.post("ann", "garden", "@bob @room")
    garden.remove("garden", 4)

    assert mentions(garden) == [0, 1, 1]


def test_only_so_many_are_counted_and_those_are_the_newest(
    garden: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MEMBER_MENTIONS_MAX", 2)
    for text in ("@bob", "@bob", "@bob", "@room", "@room", "@room"):
        garden.post("ann", "garden", text)

    assert mentions(garden) == [0, 2, 2]
    room = garden.core.rooms["garden"]
    assert (room.members["bob"].mentions, list(room.mentions)) == ((5, 6), [8, 9])


def test_in_the_lobby_those_are_mentioned_whose_marker_it_keeps(rooms: Rooms) -> None:
    rooms.mark("bob", "#lobby", 0)
    rooms.post("ann", "lobby", "@bob @carl @room")
    assert mentions(rooms, "lobby") == [0, 1, 0]

    by_moderator = Post(id=1, nonce=rooms.nonce(), room="lobby", text="@room")
    rooms.do("ann", by_moderator, Standing.MODERATOR)
    assert mentions(rooms, "lobby") == [0, 2, 0]
    rooms.mark("bob", "#lobby", 2)
    assert mentions(rooms, "lobby") == [0, 0, 0]
