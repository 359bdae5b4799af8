"""Over any broken connections: each post ends up once and in order, each entry arrives once."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from zchat.client.core.credentials import Credentials
from zchat.client.core.events import (
    Answered,
    CloseConnection,
    Effect,
    EntryArrived,
    LoggedOut,
    OpenConnection,
    State,
)
from zchat.client.core.machine import ClientCore
from zchat.protocol.codec import FrameReader, client_messages, encode
from zchat.protocol.messages import (
    Entry,
    LogIn,
    MessagePosted,
    Post,
    RefusalCode,
    Refused,
    ServerMessage,
)

from .server_model import ServerModel

LOGS = ("#lobby", "#ops")
BYTES = st.one_of(st.integers(1, 400), st.just(1_000_000))
STEPS = st.one_of(
    st.tuples(st.just("post"), st.integers(0, 1)),
    st.tuples(st.just("post"), st.integers(0, 1)),
    st.tuples(st.just("talk"), st.integers(0, 1)),
    st.tuples(st.just("up"), BYTES),
    st.tuples(st.just("down"), BYTES),
    st.tuples(st.just("deaf"), BYTES),
    st.tuples(st.just("unavailable"), st.just(0)),
    st.tuples(st.just("busy"), st.integers(1, 8)),
    st.tuples(st.just("cut"), st.just(0)),
    st.tuples(st.just("flow"), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 8)),
)


@dataclass
class World:
    """A client and a server, with a pipe between them that may break at any byte."""

    server: ServerModel = field(default_factory=ServerModel)
    core: ClientCore = field(
        default_factory=lambda: ClientCore("ann", Credentials(b"t" * 32), b"prefix--", "test")
    )
    now: float = 0.0
    connected: bool = False
    reader: FrameReader = field(default_factory=FrameReader)
    to_server: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)
    seen: dict[str, list[int]] = field(default_factory=dict)
    answered: list[int] = field(default_factory=list)
    logged_out: bool = False
    logged_in: bool = False
    refuse_next: bool = False
    busy_until: float = 0.0
    refused_nonce: bytes | None = None
    clients: int = 0
    pushed: dict[str, int] = field(default_factory=dict)
    """How far the present connection was fed, by log."""

    def restart(self) -> None:
        """The client is killed, and another one begins with the cursors of what that one saw."""
        cursors = {log: sequences[-1] for log, sequences in self.seen.items() if sequences}
        self.connected = self.logged_in = False
        # What that one was to say again, nobody says any more.
        self.refused_nonce = None
        self.clients += 1
        prefix = self.clients.to_bytes(8, "big")
        credentials = Credentials(b"t" * 32)
        self.core = ClientCore("ann", credentials, prefix, "test", cursors=cursors)
        self.wait(0.0)

    def turn(self) -> None:
        self.to_server += self.core.take_outgoing()
        for effect in self.core.take_effects():
            self.perform(effect)
        self.to_server += self.core.take_outgoing()

    def perform(self, effect: Effect) -> None:
        match effect:
            case OpenConnection():
                self.connected = True
                self.reader = FrameReader()
                self.to_server.clear()
                self.to_client.clear()
                self.core.connected(self.now)
            case CloseConnection():
                self.cut()
            case EntryArrived(entry):
                self.seen.setdefault(entry.log, []).append(entry.sequence)
            case Answered():
                self.answered.append(effect.id)
            case LoggedOut():
                self.logged_out = True
            case _:
                pass

    def cut(self) -> None:
        if self.connected:
            self.connected = self.logged_in = False
            self.core.disconnected(self.now, 0.5)
            self.turn()

    def up(self, size: int, *, answer: bool = True) -> None:
        """The next bytes reach the server, which then answers or, like a dying one, does not."""
        data = bytes(self.to_server[:size])
        del self.to_server[:size]
        for frame in self.reader.feed(data):
            message = client_messages.decode(frame)
            if isinstance(message, Post) and self.is_busy(message):
                refusal = Refused(message.id, RefusalCode.BUSY, "Not now.")
                self.send([*self.live_entries(), refusal])
                continue
            replies = self.server.handle(message)
            if isinstance(message, LogIn):
                self.logged_in = True
                self.pushed = {log: len(entries) for log, entries in self.server.logs.items()}
            else:
                answers = [reply for reply in replies if not isinstance(reply, Entry)]
                if self.refuse_next and isinstance(message, Post):
                    # The server keeps the command, and its answer is late.
                    self.refuse_next = False
                    answers = [Refused(message.id, RefusalCode.UNAVAILABLE, "No answer yet.")]
                replies = [*self.live_entries(), *answers]
            if answer:
                self.send(replies)
        if not answer:
            self.cut()

    def is_busy(self, message: Post) -> bool:
        """Once one command is refused, all are until that one comes again: none may overtake."""
        if message.nonce in self.server.answers:
            return False
        if self.refused_nonce is None and self.now < self.busy_until:
            self.refused_nonce = message.nonce
            return True
        if self.refused_nonce == message.nonce and self.now >= self.busy_until:
            self.refused_nonce = None
        return self.refused_nonce is not None

    def live_entries(self) -> list[ServerMessage]:
        if not self.logged_in:
            return []
        entries: list[ServerMessage] = []
        for log in self.server.followed:
            entries += self.server.logs[log][self.pushed.get(log, 0) :]
            self.pushed[log] = len(self.server.logs[log])
        return entries

    def send(self, messages: list[ServerMessage]) -> None:
        self.to_client += b"".join(map(encode, messages))

    def down(self, size: int) -> None:
        data = bytes(self.to_client[:size])
        del self.to_client[:size]
        if self.connected and data:
            self.core.received(data, self.now)
            self.turn()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.core.tick(self.now)
        self.turn()

    def step(self, what: str, number: int) -> None:
        match what:
            case "talk":
                self.server.append(LOGS[number], "bob", MessagePosted("hello"))
                self.send(self.live_entries())
            case "up" | "deaf" if self.connected:
                self.up(number, answer=what == "up")
            case "down" if self.connected:
                self.down(number)
            case "cut":
                self.cut()
            case "unavailable":
                self.refuse_next = True
            case "busy":
                self.busy_until = self.now + number
            case "flow":
                self.wait(1.0)
                self.flow()
            case "wait":
                self.wait(number)
            case _:
                pass
        self.turn()

    def flow(self) -> None:
        """Everything on its way arrives."""
        while self.connected and (self.to_server or self.to_client):
            self.up(len(self.to_server))
            self.down(len(self.to_client))

    def settle(self) -> None:
        """A time without faults, long enough for everything."""
        for _ in range(200):
            self.wait(1.0)
            self.flow()
            if self.core.unanswered == 0 and self.core.state is State.ONLINE:
                return
        raise AssertionError(f"{self.core.unanswered} requests were never answered")


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=80))
def test_every_post_once_and_in_order_and_every_entry_once(steps: list[tuple[str, int]]) -> None:
    world = World()
    world.server.logs["#ops"] = []
    world.server.followed["#ops"] = 0
    posted: dict[str, list[str]] = {log: [] for log in LOGS}
    ids: list[int] = []
    world.wait(0.0)
    for what, number in steps:
        if what == "post":
            log = LOGS[number]
            posted[log].append(str(len(ids)))
            ids.append(world.core.submit(Post(room=log, text=str(len(ids))), world.now))
            world.turn()
        else:
            world.step(what, number)
    world.settle()
    assert sorted(world.answered) == ids
    for log in LOGS:
        own = [
            entry.body.text
            for entry in world.server.logs[log]
            if entry.author == "ann" and isinstance(entry.body, MessagePosted)
        ]
        assert own == posted[log]
        assert world.seen.get(log, []) == [entry.sequence for entry in world.server.logs[log]]
    assert world.core.gaps_total == 0
    assert world.core.doubles_total == 0

    world.core.log_out(world.now)
    world.turn()
    world.up(len(world.to_server))
    world.down(len(world.to_client))
    assert world.logged_out


@settings(max_examples=200)
@given(st.lists(st.one_of(STEPS, st.tuples(st.just("restart"), st.just(0))), max_size=80))
def test_one_client_after_another_sees_every_entry_once(steps: list[tuple[str, int]]) -> None:
    world = World()
    world.server.logs["#ops"] = []
    world.server.followed["#ops"] = 0
    for number in (0, 1, 1):
        world.server.append(LOGS[number], "bob", MessagePosted("long ago"))
    # What the first one has is not seen again, and it begins before there is a server.
    world.seen["#ops"] = [1]
    world.restart()
    for what, number in steps:
        if what == "post":
            world.core.submit(Post(room=LOGS[number], text="mine"), world.now)
            world.turn()
        elif what == "restart":
            world.restart()
        else:
            world.step(what, number)
    world.settle()
    for log in LOGS:
        assert world.seen.get(log, []) == [entry.sequence for entry in world.server.logs[log]]
    assert world.core.gaps_total == 0


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_from_a_server_break_the_core(data: bytes) -> None:
    world = World()
    world.wait(0.0)
    world.core.received(data, world.now)
    world.turn()
    world.wait(20.0)
