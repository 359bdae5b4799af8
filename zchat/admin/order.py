"""What an operator does to keep order: who came from where, and who is kept out."""

import click

from zchat.admin import times
from zchat.admin.answers import admin_command, argument, as_json_option, show_list, yes
from zchat.admin.pages import read_all
from zchat.protocol.cluster import USER_SERVICE
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Refused
from zchat.protocol.operators import ListSightings, SightingInfo, SightingPage
from zchat.protocol.targets import InvalidTarget, target_of
from zchat.settings import Settings

_sightings: Decoder[SightingPage | Refused] = Decoder(SightingPage | Refused)  # type: ignore[arg-type]


def _target(text: str) -> str:
    try:
        return target_of(text).text
    except InvalidTarget as error:
        raise click.BadParameter(str(error)) from None


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


SEEN = admin_command(
    "seen",
    _seen,
    "List which names came from which addresses lately: of WHO, an address, a block of them as in "
    "192.0.2.0/24, a name or a pattern of names.",
    argument("who", _target, required=False),
    as_json_option(),
)
