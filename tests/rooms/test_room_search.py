"""What is found in rooms: all that can be read there, and nothing else."""

import pytest

from zchat.protocol.codec import server_messages
from zchat.protocol.messages import (
    ConfigureRoom,
    MessagePosted,
    RefusalCode,
    Refused,
    SearchMessages,
    SearchResults,
    Standing,
)

from .playbook import Rooms


@pytest.fixture(name="rooms")
def rooms_in_use(rooms: Rooms) -> Rooms:
    """Ann and bob are in the garden, ann and carl in the attic, and the den is hidden."""
    rooms.create("ann", "garden")
    rooms.create("carl", "attic")
    rooms.create("carl", "den")
    rooms.do("carl", ConfigureRoom(id=1, nonce=rooms.nonce(), room="den", private=True))
    rooms.post("ann", "garden", "before bob came: beans")
    rooms.join("bob", "garden")
    rooms.join("ann", "attic")
    for author, room in (("bob", "garden"), ("carl", "attic"), ("carl", "den"), ("dora", "lobby")):
        rooms.at_ms += 1
        rooms.post(author, room, f"beans in the {room}")
    return rooms


def search(
    rooms: Rooms,
    user: str,
    text: str,
    log: str | None = None,
    *,
    author: str | None = None,
    standing: Standing = Standing.ACCOUNT,
) -> list[str] | RefusalCode:
    query = SearchMessages(id=7, text=text, log=log, author=author)
    answer = server_messages.decode(rooms.ask(user, query, standing))
    if isinstance(answer, Refused):
        assert answer.code is not None
        return answer.code
    assert isinstance(answer, SearchResults)
    assert (answer.id, answer.more, answer.complete) == (7, False, True)
    bodies = [entry.body for entry in answer.entries]
    return [body.text for body in bodies if isinstance(body, MessagePosted)]


LOBBY, DEN, ATTIC, GARDEN = (f"beans in the {room}" for room in ("lobby", "den", "attic", "garden"))
EARLIER = "before bob came: beans"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("ann", [LOBBY, ATTIC, GARDEN, EARLIER]),
        ("bob", [LOBBY, GARDEN, EARLIER]),
        ("carl", [LOBBY, DEN, ATTIC]),
        ("eve", [LOBBY]),
        ("", []),
    ],
)
def test_without_a_room_all_of_the_users_are_searched(
    rooms: Rooms, user: str, found: list[str]
) -> None:
    for _ in range(2):
        assert search(rooms, user, "beans") == found
        rooms.store.index_messages()


def test_who_has_left_finds_nothing_there_any_more(rooms: Rooms) -> None:
    rooms.leave("bob", "garden")
    assert search(rooms, "bob", "beans") == [LOBBY]


def test_one_room_is_searched_by_whom_can_read_it(rooms: Rooms) -> None:
    assert search(rooms, "bob", "beans", "#Garden") == [GARDEN, EARLIER]
    assert search(rooms, "eve", "beans", "#lobby") == [LOBBY]
    assert search(rooms, "bob", "beans", "#attic") is RefusalCode.NOT_A_MEMBER
    assert search(rooms, "bob", "beans", "#den") is RefusalCode.UNKNOWN_ROOM
    assert search(rooms, "bob", "beans", "#cellar") is RefusalCode.UNKNOWN_ROOM


def test_of_a_room_that_had_the_name_before_nothing_is_found(rooms: Rooms) -> None:
    rooms.close_room("ann", "garden")
    rooms.create("bob", "garden")
    rooms.at_ms += 1
    rooms.post("bob", "garden", "new beans")
    for _ in range(2):
        assert search(rooms, "bob", "beans", "#garden") == ["new beans"]
        assert search(rooms, "bob", "beans") == ["new beans", LOBBY]
        rooms.store.index_messages()


def test_an_author_may_be_spelled_in_any_way(rooms: Rooms) -> None:
    assert search(rooms, "ann", "beans", author="CARL") == [ATTIC]
    assert search(rooms, "ann", "beans", author="no name") is RefusalCode.INVALID_NAME


def test_a_search_for_no_word_is_refused(rooms: Rooms) -> None:
    assert search(rooms, "ann", " \t") is RefusalCode.EMPTY_TEXT
