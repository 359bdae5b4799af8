"""What a room-service does for somebody who is to be erased, and is in no room any more."""

from zchat.log.answers import Answer
from zchat.log.names import ForgottenName
from zchat.protocol.operators import ForgetName, ReplaceName
from zchat.rooms.state import RoomState
from zchat.service.effects import Sender
from zchat.service.erasing import replace_names, topic_with
from zchat.service.operators import require_operator


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
