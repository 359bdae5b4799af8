"""Databases with a WAL in which many commits stand, and what each of those commits had made of it.

They come from services that run in this process, and from real ones that are killed under load.
"""

import asyncio
import contextlib
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple
from unittest import mock

from sqlalchemy import Connection, text

from testbed.cluster import ROOM_SERVICE, USER_SERVICE, Cluster
from testbed.committed import committed_entries
from testbed.people import new_name
from zchat.protocol import limits
from zchat.protocol.messages import room_log

from .acknowledged import OWN_LOGS, missing_in
from .busy_service import BusyService, Kind, Said, Talk, room_kind, user_kind
from .checkers import CommittedLogs
from .consistency import Broken
from .crash_copies import copy_as_after_a_crash, kill_and_copy, reading, wal_of
from .recording import Recording
from .talkers import Talker
from .wal import frames

BEATS: Final = 60
"""Of one history, with a commit or a few each."""
UNWRITTEN_MAX: Final = 8
"""Entries that the indexes of nonces and places lack at most."""
PEOPLE: Final = 8
MESSAGES_PER_S: Final = 400.0
TALK_S: Final = 3.0

Contents = Mapping[str, tuple[int, int]]
"""By table: how many rows it has, and a digest of them. Without the lease, which every opening
changes."""


class Commit(NamedTuple):
    end_bytes: int
    """Where it ends in the WAL; 0 for what the database holds without it."""
    contents: Contents

    @property
    def has_entries(self) -> bool:
        return "entries" in self.contents and self.contents["entries"][0] > 0


class Acknowledged(NamedTuple):
    end_bytes: int
    """Of the commit that it came with."""
    said: Said


@dataclass
class Evidence:
    """A database to which nobody writes, and the states that its WAL tells of."""

    name: str
    kind: Kind
    database: Path
    commits: list[Commit]
    """In order."""
    pages: dict[int, bytes]
    """By number, as of the last commit: all that the WAL holds."""
    acknowledged: list[Acknowledged] = field(default_factory=list)
    """In order, where it is known what came with which commit."""
    found_whole: int = 0
    """Acknowledged messages that were all found in the undamaged copy."""

    def last_before(self, offset: int) -> Commit:
        """The last commit that ends there or earlier."""
        after = bisect_right(self.commits, offset, key=lambda commit: commit.end_bytes)
        return self.commits[after - 1]


# --- Where histories come from --------------------------------------------------------------------


def of_services(folder: Path, seed: int, beats: int = BEATS) -> Iterator[Evidence]:
    """From lives of both services in this process, each with a fresh WAL and one begun anew."""
    for kind in (room_kind(), user_kind()):
        for begun_anew in (False, True):
            name = f"{kind.schema.name}, {'WAL begun anew' if begun_anew else 'fresh WAL'}"
            talk = Talk(kind, seed)
            yield _of_a_service(name, kind, folder / name, talk, beats, wal_begun_anew=begun_anew)


