"""The process of those who are merely there: thousands who read what they are told."""

import asyncio
from collections import Counter
from multiprocessing.connection import Connection
from typing import Final

import uvloop

from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import Ping

from .hostile_data import Facts, person, token_of
from .hostile_wire import Address, Asking, Login, Refusal

_PER_ADDRESS: Final = 50
_AT_ONCE: Final = 40
"""Logins that wait for their answer."""
_PAUSE_S: Final = 1.0


def be_there(pipe: Connection, address: Address, facts: Facts) -> None:
    """Says how many are connected when all are, and whenever it is asked; ends with a None."""
    uvloop.run(_Population(address, facts).serve(pipe))


def source_of(number: int) -> str:
    """Few of them share an address, so that no limit of addresses holds for them."""
    return f"127.1.{number // _PER_ADDRESS // 250}.{number // _PER_ADDRESS % 250 + 1}"


class _Population:
    def __init__(self, address: Address, facts: Facts) -> None:
        self._address, self._facts = address, facts
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._here: set[int] = set()
        self._trouble = Counter[str]()

    async def serve(self, pipe: Connection) -> None:
        online = self._facts.sizes.online
        stays = [asyncio.create_task(self._stay(number)) for number in range(online)]
        while len(self._here) < online:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        pipe.send((len(self._here), self._trouble))
        while await asyncio.to_thread(pipe.recv):
            pipe.send((len(self._here), self._trouble))
            self._trouble.clear()
        for stay in stays:
            stay.cancel()

    async def _stay(self, number: int) -> None:
        """Comes back after whatever happens."""
        name = person(number)
        login = Login(name, token_of(name), None, self._facts.heads)
        while True:
            asking = Asking()
            try:
                async with self._turn:
                    await asking.enter(self._address, source_of(number), login)
                self._here.add(number)
                # Nothing of what comes is looked at from now on.
                asking.line.data_received = lambda data: None  # type: ignore[method-assign]
                while not asking.ended.is_set():
                    asking.line.write(encode(Ping(id=1)))
                    try:
                        await asyncio.wait_for(asking.ended.wait(), limits.CLIENT_PING_INTERVAL_S)
                    except TimeoutError:
                        continue
                self._trouble["a connection was lost"] += 1
            except (OSError, Refusal, TimeoutError) as error:
                self._trouble[str(error)] += 1
            finally:
                self._here.discard(number)
                asking.end()
            await asyncio.sleep(_PAUSE_S)
