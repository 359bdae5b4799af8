"""What goes wrong when: a plan made beforehand, so that single faults can be left out of it."""

import random
from dataclasses import dataclass
from typing import Final

from .cluster import Cluster
from .world import Process

KINDS: Final = {
    "kill": 10,
    "kill at": 10,
    "pause": 5,
    "stop": 3,
    "cut": 8,
    "kill client": 4,
    "slow client": 4,
    "store": 6,
    "clock": 2,
}
POINTS: Final = ("before a commit", "after a commit", "send", "write")


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
    servers: list[Process] = [cluster.router, *cluster.services, *cluster.gateways]
    process = chance.choice(servers)
    match fault.kind:
        case "kill":
            if process.alive:
                world.tell(f"{process.name} is killed")
                process.die()
        case "kill at":
            process = chance.choice([*cluster.services, *cluster.services, process])
            process.kill_at(chance.choice(POINTS), chance.randint(1, 6))
        case "pause":
            _pause(cluster, chance.choice([*servers, *cluster.people]), chance)
        case "stop":
            number = chance.randrange(len(cluster.services) + len(cluster.gateways))
            stoppable = (
                dict(enumerate(cluster.services)).get(number)
                or cluster.gateways[number - len(cluster.services)]
            )
            world.tell(f"{stoppable.name} is told to stop")
            stoppable.stop()
        case "cut":
            chance.choice(cluster.gateways).break_one(chance)
        case "kill client":
            person = chance.choice(cluster.people)
            if person.alive:
                world.tell(f"{person.name} is killed")
                person.die()
        case "slow client":
            _slow_down(cluster, chance)
        case "store":
            service = chance.choice(cluster.services)
            what = chance.choice(["commit", "commit", "read"])
            service.failures[what] = chance.choice([1, 1, 2, 4])
        case "clock":
            step_ms = chance.choice([-60_000, -5_000, -100, 100, 5_000, 60_000])
            world.tell(f"the wall clock is set by {step_ms} ms")
            world.wall_step_ms += step_ms
        case _:
            raise AssertionError(fault)


def _pause(cluster: Cluster, process: Process, chance: random.Random) -> None:
    if not process.alive or process.paused:
        return
    world = cluster.world
    duration_s = chance.choice([0.3, 1.0, 3.5, 6.0, 15.0])
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


def heal(cluster: Cluster) -> None:
    """From here on nothing goes wrong any more, and everything must become whole."""
    world = cluster.world
    world.quiet = True
    world.tell("quiet from here on")
    cluster.fabric.events_lost = 0.0
    processes: list[Process] = [
        cluster.router, *cluster.services, *cluster.gateways, *cluster.people,
    ]  # fmt: skip
    for process in processes:
        process.disarm()
        if process.paused:
            process.resume()
            cluster.fabric.reconnect(process)
            process.wake()
    for service in cluster.services:
        service.failures.clear()
