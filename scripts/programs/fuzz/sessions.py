"""A gateway among hostile clients and services that lie: real turns and connections, no sockets.

Every step is one of the things that could come in next, valid or not. Whatever comes, the gateway
keeps its bounds, says only what the protocol knows, and forgets everyone who is gone.
"""

import random
from collections.abc import Sequence, Sized
from typing import Any, Final, cast

from zchat.fabric.core.identities import alias
from zchat.fabric.core.link import Answerer, ReturnAddress
from zchat.fabric.core.topics import PRESENCE_TOPIC, stream_topic
from zchat.gateway.connection import ClientConnection
from zchat.gateway.core.flow_control import UNLIMITED, Quota
from zchat.gateway.core.loop import GatewayLoop
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, FrameReader, ProtocolError, encode, server_messages
from zchat.protocol.internal import (
    USER_SERVICE,
    Chunk,
    ClusterInfo,
    Down,
    LogPage,
    MembershipChange,
    MembersOf,
    OpenSession,
    PresenceDelta,
    PresenceSnapshot,
    Publication,
    ReadCluster,
    ReadLog,
    ReadPresence,
    ReadStream,
    ReadUserLogs,
    Reply,
    RoutingTable,
    SessionEnded,
    SessionOpened,
    StampedRoomCommand,
    StampedRoomQuery,
    StampedUserCommand,
    StampedUserQuery,
    StreamPage,
    Up,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    ClientMessage,
    Done,
    Entry,
    Hello,
    History,
    ListMembers,
    ListRooms,
    ListUsers,
    LogIn,
    MemberJoined,
    MemberLeft,
    Message,
    MessagePosted,
    Ping,
    Pong,
    ReadHistory,
    RefusalCode,
    Refused,
    Role,
    RoomInfo,
    RoomList,
    Scope,
    Standing,
    UserList,
    room_log,
)
from zchat.runtime.core.rate_limit import Rate

from .examples import examples
from .garbage import Garden, noise

PARTITIONS: Final = 2
STEPS: Final = 400
_NAMES: Final = ("ann", "bob", "eve")
_LOGS: Final = ("#lobby", "#garden", "@ann", "@bob", "@eve", "#no such name", "nonsense", "#")
_BUFFER_BYTES_MAX: Final = 3_000
_CLIENTS_MAX: Final = 8
_GATEWAY: Final = b"gateway/west#1"
_QUOTA: Final = Quota(Rate(5, 8.0), Rate(4_000, 8_000.0), Rate(20_000, 10_000), Rate(6, 1.0), 6)
_OF_THE_GATEWAY: Final = (ReadUserLogs, ReadLog, ReadStream, ReadPresence, ReadCluster)
"""The queries that it asks for itself, and whose answers it reads."""
_user_commands, _room_commands = Decoder(StampedUserCommand), Decoder(StampedRoomCommand)
_user_queries, _room_queries = Decoder(StampedUserQuery), Decoder(StampedRoomQuery)
_batches = Decoder(list[bytes])
_ups = Decoder(Up)

_MESSAGES: Final = examples(ClientMessage, 200, random.Random("sessions"))
_GARDEN: Final = Garden(_MESSAGES)


class Broken(AssertionError):
    """The gateway did what it may not."""


