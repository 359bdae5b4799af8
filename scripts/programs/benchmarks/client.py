"""The command line of `scripts/bench client`: what the program of one person costs."""

import sys
from pathlib import Path
from typing import Final

import click

from benchmarks import client_screen, client_send
from benchmarks.parts import Part, Parts, check_names, epilog, measure_parts

PARTS: Final[Parts] = {
    "screen": Part("the full-screen client, in a terminal", client_screen.measure),
    "send": Part(
        "one message said by `zchat-client send`, from its start to its end", client_send.measure
    ),
}


@click.command(epilog=epilog(PARTS))
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
    check_names(PARTS, names)
    sys.exit(0 if measure_parts(PARTS, names, times, json_path) else 1)


if __name__ == "__main__":
    main(prog_name="scripts/bench client")
