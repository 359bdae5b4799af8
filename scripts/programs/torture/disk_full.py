"""A full disk under a real cluster: nothing is lost, reads go on, and all heals when space returns.

A disk is full in several ways, and each is a round: not one block is left; a commit can begin and
not end; the WAL cannot be brought into the database any more; the WAL has room in itself although
the disk has none. In some rounds the services are killed while the disk is full, and what they
leave behind is compared with what they had acknowledged.
"""

import asyncio
import contextlib
import os
import shutil
import struct
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import click

from testbed.cluster import GATEWAYS, ROOM_SERVICE, ROUTER, SERVICES, Cluster
from testbed.committed import committed_entries
from testbed.people import new_name
from zchat.client import PingTarget, RefusedError
from zchat.protocol.messages import Answer, Done, Post, SendPrivate, inbox_log, room_log

from .acknowledged import OWN_LOGS, missing_in
from .checkers import CommittedLogs, Finding, check
from .crash_copies import DATABASES, kill_and_copy, reading
from .databases import read_databases
from .disk_rounds import ROUNDS, Report, Round, Shares, line
from .faults import SUPERVISORD
from .recording import Recording, Words
from .small_disk import SmallDisk, way_in
from .talkers import SHOUT, Talker

PEOPLE: Final = 8
MESSAGES_PER_S: Final = 100.0
"""Of all together."""
TALK_S: Final = 1.0
"""Before the disk is full."""
STUCK_S: Final = 2.5
"""Longer than a service waits before it tries again: who hears nothing for so long, waits."""
PATIENCE_S: Final = 90.0
DISK_BYTES: Final = 192 << 20
GROWTH_BYTES: Final = 80 << 20
"""What one more repetition of all rounds writes at most."""
CHECKPOINT_FRAMES: Final = 8_000
"""In a WAL of so many SQLite begins to write their pages into the database."""
NEAR_CHECKPOINT_FRAMES: Final = CHECKPOINT_FRAMES - 1_000
FRAME_BYTES: Final = 4_096 + 24
LONG_MESSAGES: Final = 16
"""Said at once to make a WAL grow."""
LONG_ROUNDS_MAX: Final = 40
_LOOK_AGAIN_S: Final = 0.05

PROGRAMS: Final = (ROUTER, *SERVICES, *GATEWAYS)


# --- The command ----------------------------------------------------------------------------------


@click.command("disk-full")
@click.option("--rounds", default=len(ROUNDS), show_default=True, help="How many, on each disk.")
@click.option("--full-s", default=5.0, show_default=True, help="How long each lasts, at least.")
@click.option("--seed", default=1, show_default=True, help="Of who says what to whom.")
@click.option(
    "--shares",
    type=click.Choice([one.value for one in Shares]),
    help="One disk only; by default both.",
)
@click.option("--mounts-of-its-own", is_flag=True, hidden=True)
def disk_full(
    rounds: int, full_s: float, seed: int, shares: str | None, mounts_of_its_own: bool
) -> None:
    """Fills the disk of a real cluster while clients talk, kills services, and makes room again.

    Needs `unshare`, and either root or a system that lets anybody have mounts of their own.
    """
    if not mounts_of_its_own:
        _run_with_own_mounts(rounds, full_s, seed, shares)
    reports: list[Report] = []
    for disk in [Shares(shares)] if shares else Shares:
        reports += _one_disk(disk, rounds, full_s, seed)
    wrong = [f"{one.shares}, {one.name}: {what}" for one in reports for what in one.wrong]
    click.echo("\n".join(wrong) or "all promises were kept")
    sys.exit(bool(wrong))


def _run_with_own_mounts(rounds: int, full_s: float, seed: int, shares: str | None) -> NoReturn:
    way = way_in()
    if way is None:
        raise click.ClickException(
            "no small disk can be mounted here: run it as root, or allow user namespaces"
        )
    options = [f"--rounds={rounds}", f"--full-s={full_s}", f"--seed={seed}", "--mounts-of-its-own"]
    if shares:
        options.append(f"--shares={shares}")
    command = [*way, sys.executable, "-P", "-m", "torture.disk_full", *options]
    os.execvp(command[0], command)


def _one_disk(shares: Shares, rounds: int, full_s: float, seed: int) -> list[Report]:
    folder = Path(tempfile.mkdtemp(prefix="zchat-"))
    size_bytes = DISK_BYTES + rounds // len(ROUNDS) * GROWTH_BYTES
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        cluster = Cluster(folder)
        (folder / shares).mkdir(exist_ok=True)
        disk = stack.enter_context(SmallDisk(folder / shares, folder / "disk.img", size_bytes))
        stack.enter_context(cluster)
        cluster.start()
        click.echo(f"--- {shares} on {disk.filesystem} of {size_bytes >> 20} MiB")
        one_by_one = Rounds(cluster, disk, shares, full_s, seed)
        reports = asyncio.run(one_by_one.run([ROUNDS[n % len(ROUNDS)] for n in range(rounds)]))
        cluster.stop()
        reports[-1].wrong += [*cluster.bugs(), *(f"{pid} is left" for pid in cluster.living())]
    return reports


