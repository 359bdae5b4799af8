"""The command line of scripts/bench."""

import dataclasses
import json
import signal
import sys
from pathlib import Path

import click

from benchmarks import report
from benchmarks.measure import Options, Run, run_once
from benchmarks.peers import PEERS
from benchmarks.servers import allow_many_sockets
from benchmarks.workloads import SECONDS_MAX, WORKLOADS, Workload


def _epilog() -> str:
    lines = [f"{name}: {workload.summary}." for name, workload in WORKLOADS.items()]
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
@click.option("--gateways", type=click.IntRange(1, 16), help="Gateways of a fresh cluster.")
@click.option(
    "--generators",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Processes that make the load; a single room is always in one.",
)
@click.option("--window", type=click.IntRange(1, 64), help="Messages on their way of each talker.")
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
    json_path: Path | None,
    address: tuple[str, int] | None,
    folder: Path | None,
    gateways: int | None,
    generators: int,
    window: int | None,
    seconds: float | None,
    scale: float,
    check_all: bool,
) -> None:
    """What a chat server costs: speed, time, processor and memory, under a known load.

    Every run has a fresh server in a folder of its own. Fails if anything was lost, doubled, out
    of order or refused.
    """
    prepare_process()
    options = Options(address, folder, gateways, generators, check_all)
    peer = PEERS["zchat"]
    documents = []
    sound = True
    for workload in workloads_of(names, window, seconds, scale):
        if workload.kind == "start" and address is not None:
            raise click.UsageError("A server that runs already does not start.")
        done: list[Run] = [run_once(peer, workload, options) for _ in range(runs)]
        report.print_report(peer, workload, done)
        documents.append(report.as_json(peer, workload, done))
        sound = sound and all(run.verdict.sound for run in done)
        if json_path is not None:
            json_path.write_text(json.dumps(documents, indent=2) + "\n", "utf-8")
    sys.exit(0 if sound else 1)


def prepare_process() -> None:
    allow_many_sockets()
    # As after Ctrl-C, what was started here is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def workloads_of(
    names: tuple[str, ...], window: int | None, seconds: float | None, scale: float
) -> list[Workload]:
    chosen = []
    for name in WORKLOADS if "all" in names else names:
        if name not in WORKLOADS:
            raise click.UsageError(f"There is no workload {name!r}: {', '.join(WORKLOADS)}, all.")
        workload = WORKLOADS[name].scaled(scale)
        if window is not None and workload.kind == "saturate":
            workload = dataclasses.replace(workload, window=window)
        if seconds is not None:
            workload = dataclasses.replace(workload, seconds=seconds)
        chosen.append(workload)
    return chosen


if __name__ == "__main__":
    main(prog_name="scripts/bench")
