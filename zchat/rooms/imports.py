"""Rooms that come from another cluster, or from before: their entries, as they were."""

from typing import TYPE_CHECKING

from zchat.log.answers import Answer
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, room_log
from zchat.protocol.names import canonical_name
from zchat.protocol.operators import ImportEntries
from zchat.service.effects import Refusal, Sender
from zchat.service.operators import append_imported, audit_import, require_operator

if TYPE_CHECKING:
    from zchat.rooms.core import RoomCore


def import_entries(core: "RoomCore", sender: Sender, command: ImportEntries, at_ms: int) -> Answer:
    """Nobody is in the room: whoever was in it may not be who has that name here."""
    require_operator(sender)
    name = canonical_name(command.log[1:])
    log = room_log(name)
    if command.facts is not None:
        if name in core.rooms:
            raise Refusal(RefusalCode.ROOM_EXISTS, f"there is a room {name} already")
        if len(core.rooms) >= limits.ROOMS_MAX:
            raise Refusal(RefusalCode.LIMIT_REACHED, f"there are {limits.ROOMS_MAX} rooms already")
        core.timeline.heads.setdefault(log, core.log_heads.get(log, 0))
        core.import_room(name, command.facts.topic, command.facts.created_at_ms)
        audit_import(core.effects, sender, at_ms, room=name)
    elif name not in core.rooms:
        raise Refusal(RefusalCode.UNKNOWN_ROOM, f"the import of {name} has not begun")
    return append_imported(core.timeline, log, command)
