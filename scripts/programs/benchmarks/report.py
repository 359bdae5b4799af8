"""Runs as tables for people and as JSON for programs."""

import dataclasses
import os
import platform
import statistics
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import comparison
from benchmarks.measure import Run
from benchmarks.peers import OURS, Peer
from benchmarks.workloads import Workload

Summary = dict[str, dict[str, float]]
"""Median, least and most of each figure over the runs."""


def as_json(peer: Peer, workload: Workload, done: Mapping[Peer, Sequence[Run]]) -> dict[str, Any]:
    runs = done[peer]
    document = {
        "workload": dataclasses.asdict(workload),
        "peer": peer.name,
        "notes": peer.notes,
        "machine": describe_machine(),
        "runs": [dataclasses.asdict(run) for run in runs],
        "summary": summarise(run.figures for run in runs),
        "processes": {
            program: summarise(run.processes[program] for run in runs if program in run.processes)
            for program in _programs(runs)
        },
    }
    if OURS in done and peer != OURS:
        found = comparison.ratios(done[OURS], runs)
        document["zchat_by_peer"] = {name: ratio._asdict() for name, ratio in found.items()}
    return document


def describe_machine() -> dict[str, Any]:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def summarise(runs: Iterable[Mapping[str, float]]) -> Summary:
    columns: dict[str, list[float]] = {}
    for figures in runs:
        for name, value in figures.items():
            columns.setdefault(name, []).append(value)
    return {
        name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
        for name, values in columns.items()
    }


def print_report(peer: Peer, workload: Workload, runs: Sequence[Run]) -> None:
    machine = describe_machine()
    _say(f"\n{workload.name} on {peer.name}: {workload.summary}")
    _say(
        f"{len(runs)} runs; {machine['cores']} x {machine['processor']}, "
        f"Python {machine['python']}, data on {runs[0].file_system or 'a running server'}\n"
    )
    rows = [["", "median", "min", "max"]]
    for name, values in summarise(run.figures for run in runs).items():
        rows.append([_words(name), *map(_number, values.values())])
    _say(_table(rows))
    if programs := _programs(runs):
        rows = [["median of each process", "CPU s", "CPU ms / 1,000 messages", "resident MiB"]]
        for program in programs:
            summary = summarise(run.processes[program] for run in runs if program in run.processes)
            rows.append([program, *(_cell(summary, *column) for column in _COLUMNS)])
        _say("\n" + _table(rows))
    _say("")
    for number, run in enumerate(runs, start=1):
        _print_verdict(number, run)


_BUSY_PERCENT_MAX: Final = 85.0
"""Of one core; a generator that is busier may be what is measured."""
_COLUMNS: Final = (
    ("cpu_s", 1.0),
    ("cpu_s_per_1000_messages", 1e3),
    ("resident_bytes", 1 / 2**20),
)


def print_comparison(other: Peer, workload: Workload, done: Mapping[Peer, Sequence[Run]]) -> None:
    if other not in done:
        _say(f"\n{workload.name} on {other.name}: it keeps nothing for those who are away.")
        return
    _say(f"\n{workload.name}: zchat by {other.name}, {len(done[other])} turns\n")
    rows = [["", "zchat", other.name, "ratio of medians", "least turn", "most"]]
    for name, ratio in comparison.ratios(done[OURS], done[other]).items():
        rows.append([_words(name), *map(_number, ratio)])
    _say(_table(rows))
    if any(map(_generator_was_full, done[other])):
        _say(
            f"The generator had no time to spare with {other.name}, which may be faster than this."
        )


def print_notes(others: Sequence[Peer]) -> None:
    _say("")
    for note in dict.fromkeys(note for other in others for note in other.notes):
        _say(textwrap.fill(note, 100, initial_indent="- ", subsequent_indent="  "))


def print_rates(runs_by_rate: Mapping[float, Sequence[Run]]) -> None:
    """How the processor time of a message changes with how many there are."""
    costs = comparison.cpu_by_rate(runs_by_rate)
    first = next(iter(costs.values()))
    rows = [["messages/s", "CPU ms / 1,000 messages, all processes", "by that of the first"]]
    for rate, cost in costs.items():
        rows.append([_number(rate), _number(cost), _number(cost / first)])
    _say("\n" + _table(rows))


def _print_verdict(number: int, run: Run) -> None:
    faults = dataclasses.asdict(run.verdict)
    checked = faults.pop("checked")
    said = ", ".join(f"{count} {_words(name)}" for name, count in faults.items())
    _say(f"run {number}: {said}; {checked:,} deliveries looked at one by one")
    if _generator_was_full(run):
        _say("  The generator had no time to spare: the server may be faster than this.")
    for line in run.troubles:
        _say(f"  {line}")


def _generator_was_full(run: Run) -> bool:
    return run.figures.get("generator_busy_percent", 0.0) > _BUSY_PERCENT_MAX


def _programs(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(program for run in runs for program in run.processes))


def _cell(summary: Summary, name: str, factor: float) -> str:
    return _number(summary[name]["median"] * factor) if name in summary else ""


def _words(name: str) -> str:
    return name.replace("_per_s", "/s").replace("_", " ")


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def print_table(rows: Sequence[Sequence[str]]) -> None:
    _say(_table(rows))


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
