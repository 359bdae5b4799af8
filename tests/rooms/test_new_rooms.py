"""No new room is called what could be mistaken for another one."""

import pytest

from zchat.protocol.messages import Done, RefusalCode, Refused, Standing
from zchat.protocol.operators import ImportedFacts, ImportEntries

from .playbook import Rooms, refused

GARDEN = "g\u0430rden"
"""With a Cyrillic letter."""


def reason(reply: Done | Refused) -> str:
    assert isinstance(reply, Refused)
    return reply.reason


@pytest.mark.parametrize("name", ["system", "l\u043ebby", "z\u0441hat"])
def test_no_new_room_looks_like_one_of_the_system(rooms: Rooms, name: str) -> None:
    # Also where another partition has the lobby.
    assert refused(rooms.create("ann", name)) is RefusalCode.INVALID_NAME
    assert list(rooms.core.rooms) == ["lobby"]


@pytest.mark.parametrize(("there", "new"), [("garden", GARDEN), (GARDEN, "garden")])
def test_a_new_room_is_not_mistaken_for_another(rooms: Rooms, there: str, new: str) -> None:
    rooms.create("ann", there)
    reply = rooms.create("bob", new)
    assert refused(reply) is RefusalCode.ROOM_EXISTS
    assert f"mistaken for the room {there}" in reason(reply)
    assert new not in rooms.core.rooms


def test_rooms_are_numbered_as_people_like(rooms: Rooms) -> None:
    for name in ("room1", "rooml", "roorn1"):
        assert isinstance(rooms.create("ann", name), Done)


def test_how_a_hidden_room_is_spelled_is_told_to_its_members_alone(rooms: Rooms) -> None:
    rooms.create("ann", GARDEN)
    rooms.configure("ann", GARDEN, private=True)

    reply = rooms.create("bob", "garden")
    assert refused(reply) is RefusalCode.ROOM_EXISTS
    assert GARDEN not in reason(reply)
    assert GARDEN in reason(rooms.create("ann", "garden"))


def test_a_name_is_free_again_when_the_room_is_closed(rooms: Rooms) -> None:
    rooms.create("ann", "garden")
    rooms.close_room("ann", "garden")
    assert isinstance(rooms.create("bob", GARDEN), Done)
    assert refused(rooms.create("ann", "garden")) is RefusalCode.ROOM_EXISTS


def test_it_is_known_after_a_restart(rooms: Rooms) -> None:
    rooms.create("ann", GARDEN)
    rooms.core = rooms.loaded()
    assert refused(rooms.create("bob", "garden")) is RefusalCode.ROOM_EXISTS


def test_rooms_come_from_elsewhere_as_they_are_called(rooms: Rooms) -> None:
    rooms.create("ann", "garden")
    imported = ImportEntries(1, b"a file's digest..", 0, f"#{GARDEN}", [], ImportedFacts(7))
    assert isinstance(rooms.do("", imported, Standing.OPERATOR), Done)
    assert GARDEN in rooms.core.rooms
    assert refused(rooms.create("bob", "g\u0430rd\u0435n")) is RefusalCode.ROOM_EXISTS
