"""A process of the load generator: it makes its share of the load and says what came of it."""

import asyncio
import dataclasses
import random
import resource
import signal
import sys
import time
from array import array
from functools import partial
from multiprocessing.connection import Connection as Pipe
from typing import Final

import uvloop

from benchmarks.conversation import Connection, Conversation
from benchmarks.crowd import Crowd, Share
from benchmarks.dialect import Dialect, Refused
from benchmarks.verify import Verdict, judge

_SILENCE_S: Final = 15.0
"""When nothing has come in for so long, nothing will: what is missing then is lost."""
_AFTERMATH_S: Final = 0.2
"""For what would come in twice, after all has come in once."""
_KNOCK_INTERVAL_S: Final = 0.005
_LATENCIES_MAX: Final = 200_000


@dataclasses.dataclass(frozen=True, slots=True)
class Ready:
    log_in_s: float
    log_in_cpu_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """On the clock of `time.monotonic`, which all processes of a machine share."""

    begin_at: float
    end_at: float


class Measured:
    """Sent when the measured time is over, and before what is still on its way has come in."""


@dataclasses.dataclass(slots=True)
class Outcome:
    """What one process saw during the measured time."""

    posted: int = 0
    acknowledged: int = 0
    delivered: int = 0
    reads: int = 0
    duration_s: float = 0.0
    cpu_s: float = 0.0
    acknowledgement_s: "array[float]" = dataclasses.field(default_factory=lambda: array("d"))
    delivery_s: "array[float]" = dataclasses.field(default_factory=lambda: array("d"))
    """Of recorded clients, over the whole run."""
    back_s: "array[float]" = dataclasses.field(default_factory=lambda: array("d"))
    """How long after the death of their gateway clients were in again."""
    sent_late_s: float = 0.0
    """The longest that the generator itself was behind its timetable."""
    verdict: Verdict = dataclasses.field(default_factory=Verdict)


def run(share: Share, dialect: Dialect, pipe: Pipe) -> None:
    """The main function of the process. It ends after the measured time, come what may."""
    # Ctrl-C reaches all processes of a terminal; the one that measures ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        uvloop.run(_run(share, dialect, pipe))
    except (EOFError, BrokenPipeError):
        sys.exit("The measurement was broken off.")


async def _run(share: Share, dialect: Dialect, pipe: Pipe) -> None:
    loop = asyncio.get_running_loop()
    load = Load(Crowd(share, dialect), pipe)
    await load.prepare()
    crowd = load.crowd
    pipe.send(Ready(crowd.log_in_s, crowd.log_in_cpu_s))
    schedule: Schedule = await loop.run_in_executor(None, pipe.recv)
    match share.workload.kind:
        case "saturate":
            await load.saturate(schedule)
        case "pace":
            await load.pace(schedule)
        case "catch-up":
            await load.catch_up(schedule)
        case "return":
            await load.come_back(schedule)
        case "log-in" | "idle" | "start":
            await load.wait(schedule)
    pipe.send(load.outcome)


