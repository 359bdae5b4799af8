"""The process of those who attack, apart from whoever measures what becomes of the others."""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final, NamedTuple

import uvloop

from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import JoinRoom, Ping
from zchat.protocol.rules.nonces import nonce

from .hostile_attacks import ATTACKS, Attack, Shot
from .hostile_data import ARCHIVES, PASSWORD, Facts, person, token_of
from .hostile_wire import Address, Asking, Login, Refusal, with_unknown_field

_RETURNING: Final = 8
"""Connections that come and go at a time."""
_PAUSE_S: Final = 0.1
"""After a connection that was refused."""
_COME_LATER: Final = frozenset({"return", "guess"})
"""Manners that begin with another login each time."""
_DRIP_S: Final = 0.01
_HALF_BYTES: Final = limits.FRAME_BYTES_MAX - 1_024


class Order(NamedTuple):
    attack: str
    source: str
    """The address that the attack comes from."""
    seconds: float


class Done(NamedTuple):
    counts: Counter[str]
    connections: int


def attack_on_demand(pipe: Connection, address: Address, facts: Facts) -> None:
    """Attacks as it is ordered to, answers `Done`, and stays until it is told that it may go."""
    uvloop.run(_serve(pipe, address, facts))


async def _serve(pipe: Connection, address: Address, facts: Facts) -> None:
    by_name = {attack.name: attack for attack in ATTACKS}
    order: Order | None
    while order := await asyncio.to_thread(pipe.recv):
        attacker = Attacker(by_name[order.attack], address, order.source, facts)
        try:
            await attacker.attack(order.seconds)
        finally:
            pipe.send(attacker.done())
        await asyncio.to_thread(pipe.recv)
        attacker.end()
        await asyncio.sleep(0)
        pipe.send(None)


class Attacker:
    def __init__(self, attack: Attack, address: Address, source: str, facts: Facts) -> None:
        self._attack, self._address, self._source, self._facts = attack, address, source, facts
        self._counts = Counter[str]()
        self._askings: dict[str, Asking] = {}
        """By user."""

    async def attack(self, seconds: float) -> None:
        manners = {
            "ask": self._ask,
            "padded": self._ask,
            "half": self._leave_halves,
            "drip": self._drip,
            "return": self._return,
            "guess": self._guess,
        }
        if self._attack.manner not in _COME_LATER:
            await self._enter_all()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await manners[self._attack.manner]()
                await asyncio.sleep(seconds)

    def done(self) -> Done:
        counts = sum((asking.counts for asking in self._askings.values()), self._counts.copy())
        counts["unanswered"] += sum(asking.unanswered for asking in self._askings.values())
        return Done(counts, max(1, len(self._askings)))

    def end(self) -> None:
        for asking in self._askings.values():
            asking.end()

    # --- Asking ---------------------------------------------------------------------------------

    async def _ask(self) -> None:
        for name, asking in self._askings.items():
            if self._attack.stalled:
                asking.stop_reading()
            asking.begin(self._requests(name))

    async def _enter_all(self) -> None:
        names = [self._attack.login]
        if self._attack.guests:
            names = [self._guest(number) for number in range(self._attack.guests)]
        await asyncio.gather(*map(self._enter, names))

    def _guest(self, number: int) -> str:
        return f"g-{number}-{self._attack.name}"[: limits.NAME_CHARS_MAX]

    def _login(self, name: str, client: str = "") -> Login:
        cursors = self._facts.heads if self._attack.cursors else None
        if self._attack.guests:
            return Login(name, os.urandom(limits.TOKEN_BYTES))
        return Login(name, token_of(name + client), PASSWORD, cursors)

    async def _enter(self, name: str) -> None:
        asking = self._askings[name] = Asking()
        asking.window = self._attack.at_once
        try:
            login, stalled = self._login(name), self._attack.stalled
            await asking.enter(self._address, self._source, login, small_buffer=stalled)
            if self._attack.guests:
                prefix = os.urandom(limits.NONCE_PREFIX_BYTES)
                joins = [
                    JoinRoom(id=n, nonce=nonce(prefix, n), room=room)
                    for n, room in enumerate(ARCHIVES)
                ]
                asking.begin(map(encode, joins))
                await asking.quiet.wait()
                asking.counts.clear()
        except (OSError, Refusal) as error:
            self._counts[f"not let in: {error}"] += 1
            asking.end()
            del self._askings[name]

    def _requests(self, name: str) -> Iterator[bytes]:
        prefix = os.urandom(limits.NONCE_PREFIX_BYTES)
        encoded: Callable[..., bytes] = encode
        if self._attack.manner == "padded":
            encoded = with_unknown_field
        for number in itertools.count():
            shot = Shot(self._facts, name, number, nonce(prefix, number))
            yield encoded(self._attack.request(shot))

    # --- Other manners --------------------------------------------------------------------------

    async def _leave_halves(self) -> None:
        """Most of the largest frame that there may be, and never the rest."""
        for asking in self._askings.values():
            asking.line.write(with_unknown_field(Ping(id=1))[:_HALF_BYTES])
            self._counts["sent"] += 1
            self._counts["unanswered"] += 1

    async def _drip(self) -> None:
        """The same, and the rest of it byte by byte."""
        await self._leave_halves()
        while True:
            for asking in self._askings.values():
                asking.line.write(b"u")
            await asyncio.sleep(_DRIP_S)

    async def _return(self) -> None:
        """Comes, asks for one thing, and goes, again and again."""
        requests = self._requests(self._attack.login)
        clients = [f" {number}" for number in range(_RETURNING)]
        await asyncio.gather(*(self._come_and_go(requests, client) for client in clients))

    async def _come_and_go(self, requests: Iterator[bytes], client: str) -> None:
        while True:
            asking = Asking()
            asking.counts = self._counts
            try:
                login = self._login(self._attack.login, client)
                await asking.enter(self._address, self._source, login)
                asking.begin(iter([next(requests)]))
                await asking.quiet.wait()
            except (OSError, Refusal) as error:
                self._counts["refused"] += 1
                self._counts[f"not let in: {error}"] += 1
                await asyncio.sleep(_PAUSE_S)
            finally:
                asking.end()

    async def _guess(self) -> None:
        """Passwords, of one account after another."""
        await asyncio.gather(*(self._guess_on(number) for number in range(_RETURNING)))

    async def _guess_on(self, first: int) -> None:
        for number in itertools.count(first, _RETURNING):
            asking = Asking()
            name = person(number % self._facts.sizes.accounts)
            guess = Login(name, os.urandom(limits.TOKEN_BYTES), f"wrong {number}")
            self._counts["sent"] += 1
            try:
                await asking.enter(self._address, self._source, guess)
                self._counts["let in by a wrong password"] += 1
            except Refusal as error:
                self._counts["refused"] += 1
                self._counts[f"refused: {error}"] += 1
            except OSError:
                await asyncio.sleep(_PAUSE_S)
            finally:
                asking.end()
