"""`zchat-admin set`, `unset`, `show-config`, `limits`: settings in force, and every bound."""

from typing import Any

import click

from zchat.admin.output import (
    admin_command,
    as_json_option,
    refuse,
    show,
    show_done,
    show_json,
    table,
)
from zchat.admin.rpc import REQUEST, NoAnswer, do
from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.operators import ChangeSetting
from zchat.runtime.options import origin_of, shown
from zchat.runtime.settings import SETTING_NAMES, SettingError, Settings, parsed_change
from zchat.runtime.settings_in_force import changes_now, console_name, origin_of_change

_RETENTION = "how long entries are kept is set with: zchat-admin retention set"


def _name(text: str) -> str:
    return text.lower().removeprefix("--").removeprefix("zchat_").replace("-", "_")


def _check(name: str, value: str) -> None:
    """What cannot be is said without a cluster; the service looks again."""
    if name.startswith("retention"):
        refuse(_RETENTION)
    try:
        parsed_change(name, value)
    except SettingError as error:
        refuse(str(error))


def _set(settings: Settings, setting: str, value: str, as_json: bool) -> None:
    name = _name(setting)
    _check(name, value)
    done = do(settings, USER_SERVICE, ChangeSetting(REQUEST, name, value), as_json=as_json)
    show_done(done, f"{name} is {value} from now on, in all processes", as_json=as_json)


def _unset(settings: Settings, setting: str, as_json: bool) -> None:
    name = _name(setting)
    done = do(settings, USER_SERVICE, ChangeSetting(REQUEST, name, None), as_json=as_json)
    said = f"{name} is again what each process was started with"
    show_done(done, said, as_json=as_json)


def _show(settings: Settings, as_json: bool) -> None:
    changes = changes_now(settings, console_name())
    if changes is None:
        raise NoAnswer
    changed = {change.name: (change.value, origin_of_change(change)) for change in changes}
    rows = [
        (name, *changed.get(name, here))
        for name, *here in settings_here(click.get_current_context())
    ]
    value = {name: {"value": text, "from": origin} for name, text, origin in rows}
    show(value, table(("setting", "value", "from"), rows).splitlines(), as_json=as_json)


SET = admin_command(
    "set",
    _set,
    "Give the setting NAME this VALUE in all processes, at once, and also after restarts.",
    click.Argument(["setting"], metavar="NAME"),
    click.Argument(["value"]),
    as_json_option(),
)
UNSET = admin_command(
    "unset",
    _unset,
    "Have each process go by what it was started with again for the setting NAME.",
    click.Argument(["setting"], metavar="NAME"),
    as_json_option(),
)
SHOW_CONFIG = admin_command(
    "show-config",
    _show,
    "Show every setting in force: what was set, and of the others what holds in this folder.",
    as_json_option(),
    every_setting=True,
)


# --- Limits: every bound of zchat, for which no cluster need run ----------------------------------


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
