"""A gateway core, and the services and clients around it, played by hand."""

from typing import Any

from zchat.gateway.core.dispatch import GatewayCore
from zchat.gateway.core.session import Session
from zchat.protocol.codec import Decoder, FrameReader, encode, server_messages
from zchat.protocol.internal import (
    USER_SERVICE,
    Down,
    LogPage,
    Reply,
    RoutingTable,
    SessionOpened,
    Stamped,
    StampedQuery,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Entry,
    Hello,
    LogIn,
    Message,
    MessagePosted,
    Standing,
)

ROOMS = "rooms/0"
EPOCH = 1
CLUSTER = "c0ffee00c0ffee00"
_stamped = Decoder(Stamped)
_queries = Decoder(StampedQuery)
_bodies: Decoder[dict[str, Any]] = Decoder(dict[str, Any])
_batches = Decoder(list[bytes])


class Gateway:
    """Speaks for the services: what the gateway sends them is kept, and answered when told to."""

    def __init__(self) -> None:
        self.core = GatewayCore(partitions=1)
        self.now = 100.0
        self.replies_sent = dict.fromkeys((USER_SERVICE, ROOMS), 0)
        self.links: dict[str, int] = {}
        self.commands: dict[str, list[tuple[int, Stamped]]] = {USER_SERVICE: [], ROOMS: []}
        self.serve()

    @property
    def now_ms(self) -> int:
        return round(self.now * 1000)

    def serve(self, epoch: int = EPOCH) -> None:
        """Both services are there, as workers of this epoch."""
        self.epoch = epoch
        self.replies_sent = dict.fromkeys(self.replies_sent, 0)
        self.core.greetings.learned(CLUSTER)
        self.core.services.changed(RoutingTable({USER_SERVICE: epoch, ROOMS: epoch}))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        # It was awake all the time, and only had nothing to do.
        self.core._awake_at = self.now
        self.core.tick(self.now, self.now_ms)

    # --- Clients ------------------------------------------------------------------------------

    def connect(self) -> Session:
        return self.core.connect(self.now, self.now_ms)

    def send(self, session: Session, *messages: Any) -> None:
        frames = [encode(message) for message in messages]
        self.core.intake.receive(session, frames, self.now, self.now_ms)

    def read(self, session: Session) -> list[Any]:
        """What has been written to the client since the last time."""
        data, session.out = b"".join(session.out), []
        return [server_messages.decode(frame) for frame in FrameReader().feed(data)]

    def opened(self, name: str) -> SessionOpened:
        """What the user-service says of whoever logs in."""
        return SessionOpened(name, Standing.GUEST, self.now_ms, cluster=CLUSTER)

    def log_in(self, name: str, *logs: UserLog, **log_in: Any) -> Session:
        """A session of its own for each call, with what comes before the first entry read."""
        session = self.connect()
        self.send(
            session,
            Hello(PROTOCOL_VERSION, "test"),
            LogIn(id=1, name=name, token=b"t" * 32, **log_in),
        )
        self.reply(USER_SERVICE, "open_session", self.opened(name))
        self.answer(ROOMS, UserLogs(0, list(logs)))
        return session

    # --- Services -----------------------------------------------------------------------------

    def sent(self, address: str) -> list[dict[str, Any]]:
        """The commands that have come for the service and are not replied to, in order."""
        for up in self.core.services.by_address[address].link.envelopes():
            self.links[address] = up.link
            for number, item in enumerate(up.items, up.first):
                self.commands[address].append((number, _stamped.decode(item)))
        return [_bodies.decode(stamped.body) for _, stamped in self.commands[address]]

    def reply(self, address: str, kind: str, *replies: Message) -> None:
        """Replies to the oldest commands of this kind."""
        kinds = [command["kind"] for command in self.sent(address)]
        for message in replies:
            index = kinds.index(kind)
            kinds.pop(index)
            number, _ = self.commands[address].pop(index)
            self._down(address, Reply(number, encode(message)))

    def say(self, address: str, word: Message) -> None:
        """What the service says without having been asked."""
        self.sent(address)
        self._down(address, Reply(0, encode(word)))

    def _down(self, address: str, reply: Reply) -> None:
        first = self.replies_sent[address] + 1
        self.replies_sent[address] = first
        down = Down(self.epoch, self.links[address], first, [reply], 1, False)
        self.core.receive_down(address, down, self.now, self.now_ms)

    def asked(self, address: str) -> list[dict[str, Any]]:
        """The queries that go out as one envelope now."""
        self.core.services.ask_pages(self.core.fan_out, self.now)
        envelope = self.core.services.by_address[address].queries.take_envelope(self.now)
        queries = _batches.decode(envelope) if envelope else []
        return [_bodies.decode(_queries.decode(query).body) for query in queries]

    def answer(self, address: str, *answers: Any) -> list[dict[str, Any]]:
        """Answers the queries that go out now, and returns them."""
        queries = self.asked(address)
        assert len(queries) == len(answers), queries
        self.answer_asked(address, *answers)
        return queries

    def answer_asked(self, address: str, *answers: Any) -> None:
        body = encode([answer if answer == b"" else encode(answer) for answer in answers])
        self.core.receive_answers(address, body, self.now, self.now_ms)


def entry(sequence: int, log: str = "#lobby") -> Entry:
    return Entry(log, sequence, 1, "ann", MessagePosted(f"number {sequence}"))


def page(first: int, last: int, head: int, log: str = "#lobby") -> LogPage:
    frames = b"".join(encode(entry(sequence, log)) for sequence in range(first, last + 1))
    return LogPage(log, first, last, head, frames)
