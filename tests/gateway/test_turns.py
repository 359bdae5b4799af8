"""What one turn of a gateway writes to its clients, and who is written to first."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from websockets.frames import Frame, Opcode

from testbed.web_socket import WebSocket
from zchat.fabric.core.identities import alias
from zchat.fabric.core.topics import stream_topic
from zchat.gateway.connection import ClientConnection
from zchat.gateway.core.loop import GatewayLoop
from zchat.gateway.core.session import Session, SessionState
from zchat.gateway.core.web import Site
from zchat.gateway.web_connection import WebConnection
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    USER_SERVICE,
    Down,
    Publication,
    Reply,
    RoutingTable,
    StreamPage,
)

LONG = b"x" * (limits.SHORT_BYTES_MAX + 1)
SHORT = b"y"
GATEWAY = b"gateway/west#1"


class House:
    """A gateway whose clients read everything at once, and the order in which they do."""

    def __init__(self) -> None:
        self.turns = GatewayLoop(1, self, identity=GATEWAY)
        self.time = 100.0
        self.read: list[tuple[int, bytes]] = []
        """(number of the client, what it has read)"""

    def now(self) -> float:
        return self.time

    def now_ms(self) -> int:
        return int(self.time * 1000)

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        return True

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> None: ...
    def turn_soon(self) -> None: ...

    def clients(self, count: int) -> list[Session]:
        return [Transport(self, number).connection.session for number in range(count)]

    def browsers(self, count: int) -> list[Session]:
        opened = [Transport(self, number, self._by_the_web) for number in range(count)]
        for browser in opened:
            browser.connection.data_received(WebSocket("localhost").handshake())
        return [browser.connection.session for browser in opened]

    @staticmethod
    def _by_the_web(turns: GatewayLoop) -> ClientConnection:
        return WebConnection(Site(), turns)

    def has_for(self, session: Session, data: bytes) -> None:
        session.out.append(data)
        self.turns.core.output.dirty[session] = None

    def turn(self) -> list[tuple[int, bytes]]:
        self.read = []
        self.turns.turn()
        return self.read


class Transport:
    def __init__(
        self,
        house: House,
        number: int,
        connection: Callable[[GatewayLoop], ClientConnection] = ClientConnection,
    ) -> None:
        self._house, self._number = house, number
        self.connection = connection(house.turns)
        self.connection.connection_made(cast(Any, self))

    def get_extra_info(self, name: str) -> object:
        return None

    def set_write_buffer_limits(self, high: int) -> None: ...

    def get_write_buffer_size(self) -> int:
        return limits.WRITE_BUFFER_BYTES_MAX

    def pause_reading(self) -> None: ...

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        self._house.read.append((self._number, data))


def test_a_short_message_does_not_wait_while_long_ones_are_written_to_a_crowd() -> None:
    house = House()
    *crowd, ann = house.clients(limits.FAN_OUT_WRITES_MAX + 100)
    for session in crowd:
        house.has_for(session, LONG)
    house.has_for(ann, SHORT)

    assert house.turn()[0] == (len(crowd), SHORT)


def test_a_turn_writes_so_many_bytes_and_the_next_one_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "FAN_OUT_BYTES_MAX", 3 * len(LONG))
    house = House()
    for session in house.clients(7):
        house.has_for(session, LONG)
    turns = [[number for number, _ in house.turn()] for _ in range(4)]

    assert turns == [[0, 1, 2], [3, 4, 5], [6], []]


def test_what_one_client_reads_keeps_its_order() -> None:
    house = House()
    sessions = house.clients(20)
    for session in sessions:
        house.has_for(session, LONG)
    house.has_for(sessions[7], SHORT)

    assert (7, LONG + SHORT) in house.turn()


@pytest.mark.parametrize("frames", [[SHORT], [SHORT, LONG]])
def test_who_is_written_the_same_is_written_the_same_object(frames: list[bytes]) -> None:
    house = House()
    browsers, clients = house.browsers(3), house.clients(3)
    for session in (*browsers, *clients):
        for frame in frames:
            house.has_for(session, frame)
    written = [data for _, data in house.turn()]

    assert len({id(data) for data in written[:3]}) == len({id(data) for data in written[3:]}) == 1
    joined = b"".join(frames)
    assert written[3] == joined
    assert written[0] == Frame(Opcode.BINARY, joined).serialize(mask=False)


def test_of_what_is_published_a_gateway_takes_its_own_answers() -> None:
    house = House()
    house.turns.receive_reply([b"", encode(RoutingTable({USER_SERVICE: 3}))])
    link = house.turns.core.services.users.link
    link.send(b"who is here", None)
    down = encode(Down(3, link._link, 1, [Reply(1, b"")], 2, False))
    left = []
    for asker in (b"gateway/east#1", GATEWAY):
        publication = Publication(3, StreamPage(1, 0, []), {alias(asker): [down]})
        house.turns.receive_event([stream_topic(USER_SERVICE), encode(publication)])
        left.append(len(link.unanswered))

    assert left == [2, 1]
    assert link.hears_stream


def test_a_client_whose_connection_takes_nothing_any_more_is_cut_off() -> None:
    house = House()
    (eve,) = house.clients(1)
    eve.name, eve.state = "eve", SessionState.LOGGED_IN
    cast(ClientConnection, eve.connection).pause_writing()
    until = house.time + limits.SESSION_IDLE_TIMEOUT_S
    while house.time <= until:
        house.turns.heartbeat()
        assert eve.state is SessionState.LOGGED_IN
        house.time += limits.HEARTBEAT_INTERVAL_S
    for _ in range(round(2 * limits.ACTIVITY_INTERVAL_S / limits.HEARTBEAT_INTERVAL_S)):
        house.turns.heartbeat()
        house.time += limits.HEARTBEAT_INTERVAL_S

    assert eve.state is SessionState.CUT
