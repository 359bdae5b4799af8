"""Clients that talk and record what they saw, and what must be true of that afterwards."""

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, NamedTuple, Protocol, Self

from zchat.client import Chat, MessagePosted, PrivateMessageSent, connect
from zchat.client.core.events import ConnectionLost, Delayed, EntryArrived, SessionBegun
from zchat.client.sdk.tls import AUTOMATIC, Tls
from zchat.protocol.messages import (
    LOBBY,
    Answer,
    Done,
    Entry,
    EntryBody,
    Post,
    PresenceChanged,
    SendPrivate,
    inbox_log,
    room_log,
)

from .cluster import DEADLINE_S, GATEWAYS, Cluster

WINDOW: Final = 8
"""Messages of one talker that are on their way at the same time."""


def new_name(kind: str = "user") -> str:
    """One that nobody had before, so that tests can share a cluster."""
    return f"{kind}-{secrets.token_hex(4)}"


class Said(NamedTuple):
    """A message that the server has acknowledged as the entry `sequence` of `log`."""

    author: str
    to: str
    """A log: `#room`, or `@name` of whom it was said to in private."""
    text: str
    log: str
    sequence: int


class Listener(Protocol):
    """Whoever has seen entries, in the order of their arrival, by log."""

    @property
    def name(self) -> str: ...
    @property
    def entries(self) -> dict[str, list[Entry]]: ...
    async def until_seen(self, log: str, sequence: int) -> None: ...


