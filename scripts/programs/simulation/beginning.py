"""What a cluster begins with that is not new: thousands of entries, hundreds of rooms and users.

The cores, beats, links and stores are the real ones, with nothing played between them; so all that
is there is what a real cluster would have. It is made once for many histories, each of which gets a
copy of the databases.
"""

import gc
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from unittest.mock import patch

from msgspec import Raw
from msgspec.structs import replace
from sqlalchemy import text

from testbed.committed import Committed, committed_entries
from zchat.eventlog.database import connect, disconnect
from zchat.eventlog.schema import Schema
from zchat.fabric.core.identities import admin_name, gateway_name, identity
from zchat.fabric.core.link import Asker
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import (
    USER_SERVICE,
    CloseSession,
    Down,
    OpenSession,
    RoutingTable,
    SessionOpened,
    Stamped,
)
from zchat.protocol.messages import (
    AddReaction,
    BanMember,
    BlockUser,
    CloseRoom,
    Command,
    CreateRoom,
    DeleteMessage,
    Done,
    EditMessage,
    Entry,
    JoinRoom,
    MarkRead,
    Message,
    MessagePosted,
    PinMessage,
    Post,
    Refused,
    Request,
    SendPrivate,
    SetStanding,
    Standing,
    inbox_log,
    room_log,
)
from zchat.protocol.operators import SetRetention
from zchat.protocol.rules.partitions import address_of_room
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.core.beat import Beat, Service
from zchat.service.core.operation_log import OperationLog
from zchat.users.core.policy import Policy
from zchat.users.process import UserService
from zchat.users.store.tables import USERS_SCHEMA

from .accounts import PASSWORD
from .amended import Fold
from .begun import Begun, copy
from .fabric import Fabric
from .rooms import RoomStory, is_room, told
from .services import Database, FaultyStore, ServiceProcess
from .world import BEGIN_MS, World

DAYS_MS: Final = 30 * 86_400_000
OLD: Final = 5
"""Of so many histories one begins with all this."""
KINDS: Final = 2
"""Different beginnings that there are."""
STEP_MS: Final = 9_700
"""Between two beats of the past."""
AT_ONCE: Final = 12
"""Commands of one beat, which have one time."""
ACCOUNTS: Final = ("a", "b", "c")
"""Of those who come to a cluster that is not new."""
MODERATOR: Final = "b"
DEN_MESSAGES: Final = 9_000
CROWD: Final = 150
HALLS: Final = 150
TALKS: Final = {"ab": 700, "ac": 250, "bc": 150}
"""Private messages between two."""
UNREAD: Final = {"a": 150, "b": 0, "c": 40}

_GATEWAY: Final = identity(gateway_name("past"), "1")
_ADMIN: Final = identity(admin_name("past"), "1")
_downs = Decoder(Down)
_replies: Decoder[Any] = Decoder(SessionOpened | Done | Refused)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Beginning:
    partitions: int
    keeps_edits: bool
    databases: dict[str, Begun]
    """By address."""
    inbox_floors: Mapping[str, int]
    remembered: Sequence[Entry]
    """Messages of all times, of which people know from the beginning."""


def is_old(seed: int) -> bool:
    """Whether the cluster of this history is not new."""
    return seed % OLD == OLD - 1


