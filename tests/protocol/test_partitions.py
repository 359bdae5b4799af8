"""Where a room lives is written on disks, so these answers can never change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol import limits
from zchat.protocol.rules.partitions import address_of_room, room_addresses, service_addresses


@pytest.mark.parametrize(
    ("room", "partitions", "address"),
    [
        ("lobby", 1, "rooms/0"),
        ("lobby", 4, "rooms/3"),
        ("lobby", 64, "rooms/55"),
        ("garden", 4, "rooms/2"),
        ("garden", 64, "rooms/42"),
        ("гараж", 64, "rooms/44"),
        ("日本", 64, "rooms/12"),
    ],
)
def test_a_room_lives_where_it_always_has(room: str, partitions: int, address: str) -> None:
    assert address_of_room(room, partitions) == address


@given(st.text(min_size=1, max_size=32), st.integers(1, limits.PARTITIONS_MAX))
def test_every_room_lives_in_one_of_the_partitions(room: str, partitions: int) -> None:
    assert address_of_room(room, partitions) in room_addresses(partitions)


def test_rooms_are_spread_over_the_partitions() -> None:
    used = {address_of_room(f"room-{number}", 8) for number in range(200)}

    assert used == set(room_addresses(8))


def test_a_router_routes_to_the_users_and_each_partition() -> None:
    assert service_addresses(2) == ["users", "rooms/0", "rooms/1"]