def _of_a_service(
    name: str, kind: Kind, folder: Path, talk: Talk, beats: int, *, wal_begun_anew: bool
) -> Evidence:
    """In a WAL that was begun anew stands, behind its newest commit, what is left of the former.

    The indexes of nonces and places, which are written once for many entries, are written several
    times here.
    """
    database = folder / "live" / f"{kind.schema.name}.sqlite"
    with (
        mock.patch.object(limits, "NONCES_UNWRITTEN_MAX", UNWRITTEN_MAX),
        mock.patch.object(limits, "PLACES_UNWRITTEN_MAX", UNWRITTEN_MAX),
    ):
        with contextlib.closing(BusyService(kind, database)) as service:
            _steps(service, talk, beats // 4)
        with contextlib.closing(BusyService(kind, database)) as service:
            if wal_begun_anew:
                _steps(service, talk, beats)
                service.store._connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
                service.store._connection.rollback()
            steps = _steps(service, talk, beats // 2 if wal_begun_anew else beats)
            copy = copy_as_after_a_crash(database, folder)
    evidence = evidence_of(name, kind, copy)
    commits = iter(evidence.commits)
    commit = next(commits)
    # What the service had in its tables after each beat must be what the WAL has at one of its
    # commits, in the same order: so the places of the commits are right.
    for state, said in steps:
        while commit.contents != state:
            if (following := next(commits, None)) is None:
                raise Broken(f"{name}: a state that was committed is not in the WAL")
            commit = following
        evidence.acknowledged += [Acknowledged(commit.end_bytes, one) for one in said]
    if evidence.commits[-1].contents != steps[-1][0]:
        raise Broken(f"{name}: the WAL has more than was committed")
    return evidence


def _steps(service: BusyService, talk: Talk, beats: int) -> list[tuple[Contents, list[Said]]]:
    """After each beat, what the tables hold and what was acknowledged."""
    steps = []
    for _ in range(beats):
        said = list(talk.beat(service))
        steps.append((contents_of(service.store._connection), said))
        service.store._connection.rollback()
    return steps


def of_a_cluster(folder: Path, seed: int) -> list[Evidence]:
    """From real processes that are killed while people talk."""
    folder.mkdir()
    with Cluster(folder) as cluster:
        cluster.start()
        return asyncio.run(_killed_under_load(cluster, seed))


async def _killed_under_load(cluster: Cluster, seed: int) -> list[Evidence]:
    recording, room = Recording(), new_name("room")
    killed: dict[str, Path] = {}
    found: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(
                Talker(cluster.port, MESSAGES_PER_S / PEOPLE, f"{seed} {number}")
            )
            for number in range(PEOPLE)
        ]
        await people[0].chat.create_room(room)
        for person in people[1:]:
            await person.chat.join(room)
        names = [person.name for person in people]
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as talks:
            for person in people:
                recording.words[person.name] = person.words
                talks.create_task(person.talk_until(enough, [room_log(room)], names))
            for program in (ROOM_SERVICE, USER_SERVICE):
                await asyncio.sleep(TALK_S)
                killed[program] = await asyncio.to_thread(
                    kill_and_copy, cluster, program, cluster.folder
                )
                found[program] = _count_acknowledged(killed[program], program, recording)
            enough.set()
    kinds = {ROOM_SERVICE: room_kind(partitions=1), USER_SERVICE: user_kind()}
    histories = []
    for program, copy in killed.items():
        histories.append(evidence_of(f"{program}, killed", kinds[program], copy))
        histories[-1].found_whole = found[program]
    return histories


def _count_acknowledged(copy: Path, program: str, recording: Recording) -> int:
    """How many messages were acknowledged, all of which must be there."""
    # The copy is recovered when it is read, and only its own copy may be.
    with tempfile.TemporaryDirectory() as folder:
        logs = CommittedLogs()
        with reading(copy_as_after_a_crash(copy, Path(folder))) as connection:
            logs.read(program, committed_entries(connection))
    checked, missing = missing_in(logs, recording, OWN_LOGS[program])
    if missing:
        raise Broken(f"{program} was killed, and {missing[0]}")
    return checked


# --- What a database holds ------------------------------------------------------------------------


def evidence_of(name: str, kind: Kind, database: Path) -> Evidence:
    """Reads what the database is when its WAL ends with each of its commits."""
    wal = wal_of(database).read_bytes()
    page_bytes = int.from_bytes(wal[8:12], "big")
    ends = [0]
    pages: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for frame in frames(wal):
        pending[frame.page] = wal[frame.end_bytes - page_bytes : frame.end_bytes]
        if frame.commits:
            ends.append(frame.end_bytes)
            pages.update(pending)
            pending.clear()
    commits = []
    for end_bytes in ends:
        with tempfile.TemporaryDirectory() as folder:
            copy = copy_as_after_a_crash(database, Path(folder))
            wal_of(copy).write_bytes(wal[:end_bytes])
            with reading(copy) as connection:
                commits.append(Commit(end_bytes, contents_of(connection)))
    return Evidence(name, kind, database, commits, pages)


def contents_of(connection: Connection) -> Contents:
    tables = connection.scalars(
        text("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    ).all()
    found = {}
    for table in tables:
        # Of the index of texts there is nothing to read but by a search.
        if table not in ("lease", "search"):
            rows = sorted(map(repr, connection.execute(text(f'select * from "{table}"'))))
            found[table] = (len(rows), hash(tuple(rows)))
    return found
