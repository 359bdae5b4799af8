"""The clients of one generator process: how they come in and find each other."""

import asyncio
import dataclasses
import ssl
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.conversation import Connection, Conversation, ReadArea, Talker
from benchmarks.dialect import Dialect, Refused
from benchmarks.servers import Server
from benchmarks.workloads import Workload

_RECORDED_CLIENTS: Final = 40
"""Whose messages are checked one by one, unless all are."""
_FIRST_TIMEOUT_S: Final = 30.0
_RETRY_INTERVAL_S: Final = 0.005
_LOOK_AGAIN_S: Final = 0.0005


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """What one generator process does of a workload."""

    workload: Workload
    host: str
    port: int
    certificate: Path | None
    """What clients trust; None without TLS."""
    tag: str
    """In all names, so that a run does not meet the guests of the run before."""
    conversations: tuple[int, ...]
    """Numbers of the conversations that this process has."""
    record_all: bool
    coming_in_max: int
    """Clients that log in or join at a time."""


class Crowd:
    def __init__(self, share: Share, dialect: Dialect) -> None:
        self.share = share
        self.dialect = dialect
        self.conversations: list[Conversation] = []
        self.connections: list[Connection] = []
        self.cursors: dict[str, int] = {}
        """By client: with which sequence it came into its room."""
        self.log_in_s = 0.0
        """From the first connection to the last client that is in."""
        self.log_in_cpu_s = 0.0
        """What this process used of it."""
        self._area = ReadArea()
        self._context = context_for(share.certificate)
        self._markers = dialect.markers(private=share.workload.private)

    async def gather(self) -> None:
        """Everybody connects, logs in, joins, and is ready to talk."""
        share, workload = self.share, self.share.workload
        loop = asyncio.get_running_loop()
        begin, cpu_begin_s = time.monotonic(), time.process_time()
        names = [
            [f"{share.tag}-{number}-{place}" for place in range(workload.members)]
            for number in share.conversations
        ]
        self.connections = await self._together(
            self.enter(name, record=self._records(number, place, workload))
            for number, group in enumerate(names)
            for place, name in enumerate(group)
        )
        self.log_in_s = time.monotonic() - begin
        self.log_in_cpu_s = time.process_time() - cpu_begin_s
        for number in range(len(names)):
            first = number * workload.members
            conversation = Conversation(loop, workload, self.dialect)
            conversation.members = self.connections[first : first + workload.members]
            self.conversations.append(conversation)
        if workload.talkers:
            await self._together(
                self._prepare(conversation, self.room(number))
                for number, conversation in zip(
                    share.conversations, self.conversations, strict=True
                )
            )
        for connection in self.connections:
            connection.count_only()

    def room(self, conversation: int) -> str:
        return f"{self.share.tag}-{conversation}"

    async def enter(
        self, name: str, cursors: dict[str, int] | None = None, *, record: bool
    ) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self._area, self.dialect, name, self._markers, record=record),
            self.share.host,
            self.share.port,
            ssl=self._context,
        )
        await self.dialect.enter(connection, name, cursors)
        return connection

    def _records(self, number: int, place: int, workload: Workload) -> bool:
        if self.share.record_all or workload.kind in {"pace", "catch-up"}:
            return True
        # Whole conversations if there are many, the last members of a single one.
        if len(self.share.conversations) > 1:
            return number < _RECORDED_CLIENTS // workload.members
        return place >= workload.members - _RECORDED_CLIENTS

    async def _prepare(self, conversation: Conversation, room: str) -> None:
        workload = self.share.workload
        members = conversation.members
        if workload.private:
            for member, partner in zip(members, reversed(members), strict=True):
                posts = self.dialect.posts_to_user(member.name, partner.name)
                conversation.add_speaker(member, Talker(posts))
        else:
            await self.dialect.create_room(members[0], room)
            cursors = await self._together(
                self.dialect.join_room(member, room) for member in members[1:]
            )
            for member, cursor in zip(members[1:], cursors, strict=True):
                self.cursors[member.name] = cursor
            for member in members[: workload.talkers]:
                posts = self.dialect.posts_to_room(member.name, room)
                conversation.add_speaker(member, Talker(posts))
        for member in members:
            member.conversation = conversation

    async def _together(self, steps: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Runs all, as many at a time as a busy evening brings."""
        places = asyncio.Semaphore(self.share.coming_in_max)

        async def in_turn(step: Coroutine[Any, Any, Any]) -> Any:
            async with places:
                return await step

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(step)) for step in steps]
        return [task.result() for task in tasks]


# --- The first two --------------------------------------------------------------------------------


async def first_delivery(server: Server, dialect: Dialect, tag: str) -> float:
    """Two clients try to come in until they can, and meet; returns when the second one was told.

    The time is that of `time.monotonic`.
    """
    async with asyncio.timeout(_FIRST_TIMEOUT_S):
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


def context_for(certificate: Path | None) -> ssl.SSLContext | None:
    """For clients that trust this certificate and no other; None to speak without TLS."""
    if certificate is None:
        return None
    context = ssl.create_default_context(cafile=certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
