"""One whole cluster in one process, with the people who use it."""

import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from zchat.eventlog.core import search_words
from zchat.eventlog.database import disconnect
from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE, room_partition
from zchat.protocol.messages import Standing
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.users.core.policy import Policy
from zchat.users.process import UserService
from zchat.users.store.tables import USERS_SCHEMA

from .accounts import Accounts
from .beginning import ACCOUNTS, MODERATOR, beginning_of, is_old
from .begun import Begun
from .fabric import Fabric
from .gateways import GatewayProcess
from .operator import Operator
from .people import Person
from .router import RouterProcess
from .services import NOTHING, Database, ServiceProcess
from .vandals import Vandal
from .world import Process, World

NEIGHBOURS: Final = 0.5
"""In so many histories people share addresses."""
INVITES: Final = 0.3
"""In so many histories accounts take an invitation."""
_SMALL: Final[dict[str, tuple[float, ...]]] = {
    "SESSION_REQUESTS_MAX": (3, 64),
    "SESSION_FETCHES_MAX": (1, 2),
    "FAN_OUT_WRITES_MAX": (1, 500),
    "LINK_WINDOW_ITEMS": (4, 4_096),
    "LINK_WINDOW_BYTES": (2_000, 4 * 1024 * 1024),
    "LINK_QUEUE_BYTES_MAX": (3_000, 32 * 1024 * 1024),
    "BATCH_ITEMS_MAX": (2, 512),
    "BATCH_BYTES_MAX": (500, 512 * 1024),
    "PUBLISHED_REPLIES_BYTES_MAX": (100, 1024 * 1024),
    "BEAT_ENVELOPES_MAX": (2, 512),
    "BEAT_BYTES_MAX": (500, 1024 * 1024),
    "QUERY_BATCH_MAX": (1, 32),
    "QUERIES_MAX": (6, 10_000),
    "QUERIES_SHARE_MAX": (1, 4),
    "QUERIES_BEGUN_MAX": (1, 8),
    "QUERY_STEP_US": (900, 2_000),
    "QUERIES_TURN_US": (1_000, 4_000),
    "LIST_STEP_ITEMS": (1, 3, 4_000),
    "BEAT_USER_US": (60, 500, 5_000),
    "BEAT_US": (100, 20_000),
    "BEAT_WAITING_US": (300, 500_000),
    "FAN_OUT_BYTES_MAX": (300, 2 * 1024 * 1024),
    "FOLLOWER_ENVELOPES_MAX": (1, 4, 64),
    "ANSWER_BYTES_MAX": (1_000, 96 * 1024),
    "PAGE_ENTRIES_MAX": (2, 10, 1_000),
    "PAGE_BYTES_MAX": (400, 256 * 1024),
    "NONCE_CLIENTS_MAX": (2, 20_000),
    "REMOVED_ENTRIES_MAX": (1, 10, 500),
    "REMOVED_LOGS_MAX": (1, 50),
    "NONCES_UNWRITTEN_MAX": (1, 20, 8_192),
    "PLACES_UNWRITTEN_MAX": (1, 20, 4_096),
    "ROOMS_MAX": (2, 10_000),
    "ROOM_MEMBERS_MAX": (2, 10_000),
    "USER_ROOMS_MAX": (1, 100),
    "USER_SESSIONS_MAX": (1, 50),
    "USER_TOKENS_MAX": (1, 20),
    "PASSWORD_JOBS_MAX": (1, 256),
    "COMMAND_TIMEOUT_S": (1.0, 10.0),
    "QUERY_TIMEOUT_S": (2.0, 10.0),
    "CLIENT_RETRY_S": (0.5, 5.0),
    "PRESENCE_NAMES_MAX": (1, 20),
    "TYPING_NAMES_MAX": (1, 5),
    "TYPING_LOGS_MAX": (1, 2_000),
    "TYPING_FOLLOWERS_MAX": (1, 500),
    "FLOOD_FRAMES": (100, 256),
    "FLOOD_WAIT_S": (1.0, 4.0),
    "SHUT_OUT_S_MAX": (2.0, 6.0),
    "MEMBER_MENTIONS_MAX": (2, 100),
    "ROOM_BANS_MAX": (2, 1_000),
    "SESSION_ABSENCES_MAX": (1, 16),
    "SEARCH_BATCH_ENTRIES": (4, 100),
    "SEARCH_BATCH_BYTES": (300, 32 * 1024),
    "SEARCH_BATCH_PIECES": (40, 1_500),
    "SEARCH_BUSY_STEPS_MAX": (1, 4),
    "SEARCH_MERGE_PAGES": (1, 8),
    "SEARCH_SPAN_ENTRIES": (3, 2_000),
    "SEARCH_SPAN_BYTES": (600, 1024 * 1024),
    "SEARCH_STEP_SPANS": (2, 500),
    "SEARCH_STEP_ROWS": (2, 100),
    "SEARCH_STEP_BYTES": (300, 128 * 1024),
    "SEARCH_PIECES_MAX": (1, 20),
    "SEARCH_ROWS_MAX": (20, 4_000),
    "SEARCH_BYTES_MAX": (4_000, 8 * 1024 * 1024),
    "SEARCH_UNINDEXED_MAX": (5, 2_000),
    "SEARCH_UNINDEXED_BYTES_MAX": (1_000, 4 * 1024 * 1024),
    "SESSION_ANSWERS_BYTES_MAX": (500, 64 * 1024),
    "REACTION_KINDS_MAX": (1, 20),
    "REACTIONS_MAX": (2, 200),
    "ROOM_PINS_MAX": (1, 50),
    "USER_CONVERSATIONS_MAX": (1, 1_000),
    "PRESENCE_GRACE_S": (1.0, 4.0),
    "SESSION_GRACE_S": (5.0, 12.0),
    "GUEST_ROOMS_MAX": (1, 5),
    "ACCOUNT_ROOMS_MAX": (1, 50),
    "NEW_ROOMS_MAX": (2, 10),
    "NEW_ROOM_INTERVAL_S": (5.0, 300.0),
}
"""Bounds of which a history has its own, so that it comes to them."""
_SMALL_IF_OLD: Final[dict[str, tuple[float, ...]]] = {
    **_SMALL,
    "ANSWER_BYTES_MAX": (4_000, 96 * 1024),
    "PAGE_ENTRIES_MAX": (10, 100, 1_000),
    "PAGE_BYTES_MAX": (2_000, 256 * 1024),
    "ROOMS_MAX": (10_000,),
    "ROOM_MEMBERS_MAX": (10_000,),
    "USER_ROOMS_MAX": (100,),
    "USER_SESSIONS_MAX": (50,),
    "USER_TOKENS_MAX": (20,),
    "REACTION_KINDS_MAX": (20,),
    "REACTIONS_MAX": (192, 200),
    "ROOM_PINS_MAX": (50,),
    "USER_CONVERSATIONS_MAX": (1_000,),
    "ROOM_BANS_MAX": (210, 1_000),
    "SEARCH_BATCH_ENTRIES": (20, 100),
    "SEARCH_BATCH_BYTES": (4_000, 32 * 1024),
    "SEARCH_BATCH_PIECES": (400, 1_500),
    "SEARCH_SPAN_ENTRIES": (100, 2_000),
    "SEARCH_SPAN_BYTES": (20_000, 1024 * 1024),
    "SEARCH_STEP_SPANS": (10, 500),
    "SEARCH_STEP_ROWS": (10, 100),
    "SEARCH_STEP_BYTES": (3_000, 128 * 1024),
}
"""Where there is much from the beginning; no bound is smaller than what is there."""


