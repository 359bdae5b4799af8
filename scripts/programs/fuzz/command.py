"""The command `scripts/fuzz`: many frames for every decoder, or one frame again."""

import asyncio
import itertools
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from testbed.cluster import Cluster

from .decoders import Target, targets
from .live import under_garbage, under_slow_ones
from .runs import (
    BLOCK_FRAMES,
    LONG_BLOCK,
    Failure,
    Outcome,
    bound_memory,
    run_block,
    run_long,
    run_one,
)
from .stories import STORIES, Told, tell

GROWN_BYTES_MAX: Final = 16 * 1024 * 1024
"""What a process may keep of all the frames of one decoder, beyond its first thousand."""
STORY_FRAMES: Final = 1_000
_SHOWN_CHARS_MAX: Final = 400
_ARGUMENT_CHARS_MAX: Final = 100_000
"""Linux takes no argument of more than 128 KiB."""
_FRAMES_DEFAULT: Final = 100_000

_targets: dict[str, Target] = {}


@click.command()
@click.option(
    "--frames", default=_FRAMES_DEFAULT, show_default=True, help="Frames for each decoder."
)
@click.option("--seed", default=0, show_default=True, help="Other numbers make other frames.")
@click.option("--only", multiple=True, metavar="NAME", help="This decoder only; may be repeated.")
@click.option("--bytes", "frame", metavar="HEX", help="With --only: this one frame again.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes to use.")
@click.option("--live", is_flag=True, help="Attack a real cluster in which people chat, instead.")
@click.option(
    "--connections", default=100_000, show_default=True, help="With --live: those with garbage."
)
@click.option("--rate", default=500.0, show_default=True, help="With --live: those of a second.")
@click.option("--slow", default=3_000, show_default=True, help="With --live: who never log in.")
@click.option("--list", "listing", is_flag=True, help="Name all decoders, and exit.")
def main(
    frames: int,
    seed: int,
    only: Sequence[str],
    frame: str | None,
    jobs: int,
    live: bool,
    connections: int,
    rate: float,
    slow: int,
    listing: bool,
) -> None:
    """Feeds garbage to everything that reads bytes from outside its process."""
    if live:
        asyncio.run(_attack(connections, rate, slow))
        return
    _targets.update(targets())
    names = [name for name in [*_targets, *STORIES] if name in only or not only]
    if unknown := set(only) - set(names):
        raise click.UsageError(f"no decoder is called {', '.join(unknown)}; see --list")
    if listing:
        click.echo("\n".join(names))
    elif frame is not None:
        decoders = [name for name in names if name in _targets]
        sys.exit(_again(decoders, bytes.fromhex(frame), seed))
    else:
        sys.exit(0 if _run_all(names, frames, seed, jobs) else 1)


async def _attack(connections: int, rate: float, slow: int) -> None:
    with tempfile.TemporaryDirectory(prefix="zchat-") as folder, Cluster(Path(folder)) as cluster:
        await asyncio.to_thread(cluster.start)
        click.echo(await under_garbage(cluster, connections, rate=rate))
        click.echo(await under_slow_ones(cluster, slow))


def _again(names: Iterable[str], frame: bytes, seed: int) -> int:
    bound_memory()
    broken = 0
    for name in names:
        what = run_one(_targets[name], frame, seed)
        broken += what is not None
        click.echo(f"{name}: {what or 'nothing is wrong with it'}")
    return min(1, broken)


def _run_all(names: Sequence[str], frames: int, seed: int, jobs: int) -> bool:
    begin = time.monotonic()
    click.echo(
        f"{'decoder':<32} {'frames':>9} {'read':>5} {'seconds':>8} {'grown':>9} {'costs':>8}"
    )
    failed = 0
    with multiprocessing.Pool(jobs, bound_memory) as pool:
        for name in names:
            if name in STORIES:
                failed += _tell_all(name, pool.imap(_tell_one, _seeds(name, frames, seed)))
                continue
            blocks = [LONG_BLOCK, *range(-(-frames // BLOCK_FRAMES))]
            work = ((name, seed, block) for block in blocks)
            outcomes = list(pool.imap_unordered(_one, work, chunksize=4))
            failed += _report(name, outcomes) is not None
    click.echo(f"{failed} of {len(names)} failed, in {time.monotonic() - begin:.0f} s")
    return not failed


def _seeds(name: str, frames: int, seed: int) -> Iterator[tuple[str, int]]:
    """One story for as many frames as it is about as long as."""
    return ((name, number) for number in range(seed, seed - (-frames // STORY_FRAMES)))


def _tell_one(work: tuple[str, int]) -> Told:
    return tell(*work)


def _tell_all(name: str, stories: Iterable[Told]) -> bool:
    """One line for the stories of one kind, and what was broken in the first that failed."""
    begin = time.monotonic()
    told = list(stories)
    steps, seconds = sum(one.steps for one in told), time.monotonic() - begin
    click.echo(f"{name:<32} {len(told):>9,} stories of {steps:,} steps, {seconds:.1f} s")
    broken = next((one for one in told if one.broken), None)
    if broken is not None:
        click.echo(f"    {broken.broken}")
        click.echo(f"    again: scripts/fuzz --only '{name}' --seed {broken.seed} --frames 1")
    return broken is not None


def _one(work: tuple[str, int, int]) -> Outcome:
    name, seed, block = work
    target = _targets[name]
    return run_long(target, seed) if block == LONG_BLOCK else run_block(target, seed, block)


def _report(name: str, outcomes: Sequence[Outcome]) -> Failure | None:
    """One line for the decoder, and what has failed first, if anything has."""
    frames = sum(one.frames for one in outcomes)
    read = sum(one.read for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    multiple = max(one.multiple for one in outcomes)
    grown_bytes = _grown_bytes(outcomes)
    click.echo(
        f"{name:<32.32} {frames:>9,} {read / frames:>5.0%} {seconds:>8.1f} "
        f"{grown_bytes / 1024:>5,.0f} KiB {multiple:>7.1f}×"
    )
    failed = sorted(
        (one.failure for one in outcomes if one.failure), key=lambda failure: len(failure.frame)
    )
    if failed:
        _tell(failed[0])
        return failed[0]
    if grown_bytes > GROWN_BYTES_MAX:
        click.echo(f"    keeps {grown_bytes:,} bytes of what it has read")
        return Failure(name, 0, 0, b"", "grows")
    return None


def _grown_bytes(outcomes: Sequence[Outcome]) -> int:
    """The most that any process has grown after its first block."""
    by_pid = itertools.groupby(sorted(outcomes, key=lambda one: one.pid), lambda one: one.pid)
    grown = [0]
    for _, group in by_pid:
        resident = [one.resident_bytes for one in group]
        grown.append(max(resident) - resident[0])
    return max(grown)


def _tell(failure: Failure) -> None:
    click.echo(f"    {failure.what[:_SHOWN_CHARS_MAX]}")
    where = "among the long frames" if failure.block == LONG_BLOCK else f"block {failure.block}"
    click.echo(f"    seed {failure.seed}, {where}, {len(failure.frame):,} bytes when minimised")
    frame = failure.frame.hex()
    again = f"--bytes {frame}"
    if len(frame) > _ARGUMENT_CHARS_MAX:
        # It comes again with the others of its block; the long frames always come.
        again = f"--frames {max(0, failure.block) * BLOCK_FRAMES + 1}"
    click.echo(f"    again: scripts/fuzz --only '{failure.target}' --seed {failure.seed} {again}")


if __name__ == "__main__":
    main(prog_name="scripts/fuzz")
