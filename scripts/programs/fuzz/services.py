"""A service among gateways and routers that lie: the real beat, core and store, no sockets.

Envelopes come with any numbers, in any order, for any session and user; what they hold is valid,
damaged or noise. The service never ends, and what it tells others can be read by them.
"""

import logging
import random
from typing import Any, Final

from msgspec import Raw

from zchat.eventlog.store import Store
from zchat.fabric.core.topics import stream_topic
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import (
    USER_SERVICE,
    Down,
    Publication,
    Reply,
    RoomQuery,
    RoomsCommand,
    RoutingTable,
    Stamped,
    Up,
    UserQuery,
    UsersCommand,
    room_partition,
)
from zchat.protocol.messages import Done
from zchat.protocol.rules.permissions import STANDINGS
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.core.beat import Beat, Outbound
from zchat.service.core.operation_log import OperationLog
from zchat.users.process import UserService
from zchat.users.store.tables import USERS_SCHEMA

from .examples import examples
from .garbage import Garden, noise

STEPS: Final = 120
_log = logging.getLogger("zchat.fuzz")
_log.addHandler(logging.NullHandler())
_log.propagate = False
_GATEWAYS: Final = (b"gateway/west#1", b"gateway/east#1", b"users#1", b"admin/root#1", b"", b"\xff")
_USERS: Final = ("ann", "bob", "eve", "", "nobody", "\x1b[2J", "x" * 200)
_ADDRESSES: Final = (USER_SERVICE, room_partition(0), room_partition(1), "nonsense", "")
_NUMBERS: Final = (-(2**63), -1, 0, 1, 2, 3, 64, 2**31, 2**53, 2**63, 2**64 - 1)
_ups, _downs, _publications = Decoder(Up), Decoder(Down), Decoder(Publication)
_batches = Decoder(list[bytes])

_dice = random.Random("services")
_GARDENS: Final[dict[str, tuple[Garden, Garden]]] = {
    USER_SERVICE: (
        Garden(examples(UsersCommand, 150, _dice)),
        Garden(examples(UserQuery, 50, _dice)),
    ),
    room_partition(0): (
        Garden(examples(RoomsCommand, 150, _dice)),
        Garden(examples(RoomQuery, 50, _dice)),
    ),
}


