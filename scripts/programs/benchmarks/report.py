"""Runs as tables for people and as JSON for programs, and how servers compare in them."""

import dataclasses
import os
import platform
import statistics
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from benchmarks.measure import Run
from benchmarks.peers import Peer
from benchmarks.workloads import Workload

Summary = dict[str, dict[str, float]]
"""Median, least and most of each figure over the runs."""
Done = Mapping[Peer, Sequence[Run]]
"""The runs of one workload, by server; that of this tree is the first."""

FIGURES: Final = {
    "messages_per_s": "messages/s",
    "deliveries_per_s": "deliveries/s",
    "cpu_us_per_message": "CPU of a message, µs",
    "acknowledgement_p50_ms": "acknowledged, p50 ms",
    "delivery_p50_ms": "delivered, p50 ms",
    "delivery_p99_ms": "delivered, p99 ms",
    "log_ins_per_s": "logins/s",
    "cpu_us_per_log_in": "CPU of a login, µs",
    "came_back": "clients who came back",
    "first_back_s": "the first is back, s",
    "all_back_s": "all are back, s",
    "catch_up_s": "caught up, s",
    "cpu_percent_of_a_core": "CPU, % of a core",
    "resident_bytes_per_client": "resident for each client, bytes",
    "resident_mib_before": "resident before they came, MiB",
    "fresh_folder_s": "in a fresh folder, s",
    "existing_folder_s": "in a used folder, s",
    "fresh_folder_cpu_s": "CPU in a fresh folder, s",
}
"""What is shown and compared, in this order; the rest is in the JSON."""

_PART_LEAST: Final = 0.01
"""Of a sum; a process that has less of it is not named."""
_BUSY_PERCENT_MAX: Final = 80.0
"""Of one core; a generator that is busier may be what is measured."""


# --- Comparing ------------------------------------------------------------------------------------


class Ratio(NamedTuple):
    ours: float
    """Median of our runs."""
    theirs: float
    ratio: float
    """Of the medians, ours by theirs."""
    least: float
    """Of the turns: each is one run of ours and the run of theirs that followed."""
    most: float


def ratios(ours: Sequence[Run], theirs: Sequence[Run]) -> dict[str, Ratio]:
    """By figure, for those that both have."""
    found = {}
    for name in FIGURES:
        pairs = [
            (our.figures[name], their.figures[name])
            for our, their in zip(ours, theirs, strict=True)
            if name in our.figures and their.figures.get(name)
        ]
        if pairs:
            our_median, their_median = (
                statistics.median(side) for side in zip(*pairs, strict=True)
            )
            turns = [our / their for our, their in pairs]
            ratio = our_median / their_median
            found[name] = Ratio(our_median, their_median, ratio, min(turns), max(turns))
    return found


def summarise(runs: Iterable[Mapping[str, float]]) -> Summary:
    columns: dict[str, list[float]] = {}
    for figures in runs:
        for name, value in figures.items():
            columns.setdefault(name, []).append(value)
    return {
        name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
        for name, values in columns.items()
    }


# --- For programs ---------------------------------------------------------------------------------


def as_json(peer: Peer, workload: Workload, done: Done) -> dict[str, Any]:
    runs = done[peer]
    ours, *_ = done
    document = {
        "workload": {"title": workload.title, **dataclasses.asdict(workload)},
        "peer": peer.name,
        "notes": peer.notes,
        "machine": describe_machine(),
        "runs": [dataclasses.asdict(run) for run in runs],
        "summary": summarise(run.figures for run in runs),
        "processes": _process_summaries(runs),
    }
    if peer != ours:
        found = ratios(done[ours], runs)
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


# --- For people -----------------------------------------------------------------------------------


def print_machine() -> None:
    machine = describe_machine()
    say(f"{machine['cores']} x {machine['processor']}, Python {machine['python']}")
    say("Medians (least to most run); ratios are zchat by the other (least to most turn).")


def print_report(workload: Workload, done: Done) -> None:
    """Each server is a column, each figure a row."""
    ours, *others = done
    disk = done[ours][0].file_system or "a running server"
    runs = f"runs: {len(done[ours])}, data on {disk}"
    say(f"\n{workload.title}: {workload.summary}; {runs}\n")
    summaries = {peer: summarise(run.figures for run in runs) for peer, runs in done.items()}
    compared = {other: ratios(done[ours], done[other]) for other in others}
    head = ["", ours.name]
    for other in others:
        head += [other.name, "ratio"]
    rows = [head]
    for name, words in FIGURES.items():
        if name not in summaries[ours]:
            continue
        row = [words, _spread(summaries[ours][name])]
        for other in others:
            row.append(_spread(summaries[other].get(name)))
            row.append(_ratio(compared[other].get(name)))
        rows.append(row)
    say(_table(rows))
    say("")
    for peer in done:
        _print_processes(peer, done[peer])
    for peer in done:
        _print_verdict(peer, done[peer])


