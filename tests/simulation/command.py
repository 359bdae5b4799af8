"""The command `scripts/simulate`: many seeds, one seed again, or planted bugs."""

import itertools
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable

import click

from .mutants import MUTANTS, planted
from .simulation import SECONDS, Verdict, simulate

STORY_LINES = 40
MUTANT_SEEDS_MAX = 300


@click.command()
@click.option("--seeds", default=200, show_default=True, help="How many histories to run.")
@click.option("--first", default=0, show_default=True, help="The seed of the first one.")
@click.option("--seed", type=int, help="Run this one only, and tell its story.")
@click.option("--seconds", default=SECONDS, show_default=True, help="Length of the troubled part.")
@click.option(
    "--without", default="", help="With --seed: numbers of faults to leave out, as 1,5,6."
)
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes to use.")
@click.option("--mutants", is_flag=True, help="Plant bugs, one at a time, and show them caught.")
def main(
    seeds: int,
    first: int,
    seed: int | None,
    seconds: float,
    without: str,
    jobs: int,
    mutants: bool,
) -> None:
    """Runs whole clusters in one process, with everything that can go wrong, from seeds."""
    if mutants:
        sys.exit(0 if _hunt_mutants(seconds, jobs) else 1)
    if seed is not None:
        left_out = [int(number) for number in without.split(",") if number]
        verdict = simulate(seed, seconds, left_out)
        _tell(verdict, seconds, left_out)
        sys.exit(1 if verdict.broken else 0)
    begin = time.perf_counter()
    failed = None
    count = 0
    with multiprocessing.Pool(jobs) as pool:
        work = ((number, seconds) for number in range(first, first + seeds))
        for verdict in pool.imap_unordered(_one, work):
            count += 1
            if verdict.broken:
                click.echo(f"seed {verdict.seed}: {verdict.broken}")
                if failed is None or verdict.seed < failed.seed:
                    failed = verdict
    rate = count / (time.perf_counter() - begin)
    click.echo(f"{count} seeds, {rate:.1f} a second")
    if failed is not None:
        _tell(*_minimised(failed, seconds))
        sys.exit(1)


def _one(work: tuple[int, float]) -> Verdict:
    return simulate(*work)


def _minimised(failed: Verdict, seconds: float) -> tuple[Verdict, float, list[int]]:
    """Leaves out whatever faults it fails without: halves first, then smaller parts."""
    without: list[int] = []
    best = failed
    size = max(1, len(failed.faults) // 2)
    while True:
        faults = [number for number in best.faults if number not in without]
        for start in range(0, len(faults), size):
            attempt = [*without, *faults[start : start + size]]
            verdict = simulate(failed.seed, seconds, attempt)
            if verdict.broken:
                best, without = verdict, attempt
        if size == 1:
            return best, seconds, without
        size //= 2


def _tell(verdict: Verdict, seconds: float, without: Iterable[int]) -> None:
    click.echo("\n".join(verdict.story[-STORY_LINES:]))
    click.echo(f"seed {verdict.seed}: {verdict.broken or 'all promises were kept'}")
    click.echo(f"{len(verdict.faults)} faults, {verdict.commands} requests, {verdict.digest}")
    again = f"scripts/simulate --seed {verdict.seed}"
    if seconds != SECONDS:
        again += f" --seconds {seconds}"
    if left_out := ",".join(map(str, sorted(without))):
        again += f" --without {left_out}"
    click.echo(f"again: {again}")


def _hunt_mutants(seconds: float, jobs: int) -> bool:
    all_caught = True
    with multiprocessing.Pool(jobs) as pool:
        work = [(name, seconds) for name in MUTANTS]
        for name, seeds, broken in pool.imap(_hunt, work):
            caught = f"caught by seed number {seeds:>3}: {broken}" if broken else "NOT CAUGHT"
            click.echo(f"{name:<44} {caught}")
            all_caught = all_caught and broken is not None
    return all_caught


def _hunt(work: tuple[str, float]) -> tuple[str, int, str | None]:
    name, seconds = work
    seeds_run = 0
    with planted(name):
        for seed in itertools.islice(itertools.count(), MUTANT_SEEDS_MAX):
            seeds_run += 1
            broken = simulate(seed, seconds).broken
            if broken is not None:
                return name, seeds_run, broken
    return name, seeds_run, None


if __name__ == "__main__":
    main()
