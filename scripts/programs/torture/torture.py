"""One run: a real cluster, people who talk over it, and everything that is done to it meanwhile."""

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from testbed.cluster import DEADLINE_S, GATEWAYS, Cluster
from testbed.people import new_name
from zchat.client.sdk.tls import AUTOMATIC, Tls

from .browser import Browser
from .checkers import Breach, Finding, check
from .databases import read_databases
from .faults import (
    GARBAGE_S,
    SUPERVISORD,
    Kind,
    client_faults,
    flood_with_garbage,
    hurt_client,
    hurt_process,
    hurt_supervisord,
    process_faults,
    speak_up,
)
from .recording import Fault, Recording
from .secured import certified, make_keys, on_a_network
from .talkers import Talker

MEMBERS: Final = 10
"""People of each room."""
GUEST_EVERY: Final = 5
"""One in so many stays a guest; the others register."""
BREATHER_S_MAX: Final = 1.0
OVERLAP_SHARE: Final = 0.25
"""Of the faults that happen before the one before them is healed."""
CLIENT_FAULT_INTERVAL_S: Final = 1.5
HURT_SHARE_MAX: Final = 0.2
"""Of the clients whose own connections are attacked at a time."""
HEAL_DEADLINE_S: Final = 120.0
QUIET_S: Final = 2.0
"""After all was seen, for whatever might come twice."""
PROGRESS_INTERVAL_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.05


@dataclass(frozen=True)
class Plan:
    seed: int
    kills: int | None
    """Processes to end or stop, if that is what ends the run."""
    seconds: float | None
    clients: int = 50
    messages_per_s: float = 150.0
    tls: bool = False
    """Between clients and gateways."""
    curve: bool = False
    """Between processes, which then talk over TCP."""
    browsers: int = 0
    """Of the clients those that come by the web door."""


@dataclass
class Outcome:
    recording: Recording
    seconds: float
    findings: list[Finding] = field(default_factory=list)
    connections_lost: Counter[str] = field(default_factory=Counter)


def torture(plan: Plan, folder: Path) -> Outcome:
    """In an empty folder with a short path. Leaves no process behind, however it ends."""
    environment, tls = certified(folder) if plan.tls else ({}, AUTOMATIC)
    if plan.curve:
        environment |= on_a_network()
    with Cluster(folder, environment=environment) as cluster:
        if plan.curve:
            make_keys(cluster)
        cluster.start()
        outcome = asyncio.run(Torture(plan, cluster, tls).run())
        cluster.stop()
        others = cluster.bugs()
        others += [f"process {pid} is left behind" for pid in cluster.living()]
        outcome.findings += [Finding(Breach.OTHER, None, None, other) for other in others]
        return outcome


