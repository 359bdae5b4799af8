"""What real gateways let in: who floods is held or sent away, and nobody else notices."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from testbed.cluster import GATEWAYS, Cluster
from testbed.people import Person, check_all_seen, check_sequences
from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    Done,
    Entry,
    Ping,
    Pong,
    Post,
    PresenceChanged,
    RefusalCode,
    Refused,
    SlowedDown,
    room_log,
)

from .wire import DOORS, WebWire, Wire

pytestmark = pytest.mark.integration

PER_S = 20
AT_ONCE = 100


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # Of somebody new, as they all are.
    shares = limits.NEWCOMER_SHARES
    environment = {"ZCHAT_MESSAGE_RATE": f"{PER_S / shares:g}/{AT_ONCE / shares:g}"}
    with Cluster(tmp_path_factory.mktemp("c"), environment=environment) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    environment = {"ZCHAT_CONNECTION_RATE": "0.01/5"}
    with Cluster(tmp_path_factory.mktemp("c"), environment=environment) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


@pytest.mark.parametrize("door", DOORS)
async def test_who_says_too_much_is_held_loses_nothing_and_slows_nobody(
    limited: Cluster, door: type[Wire]
) -> None:
    log = room_log(LOBBY)
    count = 2 * AT_ONCE
    async with door(limited) as hasty:
        logged_in = await hasty.log_in()
        begin = next(state.head for state in logged_in.logs if state.log == log)
        await hasty.send(
            *(Post(id=n, nonce=b"%016d" % n, room=LOBBY, text=f"{n}") for n in range(2, count + 2))
        )
        async with asyncio.timeout(90):
            while not isinstance(slowed := await hasty.next(), SlowedDown):
                assert isinstance(slowed, Done | Entry | PresenceChanged)
        assert slowed.wait_ms > 0
        async with Person(limited.address) as calm:
            for _ in range(20):
                await calm.talk([log], 1)
            # All of that while the other one is still held.
            assert hasty.head(log) < begin + count
            await check_all_seen([calm], [log])
        async with asyncio.timeout(60):
            while not (isinstance(message := await hasty.next(), Done) and message.id == count + 1):
                assert isinstance(message, Done | Entry | PresenceChanged)
        await hasty.until_seen(log, message.sequence)
        check_sequences(hasty)
        mine = [e.body.text for e in hasty.entries[log] if e.author == hasty.name]  # type: ignore[union-attr]
        assert mine[-1] == str(count + 1)
        assert mine == [str(n) for n in range(2, count + 2)][-len(mine) :]


async def test_a_client_of_ours_says_all_of_it_and_is_not_disconnected(limited: Cluster) -> None:
    async with Person(limited.address) as ann:
        await ann.talk([room_log(LOBBY)], 3 * AT_ONCE, window=3 * AT_ONCE)
        await check_all_seen([ann], [room_log(LOBBY)])
        assert ann.connections_lost == []


@pytest.mark.parametrize(("door", "address"), [(Wire, "127.0.0.3"), (WebWire, "127.0.0.4")])
async def test_a_flood_is_ended_and_its_address_kept_out_for_a_while(
    limited: Cluster, door: type[Wire], address: str
) -> None:
    async with door(limited, bound_to(address)) as flood:
        await flood.log_in()
        await flood.send(*(Ping(id=number) for number in range(2, 40_000)))
        async with asyncio.timeout(90):
            while not isinstance(refused := await flood.next(), Refused):
                assert isinstance(refused, Pong | SlowedDown | Entry | PresenceChanged)
        assert (refused.id, refused.code) == (None, RefusalCode.TOO_FAST)
        assert refused.retry_after_ms > 0
        await asyncio.to_thread(
            limited.wait_for, lambda: is_logged(limited, f"flood of {address}"), "a word in the log"
        )
    async with Person(limited.address) as other:
        await other.talk([room_log(LOBBY)], 1)


async def test_too_many_connections_are_refused_with_a_sentence_and_others_come_in(
    few: Cluster,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        # Each gateway counts for itself.
        wires = [await stack.enter_async_context(Wire(few)) for _ in range(5 * len(GATEWAYS) + 1)]
        words = [asyncio.create_task(wire.next()) for wire in wires]
        # Who is let in hears nothing.
        await asyncio.wait(words, return_when=asyncio.FIRST_COMPLETED)
        refused = next(word for word in words if word.done()).result()
        for word in words:
            word.cancel()
        await asyncio.wait(words)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.TOO_FAST
    assert "too many connections of your address; try again in" in refused.reason
    assert refused.retry_after_ms > 0
    async with Wire(few, bound_to("127.0.0.2")) as other:
        await other.log_in()
    note = "connections of 127.0.0.1 refused: too fast"
    await asyncio.to_thread(few.wait_for, lambda: is_logged(few, note), "a word in the log")


def is_logged(cluster: Cluster, text: str) -> bool:
    return any(text in cluster.log(gateway) for gateway in GATEWAYS)


def bound_to(host: str) -> socket.socket:
    connection = socket.socket()
    connection.bind((host, 0))
    return connection
