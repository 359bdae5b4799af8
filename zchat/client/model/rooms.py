"""What rooms are like, and what they and conversations are called."""

from zchat.client.model.conversation import Conversation, Kind
from zchat.client.model.entries import NOTICES
from zchat.protocol.messages import (
    LOBBY,
    Entry,
    MemberAdded,
    RoomInfo,
    TopicChanged,
    room_log,
)
from zchat.protocol.rules.membership import ends_following
from zchat.protocol.rules.names import printable

_LOBBY_LOG = room_log(LOBBY)


def conversation_at(key: str) -> Conversation:
    """A new one of which nothing is known but its key."""
    name = key[1:]
    match key:
        case _ if key == NOTICES:
            return Conversation(key, Kind.NOTICES, name, more_before=False)
        case _ if key == _LOBBY_LOG:
            return Conversation(key, Kind.LOBBY, name, joined=False)
        case _ if key[0] == "#":
            return Conversation(key, Kind.ROOM, name, joined=False)
        case _:
            return Conversation(key, Kind.PRIVATE, name)


class RoomFacts:
    """Takes what entries and lists say of rooms; `me` is the user's own name."""

    def __init__(self, me: str) -> None:
        self._me = me

    def listed(self, conversation: Conversation, info: RoomInfo) -> None:
        conversation.topic = printable(info.topic)
        if info.joined:
            conversation.notify = info.notify
        if info.conversation:
            conversation.kind = Kind.SEVERAL
        self._call_by_topic(conversation)

    def happened(self, conversation: Conversation, entry: Entry) -> None:
        match entry.body:
            case TopicChanged(topic=topic):
                conversation.topic = printable(topic)
            case MemberAdded():
                conversation.kind = Kind.SEVERAL
            case _:
                if ends_following(entry, self._me):
                    conversation.joined = False
                return
        self._call_by_topic(conversation)

    def _call_by_topic(self, conversation: Conversation) -> None:
        """By the others in it, where its topic names everyone."""
        if conversation.kind is Kind.SEVERAL and conversation.topic:
            others = [each for each in conversation.topic.split(", ") if each != self._me]
            conversation.title = ", ".join(others) or conversation.topic
