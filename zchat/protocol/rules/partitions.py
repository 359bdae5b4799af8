"""Which partition of the room-service a room lives in; every process must compute the same."""

import zlib

from zchat.protocol.internal import USER_SERVICE, room_partition


def address_of_room(room: str, partitions: int) -> str:
    """Address of the worker that serves the room.

    The hash must never change: a room stays in the database of the partition that made it.
    """
    return room_partition(zlib.crc32(room.encode()) % partitions)


def room_addresses(partitions: int) -> list[str]:
    return [room_partition(partition) for partition in range(partitions)]


def service_addresses(partitions: int) -> list[str]:
    """All that a router routes to; their order never changes, only their number."""
    return [USER_SERVICE, *room_addresses(partitions)]
