"""How the operator's commands speak: tables for people, JSON for scripts, and exit codes.

0 done, 1 refused or something is amiss, 2 wrong usage, 3 no answer.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NoReturn

import click
from msgspec import Struct, structs

from zchat.client.core.checks import InvalidRequest, exact
from zchat.client.text.style import in_columns
from zchat.protocol import limits
from zchat.protocol.messages import Done
from zchat.protocol.rules.names import InvalidName, canonical_name, printable
from zchat.runtime.options import WholeOutput, value_of
from zchat.runtime.settings import command_with_arguments

admin_command = partial(command_with_arguments, "admin")


class CommandGroup(WholeOutput, click.Group):
    """Lists its commands in the order in which they were added, and says all of each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, command) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(500)) for name, each in commands])


def refuse(reason: str) -> NoReturn:
    """Ends the program, which can not or may not do what it was told."""
    raise click.ClickException(printable(reason))


# --- What a command is given ----------------------------------------------------------------------


def as_json_option() -> click.Option:
    return click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for scripts.")


def option(
    flag: str,
    metavar: str,
    text: str,
    parse: Callable[[str], Any] = str,
    default: Any = None,
    *,
    required: bool = False,
    many: bool = False,
) -> click.Option:
    """An option that is read by `parse`, whose ValueError says why and what would be right.

    With `many` it may be given more than once.
    """
    # click takes even a default of None for a value, and would not miss what is required.
    given = {} if required else {"default": default}
    return click.Option(
        flag.split(),
        type=value_of(parse),
        help=text,
        metavar=metavar,
        show_default=bool(default),
        required=required,
        multiple=many,
        **given,
    )


def reason_option() -> click.Option:
    return option(
        "--reason", "REASON", "Why; the user reads it, and it stands in the audit.", reason, ""
    )


def reason(text: str) -> str:
    if len(text) > limits.REASON_CHARS_MAX:
        raise ValueError(f"too long; give up to {limits.REASON_CHARS_MAX} characters")
    try:
        return exact(text).strip()
    except InvalidRequest as error:
        raise ValueError(f"no reason: {error}") from None


def name(text: str) -> str:
    """A user's or room's name, spelled as it must be."""
    try:
        return canonical_name(text.removeprefix("#").removeprefix("@"))
    except InvalidName as error:
        raise click.BadParameter(str(error)) from None


def pattern(text: str) -> str:
    """A name, or one with `*` and `?` for anything."""
    if not any(sign in text for sign in "*?["):
        return name(text)
    if len(text) > limits.NAME_CHARS_MAX:
        raise ValueError(f"too long; give up to {limits.NAME_CHARS_MAX} characters")
    return text.lower()


def argument(what: str, parse: Callable[[str], Any] = name, *, required: bool = True) -> Any:
    return click.Argument([what], type=value_of(parse), required=required)


# --- What came of it ------------------------------------------------------------------------------


def show_done(done: Done, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"done": True, "log": done.log, "sequence": done.sequence})
    else:
        click.echo(sentence)


def show(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """One JSON object, or the lines."""
    if as_json:
        show_json(value)
        return
    for line in lines:
        click.echo(printable(line))


def as_dict(info: Struct | tuple[Any, ...]) -> dict[str, Any]:
    """With every field, also those that have their defaults: scripts want one shape."""
    if isinstance(info, Struct):
        return structs.asdict(info)
    named: dict[str, Any] = info._asdict()  # type: ignore[attr-defined]
    return named


def show_json(value: Any) -> None:
    """On one line, in ASCII: nothing in it can steer a terminal."""
    click.echo(json.dumps(value))


def show_list(
    infos: Sequence[Struct | tuple[Any, ...]],
    head: Sequence[str],
    row: Callable[[Any], Iterable[object]],
    *,
    as_json: bool,
) -> None:
    """A table, or one JSON object a line."""
    if as_json:
        for info in infos:
            show_json(as_dict(info))
    else:
        click.echo(table(head, [list(map(str, row(info))) for info in infos]))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(in_columns([[printable(cell) for cell in row] for row in [head, *rows]]))


def size(size_bytes: float) -> str:
    """`24 MiB`"""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GiB"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 entry`, `1,200 entries`"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def yes(value: bool, word: str = "yes") -> str:
    return word if value else ""
