"""With whom a user has exchanged private messages, and how many of those are unread."""

from heapq import nlargest
from typing import Final

from zchat.log.store import Store
from zchat.log.threads import Thread, threads_after
from zchat.protocol import costs, limits
from zchat.protocol.codec import encode
from zchat.protocol.costs import Steps
from zchat.protocol.messages import (
    ConversationInfo,
    ConversationList,
    inbox_log,
)
from zchat.service.unread import cost_of, count, glances
from zchat.users.core import UserCore
from zchat.users.model import User

_THREADS_STEP: Final = 100


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
        yield cost_of([newest])
        unread = 0
        if head > marker and other != user.name:
            floor = max(marker, user.inbox_floor)
            log = inbox_log(user.name)
            counted = yield from count(store, log, user.name, floor, left_bytes, other)
            unread, left_bytes = counted.unread, left_bytes - counted.read_bytes
        info = ConversationInfo(other, head, glances.decode(newest).at_ms, marker, unread, notify)
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
