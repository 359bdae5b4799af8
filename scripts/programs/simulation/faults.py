"""What goes wrong when: a plan made beforehand, so that single faults can be left out of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from zchat.client.core.events import State
from zchat.protocol.messages import SetStanding, Standing

from .cluster import Cluster
from .gateways import GatewayProcess
from .people import Owner
from .services import ServiceProcess
from .world import Process, World

KINDS: Final = {
    "kill": 10,
    "kill at": 10,
    "outage": 3,
    "pause": 5,
    "strand": 5,
    "stop": 3,
    "cut": 8,
    "kill client": 4,
    "slow client": 4,
    "store": 6,
    "full disk": 3,
    "lost lock": 5,
    "clock": 2,
    "unseen": 10,
}
POINTS_OF_A_SERVICE: Final = ("before a commit", "within a commit", "after a commit", "send")
"""With `send` some of a beat's replies and events are out, and the rest never is."""
POINTS_OF_A_GATEWAY: Final = ("send", "write")
UNSEEN_S: Final = 8.0
DEAF_S: Final = 14.0
DEAF_SHARE: Final = 0.3
PAUSES_S: Final = (0.3, 1.0, 2.5, 3.9, 6.0, 15.0)


@dataclass(frozen=True)
class Fault:
    number: int
    at_s: float
    kind: str
    seed: str


def plan(seed: int, duration_s: float) -> list[Fault]:
    chance = random.Random(f"{seed} faults")
    mean_s = chance.choice([0.7, 2.0, 6.0])
    # Some histories know only a few kinds of faults, so that each gets its turn undisturbed.
    kinds = chance.sample(list(KINDS), chance.choice([2, 4, len(KINDS)]))
    faults: list[Fault] = []
    at_s = chance.expovariate(1 / mean_s)
    while at_s < duration_s:
        kind = chance.choices(kinds, [KINDS[kind] for kind in kinds])[0]
        faults.append(Fault(len(faults), at_s, kind, f"{seed} fault {len(faults)}"))
        at_s += chance.expovariate(1 / mean_s)
    return faults


def strike(cluster: Cluster, fault: Fault) -> None:
    chance = random.Random(fault.seed)
    world = cluster.world
    world.counts[f"fault: {fault.kind}"] += 1
    servers = cluster.servers
    process = chance.choice(servers)
    match fault.kind:
        case "kill":
            _kill(world, process)
        case "kill at":
            process = chance.choice([*cluster.services, *cluster.services, process])
            process.kill_at(chance.choice(_points(process)), chance.randint(1, 6))
        case "outage":
            away_s = chance.choice([5.0, 12.0])
            away: list[Process] = [cluster.router, *cluster.services]
            _kill(world, chance.choice(away), away_s)
        case "pause":
            paused = chance.choice([*servers, *cluster.people])
            if isinstance(paused, ServiceProcess) and chance.random() < 0.5:
                _pause_at_work(cluster, paused, chance)
            else:
                _pause(cluster, paused, chance)
        case "strand":
            _strand(cluster, chance)
        case "stop":
            all_of_them: list[ServiceProcess | GatewayProcess]
            all_of_them = [*cluster.services, *cluster.gateways]
            stopped = chance.choice(all_of_them)
            world.tell(f"{stopped.name} is told to stop")
            stopped.stop()
        case "cut":
            chance.choice(cluster.gateways).break_one(chance)
        case "kill client":
            _kill(world, chance.choice(cluster.people))
        case "slow client":
            _slow_down(cluster, chance)
        case "store":
            database = chance.choice(cluster.databases)
            what = chance.choice(["begin of a transaction", "commit", "commit", "read"])
            database.failures[what] = chance.choice([1, 1, 2, 4])
        case "full disk":
            chance.choice(cluster.databases).fill_disk(chance.choice([0.5, 2.0, 6.0]))
        case "lost lock":
            _lose_lock(cluster, chance)
        case "unseen":
            _change_unseen(cluster, chance)
        case "clock":
            step_ms = chance.choice([-60_000, -5_000, -100, 100, 5_000, 60_000])
            host = chance.choice(world.hosts)
            world.tell(f"the wall clock of {host.name} is set by {step_ms} ms")
            host.step_ms += step_ms
            host.was_set = True
        case _:
            raise AssertionError(fault)


def _points(process: Process) -> Sequence[str]:
    match process:
        case ServiceProcess():
            return POINTS_OF_A_SERVICE
        case GatewayProcess():
            return POINTS_OF_A_GATEWAY
        case _:
            return ("send",)


def _kill(world: World, process: Process, away_s: float | None = None) -> None:
    if process.alive:
        world.tell(f"{process.name} is killed" + (f" for {away_s} s" if away_s else ""))
        process.die(away_s)


def _pause(cluster: Cluster, process: Process, chance: random.Random) -> None:
    if not process.alive or process.paused or cluster.world.quiet:
        return
    world = cluster.world
    duration_s = chance.choice(PAUSES_S)
    world.tell(f"{process.name} hangs for {duration_s} s")
    process.pause()
    life = process.life

    def lose_touch() -> None:
        if process.life == life and process.paused:
            cluster.fabric.lost_touch(process)

    def resume() -> None:
        if process.life == life and process.paused:
            world.tell(f"{process.name} goes on")
            process.resume()
            cluster.fabric.reconnect(process)
            process.wake()

    if process not in cluster.people:
        world.at(chance.uniform(3.0, 4.0), lose_touch)
    world.at(duration_s, resume)