# --- The rounds -----------------------------------------------------------------------------------


class Rounds:
    """On one cluster, one after another, while people talk all the time."""

    def __init__(
        self, cluster: Cluster, disk: SmallDisk, shares: Shares, full_s: float, seed: int
    ) -> None:
        self._cluster = cluster
        self._disk = disk
        self._shares = shares
        self._full_s = full_s
        self._seed = seed
        self._recording = Recording()
        self._talkers: list[Talker] = []
        self._room = new_name("room")
        self._long: set[asyncio.Future[Answer]] = set()

    async def run(self, rounds: Sequence[Round]) -> list[Report]:
        reports = []
        async with AsyncExitStack() as stack:
            for number in range(PEOPLE):
                talker = Talker(
                    self._cluster.port, MESSAGES_PER_S / PEOPLE, f"{self._seed} {number}"
                )
                self._talkers.append(await stack.enter_async_context(talker))
            await self._gather()
            enough = asyncio.Event()
            async with asyncio.TaskGroup() as talks:
                names = [talker.name for talker in self._talkers]
                for talker in self._talkers:
                    others = [name for name in names if name != talker.name]
                    talks.create_task(talker.talk_until(enough, [room_log(self._room)], others))
                for one in rounds:
                    await asyncio.sleep(TALK_S)
                    reports.append(await self._round(one))
                    click.echo(line(reports[-1]))
                enough.set()
            reports[-1].wrong += [finding.text for finding in await self._findings()]
        return reports

    async def _gather(self) -> None:
        first, *others = self._talkers
        await first.chat.create_room(self._room)
        for other in others:
            await other.chat.join(self._room)
        for talker in self._talkers:
            self._recording.words[talker.name] = talker.words
            self._recording.sightings[talker.name] = talker.sightings

    async def _round(self, one: Round) -> Report:
        report = Report(self._shares, one.name)
        spare_bytes = one.spare_bytes
        if one.no_checkpoint:
            spare_bytes += await self._grow_wal(one.no_checkpoint)
        before = await asyncio.to_thread(self._pids)
        connections_lost = self._connections_lost
        await asyncio.to_thread(self._disk.fill, spare_bytes)
        answered = self._answered
        if one.no_checkpoint:
            await self._try_checkpoint(one.no_checkpoint, report)
        if not one.writable:
            await self._until_stuck(report)
        await asyncio.sleep(self._full_s)
        report.reads = await self._read(report)
        if one.no_checkpoint and self._frames(one.no_checkpoint) <= CHECKPOINT_FRAMES:
            report.wrong.append("there was a checkpoint, for which there should be no room")
        for program in one.kill:
            await asyncio.to_thread(self._kill, program, report)
        await asyncio.sleep(self._full_s if one.kill else 0)
        report.acknowledged_full = self._answered - answered
        await self._recover(report)
        after = await asyncio.to_thread(self._pids)
        died = [
            name for name in before if after.get(name) != before[name] and not one.is_killed(name)
        ]
        report.wrong += [f"{name} has died" for name in died]
        if (lost := self._connections_lost - connections_lost) and SUPERVISORD not in one.kill:
            report.wrong.append(f"{lost} connections were lost")
        if one.no_checkpoint:
            await self._until_checkpointed(one.no_checkpoint, report)
        return report

    async def _recover(self, report: Report) -> None:
        said = {talker: talker.spoken for talker in self._talkers}
        report.waiting = sum(said.values()) - self._answered
        begin_s = _now()
        await asyncio.to_thread(self._disk.empty)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._long or not all(t.has_answers(n) for t, n in said.items()):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            report.wrong.append(f"{PATIENCE_S:.0f} s after there was space some still wait")
        report.recovered_s = _now() - begin_s
        await asyncio.to_thread(self._cluster.wait_running)

    async def _until_stuck(self, report: Report) -> None:
        """Until neither a room nor an inbox takes anything more."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                answered = -1
                while answered != self._answered:
                    answered = self._answered
                    await asyncio.sleep(STUCK_S)
        except TimeoutError:
            report.wrong.append("the disk is full, and yet there are answers")

    # --- Reading while it is full ---------------------------------------------------------------

    async def _read(self, report: Report) -> int:
        """What must be known though nothing can be written; returns how much was asked."""
        talkers = self._talkers
        names = {talker.name for talker in talkers}
        asked = 0
        for talker, other in zip(talkers, [*talkers[1:], talkers[0]], strict=True):
            try:
                chat = talker.chat
                heads = self._acknowledged_heads()
                history = await chat.history(room_log(self._room), limit=1)
                if history.entries[-1].sequence < heads.get(room_log(self._room), 0):
                    report.wrong.append("the history of the room is older than an acknowledgement")
                await chat.history(inbox_log(other.name))
                missing = names - {user.name for user in (await chat.users()).users}
                if missing:
                    report.wrong.append(f"{len(missing)} who are here are not among the users")
                if self._room not in {room.room for room in (await chat.rooms()).rooms}:
                    report.wrong.append("the list of rooms has lost one")
                if {one.name for one in (await chat.members(self._room)).members} != names:
                    report.wrong.append("the list of members is another one")
                for target in PingTarget:
                    await chat.ping(target)
                asked += 5 + len(PingTarget)
            except RefusedError as error:
                report.wrong.append(f"{talker.name} may not read: {error}")
        return asked

    def _acknowledged_heads(self) -> dict[str, int]:
        heads: Counter[str] = Counter()
        for words in self._recording.words.values():
            for number, sequence in enumerate(words.sequences):
                log = words.places(number)[0]
                heads[log] = max(heads[log], sequence)
        return heads

    # --- Killing while it is full ---------------------------------------------------------------

    def _kill(self, program: str, report: Report) -> None:
        """A service must have left behind all that it had acknowledged."""
        if program == SUPERVISORD:
            self._cluster.kill_supervisord()
            self._cluster.start()
            return
        if program not in SERVICES:
            self._cluster.kill(program)
            return
        with tempfile.TemporaryDirectory() as folder:
            logs = CommittedLogs()
            with reading(kill_and_copy(self._cluster, program, Path(folder))) as connection:
                logs.read(program, committed_entries(connection))
        report.wrong += [finding for *_, finding in logs.findings]
        checked, missing = missing_in(logs, self._recording, OWN_LOGS[program])
        report.checked_at_kill += checked
        report.wrong += missing

    # --- The WAL --------------------------------------------------------------------------------

    async def _grow_wal(self, program: str) -> int:
        """Until it is nearly due for a checkpoint; returns how many bytes there are to go."""
        while self._frames(program) < NEAR_CHECKPOINT_FRAMES:
            await self._say_much(program)
        return max(0, CHECKPOINT_FRAMES - self._frames(program)) * FRAME_BYTES

    async def _try_checkpoint(self, program: str, report: Report) -> None:
        """Until SQLite would bring the WAL into the database, which cannot grow so much."""
        for _ in range(LONG_ROUNDS_MAX):
            if self._frames(program) > CHECKPOINT_FRAMES:
                break
            await self._say_much(program)
        else:
            report.wrong.append("the WAL was not due for a checkpoint")
        await asyncio.to_thread(self._disk.fill)

    async def _until_checkpointed(self, program: str, report: Report) -> None:
        """Now there is room for it, and the next commit begins the WAL anew."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._frames(program) > CHECKPOINT_FRAMES:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            report.wrong.append("the WAL is never brought into its database")

    async def _say_much(self, program: str) -> None:
        """Long messages that this service stores; waits for the answers, but not for ever."""
        talker, other = self._talkers[:2]
        log = room_log(self._room) if program == ROOM_SERVICE else inbox_log(other.name)
        words = talker.words
        for _ in range(LONG_MESSAGES):
            number = words.add(log, _now())
            text = words.text(number, SHOUT)
            draft = Post(room=log, text=text) if log[0] == "#" else SendPrivate(to=log, text=text)
            answer = talker.chat.submit(draft)
            answer.add_done_callback(partial(_note, words, number))
            self._long.add(answer)
            answer.add_done_callback(self._long.discard)
        await asyncio.wait(self._long, timeout=STUCK_S)

    def _frames(self, program: str) -> int:
        """In its WAL, of what is committed; the index of the WAL says so in its head."""
        index = self._cluster.folder / "var" / "data" / (DATABASES[program] + "-shm")
        (frames,) = struct.unpack_from("=I", index.read_bytes(), 16)
        return int(frames)

    # --- What it comes to -----------------------------------------------------------------------

    async def _findings(self) -> list[Finding]:
        committed = await asyncio.to_thread(read_databases, self._cluster.folder)
        heads = {log: len(entries.digests) for log, entries in committed.items()}
        await asyncio.gather(*(talker.until_seen(heads) for talker in self._talkers))
        findings = check(self._recording, committed)
        for talker in self._talkers:
            findings += talker.findings
        return findings

    @property
    def _answered(self) -> int:
        return sum(
            words.is_answered(number)
            for words in self._recording.words.values()
            for number in range(len(words.to))
        )

    @property
    def _connections_lost(self) -> int:
        return sum(len(talker.connections_lost) for talker in self._talkers)

    def _pids(self) -> Mapping[str, int]:
        return {name: self._cluster.pid(name) for name in PROGRAMS}


def _note(words: Words, number: int, answer: "asyncio.Future[Answer]") -> None:
    if not answer.cancelled() and answer.exception() is None:
        done = answer.result()
        assert isinstance(done, Done)
        words.answered(number, done.sequence, _now())


def _now() -> float:
    return asyncio.get_running_loop().time()


if __name__ == "__main__":
    disk_full()
