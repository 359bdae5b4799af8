"""With whom a user has exchanged private messages, and how many of those are unread."""

from collections.abc import Sequence
from heapq import nlargest
from typing import Final

from msgspec import Struct

from zchat.log.store import Store
from zchat.log.threads import Thread, threads_after
from zchat.protocol import costs, limits
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.costs import Steps
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

    sequence: int
    at_ms: int
    author: str
    body: _Kind


_glances = Decoder(_Glance)
_MESSAGE: Final = PrivateMessageSent.__struct_config__.tag
_THREADS_STEP: Final = 100
_STEP_BYTES: Final = 256 * 1024


def conversation_list(
    core: UserCore, store: Store, user: User, request: int
) -> Steps[ConversationList]:
    """Those where something was said last, newest first, as many as fit."""
    left_bytes = limits.UNREAD_READ_BYTES_MAX
    infos: list[ConversationInfo] = []
    size_bytes = 0
    for other, head in (yield from _newest_threads(store, user)):
        marker, notify = core.conversations.state(user, other)
        (newest,) = store.read_history(inbox_log(user.name), head - 1, head + 1, 1) or (None,)
        if newest is None:
            continue  # It has been removed since the list was begun.
        yield _cost_of([newest])
        unread = 0
        if head > marker and other != user.name:
            floor = max(marker, user.inbox_floor)
            unread, read_bytes = yield from _unread(store, user, other, floor, left_bytes)
            left_bytes -= read_bytes
        info = ConversationInfo(other, head, _glances.decode(newest).at_ms, marker, unread, notify)
        size_bytes += len(encode(info))
        if size_bytes > limits.ANSWER_BYTES_MAX:
            break
        infos.append(info)
    return ConversationList(request, infos)


def _newest_threads(store: Store, user: User) -> Steps[list[Thread]]:
    """Only the first `CONVERSATIONS_WALKED_MAX` by name are looked at, whether new or old."""
    found: list[Thread] = []
    after, walked = "", 0
    while walked < limits.CONVERSATIONS_WALKED_MAX:
        page = threads_after(store, inbox_log(user.name), after, _THREADS_STEP)
        found += [thread for thread in page if thread.head > user.inbox_floor]
        walked += len(page)
        yield costs.of_rows(2 * _THREADS_STEP, 0)
        if len(page) < _THREADS_STEP:
            break
        after = page[-1].name
    return nlargest(limits.USER_CONVERSATIONS_MAX, found, key=lambda thread: thread.head)


def _unread(
    store: Store, user: User, other: str, floor: int, bytes_max: int
) -> Steps[tuple[int, int]]:
    """How many messages of the other follow `floor`, as far as can be counted, and what was read.

    Of each conversation it is known at least whether there is anything, however much is unread.
    """
    unread = read = read_bytes = 0
    before: int | None = None
    while read < limits.CONVERSATION_UNREAD_MAX:
        rows_max = limits.CONVERSATION_UNREAD_MAX - read
        page_bytes = min(_STEP_BYTES, max(1, bytes_max - read_bytes))
        frames = store.read_history(
            inbox_log(user.name), floor, before, rows_max, other, page_bytes
        )
        yield _cost_of(frames)
        glances = [_glances.decode(frame) for frame in frames]
        unread += sum(one.author == other and one.body.kind == _MESSAGE for one in glances)
        read += len(frames)
        read_bytes += sum(map(len, frames))
        if not frames or read_bytes >= bytes_max:
            break
        before = glances[0].sequence
    return unread, read_bytes


def _cost_of(frames: Sequence[bytes]) -> int:
    """A glance looks at the beginning of a frame; the rest is only read."""
    return costs.of_rows(len(frames), sum(map(len, frames)) // 4)