class Torture:
    """Does to the cluster what the plan says, once."""

    def __init__(self, plan: Plan, cluster: Cluster, tls: Tls) -> None:
        self._plan = plan
        self._tls = tls
        self._cluster = cluster
        self._dice = random.Random(plan.seed)
        self._recording = Recording()
        self._findings: list[Finding] = []
        self._talkers: list[Talker] = []
        self._kills = 0
        self._stuck = False
        """Whether to give up, since somebody waits in vain."""
        self._begin_s = 0.0
        self._enough_done = asyncio.Event()
        self._enough_said = asyncio.Event()
        self._restarts: set[asyncio.Task[None]] = set()
        """What waits for supervisord to start a process again."""

    async def run(self) -> Outcome:
        plan = self._plan
        async with AsyncExitStack() as stack:
            for number in range(plan.clients):
                pace, seed = plan.messages_per_s / plan.clients, f"{plan.seed} {number}"
                # Some in each room.
                by_web = number * plan.browsers // plan.clients
                browser = None
                if by_web < (number + 1) * plan.browsers // plan.clients:
                    browser = Browser(self._cluster.address)
                talker = Talker(self._cluster.port, pace, seed, self._tls, browser)
                self._talkers.append(await stack.enter_async_context(talker))
                if number % GUEST_EVERY:
                    await talker.register()
            await self._talk_and_suffer()
            seconds = self._now() - self._begin_s
            committed = await asyncio.to_thread(read_databases, self._cluster.folder)
            heads = {log: len(entries.digests) for log, entries in committed.items()}
            await asyncio.gather(*(talker.until_seen(heads) for talker in self._talkers))
            await asyncio.sleep(QUIET_S)
            self._findings += check(self._recording, committed)
        for talker in self._talkers:
            self._findings += talker.findings
            if talker.browser is not None and len(talker.browser.cookies) != 1:
                self._found(f"the cookie of {talker.name} has changed")
        reasons = [reason for talker in self._talkers for reason in talker.connections_lost]
        return Outcome(self._recording, seconds, self._findings, Counter(reasons))

    async def _talk_and_suffer(self) -> None:
        async with asyncio.TaskGroup() as talks:
            for talker, rooms, others in await self._acquaint():
                self._recording.words[talker.name] = talker.words
                self._recording.sightings[talker.name] = talker.sightings
                talks.create_task(talker.talk_until(self._enough_said, rooms, others))
            self._begin_s = self._now()
            progress = talks.create_task(self._tell_progress())
            async with asyncio.TaskGroup() as faults:
                faults.create_task(self._hurt_clients(faults))
                await self._hurt_processes(faults)
                self._enough_done.set()
            await asyncio.to_thread(self._cluster.wait_running)
            self._enough_said.set()
            for talker in self._talkers:
                talker.prompt()
            progress.cancel()

    async def _acquaint(self) -> list[tuple[Talker, list[str], list[str]]]:
        """Each with its two rooms and with those whom it talks to in private."""
        talkers = self._talkers
        rooms: dict[str, list[str]] = {talker.name: [] for talker in talkers}
        for strangers in range(2):
            for group in _groups(talkers, strangers):
                room = "#" + new_name("room")
                await group[0].chat.create_room(room)
                for member in group[1:]:
                    await member.chat.join(room)
                for member in group:
                    rooms[member.name].append(room)
        names = [talker.name for talker in talkers]
        return [
            (talker, rooms[talker.name], [name for name in names if name != talker.name])
            for talker in talkers
        ]

    # --- Faults ---------------------------------------------------------------------------------

    async def _hurt_processes(self, faults: asyncio.TaskGroup) -> None:
        kinds = process_faults(self._dice)
        while not self._is_over():
            kind, program = next(kinds)
            if kind is Kind.GARBAGE:
                task = faults.create_task(self._flood(faults))
            elif program == SUPERVISORD:
                if self._restarts:
                    # They ask it whether their processes run again.
                    await asyncio.wait(self._restarts)
                task = faults.create_task(self._hurt_supervisord(kind))
            else:
                pid = await self._running_pid(program)
                task = faults.create_task(self._hurt_process(kind, program, pid))
                if kind not in (Kind.HANG, Kind.LONG_HANG):
                    self._restarts.add(task)
                    task.add_done_callback(self._restarts.discard)
            self._kills += kind.is_kill
            if program == SUPERVISORD or self._dice.random() >= OVERLAP_SHARE:
                await asyncio.wait([task])
            await asyncio.sleep(self._dice.uniform(0, BREATHER_S_MAX))

    async def _hurt_process(self, kind: Kind, program: str, pid: int) -> None:
        half = self._dice.sample(self._talkers, len(self._talkers) // 2)
        await speak_up(half, self._dice)
        fault = self._begin(kind, "gateway" if program in GATEWAYS else program)
        await hurt_process(self._cluster, kind, program, pid, self._dice)
        await self._heal(fault, self._whole())

    async def _hurt_supervisord(self, kind: Kind) -> None:
        await speak_up(self._talkers, self._dice)
        fault = self._begin(kind, SUPERVISORD)
        await hurt_supervisord(self._cluster, kind)
        await self._heal(fault, self._whole())

    async def _flood(self, faults: asyncio.TaskGroup) -> None:
        fault = self._begin(Kind.GARBAGE, "at gateways")
        flood = faults.create_task(self._send_garbage())
        await asyncio.wait([flood], timeout=GARBAGE_S)
        await self._heal(fault, self._whole())

    async def _send_garbage(self) -> None:
        left_open = await flood_with_garbage(self._cluster, self._dice)
        if left_open:
            self._found(f"{left_open} connections with garbage were left open")

    def _whole(self) -> list[Talker]:
        """Those whose own connections are not attacked."""
        return [talker for talker in self._talkers if not talker.is_hurt]

    async def _running_pid(self, program: str) -> int:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                pid = await asyncio.to_thread(self._cluster.running_pid, program)
                if pid is not None:
                    return pid
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _hurt_clients(self, faults: asyncio.TaskGroup) -> None:
        for kind in client_faults(self._dice):
            await asyncio.sleep(self._dice.expovariate(1 / CLIENT_FAULT_INTERVAL_S))
            if self._enough_done.is_set():
                return
            whole = self._whole()
            if len(whole) > (1 - HURT_SHARE_MAX) * len(self._talkers):
                victim = self._dice.choice(whole)
                whole.remove(victim)
                faults.create_task(self._hurt_client(kind, victim, whole))

    async def _hurt_client(self, kind: Kind, victim: Talker, others: Sequence[Talker]) -> None:
        victim.is_hurt = True
        fault = self._begin(kind, "client", victim.name)
        if await hurt_client(kind, victim, others, self._dice, self._enough_done):
            await self._heal(fault, [victim])
        else:
            self._recording.faults.remove(fault)
        victim.is_hurt = False

    def _begin(self, kind: Kind, what: str, hurts: str | None = None) -> Fault:
        fault = Fault(kind, what, self._now(), hurts=hurts)
        self._recording.faults.append(fault)
        return fault

    async def _heal(self, fault: Fault, concerned: Collection[Talker]) -> None:
        """Until all that they had said by now is answered."""
        fault.end_s = self._now()
        said = {talker: talker.spoken for talker in concerned}
        try:
            async with asyncio.timeout(HEAL_DEADLINE_S):
                while said:
                    for talker, count in list(said.items()):
                        # Who is attacked meanwhile has another reason to wait.
                        hurt_anew = talker.is_hurt and fault.hurts is None
                        if hurt_anew or talker.has_answers(count):
                            del said[talker]
                    await asyncio.sleep(_LOOK_AGAIN_S)
        except TimeoutError:
            names = ", ".join(talker.name for talker in said)
            self._found(f"{HEAL_DEADLINE_S:.0f} s after {fault} these had no answers: {names}")
            self._stuck = True
        fault.healed_s = self._now()

    # --- Time -----------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        plan = self._plan
        kills_done = plan.kills is not None and self._kills >= plan.kills
        time_over = plan.seconds is not None and self._now() > self._begin_s + plan.seconds
        return kills_done or time_over or self._stuck

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_INTERVAL_S)
            found = len(self._findings) + sum(len(one.findings) for one in self._talkers)
            said = sum(talker.spoken for talker in self._talkers)
            seconds = self._now() - self._begin_s
            sys.stderr.write(
                f"{seconds:5.0f} s: {self._kills} kills, {said} messages, {found} breaches so far\n"
            )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _found(self, text: str) -> None:
        self._findings.append(Finding(Breach.OTHER, self._now(), None, text))


def _groups(talkers: Sequence[Talker], strangers: int) -> list[list[Talker]]:
    """Neighbours, or for `strangers` those who stand far apart."""
    count = -(-len(talkers) // MEMBERS)
    if strangers:
        return [list(talkers[first::count]) for first in range(count)]
    return [list(talkers[first : first + MEMBERS]) for first in range(0, len(talkers), MEMBERS)]
