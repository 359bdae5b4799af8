"""Every bound of zchat, and what the settings come to; for this no cluster need run."""

from typing import Any

import click

from zchat.admin.answers import admin_command, as_json_option, show_json, table
from zchat.options import origin_of, shown
from zchat.protocol import limits
from zchat.settings import SETTING_NAMES, Settings


def _limits(_: Settings, as_json: bool) -> None:
    bounds = {name.lower(): value for name, value in vars(limits).items() if name.isupper()}
    settings = settings_here(click.get_current_context())
    if as_json:
        told = {name: {"value": value, "from": origin} for name, value, origin in settings}
        show_json({"limits": bounds, "settings": told})
        return
    rows = [(name, f"{value:,}") for name, value in sorted(bounds.items())]
    click.echo(table(("limit", "value"), rows))
    click.echo()
    click.echo(table(("setting", "value", "from"), settings))


def settings_here(ctx: click.Context) -> list[tuple[str, str, str]]:
    """Name, value and origin of each, as a program that is started here would have it."""
    rows = []
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name in SETTING_NAMES:
            value: Any = ctx.params.get(name)
            rows.append(
                (name, "" if value is None else shown(parameter, value), origin_of(ctx, parameter))
            )
    return rows


LIMITS = admin_command(
    "limits",
    _limits,
    "Show every limit and setting, as this folder and environment have them.",
    as_json_option(),
    every_setting=True,
)
