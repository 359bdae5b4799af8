"""The command `scripts/simulate`: many seeds, one seed again, or planted bugs."""

import multiprocessing
import os
import re
import sys
import time
from collections import Counter

import click

from .beginning import OLD, prepare
from .minimise import minimised
from .mutants import MUTANTS, planted
from .simulation import SECONDS, Recipe, Verdict, simulate

STORY_LINES = 60
_OUT_OF_DATE = ("a bug: AttributeError", "a bug: TypeError", "a bug: NameError")


def _numbers(_context: object, _option: object, text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"(\d+(,\d+)*)?", text):
        raise click.BadParameter("give numbers with commas between them, as 1,5,6")
    return tuple(int(number) for number in text.split(",") if number)


@click.command()
@click.option("--seeds", default=200, show_default=True, help="How many histories to run.")
@click.option("--first", default=0, show_default=True, help="The seed of the first one.")
@click.option("--seed", type=int, help="Run this one only, and tell its story.")
@click.option("--seconds", default=SECONDS, show_default=True, help="Length of the troubled part.")
@click.option(
    "--without",
    default="",
    callback=_numbers,
    help="With --seed: numbers of faults to leave out, as 1,5,6.",
)
@click.option(
    "--without-people",
    default="",
    callback=_numbers,
    help="With --seed: numbers of clients to leave out.",
)
@click.option("--story", default=STORY_LINES, show_default=True, help="Lines of a story to print.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes to use.")
@click.option("--counts", is_flag=True, help="Print how often what happened in all the histories.")
@click.option("--mutants", is_flag=True, help="Plant bugs, one at a time, and show them caught.")
@click.option("--only", default="", help="With --mutants: those whose names contain this.")
@click.option("--most", default=1_000, show_default=True, help="Seeds to try with each bug.")
def main(
    seeds: int,
    first: int,
    seed: int | None,
    seconds: float,
    without: tuple[int, ...],
    without_people: tuple[int, ...],
    story: int,
    jobs: int,
    counts: bool,
    mutants: bool,
    only: str,
    most: int,
) -> None:
    """Runs whole clusters in one process, with everything that can go wrong, from seeds."""
    if mutants:
        sys.exit(0 if _hunt_mutants(seconds, jobs, only, most) else 1)
    if seed is not None:
        recipe = Recipe(seed, seconds, without, without_people)
        verdict = simulate(recipe, detailed=True)
        _tell(verdict, story)
        _tell_counts(Counter(verdict.counts) if counts else Counter())
        sys.exit(1 if verdict.broken else 0)
    failed = _run([Recipe(number, seconds) for number in range(first, first + seeds)], jobs, counts)
    if failed is not None:
        click.echo(f"seed {failed.recipe.seed}, minimised:")
        _tell(minimised(failed), story)
        sys.exit(1)


def _run(recipes: list[Recipe], jobs: int, with_counts: bool) -> Verdict | None:
    """Returns the failure with the lowest seed."""
    begin = time.perf_counter()
    failures: list[Verdict] = []
    counts: Counter[str] = Counter()
    if len(recipes) >= OLD:
        prepare()  # Once, for all processes.
    with multiprocessing.Pool(jobs) as pool:
        for verdict in pool.imap_unordered(simulate, recipes):
            counts.update(verdict.counts)
            if verdict.broken:
                click.echo(f"seed {verdict.recipe.seed}: {verdict.broken}")
                failures.append(verdict)
    rate = len(recipes) / (time.perf_counter() - begin)
    _tell_counts(counts if with_counts else Counter())
    click.echo(f"{len(recipes)} seeds, {rate:.1f} a second, {len(failures)} failed")
    return min(failures, key=lambda verdict: verdict.recipe.seed, default=None)


def _tell(verdict: Verdict, lines: int) -> None:
    for line in verdict.story[-lines:]:
        click.echo(line)
    if len(verdict.story) > lines:
        click.echo(f"these were the last {lines} lines; --story {len(verdict.story)} prints all")
    click.echo(f"seed {verdict.recipe.seed}: {verdict.broken or 'all promises were kept'}")
    click.echo(f"{len(verdict.faults)} faults, {verdict.digest}")
    click.echo(f"again: {verdict.recipe.command}")


def _tell_counts(counts: Counter[str]) -> None:
    for what, count in sorted(counts.items()):
        click.echo(f"{what:<56} {count:>8,}")


def _hunt_mutants(seconds: float, jobs: int, only: str, most: int) -> bool:
    all_caught = True
    prepare()  # Once, for all processes.
    with multiprocessing.Pool(jobs) as pool:
        work = [(name, seconds, most) for name in MUTANTS if only in name]
        for name, seeds, broken in pool.imap(_hunt, work):
            if broken is None:
                outcome = "NOT CAUGHT"
            elif broken.startswith(_OUT_OF_DATE):
                # The code has changed under the planted bug, which proves nothing then.
                outcome = f"OUT OF DATE: {broken}"
            else:
                outcome = f"caught by seed number {seeds:>3}: {broken}"
            click.echo(f"{name:<52} {outcome[:150]}")
            all_caught = all_caught and outcome.startswith("caught")
    return all_caught


def _hunt(work: tuple[str, float, int]) -> tuple[str, int, str | None]:
    name, seconds, most = work
    seeds_run = 0
    with planted(name):
        for seed in range(most):
            seeds_run += 1
            try:
                broken = simulate(Recipe(seed, seconds)).broken
            except Exception as bug:  # noqa: BLE001 - no cluster can be made with this one
                broken = f"a bug: {type(bug).__name__}: {bug}"
            if broken is not None:
                return name, seeds_run, broken
    return name, seeds_run, None


if __name__ == "__main__":
    main(prog_name="scripts/simulate")