class HostileCluster:
    """The world around one service."""

    def __init__(self, address: str, seed: int) -> None:
        self._dice = random.Random(f"services/{address}/{seed}")
        self._commands, self._queries = _GARDENS[address]
        self._service: Any = UserService(2) if address == USER_SERVICE else RoomService(0, 1)
        self._address = address
        self._now = 100.0
        schema = USERS_SCHEMA if address == USER_SERVICE else ROOMS_SCHEMA
        self._store = Store.open(None, schema)
        self._beat = Beat(self._service, self._store, OperationLog(), self._now, self._now_ms)
        self._links = dict.fromkeys(_GATEWAYS, 1)
        self._sent = dict.fromkeys(_GATEWAYS, 0)
        self._jobs: list[Any] = []
        self.told: list[str] = []

    @property
    def _now_ms(self) -> int:
        return round(self._now * 1000)

    def play(self, steps: int = STEPS) -> None:
        """So many steps. Raises what is a bug."""
        try:
            for _ in range(steps):
                step = self._dice.choices(_STEPS, _WEIGHTS)[0]
                self.told.append(step.__name__.removeprefix("_"))
                step(self)
            self._load_again()
        finally:
            self._store.close()

    # --- Commands ---------------------------------------------------------------------------------

    def _command(self) -> None:
        """As a gateway would send it, in its turn."""
        asker = self._dice.choice(_GATEWAYS)
        items = [self._item() for _ in range(self._dice.randrange(1, 6))]
        first = self._sent[asker] + 1
        self._sent[asker] += len(items)
        hears_stream = self._dice.random() < 0.5
        up = Up(self._store.epoch, self._links[asker], first, items, 1, False, hears_stream)
        self._up(asker, up)

    def _item(self) -> bytes:
        dice = self._dice
        if dice.random() < 0.05:
            return noise(dice)
        frame = self._commands.any(dice).frame
        session = dice.choice(_NUMBERS) if dice.random() < 0.2 else dice.randrange(4)
        if dice.random() < 0.1:
            # Perhaps no msgpack at all: then the whole of it makes no sense.
            frame = self._commands.frame(dice) or b"\xc0"
        standing = dice.choice(STANDINGS)
        return encode(Stamped(session, dice.choice(_USERS), Raw(frame), standing))

    def _lie_up(self) -> None:
        dice = self._dice
        asker = dice.choice(_GATEWAYS)

        def number(truth: int) -> int:
            return truth if dice.random() < 0.6 else dice.choice(_NUMBERS)

        link = number(self._links[asker])
        items = [self._item() for _ in range(dice.randrange(3))]
        first = number(self._sent[asker] + 1)
        up = Up(number(self._store.epoch), link, first, items, number(1), dice.random() < 0.3)
        self._up(asker, up)

    def _begin_link(self) -> None:
        """A gateway begins its link anew, with a higher number."""
        asker = self._dice.choice(_GATEWAYS)
        self._links[asker] = min(self._links[asker] + 1, 2**64 - 1)
        self._sent[asker] = 0

    def _up(self, asker: bytes, up: Up) -> None:
        self._beat.receive_up(asker, encode(up), self._now)

    def _noise(self) -> None:
        dice = self._dice
        self._beat.receive_up(dice.choice(_GATEWAYS), noise(dice), self._now)
        self._beat.receive_table(noise(dice))
        self._beat.receive_down(dice.choice(_ADDRESSES), noise(dice), self._now)
        self._beat.answer(noise(dice), self._now_ms)

    # --- Queries, and what others say -------------------------------------------------------------

    def _ask(self) -> None:
        dice = self._dice
        batch = []
        for _ in range(dice.randrange(1, 4)):
            garden = self._queries
            frame = garden.frame(dice) if dice.random() < 0.2 else garden.any(dice).frame
            session = dice.choice(_NUMBERS)
            stamped = Stamped(
                session, dice.choice(_USERS), Raw(frame or b"\xc0"), dice.choice(STANDINGS)
            )
            batch.append(encode(stamped))
        answers = _batches.decode(self._beat.answer(encode(batch), self._now_ms))
        assert len(answers) == len(batch)

    def _lie_down(self) -> None:
        dice = self._dice
        replies = [Reply(dice.choice(_NUMBERS), encode(Done(1))) for _ in range(dice.randrange(3))]
        epoch, link, first, next_ = (
            dice.choice(_NUMBERS) if dice.random() < 0.5 else 1 for _ in range(4)
        )
        down = Down(epoch, link, first, replies, next_, dice.random() < 0.3)
        self._beat.receive_down(dice.choice(_ADDRESSES), encode(down), self._now)

    def _table(self) -> None:
        dice = self._dice
        epochs = {address: dice.choice(_NUMBERS) for address in _ADDRESSES if dice.random() < 0.7}
        self._beat.receive_table(encode(RoutingTable(epochs)))

    # --- Time -------------------------------------------------------------------------------------

    def _step(self) -> None:
        self._now += 0.01
        self._let_out(self._beat.step(self._now, self._now_ms))

    def _wait(self) -> None:
        self._now += self._dice.choice((0.5, 0.5, limits.PEER_EXPIRY_S + 1, 90.0))
        self._beat.heartbeat(self._now, self._now_ms)
        self._step()

    def _think(self) -> None:
        """The passwords that wait are hashed, or found to be right or wrong."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            new = job.password_hash is None
            self._beat.receive_outcome(job, "hash" if new else self._dice.random() < 0.5)

    def _let_out(self, out: Outbound) -> None:
        self._jobs += out.jobs
        for _, body in out.downs:
            _downs.decode(body)
        for topic, body in out.events:
            if topic == stream_topic(self._service.address):
                for downs in _publications.decode(body).downs.values():
                    for down in downs:
                        _downs.decode(down)
        for _, body in out.ups:
            _ups.decode(body)

    def _load_again(self) -> None:
        """What was written can be loaded, by a process that begins now."""
        self._step()
        self._service.load(self._store, self._now, self._now_ms)


_CHANCES: Final = {
    HostileCluster._command: 14,
    HostileCluster._lie_up: 3,
    HostileCluster._begin_link: 1,
    HostileCluster._noise: 1,
    HostileCluster._ask: 6,
    HostileCluster._lie_down: 2,
    HostileCluster._table: 1,
    HostileCluster._step: 10,
    HostileCluster._wait: 2,
    HostileCluster._think: 2,
}
_STEPS: Final = list(_CHANCES)
_WEIGHTS: Final = list(_CHANCES.values())
