"""One hostile client, at its limits, and what it does to all others of a real cluster."""

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

import click

from testbed.cluster import NO_LIMITS, SERVICES, Cluster

from .hostile_address import hostile_source, set_up, target_host, way_in
from .hostile_attackers import Done, Order, attack_on_demand
from .hostile_attacks import ATTACKS, NAMES, WHILE_INDEXING, Attack
from .hostile_data import QUICK, Facts, Sizes, write_rooms, write_users
from .hostile_others import Others
from .hostile_population import be_there
from .hostile_report import HEAD, MANY_CONNECTIONS, Outcome, remarks, row, summary
from .hostile_watch import Watch
from .hostile_wire import Address

PATIENCE_S: Final = 25.0
"""Until all is as before; the reviver kills what hangs within this."""
INDEXING_S: Final = 90.0
"""How long the index may take at most for all that is in the databases."""
_NICENESS: Final = 10
_SPAWN: Final = multiprocessing.get_context("spawn")


# --- The command ----------------------------------------------------------------------------------


@click.command("hostile")
@click.option("--only", multiple=True, metavar="NAME", help="Of the attacks; may be repeated.")
@click.option("--list", "listed", is_flag=True, help="Prints the names of the attacks.")
@click.option("--quick", is_flag=True, help="With little data, to see whether it works.")
@click.option("--seconds", default=2.5, show_default=True, help="How long each attack lasts.")
@click.option("--quiet-s", default=1.5, show_default=True, help="Measured just before each.")
@click.option("--accounts", type=click.IntRange(300), help="In the database.  [default: 20000]")
@click.option("--online", type=click.IntRange(10), help="Connected.  [default: 2000]")
@click.option("--long-messages", type=click.IntRange(20), help="In rooms.  [default: 4000]")
@click.option("--own-network", is_flag=True, hidden=True)
def hostile(
    only: Sequence[str],
    listed: bool,
    quick: bool,
    seconds: float,
    quiet_s: float,
    own_network: bool,
    **sizes: int | None,
) -> None:
    """Has one hostile client send the worst of each kind of request, and measures the others.

    Where the system allows it, all of that is in a network of its own (`unshare`), so that limits
    of addresses hold for whoever attacks. Ends with 1 if an aim was missed.
    """
    if listed:
        click.echo("\n".join(NAMES))
        return
    if unknown := set(only) - set(NAMES):
        raise click.UsageError(f"no attack is called {', '.join(sorted(unknown))}; see --list")
    given = {name: size for name, size in sizes.items() if size is not None}
    if not own_network and (way := way_in()):
        options = [f"--only={name}" for name in only] + ["--quick"] * quick
        options += [f"--seconds={seconds}", f"--quiet-s={quiet_s}", "--own-network"]
        options += [f"--{name.replace('_', '-')}={size}" for name, size in given.items()]
        _run_in_own_network(way, options)
    if own_network:
        set_up()
    else:
        click.echo("all addresses are of this machine: their own limits hold for nobody", err=True)
    attacks = [attack for attack in ATTACKS if not only or attack.name in only]
    siege = Siege(
        (QUICK if quick else Sizes())._replace(**given).consistent(),
        attacks,
        seconds,
        quiet_s,
        own_network,
    )
    folder = Path(tempfile.mkdtemp(prefix="zchat-"))
    try:
        outcomes = siege.run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(any(outcome.missed for outcome in outcomes))


def _run_in_own_network(way: Sequence[str], options: Sequence[str]) -> NoReturn:
    command = [*way, sys.executable, "-P", "-m", "torture.hostile", *options]
    os.execvp(command[0], command)


# --- The siege ------------------------------------------------------------------------------------