class Transport:
    """The client's end of one connection: reads when it likes to, or never."""

    def __init__(self, gateway: "HostileWorld") -> None:
        self._gateway = gateway
        self.connection = ClientConnection(gateway.turns)
        self._frames = FrameReader()
        self._unread_bytes = 0
        self._blocked = False
        self.reading = True
        self.closing = False
        self.sent = 0
        """Messages that want an answer."""
        self.connection.connection_made(cast(Any, self))

    def get_extra_info(self, name: str) -> object:
        return ("203.0.113.5", 1) if name == "peername" else None

    def set_write_buffer_limits(self, high: int) -> None:
        """The real one is out of reach for so few steps."""

    def get_write_buffer_size(self) -> int:
        return self._unread_bytes

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def write(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            server_messages.decode(frame)
        self._unread_bytes += len(data)
        if self._unread_bytes > _BUFFER_BYTES_MAX and not self._blocked:
            self._blocked = True
            self.connection.pause_writing()

    def read(self) -> None:
        """The client takes all that was written to it."""
        self._unread_bytes = 0
        if self._blocked:
            self._blocked = False
            self.connection.resume_writing()


class HostileWorld:
    """The world around one gateway: its clients, its services, its clock."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"sessions/{seed}")
        self._now = 100.0
        self._turn_wanted = False
        # In some stories clients may say so little that they are held, or come too often.
        self._limited = self._dice.random() < 0.5
        quota = _QUOTA if self._limited else UNLIMITED
        self.turns = GatewayLoop(PARTITIONS, self, quota=quota, identity=_GATEWAY)
        self.core = self.turns.core
        self._addresses = list(self.core.services.by_address)
        self._clients: list[Transport] = []
        self._workers: dict[str, Answerer] = {}
        self._epochs = dict.fromkeys(self._addresses, 0)
        """Of the newest worker of each address, whether the router knows it or not."""
        self._commands: dict[str, list[tuple[ReturnAddress, Message | None]]] = {}
        """By address: what is not answered yet."""
        self._questions: dict[str, list[Message | None]] = {}
        """By address; None for one that makes no sense to the service."""
        self._positions: dict[str, int] = dict.fromkeys(self._addresses, 0)
        self.told: list[str] = []
        """What was done, in order."""

    # --- The world around the turns ---------------------------------------------------------------

    def now(self) -> float:
        return self._now

    def now_ms(self) -> int:
        return round(self._now * 1000)

    def turn_soon(self) -> None:
        self._turn_wanted = True

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        address, body = frames[0].decode(), frames[1]
        if not address or self._dice.random() < 0.1:
            return True
        for reply_to, item in self._workers[address].receive(
            _GATEWAY, _ups.decode(body), self._now
        ):
            commands = _user_commands if address == USER_SERVICE else _room_commands
            self._commands[address].append((reply_to, _read(commands, item)))
        return True

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None:
        # An answer to what was asked before would be dropped by the socket.
        self._questions.pop(address, None)
        if self._dice.random() < 0.9:
            queries = _user_queries if address == USER_SERVICE else _room_queries
            batch = _batches.decode(frames[1])
            self._questions[address] = [_read(queries, query) for query in batch]

    # --- The story --------------------------------------------------------------------------------

    def play(self, steps: int = STEPS) -> None:
        """So many steps, then an end with everyone gone. Raises `Broken`, or what is a bug."""
        for address in self._addresses:
            self._employ(address)
        # Where all lie all the time nobody ever logs in.
        lies = self._dice.choice((0.0, 0.1, 0.5, 2.0))
        weights = [
            weight * (lies if step.__name__.startswith("_lie") else 1)
            for step, weight in _CHANCES.items()
        ]
        for _ in range(steps):
            step = self._dice.choices(_STEPS, weights)[0]
            self.told.append(step.__name__.removeprefix("_"))
            step(self)
            self._settle()
            self._check_bounds()
        self._end()

    def _settle(self) -> None:
        while self._turn_wanted:
            self._turn_wanted = False
            self.turns.turn()

    # --- Clients ----------------------------------------------------------------------------------

    def _connect(self) -> None:
        if len(self._clients) < _CLIENTS_MAX:
            self._clients.append(Transport(self))

    def _log_in(self) -> None:
        dice = self._dice
        name, token = dice.choice(_NAMES), bytes([dice.randrange(3)]) * limits.TOKEN_BYTES
        cursors = {log: dice.choice((0, 1, 5, 2**53)) for log in _LOGS[:5] if dice.random() < 0.5}
        log_in = LogIn(id=dice.randrange(5), name=name, token=token, password=None, cursors=cursors)
        self._say(encode(Hello(PROTOCOL_VERSION, "fuzz")) + encode(log_in), 2)

    def _say_something(self) -> None:
        count = self._dice.choice((1, 1, 1, 2, 5, 80))
        self._say(b"".join(self._dice.choices(_MESSAGES, k=count)), count)

    def _say_garbage(self) -> None:
        dice = self._dice
        self._say(noise(dice) if dice.random() < 0.5 else _GARDEN.frame(dice), 1)

    def _say(self, data: bytes, messages: int) -> None:
        if not (client := self._anyone()) or not client.reading or client.closing:
            return
        client.sent += messages
        pieces = [data]
        if self._dice.random() < 0.2:
            at = self._dice.randrange(len(data) + 1)
            pieces = [data[:at], data[at:]]
        for piece in pieces:
            if piece and not client.closing:
                client.connection.data_received(piece)

    def _read(self) -> None:
        if client := self._anyone():
            client.read()

    def _vanish(self) -> None:
        if client := self._anyone():
            self._lose(client)

    def _lose_the_closing(self) -> None:
        """What is to be closed is closed at some time, and not at once."""
        for client in [client for client in self._clients if client.closing]:
            self._lose(client)

    def _lose(self, client: Transport) -> None:
        self._clients.remove(client)
        client.closing = True
        client.connection.connection_lost(None)

    def _anyone(self) -> Transport | None:
        return self._dice.choice(self._clients) if self._clients else None

    # --- Services that mean well ------------------------------------------------------------------

    def _employ(self, address: str) -> None:
        """A new worker that knows nothing of the one before it."""
        self._epochs[address] += 1
        self._workers[address] = Answerer(self._epochs[address])
        self._commands[address] = []
        self._tell(self._epochs)

    def _tell(self, epochs: dict[str, int]) -> None:
        self.turns.receive_reply([b"", encode(RoutingTable(epochs))])

    def _change_workers(self) -> None:
        self._employ(self._dice.choice(self._addresses))

    def _work(self) -> None:
        """The services are done with all that they were given."""
        for _ in range(4):
            for address in self._addresses:
                self._reply_to_some(address, len(self._commands[address]))
                self._answer_all(address)
                self._settle()

    def _reply(self) -> None:
        address = self._dice.choice(self._addresses)
        self._reply_to_some(address, self._dice.randrange(1, 5))

    def _reply_to_some(self, address: str, count: int) -> None:
        worker = self._workers[address]
        for reply_to, command in self._commands[address][:count]:
            worker.reply(reply_to, self._answer_to(command))
        del self._commands[address][:count]
        worker.heartbeat()
        for _, down in worker.envelopes():
            if self._dice.random() < 0.9:
                self._receive(address, down)

    def _answer_to(self, command: Message | None) -> bytes:
        dice = self._dice
        if command is None:
            return encode(Refused(None, RefusalCode.MALFORMED, "makes no sense"))
        if dice.random() < 0.2:
            return encode(Refused(1, dice.choice(list(RefusalCode)), "no"))
        if isinstance(command, OpenSession):
            return encode(self._opened())
        return encode(Done(dice.randrange(3), "#garden", 1))

    def _opened(self) -> SessionOpened:
        """Some come with an app token, which may do less than its user."""
        dice = self._dice
        scopes = dice.choice(((), (), (Scope.READ,), (Scope.POST,), tuple(Scope)))
        rooms = dice.choice(((), ("garden",), ("attic", "garden"))) if scopes else ()
        standing = dice.choice(list(Standing))
        name = dice.choice(_NAMES)
        logs = UserLogs(self._positions[USER_SERVICE], [UserLog("@" + name, 0, 0, 3)])
        if dice.random() < 0.1:
            logs = self._lying_logs()
        return SessionOpened(name, standing, self.now_ms(), scopes, rooms, logs=logs)

    def _answer(self) -> None:
        self._answer_all(self._dice.choice(self._addresses))

    def _answer_all(self, address: str) -> None:
        if questions := self._questions.pop(address, None):
            answers = [self._answer_to_query(address, question) for question in questions]
            self.turns.receive_answers(address, encode(answers))

    def _answer_to_query(self, address: str, query: Message | None) -> bytes:
        match query:
            case ReadUserLogs():
                logs = [UserLog(log, 0, None, 5) for log in ("#lobby", "#garden")]
                return encode(UserLogs(self._positions[address], logs))
            case ReadLog(log=log, cursor=cursor):
                return encode(_page_of(log, cursor, self._dice.randrange(4)))
            case ReadStream(position=position):
                return encode(self._stream_page(position + 1, address))
            case ReadCluster():
                return encode(ClusterInfo("c0ffee"))
            case ReadPresence():
                return encode(PresenceSnapshot(1, 1, True, list(_NAMES)))
            case ReadHistory():
                return encode(History(query.id, query.log, [], False))
            case ListRooms():
                return encode(RoomList(query.id, [RoomInfo("garden", "", 1, True, 0)], 1))
            case ListMembers():
                return encode(MembersOf("garden", ["ann", "bob"], {"ann": Role.OWNER}))
            case ListUsers():
                return encode(UserList(query.id, [], 0))
            case Ping():
                return encode(Pong(query.id))
            case _:
                return b""

    def _publish(self) -> None:
        address = self._dice.choice(self._addresses)
        self._event(address, self._stream_page(self._positions[address] + 1, address))

    def _stream_page(self, first: int, address: str) -> StreamPage:
        dice = self._dice
        head, count = dice.randrange(8), dice.randrange(1, 4)
        log = dice.choice(_LOGS[:2]) if address != USER_SERVICE else dice.choice(_LOGS[2:5])
        page = _chunk_of(log, head, count, dice)
        self._positions[address] = max(self._positions[address], first + count - 1)
        return StreamPage(first, first + count - 1, [page])

    # --- Services that lie ------------------------------------------------------------------------

    def _any_number(self) -> int:
        return self._dice.choice((-(2**63), -1, 0, 1, 2, 3, 5, 64, 2**31, 2**53, 2**63, 2**64 - 1))

    def _lie_down(self) -> None:
        dice, number = self._dice, self._any_number
        address = dice.choice(self._addresses)
        link = self.core.services.by_address[address].link
        replies = [Reply(0, encode(SessionEnded([number(), number()])))]
        replies += [Reply(number(), encode(Done(1))) for _ in range(dice.randrange(3))]
        down = Down(
            self._epochs[address] if dice.random() < 0.8 else number(),
            link._link if dice.random() < 0.8 else number(),
            link._replies.next_wanted if dice.random() < 0.3 else number(),
            dice.sample(replies, dice.randrange(len(replies) + 1)),
            number(),
            dice.random() < 0.3,
        )
        self._receive(address, down)

    def _lie_in_answers(self) -> None:
        dice = self._dice
        address = dice.choice(self._addresses)
        answers = [self._lie_about(query) for query in self._questions.pop(address, [])]
        if dice.random() < 0.2:
            answers = answers[1:] or [b""]
        self.turns.receive_answers(address, encode(answers))

    def _lie_about(self, query: Message | None) -> bytes:
        dice, number = self._dice, self._any_number
        if not isinstance(query, _OF_THE_GATEWAY):
            # The service's own words, which the gateway never looks at.
            return dice.choice((b"", encode(Pong(1))))
        page = _page_of(dice.choice(_LOGS), dice.randrange(5), dice.randrange(3))
        lies = (
            LogPage(page.log, number(), number(), number(), page.frames),
            PresenceSnapshot(number(), number(), dice.random() < 0.5, ["", "ann"]),
            self._lying_page(),
            self._lying_logs(),
            self._lying_logs(),
            Pong(1),
        )
        return dice.choice((b"", b"\xc1", b"\x90", *map(encode, lies)))

    def _lying_logs(self) -> UserLogs:
        dice, number = self._dice, self._any_number
        logs = [
            UserLog(dice.choice(_LOGS), number(), dice.choice((None, number())), number())
            for _ in range(dice.randrange(4))
        ]
        return UserLogs(number(), logs)

    def _lying_page(self) -> StreamPage:
        dice, number = self._dice, self._any_number
        chunks = []
        for _ in range(dice.randrange(3)):
            chunk = _chunk_of(dice.choice(_LOGS), dice.randrange(5), dice.randrange(3), dice)
            changes = [
                MembershipChange(dice.choice(_NAMES), number(), dice.random() < 0.5, number())
            ]
            chunks.append(Chunk(chunk.log, number(), number(), chunk.frames, changes))
        return StreamPage(number(), number(), chunks)

    def _lie_in_events(self) -> None:
        dice = self._dice
        address = dice.choice(self._addresses)
        page = self._lying_page()
        if dice.random() < 0.5:
            position = self.core.services.by_address[address].follower.position or 0
            page = StreamPage(min(position, 2**63) + 1, page.last, page.chunks)
        downs = {dice.choice((alias(_GATEWAY), b"")): [noise(dice)]} if dice.random() < 0.3 else {}
        self._event(address, page, downs)

    def _lie_about_presence(self) -> None:
        names = self._dice.choices([*_NAMES, "", "\x1b", "x" * 50], k=3)
        delta = PresenceDelta(self._any_number(), self._any_number(), names, names[:1])
        self.turns.receive_event([PRESENCE_TOPIC, encode(delta)])

    def _noise_from_inside(self) -> None:
        dice = self._dice
        address = dice.choice(self._addresses)
        topic = dice.choice(self.turns.topics)
        self.turns.receive_reply([dice.choice((b"", address.encode(), b"x")), noise(dice)])
        self.turns.receive_event([topic, noise(dice)])
        self.turns.receive_answers(address, noise(dice))

    def _lie_about_workers(self) -> None:
        known = {address: self._any_number() for address in self._addresses}
        self._tell({name: epoch for name, epoch in known.items() if self._dice.random() < 0.7})
        self._tell(self._epochs)

    # --- Time -------------------------------------------------------------------------------------

    def _wait(self) -> None:
        for _ in range(self._dice.choice((1, 1, 1, 1, 1, 1, 12, 30))):
            self._now += limits.HEARTBEAT_INTERVAL_S
            self.turns.heartbeat()
            self._settle()

    def _hang(self) -> None:
        self._now += limits.PEER_EXPIRY_S * 2
        self.turns.heartbeat()

    # --- What goes in -----------------------------------------------------------------------------

    def _receive(self, address: str, down: Down) -> None:
        if self._dice.random() < 0.5:
            self.turns.receive_reply([address.encode(), encode(down)])
        else:
            heartbeat = StreamPage(self._positions[address] + 1, self._positions[address], [])
            self._event(
                address,
                heartbeat,
                {alias(b"gateway/east#1"): [b"\xc1"], alias(_GATEWAY): [encode(down)]},
            )

    def _event(
        self, address: str, page: StreamPage, downs: dict[bytes, list[bytes]] | None = None
    ) -> None:
        publication = Publication(self._epochs[address], page, downs or {})
        self.turns.receive_event([stream_topic(address), encode(publication)])

    # --- What must be true ------------------------------------------------------------------------

    def _check_bounds(self) -> None:
        core = self.core
        for session in core.fan_out.everyone():
            if not session.open:
                raise Broken(f"session {session.number} is over, and still sees entries")
            for log in session.follows:
                if session.rooms and log.name not in {room_log(room) for room in session.rooms}:
                    raise Broken(f"session {session.number} sees {log.name}, out of its scope")
                if session.scopes and Scope.READ not in session.scopes:
                    raise Broken(f"session {session.number} may not read, and sees {log.name}")
        for session in core.sessions.values():
            state = f"{session.state} of session {session.number}"
            _within(session.unanswered, limits.SESSION_REQUESTS_MAX, f"unanswered, {state}")
            _within(session.fetching, limits.SESSION_FETCHES_MAX, f"pages fetched, {state}")
            _within(session.undelivered, 10_000, f"undelivered, {state}")
        for address, peer in core.services.by_address.items():
            size = sum(len(one.body) for one in peer.link.unanswered.values())
            if size != peer.link.queue_bytes:
                raise Broken(f"{address} has {size} bytes queued and says {peer.link.queue_bytes}")
            _within(len(peer.follower._early), limits.FOLLOWER_ENVELOPES_MAX, "early envelopes")

    def _end(self) -> None:
        """Everyone leaves; services that work again answer all that was ever asked."""
        for client in list(self._clients):
            self._lose(client)
        self._serve_again()
        core, requests, fan_out = self.core, self.core.requests, self.core.fan_out
        kept: dict[str, Sized] = {
            "sessions": core.sessions,
            "logins": core._logins._logins,
            "dirty sessions": core.output.dirty,
            "followed logs": fan_out._logs,
            "users": fan_out._sessions,
            "ends": fan_out._ends,
            "fetches": fan_out._fetches,
            "full links": core.intake._held,
            "held sessions": core.intake.held_sessions,
            "blocked sessions": core.output.blocked_sessions,
            "departing sessions": requests.departing,
            "leaving sessions": core.intake._leaving,
        }
        for what, left in kept.items():
            if left:
                raise Broken(f"{len(left)} {what} are kept when everyone is gone")
        for address, peer in core.services.by_address.items():
            if peer.link.unanswered:
                raise Broken(f"{address} is never done with {peer.link.unanswered}")

    def _serve_again(self) -> None:
        # What was lied away is sent again to new workers.
        for address in self._addresses:
            self._employ(address)
        for _ in range(60):
            self._now += limits.RESEND_INTERVAL_S * 2
            self.turns.heartbeat()
            self._settle()
            for address in self._addresses:
                self._reply_to_some(address, len(self._commands[address]))
                if questions := self._questions.pop(address, None):
                    self.turns.receive_answers(address, encode([b""] * len(questions)))
            self._settle()


def _read(decoder: Decoder[Any], item: bytes) -> Message | None:
    """What a service reads in it; None where a client's own words nest too deeply for it."""
    try:
        body: Message = decoder.decode(item).body
    except ProtocolError:
        return None
    return body


def _within(value: int, most: int, what: str) -> None:
    if not 0 <= value <= most:
        raise Broken(f"{value} {what}; at most {most}")


def _chunk_of(log: str, head: int, count: int, dice: random.Random) -> Chunk:
    """Entries after `head`, some of which say who follows the log."""
    frames, changes = b"", []
    for sequence in range(head + 1, head + count + 1):
        author = dice.choice(_NAMES)
        body = dice.choice((MessagePosted("hello"), MemberJoined(), MemberLeft()))
        frames += encode(Entry(log, sequence, 1, author, body))
        if not isinstance(body, MessagePosted):
            changes.append(
                MembershipChange(author, sequence, isinstance(body, MemberJoined), sequence)
            )
    return Chunk(log, head + 1, head + count, frames, changes)


def _page_of(log: str, cursor: int, count: int) -> LogPage:
    frames = b"".join(
        encode(Entry(log, sequence, 1, "ann", MessagePosted("again")))
        for sequence in range(cursor + 1, cursor + count + 1)
        if sequence <= limits.INTEGER_MAX
    )
    return LogPage(log, cursor + 1, cursor + count, cursor + count, frames)


_CHANCES: Final = {
    HostileWorld._connect: 6,
    HostileWorld._log_in: 8,
    HostileWorld._say_something: 14,
    HostileWorld._say_garbage: 2,
    HostileWorld._read: 6,
    HostileWorld._vanish: 2,
    HostileWorld._lose_the_closing: 10,
    HostileWorld._reply: 8,
    HostileWorld._answer: 8,
    HostileWorld._work: 8,
    HostileWorld._publish: 8,
    HostileWorld._lie_down: 2,
    HostileWorld._lie_in_answers: 3,
    HostileWorld._lie_in_events: 2,
    HostileWorld._lie_about_presence: 2,
    HostileWorld._noise_from_inside: 1,
    HostileWorld._change_workers: 1,
    HostileWorld._lie_about_workers: 0.5,
    HostileWorld._wait: 6,
    HostileWorld._hang: 0.3,
}
_STEPS: Final = list(_CHANCES)
