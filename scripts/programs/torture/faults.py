"""What is done to the processes of a cluster and to its clients' connections, drawn by seed."""

import asyncio
import contextlib
import os
import random
import signal
import xmlrpc.client
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from supervisor.xmlrpc import Faults

from testbed.cluster import GATEWAYS, REVIVER, ROUTER, SERVICES, Cluster
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import PROTOCOL_VERSION, Hello

from .proxy import Pipe
from .talkers import Talker

TALKATIVE: Final = (ROUTER, *SERVICES, *GATEWAYS)
HANG_S_MIN: Final = 0.2
HANG_S_MAX: Final = 8.0
DAM_S_MAX: Final = 9.0
NAP_S_MAX: Final = 40.0
"""Longer than the SDK takes what it can keep for an application that does not look."""
SWALLOWING_S_MAX: Final = 60.0
"""Longer than it takes a client to find out by itself."""
ON_THE_WAY_S_MAX: Final = 0.02
GARBAGE_CONNECTIONS: Final = 30
GARBAGE_BYTES_MAX: Final = 512 * 1024
GARBAGE_DEADLINE_S: Final = 40.0
GARBAGE_S: Final = 2.0
_ENDED_MEANWHILE: Final = frozenset(
    {
        Faults.NOT_RUNNING,
        Faults.ALREADY_STARTED,
        Faults.ABNORMAL_TERMINATION,
        Faults.SPAWN_ERROR,
    }
)
_LOOK_AGAIN_S: Final = 0.05
_GREETING: Final = encode(Hello(PROTOCOL_VERSION, "torture"))


class Kind(StrEnum):
    """The first ones end or stop a process, and count as kills."""

    KILL = "kill -9"
    HANG = "hang"
    LONG_HANG = "long hang"
    TERMINATE = "SIGTERM"
    RESTART = "supervisorctl restart"
    GARBAGE = "garbage"
    RESET = "TCP reset"
    HALF_OPEN = "half-open"
    DAM = "TCP not read"
    NAP = "events not read"

    @property
    def is_kill(self) -> bool:
        return self in _KILLS


_KILLS: Final = frozenset({Kind.KILL, Kind.HANG, Kind.LONG_HANG, Kind.TERMINATE, Kind.RESTART})
CLIENT_KINDS: Final = (Kind.RESET, Kind.HALF_OPEN, Kind.DAM, Kind.NAP)
SUPERVISORD: Final = "supervisord"


def process_faults(dice: random.Random) -> Iterator[tuple[Kind, str]]:
    """Without end, in decks: each deck kills every program, and does each other thing to some."""
    for kind_of_supervisord in _alternately(Kind.KILL, Kind.TERMINATE):
        deck = [(Kind.KILL, program) for program in (*TALKATIVE, REVIVER)]
        for kind, count in (
            (Kind.HANG, 2),
            (Kind.LONG_HANG, 1),
            (Kind.TERMINATE, 2),
            (Kind.RESTART, 1),
        ):
            deck += [(kind, program) for program in dice.sample(TALKATIVE, count)]
        deck += [(kind_of_supervisord, SUPERVISORD), (Kind.GARBAGE, "gateways")]
        dice.shuffle(deck)
        yield from deck


def _alternately(*kinds: Kind) -> Iterator[Kind]:
    while True:
        yield from kinds


def client_faults(dice: random.Random) -> Iterator[Kind]:
    """Without end, in decks with each kind."""
    while True:
        yield from dice.sample(CLIENT_KINDS, len(CLIENT_KINDS))


# --- To processes ---------------------------------------------------------------------------------


async def hurt_process(
    cluster: Cluster, kind: Kind, program: str, pid: int, dice: random.Random
) -> None:
    """Returns when the program runs again."""
    match kind:
        case Kind.HANG:
            await _hang(cluster, pid, dice.uniform(HANG_S_MIN, limits.PEER_EXPIRY_S))
        case Kind.LONG_HANG:
            await _hang(cluster, pid, dice.uniform(limits.PEER_EXPIRY_S, HANG_S_MAX))
        case Kind.RESTART:
            await asyncio.to_thread(_restart, cluster, program)
        case _:
            os.kill(pid, signal.SIGKILL if kind is Kind.KILL else signal.SIGTERM)
            while await asyncio.to_thread(cluster.running_pid, program) in (None, pid):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_AGAIN_S)


