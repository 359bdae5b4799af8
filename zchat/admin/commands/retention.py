"""`zchat-admin retention`: how long entries are kept."""

from typing import Final

import click

from zchat.admin import times
from zchat.admin.output import (
    CommandGroup,
    admin_command,
    as_json_option,
    counted,
    refuse,
    show,
    table,
)
from zchat.admin.rpc import REQUEST, Queries, ask_each, ask_one, do, open_queries
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.messages import Refused, room_log
from zchat.protocol.operators import CountExpired, ExpiredCounts, KeptLogs, ListKept, SetRetention
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.protocol.rules.partitions import address_of_room, room_addresses, service_addresses
from zchat.runtime.settings import Settings

_counts: Decoder[ExpiredCounts | Refused] = Decoder(ExpiredCounts | Refused)  # type: ignore[arg-type]
_kept: Decoder[KeptLogs | Refused] = Decoder(KeptLogs | Refused)  # type: ignore[arg-type]

_DAY_S: Final = 24 * 3600
_ROOMS, _INBOXES = "#", "@"
"""Prefixes of logs, whose policies are for all of them."""
_SPANS: Final = (
    "give a number of days, or a span as in 90m, 12h, 7d; 0 keeps entries for ever, and for a room "
    "there is 'default', too"
)


def _show(settings: Settings, as_json: bool) -> None:
    with open_queries(settings) as asking:
        addresses = service_addresses(settings.partitions)
        answers = ask_each(asking, dict.fromkeys(addresses, ListKept()), _kept)
    kept = {log.log: log.keep_s for answer in answers.values() for log in answer.logs}
    default, inboxes = kept.pop(_ROOMS, 0), kept.pop(_INBOXES, 0)
    rows = [("rooms, by default", default), *sorted(kept.items()), ("inboxes", inboxes)]
    value = {
        "rooms": {log: _in_days(keep_s) for log, keep_s in kept.items()},
        "rooms_default": _in_days(default),
        "inboxes": _in_days(inboxes),
    }
    cells = [(name, _in_words(keep_s)) for name, keep_s in rows]
    show(value, table(("entries of", "are kept"), cells).splitlines(), as_json=as_json)


def _in_words(keep_s: int) -> str:
    """Days, but for what is no whole number of them."""
    if not keep_s:
        return "for ever"
    if keep_s % _DAY_S:
        return times.length(1000 * keep_s)
    days = keep_s // _DAY_S
    return f"{days} day{'s' if days > 1 else ''}"


def _in_days(keep_s: int) -> float:
    return round(keep_s / _DAY_S, 5)


def _set(
    settings: Settings,
    words: tuple[str, ...],
    default: bool,
    inboxes: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    *rooms, span = words
    if len(rooms) + default + inboxes != 1:
        raise click.UsageError("give ROOM SPAN, --default SPAN or --inboxes SPAN")
    room = rooms[0] if rooms else None
    log, addresses = _concerned(settings, room, inboxes)
    keep_s = _keep_s(span, can_be_default=room is not None)
    counts: dict[str, int] = {}
    if keep_s:
        with open_queries(settings) as asking:
            for address in addresses:
                counts |= _count(asking, address, log, keep_s)
    total = sum(counts.values())
    if not as_json:
        click.echo(f"{counted(total, 'entry', 'entries')} would go now")
        for name, count in sorted(counts.items()):
            click.echo(f"  {name}: {count:,}")
    if not dry_run:
        if total and not yes and not click.confirm("They cannot be brought back. Go on?"):
            refuse("nothing was changed")
        for address in addresses:
            do(settings, address, SetRetention(REQUEST, log, keep_s), as_json=as_json)
    done = "nothing was changed" if dry_run else "set; old entries go by and by"
    show({"done": not dry_run, "log": log, "expired": counts}, [done], as_json=as_json)


def _concerned(settings: Settings, room: str | None, inboxes: bool) -> tuple[str, list[str]]:
    """The log or prefix, and the addresses that have such logs."""
    if inboxes:
        return _INBOXES, [USER_SERVICE]
    if room is None:
        return _ROOMS, room_addresses(settings.partitions)
    try:
        name = canonical_name(room.removeprefix("#"))
    except InvalidName as error:
        raise click.UsageError(str(error)) from None
    return room_log(name), [address_of_room(name, settings.partitions)]


def _keep_s(span: str, *, can_be_default: bool) -> int | None:
    """A number alone is one of days."""
    if span == "default" and can_be_default:
        return None
    if span.isascii() and span.isdecimal():
        keep_s = int(span) * _DAY_S
    else:
        try:
            keep_s = times.span_ms(span) // 1000
        except ValueError as error:
            raise click.UsageError(f"{span!r} is {error}; {_SPANS}") from None
        if keep_s < limits.RETENTION_S_MIN:
            least = times.length(1000 * limits.RETENTION_S_MIN)
            raise click.UsageError(f"entries are kept for {least} at least; {_SPANS}")
    if keep_s > limits.RETENTION_DAYS_MAX * _DAY_S:
        raise click.UsageError(f"{limits.RETENTION_DAYS_MAX} days are the most; {_SPANS}")
    return keep_s


def _count(asking: Queries, address: str, log: str, keep_s: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    after: str | None = ""
    while after is not None:
        page = ask_one(asking, address, CountExpired(log, keep_s, after), _counts)
        counts |= page.counts
        after = page.next
    return counts


RETENTION = CommandGroup("retention", help="How long entries are kept; for ever unless set here.")
RETENTION.add_command(
    admin_command("show", _show, "Show how long entries are kept.", as_json_option())
)
RETENTION.add_command(
    admin_command(
        "set",
        _set,
        "Keep the entries of ROOM, or of all, for SPAN from now on: 30 days, 12h, 90m; 0 for ever.",
        click.Argument(["words"], nargs=-1, required=True, metavar="[ROOM] SPAN"),
        click.Option(["--default"], is_flag=True, help="Of all rooms without their own."),
        click.Option(["--inboxes"], is_flag=True, help="Of all inboxes."),
        click.Option(["--dry-run"], is_flag=True, help="Only say what would go."),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
        as_json_option(),
    )
)
