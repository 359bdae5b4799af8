"""How the operator's commands speak: sentences for people, JSON for scripts, and exit codes.

0 is "done, nothing to report", 1 "found or refused something", 2 "called wrongly", and 3 "the
cluster does not answer".
"""

import json
from collections.abc import Iterable
from typing import NoReturn

import click

AS_JSON = click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for scripts.")


class NoAnswer(click.ClickException):
    """Nobody has answered in time."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__("the cluster does not answer; is it running, and is this its folder?")


def tell(as_json: bool, value: object, lines: Iterable[str]) -> None:
    """Prints `value` as JSON or else the lines."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo(line)


def refuse(reason: str) -> NoReturn:
    raise click.ClickException(reason)


def table(rows: Iterable[Iterable[object]]) -> Iterable[str]:
    """The cells in columns."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
