"""The first message that a server delivers: how one knows that all of it is up."""

import asyncio
import time
from typing import Final

from benchmarks.connection import Connection, ReadArea, Talker
from benchmarks.dialect import Dialect, Refused
from benchmarks.servers import Server
from benchmarks.tls import context_for

_TIMEOUT_S: Final = 30.0
_RETRY_INTERVAL_S: Final = 0.005
_LOOK_AGAIN_S: Final = 0.0005


async def first_delivery(server: Server, dialect: Dialect, tag: str) -> float:
    """Two clients try to come in until they can, and meet; returns when the second one was told.

    The time is that of `time.monotonic`.
    """
    async with asyncio.timeout(_TIMEOUT_S):
        area = ReadArea()
        async with asyncio.TaskGroup() as group:
            entering = [
                group.create_task(_enter(server, dialect, area, f"{tag}-first-{number}"))
                for number in range(2)
            ]
        speaker, listener = (task.result() for task in entering)
        room = f"{tag}-first"
        await dialect.create_room(speaker, room)
        await dialect.join_room(listener, room)
        speaker.write(Talker(dialect.posts_to_room(speaker.name, room)).take(1))
        while not listener.delivered:  # noqa: ASYNC110 - Its only sign is a count.
            await asyncio.sleep(_LOOK_AGAIN_S)
        delivered_at = time.monotonic()
        speaker.leave()
        listener.leave()
        return delivered_at


async def _enter(server: Server, dialect: Dialect, area: ReadArea, name: str) -> Connection:
    loop = asyncio.get_running_loop()
    markers = dialect.markers(private=False)
    context = context_for(server.certificate)
    while True:
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(area, dialect, name, markers, record=False),
                server.host,
                server.port,
                ssl=context,
            )
        except OSError:
            await asyncio.sleep(_RETRY_INTERVAL_S)
            continue
        try:
            await dialect.enter(connection, name)
        except (Refused, OSError):
            connection.leave()
            await asyncio.sleep(_RETRY_INTERVAL_S)
            continue
        return connection