def _pause_at_work(
    cluster: Cluster, service: ServiceProcess, chance: random.Random, tries: int = 2_000
) -> None:
    """It hangs while commands wait for its next beat, which is rarely for long."""
    waits = service.turns is not None and service.turns.beat.waiting
    if waits or tries == 0:
        cluster.world.counts["a service hung with commands that wait"] += bool(waits)
        _pause(cluster, service, chance)
    elif not cluster.world.quiet:
        again = partial(_pause_at_work, cluster, service, chance, tries - 1)
        cluster.world.at(0.001, again)


def _change_unseen(cluster: Cluster, chance: random.Random) -> None:
    """A gateway has no way to the router for so long that it counts as dead, and meanwhile one of
    those who are there loses a token or a standing. Then it announces all of them.
    """
    accounts = cluster.people[0].accounts
    here = {
        person: gateway
        for person in cluster.people
        for gateway in cluster.gateways
        if gateway.alive
        and person.is_at(gateway)
        and person.core is not None
        and person.core.state is State.ONLINE
        and person.core.name in accounts.passwords
    }
    if not here:
        return
    person = chance.choice(list(here))
    name, gateway = person.user, here[person]
    others = [one for one in cluster.gateways if one is not gateway and one.alive]
    if others and chance.random() < 0.5:

        def change() -> None:
            cluster.comes(Owner(cluster.world, f"client-{len(cluster.people)}", name, others))
    elif accounts.is_moderator(name):

        def change() -> None:
            cluster.operator.wish(SetStanding(id=1, user=name, standing=Standing.ACCOUNT))
    else:
        cluster.operator.wish(SetStanding(id=1, user=name, standing=Standing.MODERATOR))
        return
    cluster.world.counts["something changed unseen"] += 1
    cluster.world.tell(f"{gateway.name} has no way to the router for {UNSEEN_S} s")
    cluster.fabric.lost_touch(gateway)
    cluster.world.at(chance.uniform(0.1, 2.0), change)
    cluster.world.at(UNSEEN_S, partial(cluster.fabric.reconnect, gateway))


def _strand(cluster: Cluster, chance: random.Random) -> None:
    """A gateway hangs, and its clients have moved before it wakes up with what they had said."""
    gateway = chance.choice(cluster.gateways)
    _pause(cluster, gateway, chance)
    if gateway.paused:
        cluster.world.at(chance.uniform(0.0, 0.5), lambda: gateway.strand(chance))
        for person in cluster.people:
            # Some do not come back as who they were, and what they had said is nobody's any more.
            if person.is_at(gateway) and chance.random() < 0.3:
                _kill(cluster.world, person)


def _lose_lock(cluster: Cluster, chance: random.Random) -> None:
    """The second worker is on a host that does not see the lock of the first, and takes over.

    The first one may be awake, or hang and wake up much later; it believes that it is the owner
    until the store tells it otherwise.
    """
    doubled = [
        service.database
        for service in cluster.services
        if service.alive and not service.paused and service.turns is None
    ]
    if not doubled:
        return
    database = chance.choice(doubled)
    owner = database.owner
    if owner is None or not owner.alive:
        return
    if chance.random() < 0.7:
        _pause(cluster, owner, chance)
    cluster.world.tell(f"the lock of {owner.name} is lost")
    database.owner = None


def _slow_down(cluster: Cluster, chance: random.Random) -> None:
    person = chance.choice(cluster.people)
    wire = person.wire
    if wire is None or person.core is None:
        return
    duration_s = chance.choice([0.5, 3.0, 12.0])
    core = person.core
    cluster.world.tell(f"{person.name} does not read for {duration_s} s")
    core.reading_paused()
    wire.down.set_reading(False)

    def go_on() -> None:
        if person.wire is wire and person.core is core:
            core.reading_resumed(cluster.world.now)
        wire.down.set_reading(True)

    cluster.world.at(duration_s, go_on)


def _deafen(cluster: Cluster) -> None:
    """A gateway loses its connection for events, and no other one, for a while of the quiet."""
    chance = cluster.world.random("deaf")
    gateway = chance.choice(cluster.gateways)
    if chance.random() < DEAF_SHARE:
        cluster.world.at(1.0, partial(gateway.deafen, DEAF_S))


def heal(cluster: Cluster) -> None:
    """From here on nothing goes wrong any more, and everything must become whole."""
    world = cluster.world
    world.quiet = True
    world.tell("quiet from here on")
    cluster.fabric.events_lost = 0.0
    for vandal in cluster.vandals:
        vandal.die()
    for process in [*cluster.servers, *cluster.people]:
        process.disarm()
        if process.paused:
            process.resume()
            cluster.fabric.reconnect(process)
            process.wake()
    for database in cluster.databases:
        database.failures.clear()
        database.empty_disk()
    _deafen(cluster)
