"""One whole cluster in one process, with the people who use it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from zchat.protocol import limits
from zchat.rooms.process import RoomService
from zchat.rooms.tables import ROOMS_SCHEMA
from zchat.users.process import UserService
from zchat.users.tables import USERS_SCHEMA

from .fabric import Fabric
from .gateways import GatewayProcess
from .people import Person
from .router import RouterProcess
from .services import ServiceProcess
from .world import World

_SMALL: Final[dict[str, tuple[float, ...]]] = {
    "SESSION_REQUESTS_MAX": (3, 64),
    "SESSION_FETCHES_MAX": (1, 2),
    "LINK_WINDOW_ITEMS": (4, 4_096),
    "LINK_QUEUE_BYTES_MAX": (3_000, 32 * 1024 * 1024),
    "BATCH_ITEMS_MAX": (2, 512),
    "BEAT_ENVELOPES_MAX": (2, 512),
    "FOLLOWER_ENVELOPES_MAX": (1, 4, 64),
    "PAGE_ENTRIES_MAX": (2, 10, 1_000),
    "PASSWORD_JOBS_MAX": (1, 256),
    "FAN_OUT_WRITES_MAX": (1, 500),
    "USER_ROOMS_MAX": (1, 100),
    "SESSION_GRACE_S": (5.0, 12.0),
    "PRESENCE_GRACE_S": (1.0, 4.0),
}
"""Bounds of which a history has its own, so that it comes to them."""


@contextmanager
def small_limits(seed: int) -> Iterator[None]:
    chance = random.Random(f"{seed} limits")
    before: dict[str, Any] = {name: getattr(limits, name) for name in (*_SMALL, "LINK_REPLIES_MAX")}
    try:
        for name, values in _SMALL.items():
            setattr(limits, name, chance.choice(values))
        # Replies to a few windows must find room, or no link comes out of its restarts.
        windows = {"LINK_REPLIES_MAX": 4 * limits.LINK_WINDOW_ITEMS}
        for name, value in windows.items():
            setattr(limits, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(limits, name, value)


class Cluster:
    def __init__(self, world: World) -> None:
        self.world = world
        shape = world.random("shape")
        self.partitions = shape.choice([1, 1, 2])
        self.fabric = Fabric(world)
        self.router = RouterProcess(world, self.fabric)
        self.services = [
            ServiceProcess(
                world, self.fabric, "user-service", UserService(self.partitions), USERS_SCHEMA
            )
        ]
        for partition in range(self.partitions):
            room_service = RoomService(partition, self.partitions)
            name = f"room-service-{partition}"
            self.services.append(
                ServiceProcess(world, self.fabric, name, room_service, ROOMS_SCHEMA)
            )
        self.gateways = [
            GatewayProcess(world, self.fabric, f"gateway-{number}", self.partitions)
            for number in range(shape.choice([1, 2, 3]))
        ]
        self.people: list[Person] = []
        accounts: set[str] = set()
        for number in range(shape.randint(3, 7)):
            # Some are two devices of one user, once it has a password.
            user = "abcdefg"[number if shape.random() < 0.8 else 0]
            order = shape.sample(self.gateways, len(self.gateways))
            person = Person(world, f"client-{number}", user, order)
            person.accounts = accounts
            self.people.append(person)

    def start(self) -> None:
        for process in [self.router, *self.services, *self.gateways, *self.people]:
            # Whoever comes first: nobody may rely on an order.
            self.world.at(process.chance.uniform(0.0, 1.0), process.start)

    def close(self) -> None:
        for service in self.services:
            engine = service.connection.engine
            service.connection.close()
            engine.dispose()
