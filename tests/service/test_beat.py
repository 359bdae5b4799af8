"""The beat: durable before anything is said, and nothing lost or doubled when the store fails."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw

from zchat.eventlog import audit, edits
from zchat.eventlog.schema import Schema
from zchat.eventlog.store import Fenced, Store, StoreUnavailable
from zchat.fabric.core.identities import alias
from zchat.fabric.core.link import Answerer, Asker
from zchat.fabric.core.topics import ephemeral_topic, stream_topic
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, FrameReader, encode
from zchat.protocol.internal import (
    CloseSession,
    Down,
    EndGuest,
    MarkerMoved,
    OpenRoom,
    OpenSession,
    Publication,
    ReadLog,
    RoutingTable,
    SessionOpened,
    SoftNews,
    Stamped,
    StreamPage,
    Typing,
    Up,
)
from zchat.protocol.messages import (
    BlockUser,
    CreateRoom,
    Done,
    EditMessage,
    Entry,
    ListUsers,
    MarkRead,
    Message,
    MessageEdited,
    MessagePosted,
    Ping,
    Pong,
    Post,
    ReadAudit,
    RefusalCode,
    Refused,
    Register,
    ReportMessage,
    SayTyping,
    SendPrivate,
    Standing,
    UserList,
)
from zchat.protocol.operators import SetRetention
from zchat.protocol.rules.costs import exhausted
from zchat.protocol.rules.nonces import nonce
from zchat.rooms.core.membership import OPEN_ROOM_NONCE
from zchat.rooms.process import RoomService
from zchat.rooms.store.tables import ROOMS_SCHEMA
from zchat.service.core.beat import Beat, Outbound, Service
from zchat.service.operation_log import WrittenOperationLog
from zchat.users.process import UserService
from zchat.users.store.tables import USERS_SCHEMA

Answer = Done | Refused | SessionOpened | Pong
_answers: Decoder[Answer] = Decoder(Answer)  # type: ignore[arg-type]
_ups, _downs, _publications = Decoder(Up), Decoder(Down), Decoder(Publication)
_batches, _entries = Decoder(list[bytes]), Decoder(Entry)
_stamped, _user_lists = Decoder(Stamped), Decoder(UserList)

GATEWAY = b"gateway/west#1"
LOBBY_WORKER_EPOCH = 50
NONCE = nonce(b"a client", 1)
TOKEN = b"t" * limits.TOKEN_BYTES


class Bench:
    """A service without sockets between a gateway's link and the worker of another address."""

    def __init__(self, service: Service, path: Path, schema: Schema, other: str) -> None:
        self.service, self._path, self._schema, self._other = service, path, schema, other
        self.now = 100.0
        self.gateway: Asker[int] = Asker()
        self.worker = Answerer(LOBBY_WORKER_EPOCH)
        self.owed: list[Message] = []
        """What the other worker was told to do, as often as it was."""
        self.answers: dict[int, Answer] = {}
        self.events: list[tuple[bytes, bytes]] = []
        self.start()

    def start(self) -> None:
        self.store = Store.open(self._path, self._schema)
        self._identity = b"users#%d" % self.store.epoch
        log = logging.getLogger("zchat.test")
        operations = WrittenOperationLog(log, self.now, self.at_ms)
        self.beat = Beat(self.service, self.store, operations, self.now, self.at_ms)
        self.gateway.worker_changed(self.store.epoch)
        self.beat.receive_table(encode(RoutingTable({self._other: LOBBY_WORKER_EPOCH})))

    @property
    def at_ms(self) -> int:
        return int(self.now * 1000)

    def restart(self) -> None:
        """As after `kill -9`: what was not committed is gone."""
        self.store.close()
        self.start()

    # --- One step at a time -------------------------------------------------------------------

    def ask(self, number: int, command: Message, user: str = "ann") -> None:
        """Number and context are the same, to see which answer is whose."""
        self.gateway.send(encode(Stamped(1, user, Raw(encode(command)))), number)

    def carry_up(self) -> None:
        for up in self.gateway.envelopes():
            self.beat.receive_up(GATEWAY, encode(up), self.now)

    def step(self) -> Outbound:
        return self.beat.step(self.now, self.at_ms)

    def carry_out(self, out: Outbound, *, to_the_other: bool = True) -> None:
        for asker, body in out.downs:
            if asker == ADMIN:
                continue  # It has its answer, and is gone.
            assert asker == GATEWAY
            self._receive(body)
        for topic, body in out.events:
            if topic == stream_topic(self.service.address):
                for down in _publications.decode(body).downs.get(alias(GATEWAY), ()):
                    self._receive(down)
        self.events += out.events
        if to_the_other:
            self._carry_owed(out.ups)

    def _receive(self, down: bytes) -> None:
        for number, frame in self.gateway.receive(_downs.decode(down), self.now):
            assert number is not None
            assert number not in self.answers, "answered twice"
            self.answers[number] = _answers.decode(frame)

    def _carry_owed(self, ups: list[tuple[str, bytes]]) -> None:
        for address, body in ups:
            assert address == self._other
            for to, item in self.worker.receive(self._identity, _ups.decode(body), self.now):
                self.owed.append(_owed_commands.decode(_stamped.decode(item).body))
                self.worker.reply(to, encode(Done(0)))
        for _, down in self.worker.envelopes():
            self.beat.receive_down(self._other, encode(down), self.now)

    # --- Several at once ----------------------------------------------------------------------

    def exchange(self, rounds: int = 4, *, to_the_other: bool = True) -> None:
        """Heartbeats come and go, and whatever waits with them."""
        for _ in range(rounds):
            self.now += limits.HEARTBEAT_INTERVAL_S
            self.gateway.heartbeat()
            self.worker.heartbeat()
            self.beat.heartbeat(self.now, self.at_ms)
            self.carry_up()
            self.carry_out(self.step(), to_the_other=to_the_other)

    def do(self, number: int, command: Message, user: str = "ann") -> Answer:
        self.ask(number, command, user)
        self.exchange()
        return self.answers[number]

    def query(self, *queries: Message, user: str = "ann") -> list[bytes]:
        batch = [encode(Stamped(1, user, Raw(encode(query)))) for query in queries]
        self.beat.queries.begin_turn()
        return _batches.decode(self.beat.answer(encode(batch), self.at_ms))

    def published(self) -> list[Entry]:
        """All entries that went out, in the order of their positions."""
        topic = stream_topic(self.service.address)
        pages = [_publications.decode(body).page for to, body in self.events if to == topic]
        pages = [page for page in pages if page.chunks]
        for before, after in pairwise(pages):
            assert after.first == before.last + 1
        return [
            _entries.decode(frame)
            for page in pages
            for chunk in page.chunks
            for frame in FrameReader(1 << 30).feed(chunk.frames)
        ]

    def stored(self) -> list[Entry]:
        return [_entries.decode(e.frame) for e in self.store.read_stream(0, 10_000, 1 << 30)]