def beginning_of(seed: int) -> Beginning | None:
    """None for a cluster that is new."""
    return _beginning(seed // OLD % KINDS) if is_old(seed) else None


def prepare() -> None:
    """Makes all of them, with the cores as they are now."""
    for kind in range(KINDS):
        _beginning(kind)


@cache
def _beginning(kind: int) -> Beginning:
    # All that is said at a time is done at once, in the order in which it is said.
    with patch.object(limits, "BEAT_USER_US", 10**9):
        past = _Past(partitions=1 + kind, keeps_edits=kind == 0)
        _live(past)
        begun = past.end()
    # It is here for as long as the process: the collector need not look at it again and again.
    gc.freeze()
    return begun


@dataclass
class _Person:
    name: str
    session: int
    standing: Standing = Standing.GUEST
    since_ms: int = 0
    prefix: bytes = b""
    said: int = 0

    def nonce(self) -> bytes:
        self.said += 1
        return self.prefix + self.said.to_bytes(8, "big")


@dataclass
class _Part:
    """One service."""

    database: Database
    store: FaultyStore
    beat: Beat
    schema: Schema
    links: dict[bytes, Asker[_Person]] = field(default_factory=dict)


class _Past:
    def __init__(self, *, partitions: int, keeps_edits: bool) -> None:
        self._partitions, self._keeps_edits = partitions, keeps_edits
        self._world = World(0)
        self._fabric = Fabric(self._world)
        self._now, self.at_ms = 0.0, BEGIN_MS - DAYS_MS
        self._waiting = 0
        self._sessions = 0
        self._accounts: set[str] = set()
        policy = Policy(edits="keep" if keeps_edits else "discard")
        services: list[tuple[Service, Schema]] = [(UserService(partitions, policy), USERS_SCHEMA)]
        services += [
            (RoomService(number, partitions, keeps_edits=keeps_edits), ROOMS_SCHEMA)
            for number in range(partitions)
        ]
        self._parts = {service.address: self._part(service, schema) for service, schema in services}
        epochs = {address: part.store.epoch for address, part in self._parts.items()}
        for part in self._parts.values():
            part.beat.receive_table(encode(RoutingTable(epochs)))
            for asker in (_GATEWAY, _ADMIN):
                part.links[asker] = Asker()
                part.links[asker].worker_changed(part.store.epoch)

    def _part(self, service: Service, schema: Schema) -> _Part:
        database = Database(self._world, service, schema, service.address)
        process = ServiceProcess(self._world, self._fabric, service.address, database)
        store = process.store = FaultyStore(process)
        beat = Beat(service, store, OperationLog(), self._now, self.at_ms)
        return _Part(database, store, beat, schema)

    # --- What they do -----------------------------------------------------------------------------

    def comes(self, name: str, *, account: bool = False, device: str = "") -> _Person:
        """With a password if it is for an account, which is made if there is none."""
        self._sessions += 1
        number = self._sessions
        person = _Person(name, number, prefix=number.to_bytes(8, "big"))
        token = number.to_bytes(32, "big")
        password = PASSWORD if account else None
        known = account and name in self._accounts
        opening = OpenSession(
            1, name, token, password, device=device, register=account and not known
        )
        if account:
            self._accounts.add(name)
        self._send(_GATEWAY, USER_SERVICE, person, opening)
        self.settle()
        assert person.since_ms, f"{name} was not let in"
        return person

    def goes(self, person: _Person) -> None:
        # As a gateway, which says so only when all that the client has sent is answered.
        self.settle()
        self._send(_GATEWAY, USER_SERVICE, person, CloseSession(quit=True))

    def do(self, person: _Person, *requests: Message) -> None:
        for request in requests:
            log = getattr(request, "log", None)
            room = log[1:] if log and log[0] == "#" else getattr(request, "room", None)
            address = address_of_room(room, self._partitions) if room else USER_SERVICE
            numbered = request
            if isinstance(numbered, Request):
                numbered = replace(numbered, id=1)
            if isinstance(numbered, Command):
                numbered = replace(numbered, nonce=person.nonce())
            self._send(_GATEWAY, address, person, numbered)

    def operate(self, address: str, command: Message) -> None:
        operator = _Person("", 0, Standing.OPERATOR)
        self._send(_ADMIN, address, operator, command)
        self.settle()

    def head(self, log: str) -> int:
        self.settle()
        address = USER_SERVICE if log[0] == "@" else address_of_room(log[1:], self._partitions)
        return self._parts[address].beat.core.timeline.heads[log]

    # --- How it goes ------------------------------------------------------------------------------

    def _send(self, asker: bytes, address: str, person: _Person, command: Message) -> None:
        user = "" if isinstance(command, OpenSession) else person.name
        since_ms = person.since_ms
        stamped = Stamped(person.session, user, Raw(encode(command)), person.standing, since_ms)
        self._parts[address].links[asker].send(encode(stamped), person)
        self._waiting += 1
        if self._waiting >= AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Until all is answered, and nobody owes anybody anything."""
        self._waiting = 0
        while self._turn():
            pass

    def heartbeats(self, count: int) -> None:
        for _ in range(count):
            self._now += 0.5
            for part in self._parts.values():
                part.beat.heartbeat(self._now, self.at_ms)
            self.settle()

    def _turn(self) -> bool:
        self.at_ms += STEP_MS
        busy = False
        for address, part in self._parts.items():
            for asker, link in part.links.items():
                for up in link.envelopes():
                    part.beat.receive_up(asker, encode(up), self._now)
            out = part.beat.step(self._now, self.at_ms)
            busy = busy or bool(out.downs or out.ups or out.jobs)
            for to, body in out.ups:
                asking = identity(address, "past")
                self._parts[to].beat.receive_up(asking, body, self._now)
            for asker, body in out.downs:
                self._tell(address, asker, body)
            for job in out.jobs:
                outcome: bool | str = f"hash of {job.password}"
                if job.password_hash is not None:
                    outcome = outcome == job.password_hash
                part.beat.receive_outcome(job, outcome)
        return busy

    def _tell(self, address: str, asker: bytes, body: bytes) -> None:
        if asker not in (_GATEWAY, _ADMIN):
            service = asker.decode().partition("#")[0]
            self._parts[service].beat.receive_down(address, body, self._now)
            return
        for person, frame in (
            self._parts[address].links[asker].receive(_downs.decode(body), self._now)
        ):
            if person is None:
                continue
            match _replies.decode(frame):
                case SessionOpened(standing=standing, owned_since_ms=since_ms):
                    person.standing, person.since_ms = standing, since_ms
                case Refused(code=code, reason=reason):
                    raise AssertionError(f"{person.name} is refused: {code}, {reason}")
                case _:
                    pass

    # --- What is left of it -----------------------------------------------------------------------

    def end(self) -> Beginning:
        self.settle()
        assert self.at_ms < BEGIN_MS, "the past is longer than it may be"
        databases = {address: self._begun(part) for address, part in self._parts.items()}
        kept = databases[USER_SERVICE].connection
        assert kept is not None
        rows = kept.execute(text("select name, inbox_floor from users")).all()
        floors = {row.name: row.inbox_floor for row in rows}
        kept.rollback()
        remembered = _remembered(databases[address_of_room("den", self._partitions)])
        return Beginning(self._partitions, self._keeps_edits, databases, floors, remembered)

    def _begun(self, part: _Part) -> Begun:
        # Of some messages the newest wait for the index still.
        while part.store.position - part.store._search.progress.position > 300:
            part.store.index_messages()
        database = part.database
        kept = connect(None, part.schema)
        database.connection.rollback()
        copy(database.connection, kept)
        rows = kept.execute(text("select position, frame from entries"))
        frames = {position: frame for position, frame in rows}  # noqa: C416 - rows are no mapping
        entries = {committed.position: committed for committed in committed_entries(kept)}
        kept.rollback()
        floors = {log: max(floors) for log, floors in database.floors.items()}
        logs = _by_log(database.appended.values())
        moderators = frozenset({MODERATOR})
        begun = Begun(
            kept,
            frames,
            entries,
            database.appended,
            database.removed,
            floors,
            {log: said[-1].sequence for log, said in logs.items()},
            {log: _folded(said) for log, said in logs.items()},
            {log: told(RoomStory(moderators), said) for log, said in logs.items() if is_room(log)},
        )
        disconnect(database.connection)
        return begun


def _remembered(begun: Begun) -> list[Entry]:
    messages = [
        committed.entry
        for committed in begun.entries.values()
        if committed.log == room_log("den") and isinstance(committed.entry.body, MessagePosted)
    ]
    famous = max(messages, key=lambda entry: sum(map(len, entry.reactions.values())))
    return [*messages[::700], famous, famous, famous, famous]


def _by_log(entries: Iterable[Committed]) -> dict[str, list[Committed]]:
    logs: dict[str, list[Committed]] = {}
    for committed in sorted(entries, key=lambda one: one.position):
        logs.setdefault(committed.log, []).append(committed)
    return logs


def _folded(entries: Iterable[Committed]) -> Fold:
    fold = Fold()
    for committed in entries:
        fold.take(committed.entry)
    return fold


# --- What has happened ----------------------------------------------------------------------------


def _live(past: _Past) -> None:
    people = _come(past)
    crowd = [past.comes(f"u{number:03}", account=True) for number in range(CROWD)]
    _make_rooms(past, people, crowd)
    _talk_in_private(past, people, crowd)
    _talk_in_the_den(past, people, crowd)
    for number in range(400):
        past.do(crowd[number % CROWD], Post(room="lobby", text=f"old {number} in the lobby"))
    for person in crowd:
        past.goes(person)
    _read(past, people)
    for name in ACCOUNTS:
        past.goes(people[name])
    past.goes(people["f"])
    past.heartbeats(2)


def _come(past: _Past) -> dict[str, _Person]:
    """Accounts on many devices, one of which was a guest before; and guests, who go again."""
    people = {name: past.comes(name, account=True) for name in ("a", "b")}
    for number in range(12):
        past.goes(past.comes("a", account=True, device=f"old device {number}"))
    former = past.comes("c")
    for number in range(40):
        past.do(former, Post(room="lobby", text=f"old {number} of an earlier c"))
        past.do(people["a"], SendPrivate(to="c", text=f"old {number} to an earlier c"))
    past.goes(former)
    past.heartbeats(2)
    people["c"] = past.comes("c", account=True)
    people["f"] = past.comes("f")
    past.operate(
        USER_SERVICE,
        SetStanding(id=1, nonce=b"past 000past 000", user=MODERATOR, standing=Standing.MODERATOR),
    )
    people[MODERATOR] = past.comes(MODERATOR, account=True)
    return people


def _make_rooms(past: _Past, people: dict[str, _Person], crowd: list[_Person]) -> None:
    a, b, c = (people[name] for name in ACCOUNTS)
    past.do(a, CreateRoom(room="den"))
    past.do(b, CreateRoom(room="attic"))
    for number in range(60):
        past.do(b, Post(room="attic", text=f"old {number} of an earlier attic"))
    past.do(b, CloseRoom(room="attic", reason="enough"))
    past.settle()
    past.do(c, CreateRoom(room="attic"))
    past.do(a, CreateRoom(room="quay"))
    past.settle()
    past.do(b, JoinRoom(room="den"), JoinRoom(room="attic"))
    past.do(c, JoinRoom(room="den"))
    for number in range(300):
        past.do(a, Post(room="quay", text=f"old {number} of the quay"))
        past.do(c, Post(room="attic", text=f"old {number} of the attic"))
    # Up to here nothing of the quay is kept.
    past.settle()
    quay, address = past.head("#quay"), address_of_room("quay", past._partitions)
    past.operate(address, SetRetention(1, "#quay", 1))
    past.heartbeats(4)
    past.operate(address, SetRetention(1, "#quay", None))
    past.heartbeats(2)
    assert past._parts[address].store.floors[room_log("quay")] >= quay - 1
    for number in range(150):
        past.do(a, Post(room="quay", text=f"newer {number} of the quay"))
    for number in range(HALLS):
        hall, owner = f"hall-{number:03}", crowd[number % CROWD]
        past.do(owner, CreateRoom(room=hall))
        past.settle()
        if number % 5 == 0:
            past.do(a, JoinRoom(room=hall))
        past.do(owner, Post(room=hall, text=f"old words of {hall} @a"))
    for person in crowd:
        past.do(person, JoinRoom(room="den"))
    past.settle()
    for number in range(200):
        past.do(a, BanMember(room="den", user=f"x{number:03}", reason="noise"))


def _talk_in_private(past: _Past, people: dict[str, _Person], crowd: list[_Person]) -> None:
    for (one, other), count in ((tuple(two), count) for two, count in TALKS.items()):
        for number in range(count):
            author, to = (one, other) if number % 3 else (other, one)
            past.do(people[author], SendPrivate(to=to, text=f"old {number} in private to {to}"))
    for number, person in enumerate(crowd[:100]):
        past.do(person, SendPrivate(to="a", text=f"old {number} of many"))
    for number in range(60):
        past.do(people["f"], SendPrivate(to="a", text=f"old {number} of a guest"))
        past.do(people["a"], SendPrivate(to="f", text=f"old {number} to a guest"))
    past.settle()
    past.do(people["a"], BlockUser(user="u005"))
    for log, sequence in (("@a", 300), ("@a", 700), ("@b", 400)):
        _amend_private(past, people[log[1:]], log, sequence)


def _amend_private(past: _Past, person: _Person, log: str, after: int) -> None:
    """Edits, deletes and answers the next of its own, and reacts."""
    own = [
        (committed.sequence, getattr(committed.entry.body, "to", ""))
        for committed in past._parts[USER_SERVICE].database.appended.values()
        if (committed.log, committed.author) == (log, person.name)
        and committed.sequence > after
        and getattr(committed.entry.body, "to", "") in ACCOUNTS
    ]
    for number, (sequence, to) in enumerate(own[:9]):
        match number % 3:
            case 0:
                past.do(
                    person,
                    EditMessage(log=log, sequence=sequence, text=f"edited {number} of {log}"),
                )
            case 1:
                past.do(person, DeleteMessage(log=log, sequence=sequence))
            case _:
                past.do(person, AddReaction(log=log, sequence=sequence, emoji="+1"))
                past.do(person, SendPrivate(to=to, text=f"answer {number}", reply_to=sequence))
    past.settle()


def _talk_in_the_den(past: _Past, people: dict[str, _Person], crowd: list[_Person]) -> None:
    speakers = [*(people[name] for name in ACCOUNTS), *crowd[:20]]
    begin = past.head("#den")
    for number in range(DEN_MESSAGES):
        author = speakers[number % len(speakers)]
        mention = " @a" if number > DEN_MESSAGES - 3_000 and number % 23 == 5 else ""
        past.do(author, Post(room="den", text=f"old {number} in the den{mention}"))
        if number and number % 450 == 0:
            _amend_in_the_den(past, people["a"], begin + number - 400, number)
    past.settle()
    for emoji, some in (("+1", crowd[:100]), ("🎉", crowd[:90])):
        for person in some:
            past.do(person, AddReaction(log="#den", sequence=begin + 40, emoji=emoji))
    for number in range(46):
        past.do(people["a"], PinMessage(room="den", sequence=begin + 100 + 50 * number))
    past.do(people["a"], PinMessage(room="den", sequence=begin + 40))
    chain = begin + 7_000
    for number in range(60):
        past.do(people["c"], Post(room="den", text=f"link {number}", reply_to=chain))
        chain = past.head("#den")


def _amend_in_the_den(past: _Past, person: _Person, after: int, number: int) -> None:
    past.settle()
    address = address_of_room("den", past._partitions)
    own = [
        committed.sequence
        for committed in past._parts[address].database.appended.values()
        if committed.log == "#den"
        and committed.author == person.name
        and committed.sequence > after
        and getattr(committed.entry.body, "text", None)
        and hasattr(committed.entry.body, "reply_to")
    ][:4]
    past.do(person, EditMessage(log="#den", sequence=own[0], text=f"edited {number} in the den"))
    past.do(person, EditMessage(log="#den", sequence=own[1], text=f"edited {number} and deleted"))
    past.settle()
    past.do(
        person, EditMessage(log="#den", sequence=own[0], text=f"edited {number} in the den again")
    )
    past.do(person, DeleteMessage(log="#den", sequence=own[1]))
    past.do(person, AddReaction(log="#den", sequence=own[2], emoji="🎉"))
    past.settle()


def _read(past: _Past, people: dict[str, _Person]) -> None:
    halls = [f"#hall-{number:03}" for number in range(0, HALLS, 5)]
    rooms = {"a": ["#den", "#quay", *halls], "b": ["#den", "#attic"], "c": ["#den", "#attic"]}
    for name, unread in UNREAD.items():
        for log in [inbox_log(name), "#lobby", *rooms[name]]:
            past.do(people[name], MarkRead(id=1, log=log, sequence=max(0, past.head(log) - unread)))
