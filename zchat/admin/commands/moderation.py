"""`zchat-admin seen`, `kick`, `ban`, `bans`, `unban`: where users come from, who is kept out."""

import click

from zchat.admin import times
from zchat.admin.output import (
    admin_command,
    argument,
    as_json_option,
    name,
    option,
    reason_option,
    show_done,
    show_list,
    yes,
)
from zchat.admin.rpc import REQUEST, do, fresh_nonce, read_all
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import USER_SERVICE
from zchat.protocol.messages import (
    BanUsers,
    KickMember,
    KickUsers,
    ListUserBans,
    Refused,
    UnbanUsers,
    UserBan,
    UserBanList,
)
from zchat.protocol.operators import ListSightings, SightingInfo, SightingPage
from zchat.protocol.rules.partitions import address_of_room
from zchat.protocol.rules.targets import InvalidTarget, target_of
from zchat.runtime.settings import Settings

_sightings: Decoder[SightingPage | Refused] = Decoder(SightingPage | Refused)  # type: ignore[arg-type]

_bans: Decoder[UserBanList | Refused] = Decoder(UserBanList | Refused)  # type: ignore[arg-type]


def target(text: str) -> str:
    """As services spell whom an operator means."""
    try:
        return target_of(text).text
    except InvalidTarget as error:
        raise click.BadParameter(str(error)) from None


def _seconds(text: str) -> int:
    seconds = times.span_ms(text) // 1000
    if seconds > limits.BAN_S_MAX:
        raise ValueError("too long; leave it out for a ban without an end")
    return seconds


# --- Who came from where --------------------------------------------------------------------------


def sightings_of(settings: Settings, who: str) -> list[SightingInfo]:
    """Which names came from which addresses lately, by name. Raises `NoAnswer`."""

    def following(page: SightingPage) -> ListSightings | None:
        if not page.more or not page.sightings:
            return None
        return ListSightings(who, page.sightings[-1].user, page.sightings[-1].address)

    pages = read_all(settings, [USER_SERVICE], ListSightings(who), _sightings, following)
    return [info for page in pages for info in page.sightings]


def _seen(settings: Settings, who: str | None, as_json: bool) -> None:
    head = ("user", "address", "first", "last", "connected")
    show_list(sightings_of(settings, who or ""), head, _sighting_row, as_json=as_json)


def _sighting_row(info: SightingInfo) -> tuple[str, ...]:
    first, last = times.utc(info.first_ms), times.utc(info.last_ms)
    return (info.user, info.address, first, last, yes(info.connected))


# --- Who is kept out ------------------------------------------------------------------------------


def _ban(
    settings: Settings,
    who: str,
    span: int | None,
    reason: str,
    only_guests: bool,
    force: bool,
    as_json: bool,
) -> None:
    command = BanUsers(
        id=REQUEST,
        nonce=fresh_nonce(),
        who=who,
        reason=reason,
        for_s=span,
        guests=only_guests,
        force=force,
    )
    done = do(settings, USER_SERVICE, command, as_json=as_json)
    ends = "until unbanned" if span is None else f"for {times.length(span * 1000)}"
    only = ", for guests and new accounts" if only_guests else ""
    show_done(done, f"{who} is banned {ends}{only}; who was here is put out", as_json=as_json)


def _unban(settings: Settings, who: str, as_json: bool) -> None:
    done = do(
        settings,
        USER_SERVICE,
        UnbanUsers(id=REQUEST, nonce=fresh_nonce(), who=who),
        as_json=as_json,
    )
    show_done(done, f"{who} is banned no more", as_json=as_json)


def _list_bans(settings: Settings, as_json: bool) -> None:
    def following(page: UserBanList) -> ListUserBans | None:
        return (
            ListUserBans(id=REQUEST, after=page.bans[-1].who) if page.more and page.bans else None
        )

    pages = read_all(settings, [USER_SERVICE], ListUserBans(id=REQUEST), _bans, following)
    head = ("who", "only", "since", "until", "by", "reason")
    show_list([ban for page in pages for ban in page.bans], head, _ban_row, as_json=as_json)


def _ban_row(ban: UserBan) -> tuple[str, ...]:
    until = "" if ban.until_ms is None else times.utc(ban.until_ms)
    return (ban.who, yes(ban.guests, "guests"), times.utc(ban.at_ms), until, ban.by, ban.reason)


def _kick(
    settings: Settings,
    who: str,
    room: str | None,
    span: int,
    reason: str,
    names_only: bool,
    force: bool,
    as_json: bool,
) -> None:
    if room is None:
        ends = times.length(span * 1000)
        who_not = "who keeps order in the cluster may come back"
        said = f"{who} is put out, and kept out for {ends}, as zchat-admin bans shows; {who_not}"
        command = KickUsers(
            id=REQUEST,
            nonce=fresh_nonce(),
            who=who,
            reason=reason,
            for_s=span,
            names_only=names_only,
            force=force,
        )
        show_done(do(settings, USER_SERVICE, command, as_json=as_json), said, as_json=as_json)
        return
    if not (named := target_of(who).name):
        raise click.UsageError("out of a room one member is taken at a time; give a name")
    member = KickMember(id=REQUEST, nonce=fresh_nonce(), room=room, user=named, reason=reason)
    address = address_of_room(room, settings.partitions)
    done = do(settings, address, member, as_json=as_json)
    show_done(done, f"{named} is out of #{room}", as_json=as_json)


_FORCE = click.Option(
    ["--force"],
    is_flag=True,
    help="Also if it means this machine itself, or a good part of everybody.",
)


SEEN = admin_command(
    "seen",
    _seen,
    "List which names came from which addresses lately: of WHO, an address, a block of them as in "
    "192.0.2.0/24, a name or a pattern of names.",
    argument("who", target, required=False),
    as_json_option(),
)
KICK = admin_command(
    "kick",
    _kick,
    "End all connections of WHO, a name, a pattern of names or an address, and let them in again "
    "only after a while; of a guest the name is kept out, and the address for guests. With --room "
    "take a member out of a room.",
    argument("who", target),
    option("--room", "ROOM", "A room, to take WHO out of.", name),
    option("--for span", "SPAN", "How long: 90s, 10m, 12h, 7d.", _seconds, "10m"),
    reason_option(),
    click.Option(["--names-only"], is_flag=True, help="Keep out no address of a guest."),
    _FORCE,
    as_json_option(),
)
BAN = admin_command(
    "ban",
    _ban,
    "Keep WHO out of the server, and end their connections at once: an address (of IPv6 its /64), "
    "a block of them as in 192.0.2.0/24, a name, or a pattern of names as in spam*.",
    argument("who", target),
    option("--for span", "SPAN", "How long: 90m, 12h, 7d, 2w; else until unbanned.", _seconds),
    reason_option(),
    click.Option(["--guests", "only_guests"], is_flag=True, help="Only guests and new accounts."),
    _FORCE,
    as_json_option(),
)
BANS = admin_command(
    "bans", _list_bans, "List who is kept out of the server, until when and why.", as_json_option()
)
UNBAN = admin_command(
    "unban",
    _unban,
    "Let WHO in again, spelled as zchat-admin bans shows it.",
    argument("who", target),
    as_json_option(),
)
