"""With whom a user has exchanged private messages, and how many of those are unread."""

from msgspec import Struct

from zchat.log.store import Store
from zchat.log.threads import newest_threads
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, fitting
from zchat.protocol.messages import (
    ConversationInfo,
    ConversationList,
    PrivateMessageSent,
    inbox_log,
)
from zchat.users.core import UserCore
from zchat.users.model import User


class _Kind(Struct, frozen=True):
    kind: str


class _Glance(Struct, frozen=True):
    """What is looked at of an entry here, where there may be thousands."""

    at_ms: int
    author: str
    body: _Kind


_glances = Decoder(_Glance)
_MESSAGE = PrivateMessageSent.__struct_config__.tag


def conversation_list(core: UserCore, store: Store, user: User, request: int) -> ConversationList:
    threads = newest_threads(
        store,
        inbox_log(user.name),
        user.inbox_floor,
        limits.CONVERSATIONS_WALKED_MAX,
        limits.USER_CONVERSATIONS_MAX,
    )
    left = limits.UNREAD_READ_MAX
    infos: list[ConversationInfo] = []
    for other, head, frame in threads:
        marker, notify = core.conversations.state(user, other)
        unread = 0
        if head > marker and other != user.name:
            # Of each at least whether there is anything, however many are unread in all.
            limit = min(limits.CONVERSATION_UNREAD_MAX, max(1, left))
            floor = max(marker, user.inbox_floor)
            frames = store.read_history(inbox_log(user.name), floor, None, limit, other)
            left -= len(frames)
            unread = sum(_is_message_by(other, frame) for frame in frames)
        at_ms = _glances.decode(frame).at_ms
        infos.append(ConversationInfo(other, head, at_ms, marker, unread, notify))
    return ConversationList(request, fitting(infos, limits.ANSWER_BYTES_MAX))


def _is_message_by(author: str, frame: bytes) -> bool:
    glance = _glances.decode(frame)
    return glance.author == author and glance.body.kind == _MESSAGE