class Siege:
    def __init__(
        self,
        sizes: Sizes,
        attacks: Sequence[Attack],
        seconds: float,
        quiet_s: float,
        own_network: bool,
    ) -> None:
        self._sizes, self._attacks = sizes, attacks
        self._seconds, self._quiet_s = seconds, quiet_s
        self._own_network = own_network
        self._begun_at = time.monotonic()

    def run(self, folder: Path) -> list[Outcome]:
        host = "0.0.0.0" if self._own_network else "127.0.0.1"
        cluster = Cluster(folder, environment={"ZCHAT_EDITS": "keep"})
        for name in NO_LIMITS:
            del cluster.environment[name]
        cluster.environment |= {
            "ZCHAT_LISTEN": f"{host}:{cluster.port}",
            "ZCHAT_PLAIN": "anywhere" if self._own_network else "loopback",
        }
        with cluster:
            facts = self._write(folder / "var" / "data")
            self._say("databases are written")
            cluster.start()
            self._say("the cluster runs")
            return asyncio.run(self._besiege(cluster, facts))

    def _write(self, data: Path) -> Facts:
        data.mkdir(parents=True)
        needs = [attack.needs for attack in ATTACKS if not attack.guests]
        with ProcessPoolExecutor(2, _SPAWN) as pool:
            users = pool.submit(write_users, data / "users.sqlite", self._sizes, needs)
            rooms = pool.submit(write_rooms, data / "rooms-0.sqlite", self._sizes, needs)
            users.result()
            return rooms.result()

    async def _besiege(self, cluster: Cluster, facts: Facts) -> list[Outcome]:
        honest_address = Address("127.0.0.1", cluster.port)
        host = target_host(own_network=self._own_network)
        hostile_address = Address(host, cluster.port)
        outcomes: list[Outcome] = []
        async with contextlib.AsyncExitStack() as stack:
            population = stack.enter_context(_Child(be_there, honest_address, facts))
            attackers = stack.enter_context(_Child(attack_on_demand, hostile_address, facts))
            online, trouble = await population.heard()
            self._say(f"{online} are online{f'; {trouble}' if trouble else ''}")
            others = await stack.enter_async_context(Others(honest_address))
            watch = await stack.enter_async_context(Watch(cluster))
            field = _Field(cluster, attackers, others, watch)
            click.echo(HEAD, err=True)
            indexed = False
            for number, attack in enumerate(self._attacks):
                if attack not in WHILE_INDEXING and not indexed:
                    indexed = await watch.until_idle(SERVICES, INDEXING_S)
                    self._say("the services are idle" if indexed else "much is not indexed still")
                source = hostile_source(number, own_network=self._own_network)
                outcomes.append(await self._attack(attack, source, field))
                click.echo(row(outcomes[-1]), err=True)
                for remark in remarks(outcomes[-1]):
                    click.echo(f"    {remark}", err=True)
            population.say(True)
            online, trouble = await population.heard()
            self._say(f"{online} are online still{f'; {trouble}' if trouble else ''}")
        click.echo(summary(outcomes, self._described))
        for bug in cluster.bugs():
            click.echo(f"logged: {bug}")
        return outcomes

    async def _attack(self, attack: Attack, source: str, field: "_Field") -> Outcome:
        cluster, attackers, others, watch = field
        begun_at = time.monotonic()
        others.forget()
        await asyncio.sleep(self._quiet_s)
        before_until = time.monotonic()
        watch.begin()
        attackers.say(Order(attack.name, source, self._seconds))
        done: Done = await attackers.heard()
        ended_at = time.monotonic()
        if done.connections >= MANY_CONNECTIONS:
            # What they have asked for comes, although they are gone for all that one can see.
            await others.calm(before_until, PATIENCE_S)
        gateways_bytes = watch.gateways_gained_bytes()
        attackers.say(None)
        await attackers.heard()
        calm_s: float | None = None
        if await others.calm(before_until, PATIENCE_S):
            calm_s = time.monotonic() - ended_at
        outcome = Outcome(
            attack.name,
            done.counts,
            done.connections,
            others.times(begun_at, before_until),
            others.times(before_until, ended_at),
            watch.gained_bytes,
            gateways_bytes,
            watch.longest_silence,
            watch.restarted,
            calm_s,
            others.lag_s,
            time.monotonic() - begun_at,
        )
        if calm_s is None:
            await asyncio.to_thread(cluster.kill_and_wait, *SERVICES)
            await others.calm(time.monotonic(), PATIENCE_S)
        return outcome

    @property
    def _described(self) -> str:
        sizes = ", ".join(f"{value} {name}" for name, value in self._sizes._asdict().items())
        return f"{self._seconds:g} s each after {self._quiet_s:g} s of quiet; {sizes}"

    def _say(self, what: str) -> None:
        click.echo(f"{time.monotonic() - self._begun_at:6.1f} s  {what}", err=True)


class _Field(NamedTuple):
    cluster: Cluster
    attackers: "_Child"
    others: Others
    watch: Watch


class _Child:
    """A process that is told things and answers; it ends when this is left."""

    def __init__(self, run: Any, *arguments: object) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        arguments = (run, theirs, *arguments)
        self._process = _SPAWN.Process(target=_elsewhere, args=arguments, daemon=True)

    def __enter__(self) -> "_Child":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def say(self, what: object) -> None:
        self._pipe.send(what)

    async def heard(self) -> Any:
        return await asyncio.to_thread(self._receive)

    def _receive(self) -> Any:
        while not self._pipe.poll(1.0):
            if not self._process.is_alive():
                raise click.ClickException("a process of the siege has ended")
        return self._pipe.recv()


def _elsewhere(run: Any, *arguments: object) -> None:
    """Thousands of clients are on other machines, and take nothing from that of the cluster."""
    os.nice(_NICENESS)
    run(*arguments)


if __name__ == "__main__":
    hostile()
