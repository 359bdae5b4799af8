"""Garbage and idlers at a real gateway: a little of what `scripts/fuzz --live` does at length."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from integration.wire import Wire

from fuzz.live import under_garbage, under_slow_ones
from testbed.cluster import Cluster
from testbed.people import Person
from zchat.protocol.messages import RefusalCode, Refused

pytestmark = pytest.mark.integration

CONNECTIONS = 2_000
SLOW = 300
PEOPLE = 8
FILES = 160
"""Of each gateway."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("c")) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


@pytest.fixture
def small_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Its gateways may open few files."""

    def limited(conf: str) -> str:
        shell = f"command=sh -c 'ulimit -n {FILES}; exec zchat-gateway \"$@\"' zchat-gateway"
        return conf.replace("command=zchat-gateway", shell)

    with Cluster(tmp_path_factory.mktemp("c"), edit_conf=limited) as cluster:
        cluster.start()
        yield cluster
    assert cluster.bugs() == []


async def test_garbage_connections_disturb_nobody(cluster: Cluster) -> None:
    await under_garbage(cluster, CONNECTIONS, people=PEOPLE, quiet_s=0.5)


async def test_who_never_logs_in_is_closed(cluster: Cluster) -> None:
    await under_slow_ones(cluster, SLOW, people=PEOPLE)


@contextlib.asynccontextmanager
async def idlers(cluster: Cluster, count: int) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(Wire(cluster))
        yield


async def test_a_client_too_many_is_told_so(small_cluster: Cluster) -> None:
    async with Person(small_cluster.address) as person:
        # The kernel deals them out by chance, so that both are full only after some more.
        async with idlers(small_cluster, 2 * FILES):
            for _ in range(10):
                async with Wire(small_cluster) as wire:
                    refused = await wire.receive(Refused)
                    assert refused.code is RefusalCode.LIMIT_REACHED
            # Who is in notices nothing.
            await person.chat.say("is it full here?")
        async with Person(small_cluster.address) as other:
            await other.chat.say("there is room again")
        assert not person.connections_lost
