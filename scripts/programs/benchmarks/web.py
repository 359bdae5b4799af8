"""The command line of `scripts/bench web`: what the page costs the person who has it open."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from benchmarks import web_bundle, web_first, web_keys, web_missed, web_paging
from benchmarks.parts import Part, Parts, check_names, epilog, measure_parts
from testbed.browsers import CHROMIUM

PARTS: Final[Parts] = {
    "bundle": Part("what is loaded before the first room is shown, compressed", web_bundle.measure),
    "first": Part("until the first message is shown", web_first.measure),
    "keys": Part(
        f"with {web_keys.MESSAGES:,} messages and {web_keys.CONVERSATIONS} conversations",
        web_keys.measure,
    ),
    "paging": Part(f"up through {web_paging.MESSAGES:,} messages", web_paging.measure),
    "missed": Part(f"{web_missed.MISSED:,} missed messages", web_missed.measure),
}


@click.command(epilog=epilog(PARTS))
@click.argument("names", nargs=-1, metavar="[PART]...")
@click.option(
    "--times",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How often a page is opened.",
)
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to write every figure of every time.",
)
def main(names: tuple[str, ...], times: int, json_path: Path | None) -> None:
    """What the page in the browser costs a person who waits: all parts, or those that are named.

    It runs in the chromium of the system, which has no screen here and draws by software, on the
    cores that the cluster has, too. Fails if a figure is over its target.
    """
    check_names(PARTS, names)
    if CHROMIUM is None:
        raise click.ClickException("There is no chromium: apt-get install -y chromium")
    version = subprocess.run(  # noqa: S603 - Nothing in it is anybody's input.
        [CHROMIUM, "--version"], capture_output=True, text=True, check=True
    ).stdout.split(" built")[0]
    note = f"{version.strip()}, without a screen; IT DRAWS BY SOFTWARE, on the cluster's cores"
    sys.exit(0 if measure_parts(PARTS, names, times, json_path, note) else 1)


if __name__ == "__main__":
    main(prog_name="scripts/bench web")
