"""The command line of scripts/bench."""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from benchmarks import report
from benchmarks.measure import Options, Run, run_once
from benchmarks.peers import (
    BY_WEB,
    BY_WEB_WITH_TLS,
    OTHERS,
    OURS,
    OURS_WITH_TLS,
    NotBuilt,
    Peer,
    at_commit,
)
from benchmarks.servers import allow_many_sockets
from benchmarks.workloads import SECONDS_MAX, WORKLOADS, Changes, Workload, variants

_ONLY_FRESH: Final = {"start", "return"}
"""Kinds of workloads that a server which runs already cannot have."""


def _epilog() -> str:
    lines = []
    for name, rows in WORKLOADS.items():
        sizes = " and ".join(row.size for row in rows if row.size)
        lines.append(f"{name}: {rows[0].summary}{sizes and '; '}{sizes}.")
    lines.append("client: no load, but what the program of one person costs; see client --help.")
    lines.append("web: the same of the page in the browser; see web --help.")
    return "\b\nWorkloads:\n" + "\n".join(f"  {line}" for line in lines)


def parse_address(
    _: click.Context, __: click.Parameter, text: str | None
) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _colon, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("give HOST:PORT, for example 127.0.0.1:7447")
    return host, int(port)


@click.command(epilog=_epilog())
@click.argument("names", nargs=-1, required=True, metavar="WORKLOAD|all...")
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 100))
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Choice(list(OTHERS)),
    help="A server that is installed here, to be measured in turn with zchat, and compared.",
)
@click.option(
    "--against",
    "commits",
    multiple=True,
    metavar="COMMIT",
    help="Another commit of this repository, to be measured in turn with this one, and compared.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write every figure of every run.",
)
@click.option(
    "--address",
    callback=parse_address,
    metavar="HOST:PORT",
    help="A server that runs already, instead of a fresh one for each run.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the data of fresh servers is; it decides which disk is measured.",
)
@click.option(
    "--tls",
    is_flag=True,
    help="Clients speak TLS with a fresh cluster, whose certificate is made for the run.",
)
@click.option(
    "--door",
    default="native",
    show_default=True,
    type=click.Choice(["native", "web"]),
    help="How clients come in; by the web door in turn with the native one, and compared.",
)
@click.option("--gateways", type=click.IntRange(1, 16), help="Gateways of a fresh cluster.")
@click.option(
    "--generators",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Processes that make the load; a single room is always in one.",
)
@click.option(
    "--window",
    "windows",
    multiple=True,
    type=click.IntRange(1, 4096),
    help="Messages on their way of each talker, or logins of all; each that is given is a row.",
)
@click.option(
    "--rate",
    "rates_per_s",
    multiple=True,
    type=click.FloatRange(1.0, 10_000.0),
    help="Messages a second of the workload light; each that is given is a row.",
)
@click.option("--seconds", type=click.FloatRange(0.1, SECONDS_MAX), help="Measured time of a run.")
@click.option(
    "--scale",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.001, 10.0),
    help="Fewer or more clients, rooms or missed messages than the workload says.",
)
@click.option(
    "--check-all",
    is_flag=True,
    help="Decode what every client got, not a sample; costs memory, not speed.",
)
def main(
    names: tuple[str, ...],
    runs: int,
    peers: tuple[str, ...],
    commits: tuple[str, ...],
    json_path: Path | None,
    address: tuple[str, int] | None,
    folder: Path | None,
    tls: bool,
    door: str,
    gateways: int | None,
    generators: int,
    windows: tuple[int, ...],
    rates_per_s: tuple[float, ...],
    seconds: float | None,
    scale: float,
    check_all: bool,
) -> None:
    """What a chat server costs: speed, time, processor and memory, under a known load.

    Every run has a fresh server in a folder of its own. Fails if zchat has lost, doubled or refused
    anything, or changed its order; of a peer that is only reported.
    """
    if (peers or commits) and address is not None:
        raise click.UsageError("--address names a server that runs; others are started here.")
    if door == "web" and address is not None:
        raise click.UsageError("--door web is for a cluster that is started here.")
    if tls and (peers or address is not None):
        raise click.UsageError("--tls is for a cluster that is started here, and for no peer.")
    changes = Changes(
        windows=windows, rates_per_s=rates_per_s, gateways=gateways, seconds=seconds, scale=scale
    )
    workloads = workloads_of(names, changes)
    if address is not None and any(workload.kind in _ONLY_FRESH for workload in workloads):
        raise click.UsageError("A server that runs already is neither started nor killed.")
    ours = OURS_WITH_TLS if tls else OURS
    others = others_of(peers, commits, tls=tls)
    if door == "web":
        ours, others = BY_WEB_WITH_TLS if tls else BY_WEB, [ours, *others]
    prepare_process()
    options = Options(address, folder, generators, check_all)
    documents: list[dict[str, Any]] = []
    sound = True
    report.print_machine()
    for workload in workloads:
        done = measure_in_turn([ours, *others], workload, options, runs)
        report.print_report(workload, done)
        for other in others:
            if other not in done:
                report.say(f"{other.name}: keeps nothing for those who are away")
        documents += [report.as_json(peer, workload, done) for peer in done]
        sound = sound and all(run.verdict.sound for run in done[ours])
        if json_path is not None:
            json_path.write_text(json.dumps(documents, indent=2) + "\n", "utf-8")
    report.print_notes(others)
    sys.exit(0 if sound else 1)


def others_of(peers: Sequence[str], commits: Sequence[str], *, tls: bool) -> list[Peer]:
    others = [OTHERS[name] for name in dict.fromkeys(peers)]
    try:
        for other in others:
            other.find()
        others += [at_commit(commit, tls=tls) for commit in dict.fromkeys(commits)]
    except (FileNotFoundError, NotBuilt) as error:
        raise click.ClickException(str(error)) from None
    return others


def measure_in_turn(
    peers: Sequence[Peer], workload: Workload, options: Options, runs: int
) -> dict[Peer, list[Run]]:
    """One run of each, then again, so that what else the machine does meets them alike."""
    able = [
        peer
        for peer in peers
        if workload.kind not in {"catch-up", "return"} or peer.make_dialect().remembers
    ]
    done: dict[Peer, list[Run]] = {peer: [] for peer in able}
    for _ in range(runs):
        for peer in able:
            done[peer].append(run_once(peer, workload, options))
    return done


def prepare_process() -> None:
    allow_many_sockets()
    # As after Ctrl-C, what was started here is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def workloads_of(names: Sequence[str], changes: Changes) -> list[Workload]:
    chosen: list[Workload] = []
    for name in WORKLOADS if "all" in names else names:
        if name not in WORKLOADS:
            raise click.UsageError(f"There is no workload {name!r}: {', '.join(WORKLOADS)}, all.")
        chosen += variants(name, changes)
    if changes.rates_per_s and not any(workload.kind == "pace" for workload in chosen):
        raise click.UsageError("Only light has a rate.")
    return chosen


if __name__ == "__main__":
    main(prog_name="scripts/bench")
