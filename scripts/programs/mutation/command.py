"""The command `scripts/mutate`: which mutants of the cores no test notices."""

import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Final

import click
import pytest

from testbed import ROOT

from .cores import cores, where_tested
from .mutants import Mutant, mutants_of
from .trials import WAITING_S, Outcome, Trials

_COLUMNS: Final = tuple(Outcome)


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE[:LINE]]…")
def main(modules: Sequence[str]) -> None:
    """Changes the cores one place at a time, and prints the changes that no test notices."""
    os.chdir(ROOT)
    names = modules or cores()
    began = time.monotonic()
    total: Counter[Outcome] = Counter()
    click.echo(_row("module", "mutants", *_COLUMNS))
    for tests, group in groupby(names, _tests):
        # A process of its own for each, since what was changed or collected stays in one.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            total += pool.submit(_try_all, tests, tuple(group)).result()
    click.echo(_row("all", str(total.total()), *(str(total[column]) for column in _COLUMNS)))
    click.echo(f"{time.monotonic() - began:.0f} s")


def _tests(name: str) -> tuple[str, ...]:
    return where_tested(name.partition(":")[0])


def _try_all(tests: Sequence[str], names: Sequence[str]) -> Counter[Outcome]:
    """Prints a row for each module, followed by what survived there."""
    shown = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    total: Counter[Outcome] = Counter()
    mutants = _chosen(names)
    outcomes: list[tuple[Mutant, Outcome]] = []

    def told(mutant: Mutant, outcome: Outcome) -> None:
        outcomes.append((mutant, outcome))
        if len(outcomes) == len(mutants) or mutants[len(outcomes)].path != mutant.path:
            of_module = [(one, came) for one, came in outcomes if one.path == mutant.path]
            print(*_report(mutant.path, of_module), sep="\n", file=shown)
            total.update(outcome for _, outcome in of_module)

    trials = Trials(mutants, told)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        pytest.main(
            [
                *tests,
                # Screens are slow.
                *("--ignore=tests/client/tui", "-m", "not integration"),
                # Hypothesis takes it for flaky where each test runs twice, once of it traced.
                "--deselect=tests/users/test_private_twins.py::TestTalk::runTest",
                *("--capture=no", "-p", "no:cacheprovider"),
                *("-o", "tmp_path_retention_policy=none", f"--basetemp={folder}/tests"),
                f"--timeout={WAITING_S}",
            ],
            plugins=[trials],
        )
    if trials.failures:
        sys.exit("\n".join(["These fail without any mutant:", *trials.failures]))
    return total


def _chosen(names: Sequence[str]) -> list[Mutant]:
    lines: dict[str, set[int]] = {}
    for name in names:
        path, _, line = name.partition(":")
        lines.setdefault(path, set()).update([int(line)] if line else [])
    return [
        mutant
        for path, wanted in lines.items()
        for mutant in mutants_of(ROOT / path)
        if not wanted or not wanted.isdisjoint(mutant.lines)
    ]


def _report(path: str, outcomes: Sequence[tuple[Mutant, Outcome]]) -> list[str]:
    counts = Counter(outcome for _, outcome in outcomes)
    name = str(Path(path).relative_to(ROOT))
    lines = [_row(name, str(len(outcomes)), *(str(counts[column]) for column in _COLUMNS))]
    for mutant, outcome in outcomes:
        if outcome in {Outcome.SURVIVED, Outcome.NOT_RUN}:
            where = mutant.function.name if mutant.function else ""
            lines += [f"  {where}: {outcome}", *(f"    {line}" for line in mutant.diff.split("\n"))]
    return lines


def _row(name: str, *columns: str) -> str:
    return f"{name:<34}" + "".join(f"{column:>{max(9, len(column) + 2)}}" for column in columns)


if __name__ == "__main__":
    main(prog_name="scripts/mutate")
