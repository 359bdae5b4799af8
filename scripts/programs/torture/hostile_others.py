"""The others: honest clients under a light load, and how long each of their requests took."""

import asyncio
import itertools
import os
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from msgspec import Struct

from zchat.protocol.codec import Decoder, ProtocolError, encode
from zchat.protocol.messages import (
    ListRooms,
    Message,
    Ping,
    PingTarget,
    Post,
    ReadHistory,
    SendPrivate,
    room_log,
)
from zchat.protocol.rules.nonces import nonce

from .hostile_data import HONEST_PAIRS, honest, pair_room, token_of
from .hostile_wire import Address, Asking, Line, Login, Refusal, dial

CLIENTS: Final = 2 * HONEST_PAIRS
INTERVAL_S: Final = 0.25
"""Between two requests of one client."""
_RETURN_S: Final = 15.0
_RETURN_PAUSE_S: Final = 0.2
_NOT_CONNECTED: Final = "not connected"
_VISIT_INTERVAL_S: Final = 0.25
_CALM_S: Final = 0.05
_CALM_SAMPLES: Final = 15
_ACTS: Final = ("post", "private", "post", "rooms", "post", "private", "post", "users", "post",
                "history", "post", "gateway", "post", "room")  # fmt: skip


@dataclass(slots=True)
class Sample:
    act: str
    sent_at: float
    delivers: bool
    answered_at: float | None = None
    delivered_at: float | None = None
    failure: str = ""


class Times(NamedTuple):
    """Of requests that were sent in one window of time, in seconds."""

    samples: int
    p50: float
    p99: float
    most: float
    delivered_p99: float
    delivered_most: float
    failures: Counter[str]
    slowest: str
    """What kind of request took longest."""


class _Body(Struct, frozen=True):
    text: str = ""


class _Heard(Struct, frozen=True):
    kind: str
    id: int | None = None
    code: str = ""
    author: str = ""
    body: _Body = _Body()


_heard: Final = Decoder(_Heard)


