"""What may be asked of the user-service, answered from what is committed."""

from heapq import nlargest
from typing import Final, assert_never

from zchat.eventlog import audit, edits
from zchat.eventlog.search import Place
from zchat.eventlog.store import Store, Thread
from zchat.protocol import limits
from zchat.protocol.codec import encode, fitting
from zchat.protocol.internal import (
    ClusterInfo,
    ReadCluster,
    ReadLog,
    ReadPresence,
    ReadStream,
    UserQuery,
)
from zchat.protocol.messages import (
    AuditList,
    BlockedList,
    ConversationInfo,
    ConversationList,
    DeviceList,
    EditList,
    ListBlocked,
    ListConversations,
    ListDevices,
    ListUserBans,
    ListUsers,
    Ping,
    Pong,
    ReadAudit,
    ReadEdits,
    ReadHistory,
    RefusalCode,
    Refused,
    SearchMessages,
    Standing,
    UserInfo,
    UserList,
    inbox_log,
)
from zchat.protocol.operators import (
    AccountAnswer,
    AccountFacts,
    CountExpired,
    FindMessages,
    ListAccounts,
    ListKept,
    ListSessions,
    ListSightings,
    ReadAccount,
    ReadErasure,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.names import InvalidName, canonical_name, printable
from zchat.service.core import operators
from zchat.service.core import queries as shared_queries
from zchat.service.core.effects import Refusal
from zchat.service.core.queries import cost_of_glances, count_unread, first_names, glances
from zchat.users import operator_queries
from zchat.users.core.devices import device_infos
from zchat.users.core.dispatch import UserCore
from zchat.users.core.model import User

_USERS_SHOWN_MAX = limits.ANSWER_BYTES_MAX // 32
"""The shortest description of a user has so many bytes."""


def answer(
    core: UserCore,
    store: Store,
    asking: str,
    query: UserQuery,
    at_ms: int,
    standing: Standing = Standing.ACCOUNT,
) -> Steps[bytes]:
    yield costs.QUERY_US
    try:
        core.directory.authorise(asking, standing, query)
        return (yield from _answer(core, store, asking, query, at_ms))
    except Refusal as refusal:
        core.effects.refused.append((asking, query, refusal.answer))
        code = refusal.answer.code or RefusalCode.OTHER
        return encode(Refused(getattr(query, "id", 0), code, refusal.answer.reason))
    except InvalidName as error:
        return encode(Refused(getattr(query, "id", 0), RefusalCode.INVALID_NAME, str(error)))


def _answer(
    core: UserCore, store: Store, asking: str, query: UserQuery, at_ms: int
) -> Steps[bytes]:
    match query:
        case ReadLog():
            head = core.timeline.heads.get(query.log, 0)
            return (yield from shared_queries.read_log(store, query, head))
        case ReadStream():
            return (yield from shared_queries.read_stream(store, query))
        case ReadCluster():
            return encode(ClusterInfo(core.cluster))
        case ReadPresence():
            return encode(core.presence.snapshot())
        case ReadHistory():
            log, floor, other = _place(core, store, asking, query.log)
            return (yield from shared_queries.read_history(store, query, log, floor, other))
        case ReadEdits():
            return encode((yield from _edits(core, store, asking, query)))
        case ListConversations():
            user = core.directory.acting(asking)
            return encode((yield from conversation_list(core, store, user, query.id)))
        case SearchMessages():
            place = _place(core, store, asking, query.log)
            return (yield from shared_queries.search(store, query, [place]))
        case ListUsers():
            return encode((yield from _user_list(core, query.id, at_ms)))
        case ListUserBans():
            return encode(core.moderation.listed(query, at_ms))
        case ListDevices():
            user = core.directory.acting(asking)
            totp, codes = user.totp_secret is not None, len(user.recovery)
            return encode(DeviceList(query.id, device_infos(user), totp, codes))
        case ListBlocked():
            names = fitting(sorted(core.directory.acting(asking).blocked), limits.ANSWER_BYTES_MAX)
            return encode(BlockedList(query.id, names))
        case ReadAudit():
            records = yield from audit.read(store, query.limit, query.before_ms)
            return encode(AuditList(query.id, records))
        case Ping():
            return encode(Pong(query.id))
        case ListAccounts() | ListSessions() | ListSightings():
            return (yield from operator_queries.answer(core, asking, query, at_ms))
        case ReadAccount():
            return encode(_account(core, query.name))
        case ReadErasure():
            return encode(core.operators.erasure(query.name))
        case CountExpired() | FindMessages() | ListKept():
            return (yield from operators.answer(store, query, at_ms))
        case _:
            assert_never(query)


def _account(core: UserCore, name: str) -> AccountAnswer:
    user = core.users.get(name)
    if user is None or not user.present:
        return Refused(None, RefusalCode.UNKNOWN_USER, f"there is no user {printable(name)}")
    return AccountFacts(
        name,
        user.guest,
        user.created_at_ms,
        user.registered_at_ms,
        user.marker,
        device_infos(user),
        user.totp_secret is not None,
    )


def _place(core: UserCore, store: Store, asking: str, conversation: str | None) -> Place:
    """The conversation with `@name`, or all of them. Raises `Refusal`."""
    log, floor = inbox_log(asking), core.directory.acting(asking).inbox_floor
    if conversation is None:
        return Place(log, floor)
    other = canonical_name(conversation[1:])
    # What was said with a guest who has gone since can still be read.
    known = other in core.users and not core.users[other].deleted
    if not known and not store.read_history(log, floor, None, 1, other):
        reason = f"there is no user {printable(other)}"
        raise Refusal(RefusalCode.UNKNOWN_USER, reason)
    return Place(log, floor, other)


def _edits(core: UserCore, store: Store, asking: str, query: ReadEdits) -> Steps[EditList]:
    user, sequence = core.directory.acting(asking), query.sequence
    core.directory.check_inbox(user, query.log)
    log = inbox_log(user.name)
    floor = max(user.inbox_floor, sequence - 1)
    if not store.read_history(log, floor, sequence + 1, 1):
        reason = f"there is no entry {sequence} in your inbox"
        raise Refusal(RefusalCode.UNKNOWN_ENTRY, reason)
    # What was kept once is shown to nobody when it is to be kept no more.
    if not core.messages.keeps_edits:
        return EditList(query.id, [])
    return EditList(query.id, (yield from edits.read(store, log, sequence)))


def _user_list(core: UserCore, request: int, at_ms: int) -> Steps[UserList]:
    """Of very many users the first in order of their names."""
    online, away = core.presence.online, core.presence.away
    first, count = yield from first_names(online, online.__contains__, _USERS_SHOWN_MAX)
    users = (core.users[name] for name in first)
    infos = (_user_info(user, away.get(user.name), at_ms) for user in users)
    return UserList(request, fitting(infos, limits.ANSWER_BYTES_MAX), count)


def _user_info(user: User, away: str | None, at_ms: int) -> UserInfo:
    active_ms = max((s.active_ms for s in user.sessions), default=user.since_ms)
    return UserInfo(user.name, user.guest, user.since_ms, max(0, at_ms - active_ms), away)


# --- With whom a user has exchanged private messages, and how many of those are unread.

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
        yield cost_of_glances([newest])
        unread = 0
        if head > marker and other != user.name:
            floor = max(marker, user.inbox_floor)
            log = inbox_log(user.name)
            counted = yield from count_unread(store, log, user.name, floor, left_bytes, other)
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
        page = store.threads_after(inbox_log(user.name), after, _THREADS_STEP)
        found += [thread for thread in page if thread.head > user.inbox_floor]
        walked += len(page)
        yield costs.of_rows(2 * _THREADS_STEP, 0)
        if len(page) < _THREADS_STEP:
            break
        after = page[-1].name
    return nlargest(limits.USER_CONVERSATIONS_MAX, found, key=lambda thread: thread.head)
