"""What operators are told of rooms."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import RefusalCode, Refused
from zchat.protocol.operators import ListAllRooms, RoomDetails, RoomPage

from .playbook import Rooms

Answer = RoomPage | Refused
_answers: Decoder[Answer] = Decoder(Answer)  # type: ignore[arg-type]


def ask(rooms: Rooms, query: ListAllRooms, user: str = "") -> Answer:
    return _answers.decode(rooms.ask(user, query))


@pytest.fixture(name="rooms")
def rooms_in_use(rooms: Rooms) -> Rooms:
    """The garden of ann and bob, the barn that ann has left, and a word in the lobby."""
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    rooms.create("ann", "barn")
    rooms.leave("ann", "barn")
    rooms.post("carl", "lobby", "hello")
    return rooms


def test_all_rooms_are_listed_by_name(rooms: Rooms) -> None:
    created_ms = {name: room.created_at_ms for name, room in rooms.core.rooms.items()}

    assert ask(rooms, ListAllRooms()) == RoomPage(
        [
            RoomDetails("barn", 0, "", created_ms["barn"], 2),
            RoomDetails("garden", 2, "ann", created_ms["garden"], 2),
            RoomDetails("lobby", None, "", created_ms["lobby"], 1),
        ],
        more=False,
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (ListAllRooms(pattern="gard?n"), ["garden"]),
        (ListAllRooms(after="barn"), ["garden", "lobby"]),
        (ListAllRooms(after="lobby"), []),
    ],
)
def test_only_what_is_asked_for_is_listed(
    rooms: Rooms, query: ListAllRooms, found: list[str]
) -> None:
    page = ask(rooms, query)
    assert isinstance(page, RoomPage)

    assert [info.room for info in page.rooms] == found


def test_a_page_ends_somewhere(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LIST_PAGE_MAX", 2)
    page = ask(rooms, ListAllRooms())
    assert isinstance(page, RoomPage)

    assert ([info.room for info in page.rooms], page.more) == (["barn", "garden"], True)


def test_users_are_told_nothing(rooms: Rooms) -> None:
    answer = ask(rooms, ListAllRooms(), "ann")

    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.NOT_ALLOWED
