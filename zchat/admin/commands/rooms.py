"""`zchat-admin rooms`, `announce`, `close-room`: what operators see of rooms, and do to them."""

import click

from zchat.admin import times
from zchat.admin.output import (
    admin_command,
    argument,
    as_json_option,
    pattern,
    reason_option,
    show_done,
    show_list,
)
from zchat.admin.rpc import (
    REQUEST,
    Queries,
    ask_one,
    do,
    done_or_end,
    fresh_nonce,
    log_pages,
    read_all,
)
from zchat.client.core.checks import InvalidRequest, exact
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import ReadLog
from zchat.protocol.messages import (
    LOBBY,
    Announce,
    CloseRoom,
    RefusalCode,
    Refused,
    room_log,
)
from zchat.protocol.operators import (
    ListAllRooms,
    RoomDetails,
    RoomPage,
)
from zchat.protocol.rules.names import is_visible
from zchat.protocol.rules.partitions import address_of_room, room_addresses
from zchat.runtime.settings import Settings

_pages: Decoder[RoomPage | Refused] = Decoder(RoomPage | Refused)  # type: ignore[arg-type]


def _rooms(settings: Settings, room: str | None, as_json: bool) -> None:
    def after(last: str) -> ListAllRooms:
        return ListAllRooms(last, room or "")

    def following(page: RoomPage) -> ListAllRooms | None:
        return after(page.rooms[-1].room) if page.more and page.rooms else None

    pages = read_all(settings, room_addresses(settings.partitions), after(""), _pages, following)
    infos = sorted((info for page in pages for info in page.rooms), key=lambda info: info.room)
    head = ("room", "members", "kind", "owner", "created", "entries")
    show_list(infos, head, _row, as_json=as_json)


def room_of(
    asking: Queries, address: str, name: str, *, as_json: bool = False
) -> RoomDetails | None:
    """What there is to say of a room; None if it is closed, of which only its log is left.

    Ends the program if there never was one of this name. Raises `NoAnswer`.
    """
    page = ask_one(asking, address, ListAllRooms(pattern=name), _pages)
    if page.rooms:
        return page.rooms[0]
    # The head of a log stays where it was, even if no entry of it is kept any more.
    if not ask_one(asking, address, ReadLog(room_log(name), 0), log_pages).head:
        reason = f"there is no room {name}, and there never was one"
        done_or_end(Refused(None, RefusalCode.UNKNOWN_ROOM, reason), as_json=as_json)
    return None


def _row(info: RoomDetails) -> tuple[str, ...]:
    kinds = [word for is_so, word in ((info.private, "private"), (info.keyed, "keyed")) if is_so]
    return (
        f"#{info.room}",
        "everyone" if info.members is None else str(info.members),
        ", ".join(kinds) or "open",
        info.owner,
        times.utc(info.created_ms),
        str(info.sequence),
    )


def _announce(settings: Settings, text: tuple[str, ...], as_json: bool) -> None:
    try:
        words = exact(" ".join(text)).strip()
    except InvalidRequest as error:
        raise click.UsageError(str(error)) from None
    if not is_visible(words) or len(words) > limits.TEXT_CHARS_MAX:
        raise click.UsageError(f"an announcement has 1 to {limits.TEXT_CHARS_MAX} characters")
    address = address_of_room(LOBBY, settings.partitions)
    done = do(
        settings, address, Announce(id=REQUEST, nonce=fresh_nonce(), text=words), as_json=as_json
    )
    show_done(done, f"announced, as entry {done.sequence} of the lobby", as_json=as_json)


def _close(settings: Settings, room: str, reason: str, as_json: bool) -> None:
    address = address_of_room(room, settings.partitions)
    command = CloseRoom(id=REQUEST, nonce=fresh_nonce(), room=room, reason=reason)
    done = do(settings, address, command, as_json=as_json)
    show_done(done, f"#{room} is closed", as_json=as_json)


ANNOUNCE = admin_command(
    "announce",
    _announce,
    "Say TEXT to everyone, in the lobby.",
    click.Argument(["text"], nargs=-1, required=True),
    as_json_option(),
)
ROOMS = admin_command(
    "rooms",
    _rooms,
    "List all rooms, also private ones; ROOM may have * and ? for anything.",
    argument("room", pattern, required=False),
    as_json_option(),
)
CLOSE_ROOM = admin_command(
    "close-room",
    _close,
    "Put everyone out of ROOM, and free its name.",
    argument("room"),
    reason_option(),
    as_json_option(),
)
