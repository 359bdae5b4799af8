"""The moves of the router: nobody gets anything through in another's name."""

from collections.abc import Sequence

import pytest

from zchat.fabric.core.topics import PRESENCE_TOPIC, ephemeral_topic, stream_topic
from zchat.protocol.codec import encode
from zchat.protocol.internal import WorkerHeartbeat
from zchat.router.core.routing import Moves

WEST, EAST, ROOMS = b"gateway/west#1", b"gateway/east#1", b"rooms/0#1"


class Way:
    """Notes what goes where."""

    def __init__(self) -> None:
        self.out: list[tuple[str, list[bytes]]] = []
        self.misfits: list[tuple[str, str | None, bytes]] = []

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        if frames[1]:  # Not the table, which everybody gets.
            self.out.append(("asker", list(frames)))
        return True

    def to_worker(self, frames: Sequence[bytes]) -> bool:
        self.out.append(("worker", list(frames)))
        return True

    def to_questioner(self, frames: Sequence[bytes]) -> bool:
        self.out.append(("questioner", list(frames)))
        return True

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool:
        self.out.append((address, list(frames)))
        return True

    def to_subscribers(self, frames: Sequence[bytes]) -> bool:
        self.out.append(("subscribers", list(frames)))
        return True

    def open_answerer(self, address: str) -> None:
        if address not in {"users", "rooms/0"}:
            raise ValueError(address)

    def misfit(self, socket: str, owner: str | None, claim: bytes) -> None:
        self.misfits.append((socket, owner, claim))


@pytest.fixture
def way() -> Way:
    return Way()


@pytest.fixture
def moves(way: Way) -> Moves:
    """Of a router that has heard of a room-service."""
    moves = Moves(way)
    moves.reply([ROOMS, b"", beat("rooms/0")], 0.0)
    return moves


def beat(address: str) -> bytes:
    return encode(WorkerHeartbeat(address, 1, False))


@pytest.mark.parametrize("owner", ["gateway/west", None])
def test_a_command_and_its_reply_in_ones_own_name(
    moves: Moves, way: Way, owner: str | None
) -> None:
    moves.command([WEST, b"rooms/0", b"up"], 0.0, owner)
    moves.reply([ROOMS, WEST, b"down"], 0.0, owner and "rooms/0")

    assert way.out == [("worker", [ROOMS, WEST, b"up"]), ("asker", [WEST, b"rooms/0", b"down"])]
    assert moves.misfits == 0


@pytest.mark.parametrize("claim", [EAST, b"gateway/west", b"gateway/westward#1", ROOMS, b""])
def test_an_asker_is_who_its_key_says(moves: Moves, way: Way, claim: bytes) -> None:
    moves.command([claim, b"rooms/0", b"up"], 0.0, "gateway/west")

    assert way.out == []
    assert way.misfits == [("commands-frontend", "gateway/west", claim)]
    assert moves.misfits == 1


@pytest.mark.parametrize("claim", [b"gateway#1", b"gateway/west", b"\x00\x01\x02", b"ann#1", b""])
def test_without_keys_an_asker_has_a_name_that_somebody_can_have(
    moves: Moves, way: Way, claim: bytes
) -> None:
    moves.command([claim, b"rooms/0", b"up"], 0.0)

    assert way.out == []
    assert way.misfits == [("commands-frontend", None, claim)]


@pytest.mark.parametrize(
    ("identity", "owner", "claim"),
    [
        (b"users#1", "users", b"rooms/0"),
        (b"users#1", None, b"rooms/0"),
        (WEST, None, b"rooms/0"),
        (b"rooms/0#2", "users", b"rooms/0#2"),
        (b"rooms/0", None, b"rooms/0"),
    ],
)
def test_a_worker_serves_no_address_but_its_own(
    moves: Moves, way: Way, identity: bytes, owner: str | None, claim: bytes
) -> None:
    moves.reply([identity, b"", encode(WorkerHeartbeat("rooms/0", 9, False))], 0.0, owner)
    moves.command([WEST, b"rooms/0", b"up"], 0.0)

    assert way.out == [("worker", [ROOMS, WEST, b"up"])], "the first one still serves it"
    assert way.misfits == [("commands-backend", owner, claim)]


def test_a_gateway_cannot_serve_an_address_of_its_own(moves: Moves, way: Way) -> None:
    moves.reply([WEST, b"", beat("gateway/west")], 0.0)
    moves.command([EAST, b"gateway/west", b"up"], 0.0)

    assert way.out == []
    assert moves.protocol_errors == 1


def test_nobody_replies_in_the_name_of_a_worker(moves: Moves, way: Way) -> None:
    moves.reply([ROOMS, WEST, b"down"], 0.0, "users")

    assert way.out == []
    assert way.misfits == [("commands-backend", "users", ROOMS)]


@pytest.mark.parametrize(
    ("owner", "topic", "passes"),
    [
        ("rooms/0", stream_topic("rooms/0"), True),
        ("users", stream_topic("users"), True),
        ("users", PRESENCE_TOPIC, True),
        ("rooms/0", PRESENCE_TOPIC, False),
        ("rooms/0", ephemeral_topic("rooms/0"), True),
        ("users", ephemeral_topic("users"), True),
        ("rooms/0", ephemeral_topic("users"), False),
        ("rooms/0", stream_topic("rooms/1"), False),
        ("rooms/1", stream_topic("rooms/10"), False),
        ("rooms/0", b"", False),
        (None, stream_topic("rooms/0"), True),
    ],
)
def test_a_service_publishes_what_is_its_own(
    moves: Moves, way: Way, owner: str | None, topic: bytes, passes: bool
) -> None:
    moves.event([topic, b"page"], owner)

    assert way.out == ([("subscribers", [topic, b"page"])] if passes else [])
    assert way.misfits == ([] if passes else [("events-in", owner, topic)])
