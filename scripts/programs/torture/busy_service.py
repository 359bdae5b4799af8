"""A real service without its sockets: beat, core and store, and somebody who keeps it busy."""

import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Raw

from zchat.eventlog.schema import Schema
from zchat.eventlog.store import Store
from zchat.fabric.core.link import Answerer, Asker
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import (
    CloseSession,
    Down,
    EndGuest,
    OpenSession,
    RoutingTable,
    ServiceCommand,
    SessionOpened,
    Stamped,
    Up,
)
from zchat.protocol.messages import (
    CreateRoom,
    Done,
    JoinRoom,
    LeaveRoom,
    MarkRead,
    Message,
    Post,
    Refused,
    Register,
    SendPrivate,
    SetTopic,
    Standing,
    inbox_log,
    room_log,
)
from zchat.protocol.rules.nonces import nonce
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.core.beat import Beat, Service
from zchat.service.core.operation_log import OperationLog
from zchat.users.process import UserService
from zchat.users.store.tables import USERS_SCHEMA

NAMES: Final = tuple(f"person-{number}" for number in range(6))
ROOMS: Final = tuple(f"room-{number}" for number in range(4))
TEXT_CHARS_MAX: Final = 3_000
COMMANDS_MAX: Final = 6
"""In one beat, and so in one commit."""
_GATEWAY: Final = b"gateway/west#1"
_SERVICE: Final = b"users#1"
_OTHER_EPOCH: Final = 1
_ROUNDS_MAX: Final = 8
"""Envelopes back and forth until all is answered: a link begins with a misunderstanding."""

Answer = Done | Refused | SessionOpened
_answers: Decoder[Answer] = Decoder(Answer)  # type: ignore[arg-type]
_downs, _ups = Decoder(Down), Decoder(Up)

_log = logging.getLogger("zchat.torture")


class Kind(NamedTuple):
    """Which service it is, as it would be started."""

    service: Service
    schema: Schema
    others: Sequence[str]
    """Addresses that it owes commands to."""


def room_kind(partitions: int = 2) -> Kind:
    """With two partitions the lobby is elsewhere, and a new room is owed to it."""
    others = [f"rooms/{number}" for number in range(1, partitions)] or ["rooms/0"]
    return Kind(RoomService(0, partitions), ROOMS_SCHEMA, others)


def user_kind() -> Kind:
    return Kind(UserService(1), USERS_SCHEMA, ["rooms/0"])


