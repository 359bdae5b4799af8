"""`zchat-admin retention`: how long entries are kept."""

from typing import Final

import click

from zchat.admin.asking import ask
from zchat.admin.reading import Reader
from zchat.admin.telling import AS_JSON, NoAnswer, refuse, table, tell
from zchat.protocol import limits
from zchat.protocol.cluster import USER_SERVICE
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Refused, room_log
from zchat.protocol.names import InvalidName, canonical_name
from zchat.protocol.operating import CountExpired, ExpiredCounts, KeptLogs, ListKept, SetRetention
from zchat.protocol.partitions import address_of_room, room_addresses, service_addresses
from zchat.settings import Settings, command_with_arguments

_counts = Decoder(ExpiredCounts)
_kept = Decoder(KeptLogs)

_DAY_S: Final = 24 * 3600
_ROOMS, _INBOXES = "#", "@"


def _show(settings: Settings, as_json: bool) -> None:
    kept: dict[str, int] = {}
    with Reader(settings) as reader:
        for address in service_addresses(settings.partitions):
            for log in _kept.decode(reader.ask(address, ListKept())).logs:
                kept[log.log] = log.keep_s
    rows = [("rooms, by default", _days_of(kept.pop(_ROOMS, 0)))]
    inboxes = ("inboxes", _days_of(kept.pop(_INBOXES, 0)))
    own = {log: _days_of(keep_s) for log, keep_s in sorted(kept.items())}
    rows += own.items()
    rows.append(inboxes)
    value = {"rooms": own, "rooms_default": rows[0][1], "inboxes": inboxes[1]}
    tell(as_json, value, table((name, _in_words(days)) for name, days in rows))


def _days_of(keep_s: int) -> float:
    return round(keep_s / _DAY_S, 3)


def _in_words(days: float) -> str:
    return f"{days:g} days" if days else "for ever"


def _set(
    settings: Settings,
    words: tuple[str, ...],
    default: bool,
    inboxes: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    *rooms, days = words
    if len(rooms) + default + inboxes != 1:
        raise click.UsageError("give ROOM DAYS, --default DAYS or --inboxes DAYS")
    room = rooms[0] if rooms else None
    log, addresses = _concerned(settings, room, inboxes)
    keep_s = _keep_s(days, can_be_default=room is not None)
    counts: dict[str, int] = {}
    if keep_s:
        with Reader(settings) as reader:
            for address in addresses:
                counts |= _count(reader, address, log, keep_s)
    total = sum(counts.values())
    if not as_json:
        click.echo(f"{total:,} entries would go now")
        for name, count in sorted(counts.items()):
            click.echo(f"  {name}: {count:,}")
    if not dry_run:
        if total and not yes and not click.confirm("They cannot be brought back. Go on?"):
            refuse("nothing was changed")
        for address in addresses:
            match ask(settings, address, SetRetention(1, log, keep_s)):
                case Refused(reason=reason):
                    refuse(reason)
                case None:
                    raise NoAnswer
    done = "nothing was changed" if dry_run else "set; old entries go by and by"
    tell(as_json, {"set": not dry_run, "log": log, "expired": counts}, [done])


def _concerned(settings: Settings, room: str | None, inboxes: bool) -> tuple[str, list[str]]:
    """The log or prefix, and the addresses that have such logs."""
    if inboxes:
        return _INBOXES, [USER_SERVICE]
    if room is None:
        return _ROOMS, room_addresses(settings.partitions)
    try:
        name = canonical_name(room)
    except InvalidName as error:
        raise click.UsageError(str(error)) from None
    return room_log(name), [address_of_room(name, settings.partitions)]


def _keep_s(days: str, *, can_be_default: bool) -> int | None:
    if days == "default" and can_be_default:
        return None
    if not days.isdecimal() or int(days) > limits.RETENTION_DAYS_MAX:
        raise click.UsageError(
            f"DAYS is a whole number up to {limits.RETENTION_DAYS_MAX}, where 0 keeps entries for "
            "ever; for a room it may be 'default', too"
        )
    return int(days) * _DAY_S


def _count(reader: Reader, address: str, log: str, keep_s: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    after: str | None = ""
    while after is not None:
        page = _counts.decode(reader.ask(address, CountExpired(log, keep_s, after)))
        counts |= page.counts
        after = page.next
    return counts


retention = click.Group("retention", help="How long entries are kept; for ever unless set here.")
retention.add_command(
    command_with_arguments("admin", "show", _show, "Show how long entries are kept.", AS_JSON)
)
retention.add_command(
    command_with_arguments(
        "admin",
        "set",
        _set,
        "Keep the entries of ROOM, or of all, for DAYS days from now on; 0 for ever.",
        click.Argument(["words"], nargs=-1, required=True, metavar="[ROOM] DAYS"),
        click.Option(["--default"], is_flag=True, help="Of all rooms without their own."),
        click.Option(["--inboxes"], is_flag=True, help="Of all inboxes."),
        click.Option(["--dry-run"], is_flag=True, help="Only say what would go."),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
        AS_JSON,
    )
)