_owed_commands: Decoder[Any] = Decoder(OpenRoom | EndGuest)  # type: ignore[arg-type]


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Bench]:
    """The partition 0 of two, whose lobby is elsewhere; `garden` is one of its rooms."""
    service = RoomService(0, 2)
    bench = Bench(service, tmp_path / "rooms.sqlite", ROOMS_SCHEMA, "rooms/1")
    yield bench
    bench.store.close()


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(UserService(1), tmp_path / "users.sqlite", USERS_SCHEMA, "rooms/0")
    yield bench
    bench.store.close()


def post(number: int, text: str = "hello", given: bytes | None = None) -> Post:
    return Post(id=number, nonce=given or nonce(b"the post", number), room=GARDEN, text=text)


GARDEN = "garden"
OTHER_ROOM = "barn"
CREATE = CreateRoom(id=1, nonce=nonce(b"the post", 1), room=GARDEN)


@contextlib.contextmanager
def broken(store: Store, method: str = "commit") -> Iterator[None]:
    """While this lasts the store's disk is full."""

    def fail(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    whole = getattr(store, method)
    setattr(store, method, fail)
    try:
        yield
    finally:
        setattr(store, method, whole)


# --- Durable before said --------------------------------------------------------------------------


def test_nothing_is_said_before_it_is_durable(
    rooms: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.do(1, CREATE)
    rooms.events.clear()
    said_before: list[object] = []
    commit = rooms.store.commit

    def watched(*args: Any) -> Any:
        said_before.append(rooms.beat._answerer.envelopes())
        return commit(*args)

    monkeypatch.setattr(rooms.store, "commit", watched)
    rooms.ask(2, post(2))
    rooms.carry_up()
    assert rooms.published() == []
    out = rooms.step()

    # Only that the command was heard may be said earlier, never an answer to it.
    assert [[down.items for _, down in sent] for sent in said_before] == [[[]]]  # type: ignore[attr-defined]
    rooms.carry_out(out)
    assert rooms.published() == rooms.stored()[1:]


def test_a_beat_commits_once_and_publishes_once(
    rooms: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.do(1, CREATE)
    rooms.events.clear()
    commits: list[int] = []
    commit = rooms.store.commit

    def counted(appended: Any, *args: Any) -> Any:
        commits.append(len(appended))
        return commit(appended, *args)

    monkeypatch.setattr(rooms.store, "commit", counted)
    for number in range(2, 12):
        rooms.ask(number, post(number))
    rooms.carry_up()
    out = rooms.step()

    assert commits == [10]
    assert (len(out.events), len(out.downs)) == (1, 1)
    rooms.carry_out(out)
    assert [rooms.answers[n] for n in range(2, 12)] == [Done(n, "#garden", n) for n in range(2, 12)]


def test_with_nothing_to_do_nothing_is_committed(rooms: Bench) -> None:
    rooms.exchange()
    with broken(rooms.store):
        rooms.exchange()
        out = rooms.step()

    assert out == Outbound([], [], [], [])


def test_a_heartbeat_tells_the_newest_position(rooms: Bench) -> None:
    rooms.do(1, CREATE)

    publication = Publication(rooms.store.epoch, StreamPage(2, 1, []))
    heartbeat = [(stream_topic("rooms/0"), encode(publication))]
    assert sorted(beats(rooms, 2)) == [[], heartbeat]


@pytest.mark.parametrize("beats_before", [0, 1])
def test_the_beat_after_something_was_said_is_a_heartbeat(rooms: Bench, beats_before: int) -> None:
    """The last of it may be lost, and nobody should wait for long to see that."""
    rooms.do(1, CREATE)
    beats(rooms, beats_before)
    rooms.ask(2, post(2))
    rooms.carry_up()
    assert rooms.step().events

    assert [bool(events) for events in beats(rooms, 5)] == [True, False, True, False, True]


def beats(bench: Bench, count: int) -> list[list[tuple[bytes, bytes]]]:
    """What is published with each of so many beats in which nothing comes in."""
    published = []
    for _ in range(count):
        bench.now += limits.HEARTBEAT_INTERVAL_S
        bench.beat.heartbeat(bench.now, bench.at_ms)
        published.append(bench.step().events)
    return published


def test_who_hears_the_stream_has_its_answers_with_the_entries(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.gateway.heard_stream(rooms.store.epoch)
    rooms.ask(2, post(2))
    rooms.carry_up()
    out = rooms.step()
    rooms.carry_out(out)

    assert out.downs == []
    assert len(out.events) == 1
    assert rooms.answers[2] == Done(2, "#garden", 2)


def test_who_hears_the_stream_has_all_of_its_answers_there(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.gateway.heard_stream(rooms.store.epoch)
    rooms.ask(2, Post(id=2, nonce=nonce(b"the post", 2), room="attic", text="is there one?"))
    rooms.carry_up()
    out = rooms.step()
    rooms.carry_out(out)

    # By a way of its own it could overtake what was published before.
    assert out.downs == []
    assert isinstance(rooms.answers[2], Refused)


def test_who_is_answered_with_the_stream_is_not_named_there(rooms: Bench) -> None:
    """Others hear it, too, and could be connected in its place."""
    rooms.do(1, CREATE)
    rooms.gateway.heard_stream(rooms.store.epoch)
    rooms.ask(2, post(2))
    rooms.carry_up()
    ((_, published),) = rooms.step().events

    (name,) = _publications.decode(published).downs
    assert name == alias(GATEWAY)
    assert GATEWAY not in published


def test_many_answers_are_published_in_parts(rooms: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms.do(1, CREATE)
    rooms.gateway.heard_stream(rooms.store.epoch)
    monkeypatch.setattr(limits, "BATCH_ITEMS_MAX", 2)
    monkeypatch.setattr(limits, "PUBLISHED_REPLIES_BYTES_MAX", 100)
    for number in range(2, 12):
        rooms.ask(number, post(number))
    rooms.carry_up()
    out = rooms.step()
    rooms.carry_out(out)

    parts = [_publications.decode(body) for _, body in out.events]
    assert len(parts) == 5
    assert [part.page.last - part.page.first + 1 for part in parts] == [10, 0, 0, 0, 0]
    assert {part.page.last for part in parts} == {11}
    assert [rooms.answers[n] for n in range(2, 12)] == [Done(n, "#garden", n) for n in range(2, 12)]


def test_an_answer_that_was_lost_with_the_stream_comes_again(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.gateway.heard_stream(rooms.store.epoch)
    rooms.ask(2, post(2))
    rooms.carry_up()
    rooms.step()  # What it publishes reaches nobody.
    rooms.exchange()

    assert rooms.answers[2] == Done(2, "#garden", 2)


def test_time_never_goes_back(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, post(2))
    rooms.carry_up()
    rooms.carry_out(rooms.beat.step(rooms.now, 5))

    created, posted = rooms.stored()
    assert posted.at_ms >= created.at_ms > 5


# --- Nonces ---------------------------------------------------------------------------------------


def test_the_same_nonce_returns_the_first_result_whenever_it_comes(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, post(2, "once", NONCE))
    rooms.ask(3, post(3, "once", NONCE))
    rooms.exchange()
    rooms.do(4, post(4, "once", NONCE))
    rooms.restart()
    rooms.do(5, post(5, "once", NONCE))

    assert [rooms.answers[n] for n in range(2, 6)] == [
        Done(n, "#garden", 2, again=n > 2) for n in range(2, 6)
    ]
    assert len(rooms.stored()) == 2


def test_what_was_committed_but_not_answered_is_answered_after_a_restart(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, post(2))
    rooms.carry_up()
    rooms.step()
    rooms.restart()
    rooms.exchange()

    assert rooms.answers[2] == Done(2, "#garden", 2, again=True)
    assert len(rooms.stored()) == 2


def test_what_was_heard_but_not_committed_is_done_after_a_restart(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    for number in (2, 3):
        rooms.ask(number, post(number))
        rooms.carry_up()
    rooms.restart()
    rooms.exchange()

    assert [rooms.answers[n] for n in (2, 3)] == [Done(2, "#garden", 2), Done(3, "#garden", 3)]


# --- When the store fails -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["commit", "newest_nonces"])
def test_if_the_store_fails_nothing_has_happened(rooms: Bench, method: str) -> None:
    rooms.do(1, CREATE)
    rooms.events.clear()
    for number in (2, 3):
        # Of a client that is not known, so that the store is asked about it.
        rooms.ask(number, post(number, given=nonce(b"stranger", number)))
    with broken(rooms.store, method):
        rooms.exchange(2)
        assert rooms.answers.keys() == {1}
        assert rooms.published() == []
        assert rooms.beat.core.timeline.position == rooms.store.position == 1

    rooms.exchange(8)
    assert [rooms.answers[n] for n in (2, 3)] == [Done(2, "#garden", 2), Done(3, "#garden", 3)]
    assert rooms.published() == rooms.stored()[1:]
    assert len(rooms.stored()) == 3


def test_after_a_failure_the_store_is_left_alone_for_a_while(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, post(2))
    with broken(rooms.store):
        rooms.carry_up()
        rooms.step()
    rooms.now += limits.BUSY_RETRY_INTERVAL_S - 0.1
    rooms.gateway.heartbeat()
    rooms.carry_up()
    assert rooms.step() == Outbound([], [], [], [])

    rooms.exchange()
    assert rooms.answers[2] == Done(2, "#garden", 2)


def test_while_the_store_fails_what_is_known_can_be_asked(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, post(2))
    with broken(rooms.store):
        rooms.exchange(2)

        (pong,) = rooms.query(Ping(id=7))
        assert _answers.decode(pong) == Pong(7)


def test_while_the_store_fails_its_heartbeat_tells_how_far_it_is(rooms: Bench) -> None:
    """The disk may be full for hours, and what was published before that may have been lost."""
    rooms.do(1, CREATE)
    heartbeat = (
        stream_topic("rooms/0"),
        encode(Publication(rooms.store.epoch, StreamPage(2, 1, []))),
    )
    told = []
    with broken(rooms.store):
        for _ in range(4):
            # Whoever has asked for something asks again, so that no commit is empty.
            rooms.ask(2, post(2))
            rooms.gateway.heartbeat()
            rooms.carry_up()
            rooms.now += limits.HEARTBEAT_INTERVAL_S
            rooms.beat.heartbeat(rooms.now, rooms.at_ms)
            told += [rooms.step().events, rooms.step().events]

    assert told.count([heartbeat]) == 2
    assert told.count([]) == 6


def test_while_the_store_fails_those_who_are_here_stay(users: Bench) -> None:
    users.do(1, OpenSession(1, "ann", TOKEN, None))
    users.ask(2, SendPrivate(id=2, nonce=NONCE, to="ann", text="hello"))
    with broken(users.store):
        users.exchange(8)

        (answer,) = users.query(ListUsers(id=7))
        assert [user.name for user in _user_lists.decode(answer).users] == ["ann"]

    # Her gateway is gone, too, and nobody says that she is here.
    users.now += limits.PRESENCE_GRACE_S
    users.beat.heartbeat(users.now, users.at_ms)
    users.step()
    (answer,) = users.query(ListUsers(id=8))
    assert _user_lists.decode(answer).users == []


def test_a_full_disk_is_a_store_that_fails(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    connection = rooms.store._connection
    connection.exec_driver_sql("PRAGMA max_page_count = 1")
    connection.rollback()
    for number in range(2, 12):
        rooms.ask(number, post(number, "x" * limits.TEXT_CHARS_MAX))
    rooms.exchange(8)
    assert rooms.answers.keys() == {1}

    connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    connection.rollback()
    rooms.exchange(8)
    assert [rooms.answers[n] for n in range(2, 12)] == [Done(n, "#garden", n) for n in range(2, 12)]
    assert rooms.published() == rooms.stored()


# --- Amended entries, and soft news ---------------------------------------------------------------


def test_an_edit_amends_what_is_stored_with_the_entry_that_tells_of_it(tmp_path: Path) -> None:
    service = RoomService(0, 2, keeps_edits=True)
    rooms = Bench(service, tmp_path / "rooms.sqlite", ROOMS_SCHEMA, "rooms/1")
    rooms.do(1, CREATE)
    rooms.do(2, post(2))
    edit = EditMessage(id=3, nonce=nonce(b"the post", 3), log="#garden", sequence=2, text="goodbye")
    with broken(rooms.store):
        rooms.ask(3, edit)
        rooms.exchange(1)
        assert rooms.stored()[-1].body == MessagePosted("hello")
    rooms.now += limits.BUSY_RETRY_INTERVAL_S
    rooms.exchange()

    assert rooms.answers[3] == Done(3, "#garden", 3)
    assert [entry.body for entry in rooms.stored()[1:]] == [
        MessagePosted("goodbye"),
        MessageEdited(2, "goodbye"),
    ]
    assert [entry.body for entry in rooms.published()[1:]] == [
        MessagePosted("hello"),
        MessageEdited(2, "goodbye"),
    ]
    assert [edit.text for edit in exhausted(edits.read(rooms.store, "#garden", 2))] == ["hello"]
    rooms.store.close()


def test_all_soft_news_of_a_beat_leave_as_one_and_once(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.events.clear()
    rooms.ask(2, SayTyping(id=2, log="#garden"))
    rooms.ask(3, MarkRead(id=3, log="#garden", sequence=1))
    rooms.exchange()

    soft = [body for topic, body in rooms.events if topic == ephemeral_topic("rooms/0")]
    news = [Typing("#garden", "ann"), MarkerMoved("ann", "#garden", 1)]
    assert [Decoder(SoftNews).decode(body).news for body in soft] == [news]


# --- What is owed ---------------------------------------------------------------------------------


def opening() -> OpenRoom:
    return OpenRoom(OPEN_ROOM_NONCE + b"garden", GARDEN, "ann")


def test_the_lobby_is_told_of_a_room_and_then_nothing_is_owed(rooms: Bench) -> None:
    rooms.do(1, CREATE)

    assert rooms.owed == [opening()]
    assert rooms.store.owed() == []


def test_nothing_is_owed_that_was_not_committed(rooms: Bench) -> None:
    rooms.ask(1, CREATE)
    with broken(rooms.store):
        rooms.exchange(2)
    assert rooms.owed == []

    rooms.exchange()
    assert rooms.owed == [opening()]


def test_what_is_owed_is_told_after_a_restart(rooms: Bench) -> None:
    rooms.ask(1, CREATE)
    rooms.exchange(to_the_other=False)
    assert len(rooms.store.owed()) == 1
    rooms.restart()
    rooms.exchange()

    assert rooms.owed == [opening()]
    assert rooms.store.owed() == []


def test_what_is_owed_waits_for_a_worker(rooms: Bench) -> None:
    rooms.beat.receive_table(encode(RoutingTable({})))
    assert isinstance(rooms.do(1, CREATE), Done)
    assert rooms.owed == []

    rooms.beat.receive_table(encode(RoutingTable({"rooms/1": LOBBY_WORKER_EPOCH})))
    rooms.exchange()
    assert rooms.owed == [opening()]


def test_what_is_owed_is_settled_though_the_store_failed_meanwhile(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, CreateRoom(id=2, nonce=nonce(b"of a bob", 1), room=OTHER_ROOM), "bob")
    rooms.carry_up()
    rooms.carry_out(rooms.step())
    # The other one has done it, but that this was so cannot be stored.
    with broken(rooms.store):
        rooms.exchange(2)
    assert len(rooms.store.owed()) == 1

    rooms.exchange(8)
    assert rooms.store.owed() == []
    assert [command.room for command in rooms.owed if isinstance(command, OpenRoom)] == [
        *(GARDEN, OTHER_ROOM, OTHER_ROOM)
    ]


def test_the_end_of_a_guest_is_told_and_its_name_is_free(users: Bench) -> None:
    opened = users.do(1, OpenSession(1, "ann", TOKEN, None))
    assert isinstance(opened, SessionOpened)
    users.do(2, CloseSession(quit=True))

    (end,) = users.owed
    assert isinstance(end, EndGuest)
    assert end.name == "ann"
    assert users.store.owed() == []
    another = users.do(3, OpenSession(1, "ann", b"a" * limits.TOKEN_BYTES, None))
    assert isinstance(another, SessionOpened)


# --- Passwords ------------------------------------------------------------------------------------


def test_a_password_is_hashed_elsewhere_and_then_answered(users: Bench) -> None:
    users.do(1, OpenSession(1, "ann", TOKEN, None))
    users.ask(2, Register(id=2, nonce=NONCE, password="correct horse"))
    users.carry_up()
    out = users.step()
    users.carry_out(out)
    assert 2 not in users.answers

    (job,) = out.jobs
    users.beat.receive_outcome(job, "$hash")
    users.exchange()
    assert users.answers[2] == Done(2, "@ann", 1)


# --- Whose commands are obeyed --------------------------------------------------------------------


def told_by(bench: Bench, asker: bytes, user: str, *commands: Message) -> list[Answer]:
    """What another process than the gateway is answered."""
    link: Asker[int] = Asker()
    link.worker_changed(bench.store.epoch)
    for number, command in enumerate(commands):
        link.send(encode(Stamped(1, user, Raw(encode(command)))), number)
    answers: dict[int, Answer] = {}
    for _ in range(4):
        bench.now += limits.HEARTBEAT_INTERVAL_S
        link.heartbeat()
        for up in link.envelopes():
            bench.beat.receive_up(asker, encode(up), bench.now)
        for to, body in bench.step().downs:
            if to == asker:
                for answered, frame in link.receive(_downs.decode(body), bench.now):
                    assert answered is not None
                    answers[answered] = _answers.decode(frame)
    return [answers[number] for number in range(len(commands))]


def test_a_command_is_obeyed_from_those_alone_who_may_send_it(rooms: Bench) -> None:
    assert rooms.do(1, CREATE) == Done(1, "#garden", 1)
    nobodys = rooms.do(3, post(3), user="")
    assert isinstance(nobodys, Refused)
    assert nobodys.code is RefusalCode.NOT_ALLOWED
    assert rooms.do(4, post(4)) == Done(4, "#garden", 2)
    for asker, user in ((b"users#1", "ann"), (b"admin/root#1", "ann"), (b"\xff", "ann")):
        (answer,) = told_by(rooms, asker, user, post(2))
        assert isinstance(answer, Refused)
        assert (answer.id, answer.code) == (2, RefusalCode.NOT_ALLOWED)
    assert rooms.beat.operations.counts.disobeyed == 4
    assert [entry.sequence for entry in rooms.published()] == [1, 2]


def test_what_services_owe_each_other_comes_from_a_service(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    refused = rooms.do(2, EndGuest("ann"))
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.NOT_ALLOWED
    assert rooms.do(3, post(3)) == Done(3, "#garden", 2), "ann is a member still"

    assert told_by(rooms, b"users#1", "", EndGuest("ann")) == [Done(0)]


def test_a_flood_of_what_is_not_allowed_is_a_few_lines(
    rooms: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    count = 10 * limits.WARNINGS_BURST
    told_by(rooms, b"users#1", "ann", *(post(number) for number in range(1, count + 1)))

    assert rooms.beat.operations.counts.disobeyed == count
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["refused Post from 'users'"] * limits.WARNINGS_BURST


def test_who_wrote_what_is_reported_is_known(users: Bench) -> None:
    users.do(1, OpenSession(1, "ann", TOKEN, None))
    users.do(2, SendPrivate(id=2, nonce=NONCE, to="ann", text="a note"))
    users.do(
        3,
        ReportMessage(
            id=3, nonce=nonce(b"a client", 2), log="@Ann", sequence=1, reason="to try it"
        ),
    )
    users.do(
        4,
        ReportMessage(
            id=4, nonce=nonce(b"a client", 3), log="@ann", sequence=2, reason="to try it"
        ),
    )

    assert users.answers[3] == Done(3)
    assert isinstance(refused := users.answers[4], Refused)
    assert refused.code is RefusalCode.UNKNOWN_ENTRY
    (record,) = exhausted(audit.read(users.store, 9, None))
    assert (record.subject, record.room) == ("ann", "@ann 1")


def test_a_suspicious_refusal_is_logged(users: Bench, caplog: pytest.LogCaptureFixture) -> None:
    users.do(1, OpenSession(1, "ann", TOKEN, None))
    users.do(2, BlockUser(id=2, nonce=NONCE, user="bob"))
    assert caplog.messages == ["refused block_user by ann: not_allowed"]


# --- What makes no sense --------------------------------------------------------------------------

RUBBISH = [b"", b"\xc1", b"\x90", b"\x91" * 5000, encode({"kind": "dance"})]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_counted_and_harms_nobody(rooms: Bench, rubbish: bytes) -> None:
    rooms.do(1, CREATE)
    rooms.beat.receive_up(GATEWAY, rubbish, rooms.now)
    rooms.beat.receive_table(rubbish)
    rooms.beat.receive_down("rooms/1", rubbish, rooms.now)
    assert rooms.beat.protocol_errors == 3

    rooms.beat.receive_down("rooms/7", rubbish, rooms.now)
    assert rooms.do(2, post(2)) == Done(2, "#garden", 2)


def test_a_command_without_sense_is_refused_and_the_next_one_done(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    for number, item in enumerate(RUBBISH, 2):
        rooms.gateway.send(item, number)
    rooms.ask(9, post(9))
    rooms.exchange()

    for number in range(2, 2 + len(RUBBISH)):
        answer = rooms.answers[number]
        assert isinstance(answer, Refused)
        assert answer.code is RefusalCode.MALFORMED
    assert rooms.answers[9] == Done(9, "#garden", 2)
    assert rooms.beat.protocol_errors == len(RUBBISH)


def test_a_query_that_nests_too_deeply_spoils_no_other(rooms: Bench) -> None:
    deep = b"\x91" * 5000 + b"\xc0"
    pong = encode(Stamped(1, "ann", Raw(encode(Ping(id=7)))))
    answers = _batches.decode(rooms.beat.answer(encode([deep, pong]), rooms.at_ms))

    assert answers == [b"", encode(Pong(7))]


def test_a_query_without_sense_gets_an_empty_answer_and_the_next_one_its_own(
    rooms: Bench,
) -> None:
    nonsense, pong = rooms.query(
        Post(id=1, nonce=NONCE, room=GARDEN, text="not a query"), Ping(id=7)
    )

    assert nonsense == b""
    assert _answers.decode(pong) == Pong(7)
    assert rooms.beat.answer(b"\xc1", 0) == encode([])
    assert rooms.beat.protocol_errors == 2


def test_a_query_that_is_refused_is_logged_once(
    rooms: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    rooms.do(1, CREATE)
    rooms.query(ReadAudit(id=7), ReadLog("#garden", 0), user="bob")
    rooms.query(Ping(id=8), user="bob")
    assert caplog.messages == ["refused read_audit by bob: not_allowed"]


def test_queries_are_answered_from_what_is_committed(rooms: Bench) -> None:
    rooms.do(1, CREATE)
    rooms.ask(2, post(2))
    rooms.carry_up()
    before = rooms.query(ReadLog("#garden", 1))
    rooms.step()

    assert rooms.query(ReadLog("#garden", 1)) != before


def test_whoever_has_lost_the_lease_answers_nothing(rooms: Bench, tmp_path: Path) -> None:
    rooms.do(1, CREATE)
    with sqlite3.connect(tmp_path / "rooms.sqlite") as another_host:
        another_host.execute("UPDATE lease SET epoch = epoch + 1")
    another_host.close()

    with pytest.raises(Fenced):
        rooms.query(ReadLog("#garden", 0))


def test_a_store_that_cannot_be_read_answers_nothing_for_now(rooms: Bench) -> None:
    with broken(rooms.store, "check_lease"):
        assert rooms.query(Ping(id=7)) == [b""]

    assert rooms.query(Ping(id=7)) == [encode(Pong(7))]


def test_a_gateway_that_is_silent_for_too_long_is_lost(users: Bench) -> None:
    users.do(1, OpenSession(1, "ann", TOKEN, None))
    users.now += limits.PEER_EXPIRY_S + 1
    users.beat.heartbeat(users.now, users.at_ms)
    users.step()
    users.now += limits.SESSION_GRACE_S
    users.beat.heartbeat(users.now, users.at_ms)
    users.step()

    assert len(users.store.owed()) == 1, "its guests end"


# --- What is removed ------------------------------------------------------------------------------


ADMIN = b"admin/root#1"


def as_operator(bench: Bench, number: int, command: Message) -> Answer:
    admin: Asker[int] = Asker()
    admin.worker_changed(bench.store.epoch)
    admin.send(encode(Stamped(0, "", Raw(encode(command)), Standing.OPERATOR)), number)
    for _ in range(4):
        for up in admin.envelopes():
            bench.beat.receive_up(ADMIN, encode(up), bench.now)
        for asker, body in bench.step().downs:
            if asker == ADMIN:
                for _, frame in admin.receive(_downs.decode(body), bench.now):
                    return _answers.decode(frame)
    raise AssertionError("the operator has no answer")


def test_old_entries_go_with_the_heartbeats_and_numbers_go_on(
    rooms: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REMOVED_ENTRIES_MAX", 2)
    rooms.do(1, CreateRoom(id=1, nonce=NONCE, room="garden"))
    for number in range(2, 6):
        rooms.do(
            number, Post(id=number, nonce=nonce(b"a client", number), room="garden", text="hello")
        )
    assert as_operator(rooms, 6, SetRetention(6, "#garden", 60)) == Done(6)
    before = rooms.stored()
    rooms.now += 100
    rooms.exchange(1)
    assert rooms.stored() == before[2:]
    # A restart forgets neither what is to go nor what is gone.
    rooms.restart()
    rooms.exchange(6)
    assert rooms.stored() == []
    assert rooms.store.floors == {"#garden": 5}
    assert rooms.do(
        7, Post(id=7, nonce=nonce(b"a client", 7), room="garden", text="again")
    ) == Done(7, "#garden", 6)
    # The same command once more is known to be an old one.
    again = rooms.do(8, Post(id=8, nonce=nonce(b"a client", 4), room="garden", text="hello"))
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.OVERTAKEN


def test_what_is_purged_goes_whatever_its_age(rooms: Bench) -> None:
    rooms.do(1, CreateRoom(id=1, nonce=NONCE, room="garden"))
    rooms.beat.core.effects.purge("#garden", 1)
    rooms.exchange()
    assert rooms.stored() == []
    assert rooms.store.policies() == []


def test_a_removal_that_cannot_be_committed_is_made_later(
    rooms: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms.do(1, CreateRoom(id=1, nonce=NONCE, room="garden"))
    as_operator(rooms, 2, SetRetention(2, "#", 60))
    rooms.now += 100

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as failing:
        failing.setattr(rooms.store, "commit", fail)
        rooms.exchange()
    assert len(rooms.stored()) == 1
    rooms.exchange(8)
    assert rooms.stored() == []
