"""Who reads too slowly costs no memory, holds up nobody, and misses nothing."""

import asyncio
import socket

import pytest

from testbed.cluster import Cluster
from testbed.people import Person, check_all_seen, check_sequences, check_words
from zchat.protocol import limits
from zchat.protocol.messages import LOBBY, room_log

from .wire import DOORS, Wire

pytestmark = pytest.mark.integration

TALKERS = 4
MESSAGES = 10_000
PADDING = "x" * 1_000
GROWTH_BYTES_MAX = 4 * 1024 * 1024
"""Less than the 10 MB that pass by, and enough for what a gateway keeps for everyone."""


@pytest.mark.parametrize("door", DOORS)
async def test_a_client_that_stops_reading_reads_everything_later(
    cluster: Cluster, door: type[Wire]
) -> None:
    log = room_log(LOBBY)
    # A small window: what the kernels keep for the client is no merit of the gateway.
    receiver = socket.socket()
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with door(cluster, receiver) as slow:
        await slow.log_in()
        gateway = await asyncio.to_thread(cluster.gateway_of, slow.port)
        assert gateway is not None
        people = [Person(cluster.address) for _ in range(TALKERS)]
        async with people[0], people[1], people[2], people[3]:
            for person in people:
                await person.talk([log], 50)
            before_bytes = cluster.memory_bytes(gateway)
            async with asyncio.TaskGroup() as group:
                for person in people:
                    group.create_task(
                        person.talk(
                            [log], MESSAGES // TALKERS, limits.SESSION_REQUESTS_MAX, PADDING
                        )
                    )
            # The others have heard it all meanwhile.
            await check_all_seen(people, [log])
            grown_bytes = cluster.memory_bytes(gateway) - before_bytes
            assert grown_bytes < GROWTH_BYTES_MAX
            await slow.until_seen(log, max(one.sequence for p in people for one in p.said))
            check_sequences(slow)
            check_words(slow, log, [one for person in people for one in person.said])
            assert all(not person.connections_lost for person in people)