class Person:
    """A user of the SDK who remembers everything. To be entered with `async with`."""

    def __init__(
        self,
        address: str,
        name: str | None = None,
        password: str | None = None,
        tls: Tls = AUTOMATIC,
    ) -> None:
        self.chat: Chat = connect(
            name or new_name(), address, password, tls=tls, connect_timeout_s=DEADLINE_S
        )
        self.entries: dict[str, list[Entry]] = {}
        """By log, in the order of their arrival."""
        self.missed: list[Entry] = []
        """Those that were written before the login that brought them."""
        self.logins: list[SessionBegun] = []
        self.connections_lost: list[str] = []
        self.delays: list[str] = []
        self.presence: list[PresenceChanged] = []
        self.said: list[Said] = []
        self._spoken = 0
        self._news = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.chat.name

    @property
    def port(self) -> int:
        """The near end of the connection."""
        wire = self.chat._connection._wire
        assert wire is not None, f"{self.name} is not connected"
        port: int = wire.transport.get_extra_info("sockname")[1]
        return port

    async def __aenter__(self) -> Self:
        await self.chat.__aenter__()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._watching is not None
        try:
            await self.chat.__aexit__(*exception)  # type: ignore[arg-type]
        finally:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    async def vanish(self) -> None:
        """Drops the connection without a goodbye, like a client that was killed."""
        assert self._watching is not None
        self._watching.cancel()
        self.chat._connection.stop()

    async def _watch(self) -> None:
        async for event in self.chat.events():
            match event:
                case EntryArrived(entry, missed):
                    self.entries.setdefault(entry.log, []).append(entry)
                    if missed:
                        self.missed.append(entry)
                case SessionBegun():
                    self.logins.append(event)
                case ConnectionLost(reason):
                    self.connections_lost.append(reason)
                case Delayed():
                    self.delays.append(event.reason)
                case PresenceChanged():
                    self.presence.append(event)
                case _:
                    pass
            self._news.set()

    # --- What it has seen -----------------------------------------------------------------------

    async def until(self, condition: Callable[[], object]) -> None:
        """Until `condition` is true of what was seen."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def head(self, log: str) -> int:
        """Sequence of the newest entry seen; 0 for none."""
        entries = self.entries.get(log)
        return entries[-1].sequence if entries else 0

    async def until_seen(self, log: str, sequence: int) -> None:
        await self.until(lambda: self.head(log) >= sequence)

    def bodies(self, log: str) -> list[tuple[str, EntryBody]]:
        return [(entry.author, entry.body) for entry in self.entries.get(log, [])]

    def texts(self, log: str) -> list[str]:
        return [text for entry in self.entries.get(log, []) if (text := text_of(entry))]

    # --- What it says ---------------------------------------------------------------------------

    async def talk(
        self, to: Sequence[str], count: int, window: int = WINDOW, padding: str = ""
    ) -> None:
        """Says `count` numbered messages, to each of the logs `to` in turn, `window` at a time.

        Returns when all are acknowledged. What is for `@name` is said in private.
        """
        waiting: deque[tuple[str, str, asyncio.Future[Answer]]] = deque()
        for number in range(count):
            if len(waiting) == window:
                await self._acknowledged(*waiting.popleft())
            log = to[number % len(to)]
            self._spoken += 1
            text = f"{self._spoken} of {self.name}{padding}"
            draft = Post(room=log, text=text) if log[0] == "#" else SendPrivate(to=log, text=text)
            waiting.append((log, text, self.chat.submit(draft)))
        while waiting:
            await self._acknowledged(*waiting.popleft())

    async def talk_until(self, enough: asyncio.Event, to: Sequence[str]) -> None:
        """Talks at a pace that leaves room for the others."""
        while not enough.is_set():
            await self.talk(to, 2 * WINDOW)
            await asyncio.sleep(0.05)

    async def _acknowledged(self, to: str, text: str, answer: asyncio.Future[Answer]) -> None:
        async with asyncio.timeout(2 * DEADLINE_S):
            done = await answer
        assert isinstance(done, Done)
        assert done.log is not None
        self.said.append(Said(self.name, to, text, done.log, done.sequence))


@asynccontextmanager
async def crowd(cluster: Cluster, count: int) -> AsyncIterator[dict[str, list[Person]]]:
    """At least `count` people, and some on each gateway; by gateway."""
    places: dict[str, list[Person]] = {gateway: [] for gateway in GATEWAYS}
    async with AsyncExitStack() as stack:
        # The kernel deals connections out by chance.
        for number in range(100):
            if number >= count and all(places.values()):
                break
            person = await stack.enter_async_context(Person(cluster.address))
            places[await place_of(cluster, person)].append(person)
        assert all(places.values()), "one gateway gets no connections"
        yield places


async def place_of(cluster: Cluster, person: Person) -> str:
    gateway = await asyncio.to_thread(cluster.gateway_of, person.port)
    assert gateway is not None, f"nobody has accepted the connection of {person.name}"
    return gateway


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    """Asks again and again, where nobody tells."""
    async with asyncio.timeout(DEADLINE_S):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def gather_in(room: str, people: Sequence[Person]) -> None:
    """The first one creates the room, the others join."""
    first, *others = people
    await first.chat.create_room(room)
    for other in others:
        await other.chat.join(room)


# --- What must be true ----------------------------------------------------------------------------


def text_of(entry: Entry) -> str | None:
    match entry.body:
        case MessagePosted(text) | PrivateMessageSent(text=text):
            return text
        case _:
            return None


async def check_all_seen(
    people: Collection[Person], rooms: Sequence[str], witnesses: Collection[Listener] = ()
) -> None:
    """Waits until all have seen everything that was acknowledged, and checks what they saw.

    Everything said in `rooms`, which all `people` are in, was seen by everyone; everything said in
    private by the two that it concerns. Each of it exactly once, in the same order for everyone,
    and each sender's words in the order in which they were said. `witnesses` are in the lobby.
    """
    said = [one for person in people for one in person.said]
    for person in people:
        name, inbox = person.name, inbox_log(person.name)
        for one in said:
            if one.to in rooms or one.author == name:
                await person.until_seen(one.log, one.sequence)
        await _until_heard(person, {one.text for one in said if one.to == inbox})
        private = [one for one in said if one.to[0] == "@"]
        check_words(person, inbox, [one for one in private if name in (one.author, one.to[1:])])
        for room in rooms:
            check_words(person, room, [one for one in said if one.to == room])
        check_sequences(person)
    in_lobby = [one for one in said if one.to == room_log(LOBBY)]
    for witness in witnesses:
        for one in in_lobby:
            await witness.until_seen(one.log, one.sequence)
        check_words(witness, room_log(LOBBY), in_lobby)
        check_sequences(witness)
    for room in rooms:
        check_one_order([*people, *witnesses], room)


async def _until_heard(person: Person, private: set[str]) -> None:
    inbox = inbox_log(person.name)
    await person.until(lambda: private <= set(person.texts(inbox)))


def check_sequences(listener: Listener) -> None:
    """Nothing is missing, doubled or out of order between the first and the last entry seen."""
    for log, entries in listener.entries.items():
        sequences = [entry.sequence for entry in entries]
        expected = list(range(sequences[0], sequences[0] + len(sequences)))
        assert sequences == expected, f"{listener.name} saw a broken {log}"


def check_words(listener: Listener, log: str, said: Sequence[Said]) -> None:
    """The authors of `said` have said exactly this in the log, each in this order."""
    for author in {one.author for one in said}:
        spoken = [one.text for one in said if one.author == author]
        entries = listener.entries.get(log, [])
        heard = [text for e in entries if e.author == author and (text := text_of(e))]
        assert heard == spoken, f"{listener.name} did not hear in {log} what {author} said"


def check_one_order(listeners: Collection[Listener], log: str) -> None:
    """No two saw different entries at the same place."""
    first: dict[int, Entry] = {}
    for listener in listeners:
        for entry in listener.entries.get(log, []):
            assert first.setdefault(entry.sequence, entry) == entry
