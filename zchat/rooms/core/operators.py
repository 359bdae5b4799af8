"""What operators have a room-service do: rooms that are imported, and persons that are erased."""

from collections.abc import Mapping

from zchat.eventlog.core.changes import ForgottenName
from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, room_log
from zchat.protocol.operators import ForgetName, ImportEntries, ReplaceName
from zchat.protocol.rules.names import canonical_name
from zchat.rooms.core.model import Room
from zchat.rooms.core.state import RoomState
from zchat.service.core.effects import Refusal, Sender
from zchat.service.core.operators import (
    append_imported,
    audit_import,
    replace_names,
    require_operator,
    topic_with,
)


def import_entries(
    state: RoomState,
    sender: Sender,
    command: ImportEntries,
    log_heads: Mapping[str, int],
    at_ms: int,
) -> Answer:
    """A room from another cluster, or from before.

    Nobody is in it: whoever was may not be who has that name here.
    """
    require_operator(sender)
    name = canonical_name(command.log[1:])
    log = room_log(name)
    if command.facts is not None:
        if name in state.rooms:
            raise Refusal(RefusalCode.ROOM_EXISTS, f"there is a room {name} already")
        if len(state.rooms) >= limits.ROOMS_MAX:
            raise Refusal(RefusalCode.LIMIT_REACHED, f"there are {limits.ROOMS_MAX} rooms already")
        state.timeline.heads.setdefault(log, log_heads.get(log, 0))
        room = Room(name, command.facts.topic, command.facts.created_at_ms)
        state.add_room(room)
        state.save(room)
        audit_import(state.effects, sender, at_ms, room=name)
    elif name not in state.rooms:
        raise Refusal(RefusalCode.UNKNOWN_ROOM, f"the import of {name} has not begun")
    return append_imported(state.timeline, log, command)


def erase(state: RoomState, sender: Sender, command: ReplaceName | ForgetName) -> Answer:
    require_operator(sender)
    name, now = command.name, command.pseudonym
    if isinstance(command, ForgetName):
        _forget(state, name)
        state.effects.forgotten.append(ForgottenName(name, now))
        return Answer(None, 0)
    replace_names(state.timeline, command)
    room = state.rooms.get(command.log[1:])
    if room is not None and name in room.topic:
        topic = topic_with(room.topic, name, now)
        if topic != room.topic:
            room.topic = topic
            state.save(room)
    return Answer(None, 0)


def _forget(state: RoomState, name: str) -> None:
    """A ban is a ban of the name, which is nobody's now."""
    for room in state.rooms.values():
        if name in room.bans:
            state.drop_ban(room, name)
        for sequence in [one for one, author in room.mentions.items() if author == name]:
            state.drop_mention(room, "", sequence)
