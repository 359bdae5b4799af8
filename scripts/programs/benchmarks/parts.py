"""What a client costs the one person who has it: parts, each on a fresh cluster, as a table."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks.command import prepare_process
from benchmarks.report import Figure, describe_machine, print_table
from benchmarks.servers import ZchatCluster, fresh_folder

Measure = Callable[[ZchatCluster, Path, int], Sequence[Figure]]
"""Takes a cluster that runs, a folder of its own, and how often each thing is to be done."""


class Part(NamedTuple):
    summary: str
    measure: Measure


Parts = Mapping[str, Part]


def epilog(parts: Parts) -> str:
    lines = [f"{name}: {part.summary}." for name, part in parts.items()]
    return "\b\nParts:\n" + "\n".join(f"  {line}" for line in lines)


def check_names(parts: Parts, names: Sequence[str]) -> None:
    for name in names:
        if name not in parts:
            raise click.UsageError(f"There is no part {name!r}: {', '.join(parts)}.")


def measure_parts(
    parts: Parts, names: Sequence[str], times: int, json_path: Path | None, note: str = ""
) -> bool:
    """All, if none is named. Whether each target was met; `note` is said with each table."""
    prepare_process()
    documents: list[dict[str, Any]] = []
    met = True
    for name in names or parts:
        before = os.getloadavg()[0]
        with fresh_folder(None) as folder, contextlib.closing(_Running(folder)) as running:
            own = folder / "client"
            own.mkdir()
            figures = parts[name].measure(running.cluster, own, times)
        loads = (before, os.getloadavg()[0])
        _print(f"{name}: {parts[name].summary}", figures, loads, note)
        documents.append(_as_json(name, figures, loads))
        met = met and not any(figure.is_missed for figure in figures)
    if json_path is not None:
        json_path.write_text(json.dumps(documents, indent=2) + "\n", "utf-8")
    return met


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


def _print(title: str, figures: Sequence[Figure], loads: tuple[float, float], note: str) -> None:
    machine = describe_machine()
    click.echo(f"\n{title}")
    click.echo(
        f"{machine['cores']} x {machine['processor']}, Python {machine['python']}, "
        f"load {loads[0]:.2f} before and {loads[1]:.2f} after"
    )
    click.echo(f"{note}\n" if note else "")
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