class Others:
    """To be entered with `async with`; they speak as long as that lasts."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._samples: deque[Sample] = deque()
        self.expected: dict[str, Sample] = {}
        """By text: what the other one of a pair must be told still."""
        self._tasks: list[asyncio.Task[None]] = []
        self._clients: list[_Client] = []
        self.lag_s = 0.0
        """By how much this process itself was late at most."""

    async def __aenter__(self) -> Self:
        for number in range(CLIENTS):
            client = _Client(self, self._address, number)
            await client.enter()
            self._clients.append(client)
        begun_at = time.monotonic()
        for number, client in enumerate(self._clients):
            begin_at = begun_at + number * INTERVAL_S / CLIENTS
            self._tasks.append(asyncio.create_task(client.talk(begin_at)))
        self._tasks.append(asyncio.create_task(self._visit()))
        self._tasks.append(asyncio.create_task(self._mind_lag()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients:
            client.end()

    def sent(self, act: str, *, delivers: bool = False) -> Sample:
        sample = Sample(act, time.monotonic(), delivers)
        self._samples.append(sample)
        return sample

    async def calm(self, since: float, patience_s: float) -> bool:
        """Waits until nothing is owed of what was sent since then, and all is quick again."""
        give_up_at = time.monotonic() + patience_s
        while time.monotonic() < give_up_at:
            await asyncio.sleep(0.1)
            newest = list(self._samples)[-_CALM_SAMPLES:]
            # Those just sent cannot have their answers.
            newest = [one for one in newest if time.monotonic() - one.sent_at > _CALM_S]
            owed = any(
                _is_owed(one)
                for one in self._samples
                if one.sent_at >= since and time.monotonic() - one.sent_at > _CALM_S
            )
            if not owed and newest and all(_took_s(one) < 2 * _CALM_S for one in newest):
                return True
        return False

    def times(self, begin: float, end: float) -> Times:
        """What is unanswered counts as it is now."""
        all_samples = [one for one in self._samples if begin <= one.sent_at < end]
        # What could not even be sent has failed, and took no time.
        samples = [one for one in all_samples if one.failure != _NOT_CONNECTED]
        now = time.monotonic()
        took = sorted((one.answered_at or now) - one.sent_at for one in samples)
        delivered = sorted(
            (one.delivered_at or now) - one.sent_at for one in samples if one.delivers
        )
        failures = Counter(f"{one.act} {one.failure}" for one in all_samples if one.failure)
        failures["unanswered"] += sum(one.answered_at is None for one in samples)
        failures["not delivered"] += sum(
            one.delivers and one.delivered_at is None and not one.failure for one in samples
        )
        slowest = max(samples, key=lambda one: (one.answered_at or now) - one.sent_at, default=None)
        return Times(
            len(all_samples),
            percentile(took, 0.5),
            percentile(took, 0.99),
            took[-1] if took else 0.0,
            percentile(delivered, 0.99),
            delivered[-1] if delivered else 0.0,
            +failures,
            slowest.act if slowest else "",
        )

    def forget(self) -> None:
        self._samples.clear()
        self.expected.clear()
        self.lag_s = 0.0

    async def _visit(self) -> None:
        """Logs in again and again."""
        name = honest(CLIENTS)
        while True:
            sample = self.sent("login")
            asking = Asking()
            try:
                await asking.enter(self._address, "127.0.2.250", Login(name, token_of(name)))
                sample.answered_at = time.monotonic()
            except (OSError, Refusal, TimeoutError) as error:
                sample.failure = str(error) or "had no answer"
                sample.answered_at = time.monotonic()
            finally:
                asking.end()
            await asyncio.sleep(_VISIT_INTERVAL_S)

    async def _mind_lag(self) -> None:
        step_s = 0.01
        while True:
            due_at = time.monotonic() + step_s
            await asyncio.sleep(step_s)
            self.lag_s = max(self.lag_s, time.monotonic() - due_at)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest that so many are not above."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def _is_owed(sample: Sample) -> bool:
    return not sample.failure and (
        sample.answered_at is None or (sample.delivers and sample.delivered_at is None)
    )


def _took_s(sample: Sample) -> float:
    return (sample.answered_at or time.monotonic()) - sample.sent_at


class _Client:
    """One of a pair, who talk in a room of their own and in private."""

    def __init__(self, others: Others, address: Address, number: int) -> None:
        self._others, self._address, self._number = others, address, number
        self._name, self._partner = honest(number), honest(number ^ 1)
        self._unanswered: dict[int, Sample] = {}
        self._entered: asyncio.Future[None] | None = None
        self._line: Line | None = None
        self._returning: asyncio.Task[None] | None = None
        self._prefix = os.urandom(8)

    async def enter(self) -> None:
        self._entered = asyncio.get_running_loop().create_future()
        line = await dial(self._address, f"127.0.2.{self._number + 1}", self._heard)
        try:
            line.write(Login(self._name, token_of(self._name)).frames())
            async with asyncio.timeout(_RETURN_S):
                await self._entered
        except BaseException:
            line.heard = lambda frame: None
            line.abort()
            raise
        self._line = line

    async def _return(self) -> None:
        """As a client does that has lost its connection."""
        while self._line is None or not self._line.open:
            with suppress(OSError, Refusal, TimeoutError):
                await self.enter()
                return
            await asyncio.sleep(_RETURN_PAUSE_S)

    def end(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
        if self._line is not None:
            self._line.abort()

    async def talk(self, due_at: float) -> None:
        """In time, whether there are answers or not."""
        acts = itertools.cycle(
            _ACTS[self._number % len(_ACTS) :] + _ACTS[: self._number % len(_ACTS)]
        )
        for number, act in enumerate(acts, 1):
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            due_at += INTERVAL_S
            lost = self._line is None or not self._line.open
            if lost and (self._returning is None or self._returning.done()):
                self._returning = asyncio.create_task(self._return())
            self._do(act, number)

    def _do(self, act: str, number: int) -> None:
        text = f"{number} of {self._name}"
        delivers = act in {"post", "private"}
        sample = self._others.sent(act, delivers=delivers)
        if self._line is None or not self._line.open:
            sample.failure, sample.answered_at = _NOT_CONNECTED, time.monotonic()
            return
        self._unanswered[number] = sample
        if delivers:
            self._others.expected[text] = sample
        self._line.write(encode(self._request(act, number, text)))

    def _request(self, act: str, number: int, text: str) -> Message:
        room, fresh = pair_room(self._number), nonce(self._prefix, number)
        match act:
            case "post":
                return Post(id=number, nonce=fresh, room=room, text=text)
            case "private":
                return SendPrivate(id=number, nonce=fresh, to=self._partner, text=text)
            case "history":
                return ReadHistory(id=number, log=room_log(room))
            case "room":
                return ListRooms(id=number, room=room)
            case "rooms":
                return Ping(id=number, target=PingTarget.ROOM_SERVICE)
            case "users":
                return Ping(id=number, target=PingTarget.USER_SERVICE)
            case _:
                return Ping(id=number)

    def _heard(self, frame: bytes | None) -> None:
        now = time.monotonic()
        if frame is None:
            self._lost(now)
            return
        try:
            message = _heard.decode(frame)
        except ProtocolError:
            return
        if message.kind == "entry":
            if message.author == self._partner and (
                sample := self._others.expected.pop(message.body.text, None)
            ):
                sample.delivered_at = now
        elif self._entered is not None and not self._entered.done():
            if message.kind == "logged_in":
                self._entered.set_result(None)
            elif message.kind == "refused":
                self._entered.set_exception(Refusal(message.code))
        elif message.id is not None and (found := self._unanswered.pop(message.id, None)):
            found.answered_at = now
            found.failure = message.code if message.kind == "refused" else ""

    def _lost(self, now: float) -> None:
        if self._entered is not None and not self._entered.done():
            self._entered.set_exception(Refusal("the connection was closed"))
        for sample in self._unanswered.values():
            sample.failure, sample.answered_at = "connection lost", now
        self._unanswered.clear()