_OF_THE_INDEX: Final[dict[str, tuple[int, ...]]] = {
    "PART_CHARS": (20, 500),
    "BLOCK_POSITIONS": (4, 16, 8_192),
}
"""Of the index as it is stored, so only where there is none yet."""


@contextmanager
def small_limits(seed: int) -> Iterator[None]:
    chance = random.Random(f"{seed} limits")
    before: dict[str, Any] = {name: getattr(limits, name) for name in (*_SMALL, "LINK_REPLIES_MAX")}
    before_of_index = {name: getattr(search_words, name) for name in _OF_THE_INDEX}
    try:
        for name, values in (_SMALL_IF_OLD if is_old(seed) else _SMALL).items():
            setattr(limits, name, chance.choice(values))
        for name, numbers in ({} if is_old(seed) else _OF_THE_INDEX).items():
            setattr(search_words, name, chance.choice(numbers))
        # Replies to a few windows must find room, or no link comes out of its restarts.
        windows = {"LINK_REPLIES_MAX": 4 * limits.LINK_WINDOW_ITEMS}
        for name, value in windows.items():
            setattr(limits, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(limits, name, value)
        for name, value in before_of_index.items():
            setattr(search_words, name, value)


class Cluster:
    def __init__(self, world: World) -> None:
        self.world = world
        self.chance = world.random("cluster")
        shape = world.random("shape")
        self.partitions = shape.choice([1, 1, 2, 3])
        self.fabric = Fabric(world)
        self.router = RouterProcess(world, self.fabric)
        self.keeps_edits = shape.random() < 0.5
        begun: Mapping[str, Begun] = {}
        if old := beginning_of(world.seed):
            self.partitions, self.keeps_edits = old.partitions, old.keeps_edits
            begun = old.databases
        self.beginning = old
        self.invites = world.random("policy").random() < INVITES
        policy = Policy(
            registration="invite" if self.invites else "open",
            edits="keep" if self.keeps_edits else "discard",
        )
        self.users = Database(
            world,
            UserService(self.partitions, policy),
            USERS_SCHEMA,
            "user-service",
            begun.get(USER_SERVICE, NOTHING),
        )
        self.rooms = [
            Database(
                world,
                RoomService(partition, self.partitions, keeps_edits=self.keeps_edits),
                ROOMS_SCHEMA,
                f"room-service-{partition}",
                begun.get(room_partition(partition), NOTHING),
            )
            for partition in range(self.partitions)
        ]
        self.databases = [self.users, *self.rooms]
        self.services = [
            ServiceProcess(world, self.fabric, name, database)
            for database in self.databases
            # Some have a second worker, which stands by.
            for name in [database.name, f"second-{database.name}"][: shape.choice([1, 1, 2])]
        ]
        self.gateways = [
            GatewayProcess(world, self.fabric, f"gateway-{number}", self.partitions)
            for number in range(shape.choice([2, 2, 3] if begun else [1, 2, 3]))
        ]
        self.people: list[Person] = []
        accounts = Accounts()
        if begun:
            for name in ACCOUNTS:
                accounts.registered(name)
            accounts.standings[MODERATOR] = Standing.MODERATOR
        neighbours = world.random("addresses").random() < NEIGHBOURS
        for number in range(shape.randint(3, 7)):
            # Some are two devices of one user, once it has a password.
            alone = 0.4 if begun and number >= len(ACCOUNTS) else 0.8
            user = "abcdefg"[number if shape.random() < alone else number % 2 if begun else 0]
            order = shape.sample(self.gateways, len(self.gateways))
            person = Person(world, f"client-{number}", user, order)
            person.accounts = accounts
            if old is not None:
                person.remembers = old.remembered
            if neighbours:
                # Two share an address, or what counts as one.
                network = f"2001:db8:0:{number // 2}::"
                person.lives_at(network, str(number % 2 + 1))
            self.people.append(person)
        self.vandals = [
            Vandal(world, f"vandal-{number}", self.gateways)
            for number in range(shape.choice([0, 0, 1, 2]))
        ]
        for number, vandal in enumerate(self.vandals):
            vandal.lives_at("2001:db8:0:bad::", str(number + 1))
        self.operator = Operator(world, self.fabric, self.partitions, accounts)
        self.operator.invites = self.invites

    @property
    def servers(self) -> list[Process]:
        return [self.router, *self.services, *self.gateways]

    def start(self, without_people: Collection[int] = ()) -> None:
        people: list[Process] = [
            person for number, person in enumerate(self.people) if number not in without_people
        ]
        for process in [*self.servers, *people, *self.vandals, self.operator]:
            # Whoever comes first: nobody may rely on an order.
            self.world.at(process.chance.uniform(0.0, 1.0), process.start)

    def comes(self, person: Person) -> None:
        """One more, in the course of the history."""
        person.accounts, person.on_event = self.people[0].accounts, self.people[0].on_event
        self.people.append(person)
        person.start()

    def close(self) -> None:
        for database in self.databases:
            disconnect(database.connection)
