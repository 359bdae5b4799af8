"""The command line of scripts/profile: where the time of each process goes."""

import contextlib
import math
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import click

from benchmarks import report
from benchmarks.command import prepare_process, workloads_of
from benchmarks.measure import Options, run_once
from benchmarks.peers import OURS
from benchmarks.servers import fresh_folder
from benchmarks.workloads import SECONDS_MAX, WORKLOADS, Changes

_SAMPLES_PER_S: Final = 200
_TRUNK_SHARE: Final = 0.97
"""A stack that is read while it changes may lack its beginning."""
_RECORDER_TIMEOUT_S: Final = 30.0


class Profile(NamedTuple):
    """Samples by function, which is its name and where it begins."""

    samples: int
    own: Counter[str]
    """While the function itself ran, or something in C that it called."""
    total: Counter[str]
    """While the function was anywhere in the stack."""


@click.command()
@click.argument(
    "workload", type=click.Choice([name for name in WORKLOADS if name not in {"start", "return"}])
)
@click.option(
    "--seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1.0, SECONDS_MAX),
    help="Measured time.",
)
@click.option(
    "--top",
    default=15,
    show_default=True,
    type=click.IntRange(1, 200),
    help="Functions of each process.",
)
@click.option("--window", type=click.IntRange(1, 64), help="Messages on their way of each talker.")
@click.option("--gateways", type=click.IntRange(1, 16), help="Gateways of the cluster.")
@click.option(
    "--native", is_flag=True, help="Also functions in C and C++, where they have symbols; slower."
)
@click.option("--lines", is_flag=True, help="Lines instead of whole functions.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to leave the stacks, collapsed as flame graphs need them.",
)
def main(
    workload: str,
    seconds: float,
    top: int,
    window: int | None,
    gateways: int | None,
    native: bool,
    lines: bool,
    keep: Path | None,
) -> None:
    """Runs WORKLOAD once and samples the stack of each process meanwhile.

    Shares are of the measured time, so that what is missing to 100 % is idle. The sampling slows
    the processes down a little: take speeds from scripts/bench.
    """
    prepare_process()
    recorder = shutil.which("py-spy")
    if recorder is None:
        sys.exit("scripts/profile needs py-spy. Install it: python -m pip install py-spy")
    windows = () if window is None else (window,)
    changes = Changes(windows=windows, gateways=gateways, seconds=seconds)
    chosen, *_ = workloads_of((workload,), changes)
    peer = OURS
    with contextlib.ExitStack() as stack:
        folder = keep or stack.enter_context(fresh_folder(None))
        folder.mkdir(parents=True, exist_ok=True)

        @contextlib.contextmanager
        def record(processes: Mapping[str, int], seconds: float) -> Iterator[None]:
            flags = (["--native"] if native else []) + ([] if lines else ["--function"])
            with _recording([recorder, "record", *flags], processes, seconds, folder):
                yield

        run = run_once(peer, chosen, Options(), record)
        report.print_report(chosen, {peer: [run]})
        for path in sorted(folder.glob("*.stacks")):
            profile = read_profile(path.read_text("utf-8"))
            _print_profile(path.stem, profile, seconds, top)


@contextlib.contextmanager
def _recording(
    record: list[str], processes: Mapping[str, int], seconds: float, folder: Path
) -> Iterator[None]:
    """One recorder for each process; they end by themselves after `seconds`."""
    recorders = {}
    for program, pid in processes.items():
        command = [*record, "--pid", str(pid), "--format", "raw"]
        command += ["--duration", str(math.floor(seconds)), "--rate", str(_SAMPLES_PER_S)]
        command += ["--output", str(folder / f"{program}.stacks")]
        # A process that is stopped for each sample is woken by that from its waiting, and looks
        # busy; only stacks that go through C cannot be read while they run.
        command += [] if "--native" in record else ["--nonblocking"]
        recorders[program] = subprocess.Popen(  # noqa: S603 - All of it was made here.
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    try:
        yield
    finally:
        for program, process in recorders.items():
            try:
                _, said = process.communicate(timeout=_RECORDER_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                _, said = process.communicate()
            if process.returncode:
                text = said.decode(errors="replace").strip()
                click.echo(f"{program}: not recorded: {text}", err=True)


def read_profile(stacks: str) -> Profile:
    """Each line is a stack from the outermost function inwards, and its number of samples."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    samples = 0
    for line in stacks.splitlines():
        stack, _, text = line.rpartition(" ")
        count = int(text)
        functions = stack.split(";")
        samples += count
        own[functions[-1]] += count
        # A function that calls itself takes its time only once.
        for function in set(functions):
            total[function] += count
    return Profile(samples, own, total)


def _print_profile(program: str, profile: Profile, seconds: float, top: int) -> None:
    possible = math.floor(seconds) * _SAMPLES_PER_S
    click.echo(f"\n{program}: busy {profile.samples / possible:.0%} of the time")
    # What stands in nearly every stack is how the program was started.
    trunk = profile.samples * _TRUNK_SHARE
    branches = Counter(
        {function: count for function, count in profile.total.items() if count < trunk}
    )
    for title, counter in (("own time", profile.own), ("total time", branches)):
        click.echo(f"\n  {title}")
        for function, count in counter.most_common(top):
            click.echo(f"  {count / possible:6.1%}  {function}")


if __name__ == "__main__":
    main(prog_name="scripts/profile")