class BusyService:
    """One life of a service, from the opening of its database on."""

    def __init__(
        self, kind: Kind, database: Path, now: float = 1_000.0, password_hash: str = "$hash"
    ) -> None:
        """`password_hash` is that of all passwords, and every password is right."""
        self.store = Store.open(database, kind.schema)
        self._now = now
        self._password_hash = password_hash
        self._beat = Beat(kind.service, self.store, OperationLog(), self._now, self._at_ms)
        self._askers: dict[bytes, Asker[int]] = {_GATEWAY: Asker(), _SERVICE: Asker()}
        for asker in self._askers.values():
            asker.worker_changed(self.store.epoch)
        self._others = {address: Answerer(_OTHER_EPOCH) for address in kind.others}
        self._beat.receive_table(encode(RoutingTable(dict.fromkeys(kind.others, _OTHER_EPOCH))))
        self._identity = b"users#%d" % self.store.epoch
        self._answers: dict[int, Answer] = {}
        self._asked = 0
        self.standing = Standing.ACCOUNT
        """Of everybody."""

    @property
    def _at_ms(self) -> int:
        return int(self._now * 1000)

    def close(self) -> None:
        self.store.close()

    def do(self, commands: Sequence[tuple[str, Message]], *, settle: bool = True) -> list[Answer]:
        """The answers to (user, command), which are durable then.

        Without `settle` the services that are owed something say nothing as long as that can be:
        who wants the name of a guest that has ended waits for them.
        """
        first = self._asked
        for user, command in commands:
            session = self.session_of(user, command)
            body = encode(Stamped(session, user, Raw(encode(command)), self.standing))
            identity = _SERVICE if isinstance(command, ServiceCommand) else _GATEWAY
            self._askers[identity].send(body, self._asked)
            self._asked += 1
        for number in range(_ROUNDS_MAX):
            self._exchange(settle=settle or number >= _ROUNDS_MAX // 2)
            if all(number in self._answers for number in range(first, self._asked)):
                return [self._answers.pop(number) for number in range(first, self._asked)]
        raise AssertionError("a command was not answered")

    def session_of(self, user: str, command: Message) -> int:
        """The number of the session that the command comes from."""
        name = command.name if isinstance(command, OpenSession) else user
        return NAMES.index(name) + 1 if name in NAMES else 0

    def _exchange(self, *, settle: bool) -> None:
        self._now += limits.HEARTBEAT_INTERVAL_S
        for identity, asker in self._askers.items():
            asker.heartbeat()
            for up in asker.envelopes():
                self._beat.receive_up(identity, encode(up), self._now)
        self._beat.heartbeat(self._now, self._at_ms)
        self._step(settle=settle)
        while self._beat.waiting:
            self._step(settle=settle)

    def _step(self, *, settle: bool) -> None:
        out = self._beat.step(self._now, self._at_ms)
        for job in out.jobs:
            right = job.password_hash is not None
            self._beat.receive_outcome(job, right or self._password_hash)
        for identity, body in out.downs:
            for number, frame in self._askers[identity].receive(_downs.decode(body), self._now):
                if number is not None:
                    self._answers[number] = _answers.decode(frame)
        for address, body in out.ups:
            other = self._others[address]
            for to, _ in other.receive(self._identity, _ups.decode(body), self._now):
                other.reply(to, encode(Done(0)))
            if settle:
                other.heartbeat()
                for _, down in other.envelopes():
                    self._beat.receive_down(address, encode(down), self._now)


class Said(NamedTuple):
    """A command that was acknowledged as an entry."""

    author: str
    nonce: bytes
    log: str
    sequence: int


class Talk:
    """What people may say to a service in all its lives, drawn by seed."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self._dice = random.Random(seed)
        self._draw = (
            self._draw_room_command if kind.schema is ROOMS_SCHEMA else self._draw_user_command
        )
        self._prefix = self._dice.randbytes(limits.NONCE_PREFIX_BYTES)
        self._spoken = 0
        self._joined: list[tuple[str, str]] = []
        """Who has come into which room, and has perhaps left it since."""

    def beat(self, service: BusyService) -> Iterator[Said]:
        """Has some commands handled; yields those that were acknowledged as entries."""
        given = [self._draw() for _ in range(self._dice.randint(1, COMMANDS_MAX))]
        # Now and then what is owed stays owed for a while.
        answers = service.do(given, settle=self._dice.random() < 0.5)
        for (author, command), answer in zip(given, answers, strict=True):
            if isinstance(command, CreateRoom | JoinRoom) and isinstance(answer, Done):
                self._joined.append((author, command.room))
            nonce_of: bytes | None = getattr(command, "nonce", None)
            if isinstance(answer, Done) and answer.sequence and nonce_of and answer.log:
                yield Said(author, nonce_of, answer.log, answer.sequence)

    def _draw_room_command(self) -> tuple[str, Message]:
        dice, name = self._dice, self._dice.choice(NAMES)
        room = dice.choice(ROOMS)
        what = dice.choices(("post", "create", "join", "leave", "topic", "read", "end"),
                            (60, 8, 14, 6, 4, 6, 2))[0]  # fmt: skip
        match what:
            case "post":
                if self._joined and dice.random() < 0.9:
                    name, room = dice.choice(self._joined)
                return name, Post(id=1, nonce=self._nonce(), room=room, text=self._text())
            case "create":
                return name, CreateRoom(id=1, nonce=self._nonce(), room=room)
            case "join":
                return name, JoinRoom(id=1, nonce=self._nonce(), room=room)
            case "leave":
                return name, LeaveRoom(id=1, nonce=self._nonce(), room=room)
            case "topic":
                return name, SetTopic(
                    id=1, nonce=self._nonce(), room=room, topic=f"topic {self._spoken}"
                )
            case "read":
                return name, MarkRead(id=1, log=room_log(room), sequence=dice.randint(1, 20))
            case _:
                return "", EndGuest(name)

    def _draw_user_command(self) -> tuple[str, Message]:
        dice, name = self._dice, self._dice.choice(NAMES)
        what = dice.choices(("say", "open", "register", "read", "close"), (60, 25, 2, 8, 5))[0]
        match what:
            case "say":
                return name, SendPrivate(
                    id=1, nonce=self._nonce(), to=dice.choice(NAMES), text=self._text()
                )
            case "open":
                token = name.encode().ljust(limits.TOKEN_BYTES, b".")
                return "", OpenSession(1, name, token, None)
            case "register":
                return name, Register(id=1, nonce=self._nonce(), password="correct horse")
            case "read":
                return name, MarkRead(id=1, log=inbox_log(name), sequence=dice.randint(1, 20))
            case _:
                return name, CloseSession(quit=True)

    def _nonce(self) -> bytes:
        self._spoken += 1
        return nonce(self._prefix, self._spoken)

    def _text(self) -> str:
        return f"{self._spoken} {'x' * self._dice.randint(1, TEXT_CHARS_MAX)}"
