"""What operators may ask of the room-service: every room that there is."""

from zchat.protocol import limits
from zchat.protocol.codec import encode, fitting
from zchat.protocol.messages import LOBBY, RefusalCode, Refused, Role, room_log
from zchat.protocol.operators import (
    ListAllRooms,
    RoomDetails,
    RoomPage,
)
from zchat.rooms.core import RoomCore
from zchat.rooms.model import Room
from zchat.service.lists import is_wanted, page_of


def answer(core: RoomCore, asking: str, query: ListAllRooms) -> bytes:
    if asking:
        # No client can send it; this is for a gateway that was made to.
        return encode(Refused(None, RefusalCode.NOT_ALLOWED, "this is for operators"))
    return encode(_rooms(core, query))


def _rooms(core: RoomCore, query: ListAllRooms) -> RoomPage:
    names = page_of(name for name in core.rooms if is_wanted(name, query.after, query.pattern))
    infos = [_details(core, core.rooms[name]) for name in names]
    fit = fitting(infos[: limits.LIST_PAGE_MAX], limits.ANSWER_BYTES_MAX)
    return RoomPage(fit, len(fit) < len(infos))


def _details(core: RoomCore, room: Room) -> RoomDetails:
    owners = (user for user, member in room.members.items() if member.role is Role.OWNER)
    return RoomDetails(
        room.name,
        None if room.name == LOBBY else len(room.members),
        next(owners, ""),
        room.created_at_ms,
        core.timeline.heads[room_log(room.name)],
        room.private,
        bool(room.key),
        room.topic,
    )
