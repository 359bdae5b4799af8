"""The command line of scripts/bench."""

import dataclasses
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import report
from benchmarks.measure import Options, Run, run_once
from benchmarks.peers import OTHERS, OURS, OURS_WITH_TLS, Peer
from benchmarks.servers import allow_many_sockets
from benchmarks.workloads import SECONDS_MAX, WORKLOADS, Workload


def _epilog() -> str:
    lines = [f"{name}: {workload.summary}." for name, workload in WORKLOADS.items()]
    lines.append("client: no load, but what the program of one person costs; see client --help.")
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
@click.option("--gateways", type=click.IntRange(1, 16), help="Gateways of a fresh cluster.")
@click.option(
    "--generators",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Processes that make the load; a single room is always in one.",
)
@click.option("--window", type=click.IntRange(1, 64), help="Messages on their way of each talker.")
@click.option(
    "--rate",
    "rates_per_s",
    multiple=True,
    type=click.FloatRange(1.0, 10_000.0),
    help="Messages a second of the workload light; of several, the processor time is compared.",
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
    json_path: Path | None,
    address: tuple[str, int] | None,
    folder: Path | None,
    tls: bool,
    gateways: int | None,
    generators: int,
    window: int | None,
    rates_per_s: tuple[float, ...],
    seconds: float | None,
    scale: float,
    check_all: bool,
) -> None:
    """What a chat server costs: speed, time, processor and memory, under a known load.

    Every run has a fresh server in a folder of its own. Fails if zchat has lost, doubled or refused
    anything, or changed its order; of a peer that is only reported.
    """
    others = [OTHERS[name] for name in dict.fromkeys(peers)]
    if others and address is not None:
        raise click.UsageError("--peer starts both servers here; --address names one that runs.")
    if tls and (others or address is not None):
        raise click.UsageError("--tls is for a cluster that is started here, and for no peer.")
    ours = OURS_WITH_TLS if tls else OURS
    for other in others:
        try:
            other.find()
        except FileNotFoundError as error:
            raise click.ClickException(str(error)) from None
    prepare_process()
    options = Options(address, folder, gateways, generators, check_all)
    documents: list[dict[str, Any]] = []
    sound = True
    chosen = workloads_of(names, window, seconds, scale, rates_per_s)
    paced: dict[float, list[Run]] = {}
    for workload in chosen:
        if workload.kind == "start" and address is not None:
            raise click.UsageError("A server that runs already does not start.")
        done = measure_in_turn([ours, *others], workload, options, runs)
        for peer, runs_of_peer in done.items():
            report.print_report(peer, workload, runs_of_peer)
            documents.append(report.as_json(peer, workload, done))
        for other in others:
            report.print_comparison(other, workload, done)
        if workload.kind == "pace":
            paced[workload.rate_per_s] = done[ours]
        sound = sound and all(run.verdict.sound for run in done[ours])
        if json_path is not None:
            json_path.write_text(json.dumps(documents, indent=2) + "\n", "utf-8")
    if len(paced) > 1:
        report.print_rates(paced)
    report.print_notes(others)
    sys.exit(0 if sound else 1)


def measure_in_turn(
    peers: Sequence[Peer], workload: Workload, options: Options, runs: int
) -> dict[Peer, list[Run]]:
    """One run of each, then again, so that what else the machine does meets them alike."""
    able = [peer for peer in peers if workload.kind != "return" or peer.make_dialect().remembers]
    done: dict[Peer, list[Run]] = {peer: [] for peer in able}
    for _ in range(runs):
        for peer in able:
            done[peer].append(run_once(peer, workload, options))
    return done


def prepare_process() -> None:
    allow_many_sockets()
    # As after Ctrl-C, what was started here is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def workloads_of(
    names: tuple[str, ...],
    window: int | None,
    seconds: float | None,
    scale: float,
    rates_per_s: Sequence[float] = (),
) -> list[Workload]:
    chosen: list[Workload] = []
    for name in WORKLOADS if "all" in names else names:
        if name not in WORKLOADS:
            raise click.UsageError(f"There is no workload {name!r}: {', '.join(WORKLOADS)}, all.")
        workload = WORKLOADS[name].scaled(scale)
        if window is not None and workload.kind == "saturate":
            workload = dataclasses.replace(workload, window=window)
        if seconds is not None:
            workload = dataclasses.replace(workload, seconds=seconds)
        if workload.kind == "pace" and rates_per_s:
            chosen += [dataclasses.replace(workload, rate_per_s=rate) for rate in rates_per_s]
        else:
            chosen.append(workload)
    if rates_per_s and not any(workload.kind == "pace" for workload in chosen):
        raise click.UsageError("Only light has a rate.")
    return chosen


if __name__ == "__main__":
    main(prog_name="scripts/bench")
