"""What operators may ask of the room-service: every room that there is."""

from zchat.protocol import limits
from zchat.protocol.codec import encode, fitting
from zchat.protocol.messages import LOBBY, RefusalCode, Refused, Role, room_log
from zchat.protocol.operators import (
    ListAllRooms,
    RoomDetails,
    RoomPage,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.rooms.core.dispatch import RoomCore
from zchat.rooms.core.model import Room
from zchat.service.core.queries import first_names, is_wanted


def answer(core: RoomCore, asking: str, query: ListAllRooms) -> Steps[bytes]:
    if asking:
        # No client can send it; this is for a gateway that was made to.
        return encode(Refused(None, RefusalCode.NOT_ALLOWED, "this is for operators"))

    def is_listed(name: str) -> bool:
        return is_wanted(name, query.after, query.pattern)

    names, count = yield from first_names(core.rooms, is_listed, limits.LIST_PAGE_MAX)
    infos: list[RoomDetails] = []
    for name in names:
        if room := core.rooms.get(name):
            infos.append(_details(core, room))
            # Its owner is looked for among all members.
            yield (16 + len(room.members)) * costs.ITEM_US // 16
    fit = fitting(infos, limits.ANSWER_BYTES_MAX)
    return encode(RoomPage(fit, len(fit) < count))


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