async def _hang(cluster: Cluster, pid: int, seconds: float) -> None:
    cluster.signal(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        # Unless something else has ended it meanwhile.
        cluster.signal(pid, signal.SIGCONT)


def _restart(cluster: Cluster, program: str) -> None:
    for action in ("stop", "start"):
        try:
            cluster.control(action, program)
        except xmlrpc.client.Fault as fault:
            # Something else has ended it just now, and supervisord starts it again by itself.
            if fault.faultCode not in _ENDED_MEANWHILE:
                raise


async def hurt_supervisord(cluster: Cluster, kind: Kind) -> None:
    """Ends it, and starts the next one, as an operator would; returns when all programs run."""
    if kind is Kind.KILL:
        await asyncio.to_thread(cluster.kill_supervisord)
        await asyncio.to_thread(cluster.start)
    else:
        await asyncio.to_thread(cluster.restart_all)


# --- To clients -----------------------------------------------------------------------------------


async def hurt_client(
    kind: Kind,
    victim: Talker,
    others: Sequence[Talker],
    dice: random.Random,
    enough: asyncio.Event,
) -> bool:
    """Returns when its connection is gone or works again; False if it had none to be hurt.

    What takes a while ends earlier when there is `enough`.
    """
    await speak_up([victim], dice)
    pipe = victim.route.pipe
    if pipe is None:
        return False
    match kind:
        case Kind.RESET:
            pipe.reset()
            await _until_replaced(pipe, victim)
        case Kind.HALF_OPEN:
            pipe.swallow()
            await _until(enough, dice.uniform(1.0, SWALLOWING_S_MAX))
            pipe.reset()
            await _until_replaced(pipe, victim)
        case Kind.DAM:
            other = dice.choice(others)
            other.shout_at(victim.name)
            pipe.dam()
            # Long enough for the shouts to be there.
            await _until(enough, 1.0)
            victim.read_back(other.name)
            await _until(enough, dice.uniform(0.0, DAM_S_MAX))
            pipe.undam()
        case _:
            victim.stop_reading()
            await _until(enough, dice.uniform(1.0, NAP_S_MAX))
            victim.read_on()
    return True


async def speak_up(talkers: Iterable[Talker], dice: random.Random) -> None:
    """What follows soon finds messages of theirs somewhere on their way."""
    for talker in talkers:
        talker.prompt()
    await asyncio.sleep(dice.uniform(0, ON_THE_WAY_S_MAX))


async def _until_replaced(pipe: Pipe, victim: Talker) -> None:
    while victim.route.pipe in (None, pipe):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _until(enough: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(enough.wait(), seconds)


# --- Garbage --------------------------------------------------------------------------------------


async def flood_with_garbage(cluster: Cluster, dice: random.Random) -> int:
    """Returns how many of those who sent garbage were not shown the door."""
    kinds = [_garbage(dice) for _ in range(GARBAGE_CONNECTIONS)]
    return sum(await asyncio.gather(*(_send_garbage(cluster.port, data) for data in kinds)))


def _garbage(dice: random.Random) -> bytes:
    match dice.randrange(5):
        case 0:
            return dice.randbytes(dice.randrange(1, GARBAGE_BYTES_MAX))
        case 1:
            # A string of four gigabytes begins.
            return b"\xdb\xff\xff\xff\xff" + dice.randbytes(dice.randrange(GARBAGE_BYTES_MAX))
        case 2:
            return _GREETING + dice.randbytes(dice.randrange(1, GARBAGE_BYTES_MAX))
        case 3:
            return _GREETING + b"\x91" * dice.randrange(1, GARBAGE_BYTES_MAX)
        case _:
            # Never says hello to the end.
            return _GREETING[: dice.randrange(len(_GREETING))]


async def _send_garbage(port: int, data: bytes) -> bool:
    """Whether the connection is still open long after."""
    try:
        async with asyncio.timeout(GARBAGE_DEADLINE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(data)
                await writer.drain()
                while await reader.read(4096):
                    pass
            finally:
                writer.transport.abort()
    except TimeoutError:
        return True
    except OSError:
        # Refused or reset: a gateway that ends takes its guests with it.
        return False
    return False
