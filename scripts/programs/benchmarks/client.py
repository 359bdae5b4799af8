"""The command line of `scripts/bench client`: what the program of one person costs."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from benchmarks import client_screen, client_send
from benchmarks.command import prepare_process
from benchmarks.report import Figure, describe_machine, print_table
from benchmarks.servers import ZchatCluster, fresh_folder

Measure = Callable[[ZchatCluster, Path, int], Sequence[Figure]]
"""Takes a cluster that runs, a folder of its own, and how often each thing is to be done."""


class Part(NamedTuple):
    summary: str
    measure: Measure


PARTS: Final[Mapping[str, Part]] = {
    "screen": Part("the full-screen client, in a terminal", client_screen.measure),
    "send": Part(
        "one message said by `zchat-client send`, from its start to its end", client_send.measure
    ),
}


def _epilog() -> str:
    lines = [f"{name}: {part.summary}." for name, part in PARTS.items()]
    return "\b\nParts:\n" + "\n".join(f"  {line}" for line in lines)


@click.command(epilog=_epilog())
@click.argument("names", nargs=-1, metavar="[PART]...")
@click.option(
    "--times",
    default=40,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How often each thing is done.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write every figure of every time.",
)
def main(names: tuple[str, ...], times: int, json_path: Path | None) -> None:
    """What `zchat-client` costs a person who waits: all parts, or those that are named.

    Fails if the median of a figure is over its target.
    """
    for name in names:
        if name not in PARTS:
            raise click.UsageError(f"There is no part {name!r}: {', '.join(PARTS)}.")
    prepare_process()
    documents: list[dict[str, Any]] = []
    missed = False
    for name in names or PARTS:
        before = os.getloadavg()[0]
        with fresh_folder(None) as folder, contextlib.closing(_Running(folder)) as running:
            own = folder / "client"
            own.mkdir()
            figures = PARTS[name].measure(running.cluster, own, times)
        loads = (before, os.getloadavg()[0])
        _print(name, figures, loads)
        documents.append(_as_json(name, figures, loads))
        missed = missed or any(figure.is_missed for figure in figures)
    if json_path is not None:
        json_path.write_text(json.dumps(documents, indent=2) + "\n", "utf-8")
    sys.exit(1 if missed else 0)


class _Running:
    def __init__(self, folder: Path) -> None:
        self.cluster = ZchatCluster(folder)
        self.cluster.start()
        try:
            self.cluster.wait_until_open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.cluster.stop()


def _print(name: str, figures: Sequence[Figure], loads: tuple[float, float]) -> None:
    machine = describe_machine()
    click.echo(f"\n{name}: {PARTS[name].summary}")
    click.echo(
        f"{machine['cores']} x {machine['processor']}, Python {machine['python']}, "
        f"load {loads[0]:.2f} before and {loads[1]:.2f} after\n"
    )
    rows = [["", "p50", "p95", "p99", "max", "target"]]
    rows += [figure.as_row() for figure in figures]
    print_table(rows)


def _as_json(name: str, figures: Sequence[Figure], loads: tuple[float, float]) -> dict[str, Any]:
    return {
        "part": name,
        "machine": describe_machine(),
        "load": loads,
        "figures": [figure._asdict() for figure in figures],
    }


if __name__ == "__main__":
    main(prog_name="scripts/bench client")
