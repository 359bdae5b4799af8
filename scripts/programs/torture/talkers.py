"""Clients that talk at a steady pace with many messages unanswered, and record all of it."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from testbed.cluster import DEADLINE_S
from testbed.people import new_name
from zchat.client import RefusedError, connect
from zchat.client.core.events import ConnectionLost, EntryArrived, SessionBegun
from zchat.client.sdk.tls import AUTOMATIC, Tls
from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    Answer,
    Done,
    Entry,
    Post,
    ReadHistory,
    SendPrivate,
    inbox_log,
    room_log,
)

from .browser import Browser
from .checkers import Breach, Finding
from .proxy import Route
from .recording import Sightings, Words

WINDOW: Final = 16
"""Unanswered messages of one talker."""
BURST_MAX: Final = 8
"""Messages that it says at once, so that some are always behind others on their way."""
ANSWER_DEADLINE_S: Final = 180.0
"""For one message, whatever is done to the cluster; nobody is to wait for ever."""
PASSWORD: Final = "correct horse battery staple"
LOBBY_SHARE: Final = 0.1
ROOM_SHARE: Final = 0.5
"""Of the messages; the others are private."""
SHOUT: Final = " " + "x" * 15_000
"""Makes a message so long that a few of them fill every buffer on the way to who does not read."""


class _Waiting(NamedTuple):
    number: int
    answer: asyncio.Future[Answer]


class Talker:
    """A user of the SDK behind a `Route` of its own. To be entered with `async with`."""

    def __init__(
        self,
        gateways_port: int,
        messages_per_s: float,
        seed: str,
        tls: Tls = AUTOMATIC,
        browser: Browser | None = None,
    ) -> None:
        self.name = new_name("talker")
        self.browser = browser
        self.route = Route(gateways_port, browser)
        self.words = Words(self.name)
        self.sightings: dict[str, Sightings] = {}
        self.findings: list[Finding] = []
        """What only it could notice, and no checker afterwards."""
        self.connections_lost: list[str] = []
        self.is_hurt = False
        """Whether its own connection is being attacked."""
        self._tls = tls
        self._messages_per_s = messages_per_s
        self._dice = random.Random(seed)
        self._shouts: deque[str] = deque()
        """To which logs it says something as long as can be before anything else."""
        self._waiting: deque[_Waiting] = deque()
        self._reads = asyncio.Event()
        self._reads.set()
        self._prompted = asyncio.Event()
        self._news = asyncio.Event()
        self._doubles = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.route.__aenter__()
        self.chat = connect(
            self.name, self.route.address, tls=self._tls, connect_timeout_s=DEADLINE_S
        )
        await self.chat.__aenter__()
        self._tasks = [asyncio.create_task(self._watch())]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._reads.set()
        try:
            await self.chat.__aexit__(*exception)  # type: ignore[arg-type]
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self.route.__aexit__()

    # --- What it sees ---------------------------------------------------------------------------

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for event in self.chat.events():
                match event:
                    case EntryArrived(entry):
                        self._see(entry, loop.time())
                    case SessionBegun(logs=logs):
                        for state in logs:
                            self.sightings.setdefault(state.log, Sightings(state.cursor))
                    case ConnectionLost(reason):
                        self.connections_lost.append(reason)
                        if "is missing" in reason:
                            self._found(Breach.GAP, f"{self.name} was sent a gap: {reason}")
                    case _:
                        pass
                self._news.set()
                await self._reads.wait()
        except RefusedError as error:
            self._found(Breach.OTHER, f"{self.name} was thrown out: {error}")

    def _see(self, entry: Entry, now_s: float) -> None:
        if entry.log not in self.sightings:
            # Whoever joins sees the room from that entry on.
            self.sightings[entry.log] = Sightings(entry.sequence - 1)
        self.sightings[entry.log].add(entry, now_s)
        doubles = self.chat._core.doubles_total
        if doubles != self._doubles:
            self._doubles = doubles
            self._found(Breach.DOUBLED, f"{self.name} was sent an entry twice, before {entry}")

    def stop_reading(self) -> None:
        """Looks at nothing that arrives from now on."""
        self._reads.clear()

    def read_on(self) -> None:
        self._reads.set()

    async def until_seen(self, heads: dict[str, int]) -> bool:
        """Until it has seen all logs that it follows up to here; False if that does not happen."""
        mine = {log: head for log, head in heads.items() if log in self.sightings}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                while any(self.sightings[log].head < head for log, head in mine.items()):
                    self._news.clear()
                    await self._news.wait()
                return True
        return False

    # --- What it says ---------------------------------------------------------------------------

    async def register(self) -> None:
        await self.chat.register(PASSWORD)

    async def talk_until(
        self, enough: asyncio.Event, rooms: Sequence[str], to: Sequence[str]
    ) -> None:
        """To the lobby, to `rooms` and, in private, to the people `to`; ends with all answered."""
        private = [inbox_log(name) for name in to]
        dice = self._dice
        try:
            while not enough.is_set():
                burst = dice.randint(1, BURST_MAX)
                for _ in range(burst):
                    await self._say(self._choose_log(rooms, private))
                while self._shouts:
                    await self._say(self._shouts.popleft(), SHOUT)
                self._prompted.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(
                        self._prompted.wait(), dice.expovariate(self._messages_per_s / burst)
                    )
            while self._waiting:
                await self._answered(self._waiting.popleft())
        except RefusedError as error:
            self._found(Breach.OTHER, f"{self.name} may not speak any more: {error}")
        except TimeoutError:
            text = f"{self.name} waits for an answer since {ANSWER_DEADLINE_S:.0f} s"
            self._found(Breach.OTHER, text)

    def prompt(self) -> None:
        """It has something to say, or something new to know, now."""
        self._prompted.set()

    def shout_at(self, name: str) -> None:
        """Says as much as it may have unanswered, in private."""
        self._shouts.extend([inbox_log(name)] * WINDOW)
        self.prompt()

    def read_back(self, name: str) -> None:
        """Asks for more of the conversation with `name` than all buffers on the way can hold."""
        for _ in range(limits.SESSION_REQUESTS_MAX):
            answer = self.chat.submit(
                ReadHistory(log=inbox_log(name), limit=limits.HISTORY_ENTRIES_MAX)
            )
            # While a service is away it may be refused; that is no concern of anybody's.
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _choose_log(self, rooms: Sequence[str], private: Sequence[str]) -> str:
        share = self._dice.random()
        if share < LOBBY_SHARE:
            return room_log(LOBBY)
        return self._dice.choice(rooms if share < LOBBY_SHARE + ROOM_SHARE else private)

    async def _say(self, log: str, padding: str = "") -> None:
        if len(self._waiting) == WINDOW:
            await self._answered(self._waiting.popleft())
        loop = asyncio.get_running_loop()
        words = self.words
        number = words.add(log, loop.time())
        text = words.text(number, padding)
        draft = Post(room=log, text=text) if log[0] == "#" else SendPrivate(to=log, text=text)
        answer = self.chat.submit(draft)
        self._waiting.append(_Waiting(number, answer))

        def take(answer: asyncio.Future[Answer]) -> None:
            if answer.cancelled() or answer.exception() is not None:
                return
            done = answer.result()
            if isinstance(done, Done) and done.log == words.places(number)[0]:
                words.answered(number, done.sequence, loop.time())
            else:
                self._found(Breach.OTHER, f"{number} of {self.name} was answered {done}")

        answer.add_done_callback(take)

    async def _answered(self, waiting: _Waiting) -> None:
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            await waiting.answer

    @property
    def spoken(self) -> int:
        """How much it has said."""
        return len(self.words.to)

    def has_answers(self, count: int) -> bool:
        """Whether the first `count` that it said are all answered."""
        return all(one.answer.done() for one in self._waiting if one.number < count)

    def _found(self, breach: Breach, text: str) -> None:
        now_s = asyncio.get_running_loop().time()
        self.findings.append(Finding(breach, now_s, self.name, text))