class Load:
    """The kinds of load; each fills in `outcome`."""

    def __init__(self, crowd: Crowd, pipe: Pipe) -> None:
        self.crowd = crowd
        self.outcome = Outcome()
        self._workload = crowd.share.workload
        self._pipe = pipe

    @property
    def _conversations(self) -> list[Conversation]:
        return self.crowd.conversations

    async def prepare(self) -> None:
        await self.crowd.gather()
        if self._workload.kind == "catch-up":
            await self._say_what_will_be_missed()

    # --- As much as the windows allow -------------------------------------------------------------

    async def saturate(self, schedule: Schedule) -> None:
        for conversation in self._conversations:
            conversation.talk()
        await _sleep_until(schedule.begin_at)
        begin = self._look()
        await _sleep_until(schedule.end_at)
        end = self._look()
        self._pipe.send(Measured())
        for conversation in self._conversations:
            conversation.hush()
        self._fill_in(begin, end)
        await self._settle()

    # --- A steady pace ----------------------------------------------------------------------------

    async def pace(self, schedule: Schedule) -> None:
        """An open loop: the next message does not wait for the answer to the last."""
        workload = self._workload
        conversation = self._conversations[0]
        count = round((schedule.end_at - schedule.begin_at) * workload.rate_per_s)
        await _sleep_until(schedule.begin_at)
        begin = self._look()
        for number in range(count):
            # Off the beat of any timer of the servers, which would meet each message alike.
            due = schedule.begin_at + (number + random.random()) / workload.rate_per_s  # noqa: S311
            await _sleep_until(due)
            late_s = time.monotonic() - due
            self.outcome.sent_late_s = max(self.outcome.sent_late_s, late_s)
            conversation.say(conversation.speakers[number % len(conversation.speakers)], 1)
        await _sleep_until(schedule.end_at)
        end = self._look()
        self._pipe.send(Measured())
        self._fill_in(begin, end)
        await self._settle()

    # --- One comes back ---------------------------------------------------------------------------

    async def _say_what_will_be_missed(self) -> None:
        conversation = self._conversations[0]
        conversation.members.pop().leave()
        conversation.copies -= 1
        conversation.talk(posts_max=self._workload.messages)
        await self._until_complete()
        conversation.copies += 1

    async def catch_up(self, schedule: Schedule) -> None:
        conversation = self._conversations[0]
        share, workload = self.crowd.share, self._workload
        room = self.crowd.room(share.conversations[0])
        name = self.crowd.connections[-1].name
        await _sleep_until(schedule.begin_at)
        begin = self._look()
        back = await self.crowd.enter(name, {room: self.crowd.cursors[name]}, record=True)
        back.conversation = conversation
        back.count_only()
        conversation.members.append(back)
        deadline = time.monotonic() + _SILENCE_S
        while back.delivered < workload.messages and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        end = self._look()
        self._pipe.send(Measured())
        self._fill_in(begin, end)
        # What came with the answer to the log-in was counted before it had its conversation.
        conversation.delivered = sum(member.delivered for member in conversation.members)
        self.outcome.delivered = back.delivered
        await self._settle()
        # They were sent long before.
        self.outcome.delivery_s = array("d")

    # --- Everyone comes back ----------------------------------------------------------------------

    async def come_back(self, schedule: Schedule) -> None:
        """Somebody kills their gateway when the time begins."""
        herd = _Herd(self.crowd)
        await _sleep_until(schedule.begin_at)
        begin = self._look()
        await herd.until_back()
        self._fill_in(begin, self._look())
        self._pipe.send(Measured())
        self.outcome.back_s = array("d", [at - schedule.begin_at for at in herd.back_at])
        self._judge()

    # --- Only being there -------------------------------------------------------------------------

    async def wait(self, schedule: Schedule) -> None:
        await _sleep_until(schedule.begin_at)
        begin = self._look()
        await _sleep_until(schedule.end_at)
        self._fill_in(begin, self._look())
        self._pipe.send(Measured())
        self._judge()

    # --- What came of it --------------------------------------------------------------------------

    def _look(self) -> "_Counts":
        talkers = [talker for room in self._conversations for talker in room.talkers]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return _Counts(
            time.monotonic(),
            usage.ru_utime + usage.ru_stime,
            sum(conversation.posted for conversation in self._conversations),
            sum(conversation.delivered for conversation in self._conversations),
            sum(connection.reads for connection in self.crowd.connections),
            [talker.acknowledged for talker in talkers],
        )

    def _fill_in(self, begin: "_Counts", end: "_Counts") -> None:
        outcome = self.outcome
        outcome.duration_s = end.at - begin.at
        outcome.cpu_s = end.cpu_s - begin.cpu_s
        outcome.posted = end.posted - begin.posted
        outcome.delivered = end.delivered - begin.delivered
        outcome.reads = end.reads - begin.reads
        outcome.acknowledged = sum(end.acknowledged) - sum(begin.acknowledged)
        talkers = [talker for room in self._conversations for talker in room.talkers]
        for talker, first, last in zip(talkers, begin.acknowledged, end.acknowledged, strict=True):
            outcome.acknowledgement_s.extend(talker.latencies_s[first:last])

    async def _settle(self) -> None:
        await self._until_complete()
        await asyncio.sleep(_AFTERMATH_S)
        self._judge()

    def _judge(self) -> None:
        outcome = self.outcome
        outcome.verdict = judge(self._conversations, self.crowd.dialect, outcome.delivery_s)
        outcome.delivery_s = _sample(outcome.delivery_s)
        outcome.acknowledgement_s = _sample(outcome.acknowledgement_s)

    async def _until_complete(self) -> None:
        """Waits until everyone has everything, or nothing has come in for `_SILENCE_S`."""
        count, heard_at = -1, time.monotonic()
        while not all(room.complete for room in self._conversations):
            now = time.monotonic()
            if (delivered := sum(room.delivered for room in self._conversations)) != count:
                count, heard_at = delivered, now
            elif now - heard_at > _SILENCE_S:
                return
            await asyncio.sleep(0.01)


class _Herd:
    """Clients who come in again as soon as they can, all together, when they are cut off.

    One knocks for all of them: the knocking of a thousand would keep the server from starting.
    """

    def __init__(self, crowd: Crowd) -> None:
        self.back_at = array("d")
        self._crowd = crowd
        self._loop = asyncio.get_running_loop()
        self._open = asyncio.Event()
        self._knocking = False
        self._returns: set[asyncio.Task[None]] = set()
        for conversation in crowd.conversations:
            for member in conversation.members:
                member.on_loss = partial(self._lose, conversation)

    async def until_back(self) -> None:
        deadline = time.monotonic() + _SILENCE_S
        while not self._returns and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_KNOCK_INTERVAL_S)
        # Some hear of it only while the first are coming in.
        while self._returns:
            await asyncio.wait(self._returns, timeout=deadline - time.monotonic())
            if time.monotonic() > deadline:
                break

    def _lose(self, conversation: Conversation, lost: Connection) -> None:
        task = self._loop.create_task(self._return(conversation, lost))
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)

    async def _return(self, conversation: Conversation, lost: Connection) -> None:
        if self._knocking:
            await self._open.wait()
        self._knocking = True
        while True:
            try:
                back = await self._crowd.enter(lost.name, record=False)
            except (OSError, Refused):
                await asyncio.sleep(_KNOCK_INTERVAL_S)
                continue
            break
        self._open.set()
        self.back_at.append(time.monotonic())
        back.count_only()
        conversation.members[conversation.members.index(lost)] = back


@dataclasses.dataclass(frozen=True, slots=True)
class _Counts:
    at: float
    cpu_s: float
    posted: int
    delivered: int
    reads: int
    acknowledged: list[int]


def _sample(latencies_s: "array[float]") -> "array[float]":
    """Not more than a pipe should carry; a random part has the same percentiles."""
    if len(latencies_s) <= _LATENCIES_MAX:
        return latencies_s
    return array("d", random.sample(latencies_s.tolist(), _LATENCIES_MAX))


async def _sleep_until(at: float) -> None:
    # A timer of the loop may end up to a millisecond early.
    while (left_s := at - time.monotonic()) > 0:  # noqa: ASYNC110
        await asyncio.sleep(left_s)