def print_notes(others: Sequence[Peer]) -> None:
    say("")
    for note in dict.fromkeys(note for other in others for note in other.notes):
        say(textwrap.fill(note, 100, initial_indent="- ", subsequent_indent="  "))


def _print_processes(peer: Peer, runs: Sequence[Run]) -> None:
    """Who has what of the sums above, the largest part first."""
    columns = ["cpu_us_per_message", "cpu_us_per_log_in", "cpu_percent_of_a_core"]
    if "cpu_percent_of_a_core" in runs[0].figures:
        columns.append("resident_mib")
    summaries = _process_summaries(runs)
    for name in columns:
        medians = {
            program: summary[name]["median"]
            for program, summary in summaries.items()
            if name in summary
        }
        least = _PART_LEAST * sum(medians.values())
        parts = [
            f"{program} {_number(median)}"
            for program, median in sorted(medians.items(), key=lambda item: -item[1])
            if median >= least
        ]
        if parts:
            said = f"{FIGURES.get(name, 'resident, MiB')}, {peer.name}: {', '.join(parts)}"
            say(textwrap.fill(said, 100, subsequent_indent="  "))


def _process_summaries(runs: Sequence[Run]) -> dict[str, Summary]:
    programs = dict.fromkeys(program for run in runs for program in run.processes)
    return {
        program: summarise(run.processes[program] for run in runs if program in run.processes)
        for program in programs
    }


def _print_verdict(peer: Peer, runs: Sequence[Run]) -> None:
    checked = sum(run.verdict.checked for run in runs)
    said = f"{peer.name}: nobody refused or cut off"
    if checked:
        said = f"{peer.name}: nothing lost, doubled or out of order in {checked:,} deliveries"
    for number, run in enumerate(runs, start=1):
        if not run.verdict.sound:
            faults = dataclasses.asdict(run.verdict)
            del faults["checked"]
            counts = ", ".join(
                f"{count} {name.replace('_', ' ')}" for name, count in faults.items()
            )
            say(f"{peer.name}, run {number}: {counts}")
            said = peer.name
        for line in run.troubles:
            say(f"{peer.name}, run {number}: {line}")
    if busy := _most(runs, "generator_busy_percent"):
        said += f"; generator up to {busy:.0f} % of a core"
    if others := _most(runs, "others_busy_percent"):
        said += f", other programs up to {others:.0f} %"
    say(said)
    if busy > _BUSY_PERCENT_MAX:
        say(f"THE GENERATOR HAD NO TIME TO SPARE: {peer.name} may be faster. Try --generators 2.")


def _most(runs: Sequence[Run], name: str) -> float:
    return max(run.figures.get(name, 0.0) for run in runs)


def _spread(values: Mapping[str, float] | None) -> str:
    if values is None:
        return ""
    median, least, most = (_number(values[name]) for name in ("median", "min", "max"))
    return median if least == most else f"{median} ({least} to {most})"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    middle, least, most = (f"{each:.2f}" for each in (ratio.ratio, ratio.least, ratio.most))
    return middle if least == most else f"{middle} ({least} to {most})"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def print_table(rows: Sequence[Sequence[str]]) -> None:
    say(_table(rows))


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


# --- The client -----------------------------------------------------------------------------------


Held = Literal["median", "p95", "max"]


class Figure(NamedTuple):
    """One thing that was measured of the client, as often as it was done."""

    name: str
    unit: str
    values: Sequence[float]
    target: float | None = None
    """What `held` of the values is to stay below."""
    held: Held = "median"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return self._quantile(0.95)

    @property
    def p99(self) -> float:
        return self._quantile(0.99)

    def _quantile(self, part: float) -> float:
        return sorted(self.values)[round(part * (len(self.values) - 1))]

    @property
    def is_missed(self) -> bool:
        by = {"median": self.median, "p95": self.p95, "max": max(self.values)}
        return self.target is not None and by[self.held] > self.target

    def as_row(self) -> list[str]:
        values = (self.median, self.p95, self.p99, max(self.values))
        held = "" if self.held == "median" else f"{self.held} "
        target = "" if self.target is None else f"{held}< {self.target:g} {self.unit}"
        return [self.name, *(f"{value:,.1f} {self.unit}".strip() for value in values), target]
