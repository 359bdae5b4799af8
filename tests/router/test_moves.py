"""The moves of the router: what it answers itself, and what it counts."""

from collections.abc import Sequence

from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import (
    ROUTER,
    ClusterStatus,
    PeerStatus,
    WorkerHeartbeat,
)
from zchat.router.core.routing import Moves

_batches, _statuses = Decoder(list[bytes]), Decoder(ClusterStatus)
ROOMS = "rooms/0"


class Out:
    """The ways out, all of which are open or `shut`."""

    def __init__(self) -> None:
        self.shut = False
        self.sent: list[list[bytes]] = []

    def to_asker(self, frames: Sequence[bytes]) -> bool:
        self.sent.append(list(frames))
        return not self.shut

    to_worker = to_questioner = to_subscribers = to_asker

    def to_answerer(self, address: str, frames: Sequence[bytes]) -> bool:
        return self.to_asker(frames)

    def open_answerer(self, address: str) -> None:
        pass

    def misfit(self, socket: str, owner: str | None, claim: bytes) -> None:
        pass


def a_router() -> tuple[Moves, Out]:
    out = Out()
    moves = Moves(out, lambda: b"mine")
    moves.reply([b"rooms/0#1", b"", encode(WorkerHeartbeat(ROOMS, 7, False, b"theirs"))], 1.0)
    moves.command([b"gateway/west#1", b"", b"west's"], 2.0)
    out.sent.clear()
    return moves, out


def test_a_query_to_the_router_is_answered_by_itself_whatever_it_says() -> None:
    moves, out = a_router()
    moves.query([b"who asks", b"", ROUTER.encode(), b"\xc1 nothing that msgpack knows"], 3.0)

    ((*envelope, body),) = out.sent
    (answer,) = _batches.decode(body)
    assert envelope == [b"who asks", b""]
    assert _statuses.decode(answer) == ClusterStatus(
        {ROOMS: 7},
        [
            PeerStatus(ROUTER, 0, b"mine"),
            PeerStatus(ROOMS, 2000, b"theirs"),
            PeerStatus("gateway/west", 1000, b"west's"),
        ],
    )


def test_commands_that_nobody_serves_are_counted() -> None:
    moves, _ = a_router()
    moves.command([b"gateway/west#1", ROOMS.encode(), b"hello"], 2.0)
    moves.command([b"gateway/west#1", b"nowhere", b"hello"], 2.0)

    assert moves.unserved == 1
