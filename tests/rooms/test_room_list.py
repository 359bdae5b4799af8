"""The list of rooms is for everybody: nobody fills it alone, and guests leave room for accounts."""

from collections.abc import Callable

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import OpenConversation
from zchat.protocol.messages import CreateRoom, Done, RefusalCode, Refused, Standing

from .playbook import Rooms, refused

GUEST, ACCOUNT, MODERATOR = Standing.GUEST, Standing.ACCOUNT, Standing.MODERATOR


def create(rooms: Rooms, user: str, room: str, standing: Standing) -> Done | Refused:
    return rooms.do(user, CreateRoom(id=1, nonce=rooms.nonce(), room=room), standing)


def fill(rooms: Rooms, user: str, standing: Standing, count: int) -> None:
    """Makes so many rooms, without haste."""
    for number in range(count):
        assert isinstance(create(rooms, user, f"{user}-{number}", standing), Done)
        rooms.now += limits.NEW_ROOM_INTERVAL_S


@pytest.mark.parametrize(
    ("standing", "most"), [(GUEST, limits.GUEST_ROOMS_MAX), (ACCOUNT, limits.ACCOUNT_ROOMS_MAX)]
)
def test_one_user_owns_so_many_rooms(rooms: Rooms, standing: Standing, most: int) -> None:
    fill(rooms, "ann", standing, most)

    reply = create(rooms, "ann", "garden", standing)
    assert refused(reply) is RefusalCode.LIMIT_REACHED
    assert isinstance(reply, Refused)
    assert f"you own {most} rooms" in reply.reason
    # Somebody else does, and it goes on after a restart.
    assert isinstance(create(rooms, "bob", "attic", standing), Done)
    rooms.core = rooms.loaded()
    assert refused(create(rooms, "ann", "garden", standing)) is RefusalCode.LIMIT_REACHED


def test_who_keeps_order_in_the_cluster_owns_more(rooms: Rooms) -> None:
    for number in range(limits.ACCOUNT_ROOMS_MAX + 1):
        assert isinstance(create(rooms, "mod", f"room-{number}", MODERATOR), Done)


def test_a_guest_that_registers_keeps_its_rooms_and_makes_more(rooms: Rooms) -> None:
    fill(rooms, "ann", GUEST, limits.GUEST_ROOMS_MAX)
    assert isinstance(create(rooms, "ann", "garden", ACCOUNT), Done)
    owned = [room for room in rooms.core.rooms.values() if room.owner == "ann"]
    assert len(owned) == limits.GUEST_ROOMS_MAX + 1


def test_what_is_closed_given_away_or_left_is_not_owned(rooms: Rooms) -> None:
    ends: list[Callable[[str], Done | Refused]] = [
        lambda room: rooms.close_room("ann", room),
        lambda room: rooms.transfer("ann", room, "bob"),
        lambda room: rooms.leave("ann", room),
    ]
    fill(rooms, "ann", GUEST, limits.GUEST_ROOMS_MAX)
    for number, end in enumerate(ends):
        rooms.join("bob", f"ann-{number}")
        assert refused(create(rooms, "ann", f"new-{number}", GUEST)) is RefusalCode.LIMIT_REACHED
        assert isinstance(end(f"ann-{number}"), Done)
        assert isinstance(create(rooms, "ann", f"new-{number}", GUEST), Done)
    rooms.end_guest("ann")
    assert isinstance(create(rooms, "ann", "of-the-next-ann", GUEST), Done)


def test_rooms_that_one_is_only_in_are_not_owned(rooms: Rooms) -> None:
    fill(rooms, "bob", ACCOUNT, limits.GUEST_ROOMS_MAX)
    for number in range(limits.GUEST_ROOMS_MAX):
        rooms.join("ann", f"bob-{number}")
    rooms.open_conversation("talk-1", "ann", "bob")
    fill(rooms, "ann", GUEST, limits.GUEST_ROOMS_MAX)


@pytest.mark.parametrize("standing", [GUEST, ACCOUNT])
def test_who_leaves_rooms_behind_makes_new_ones_by_and_by(rooms: Rooms, standing: Standing) -> None:
    made = 0
    while isinstance(reply := create(rooms, "ann", f"room-{made}", standing), Done):
        rooms.leave("ann", f"room-{made}")
        made += 1
    assert made == limits.NEW_ROOMS_MAX
    assert refused(reply) is RefusalCode.TOO_FAST
    assert reply.retry_after_ms == limits.NEW_ROOM_INTERVAL_S * 1000
    assert isinstance(create(rooms, "bob", "garden", standing), Done)
    rooms.now += limits.NEW_ROOM_INTERVAL_S
    assert isinstance(create(rooms, "ann", f"room-{made}", standing), Done)


def test_what_is_refused_anyway_is_no_new_room(rooms: Rooms) -> None:
    create(rooms, "bob", "garden", GUEST)
    for _ in range(2 * limits.NEW_ROOMS_MAX):
        assert refused(create(rooms, "ann", "garden", GUEST)) is RefusalCode.ROOM_EXISTS
    assert isinstance(create(rooms, "ann", "attic", GUEST), Done)


def test_guests_leave_half_of_the_list_to_accounts(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROOMS_MAX", 10)
    made = 0
    while isinstance(reply := create(rooms, f"guest-{made}", f"room-{made}", GUEST), Done):
        made += 1
    assert refused(reply) is RefusalCode.LIMIT_REACHED
    assert "there are 5 rooms already" in reply.reason
    assert len(rooms.core.rooms) == 5  # The lobby is one of them.

    talk = OpenConversation(b"a conversation: 1", "talk-1", "eve", ["bob"], GUEST)
    assert refused(rooms.do("", talk)) is RefusalCode.LIMIT_REACHED
    fill(rooms, "ann", ACCOUNT, 5)
    assert refused(create(rooms, "bob", "garden", ACCOUNT)) is RefusalCode.LIMIT_REACHED
    rooms.core = rooms.loaded()
    assert refused(create(rooms, "eve", "den", GUEST)) is RefusalCode.LIMIT_REACHED


def test_guests_make_rooms_again_when_some_are_closed(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROOMS_MAX", 4)
    create(rooms, "ann", "garden", GUEST)
    assert refused(create(rooms, "bob", "attic", GUEST)) is RefusalCode.LIMIT_REACHED
    rooms.close_room("ann", "garden")
    assert isinstance(create(rooms, "bob", "attic", GUEST), Done)
