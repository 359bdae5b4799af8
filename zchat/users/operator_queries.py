"""What operators may ask of the user-service: who there is, and who is connected from where."""

from zchat.fabric.identities import name_of
from zchat.protocol import limits
from zchat.protocol.codec import encode, fitting
from zchat.protocol.messages import RefusalCode, Refused
from zchat.protocol.operators import (
    AccountInfo,
    AccountPage,
    ListAccounts,
    ListSessions,
    SessionInfo,
    SessionPage,
)
from zchat.service.lists import is_wanted, page_of
from zchat.users.core import UserCore
from zchat.users.model import Session, User


def answer(core: UserCore, asking: str, query: ListAccounts | ListSessions, at_ms: int) -> bytes:
    if asking:
        # No client can send it; this is for a gateway that was made to.
        return encode(Refused(None, RefusalCode.NOT_ALLOWED, "this is for operators"))
    if isinstance(query, ListAccounts):
        return encode(_accounts(core, query, at_ms))
    return encode(_sessions(core, query, at_ms))


def _accounts(core: UserCore, query: ListAccounts, at_ms: int) -> AccountPage:
    online = core.presence.online
    names = page_of(
        name
        for name in (online if query.online else core.users)
        if is_wanted(name, query.after, query.pattern)
        and core.users[name].present
        and (core.users[name].guest or not query.guests)
    )
    infos = [_account(core.users[name], name in online, at_ms) for name in names]
    fit = fitting(infos[: limits.LIST_PAGE_MAX], limits.ANSWER_BYTES_MAX)
    return AccountPage(fit, len(fit) < len(infos))


def _account(user: User, online: bool, at_ms: int) -> AccountInfo:
    suspended = user.suspension if user.is_suspended(at_ms) else None
    return AccountInfo(
        user.name,
        user.standing,
        online,
        user.created_at_ms,
        user.registered_at_ms,
        suspended=suspended is not None,
        until_ms=suspended.until_ms if suspended else None,
        reason=suspended.reason if suspended else "",
        devices=sum(token.remembered for token in user.tokens),
        totp=user.totp_secret is not None,
    )


def _sessions(core: UserCore, query: ListSessions, at_ms: int) -> SessionPage:
    names = page_of(
        name
        for name in core.presence.online
        if is_wanted(name, query.after, query.pattern) and core.users[name].sessions
    )
    of_users = [
        [_session(core.users[name], each, at_ms) for each in core.users[name].sessions]
        for name in names[: limits.LIST_PAGE_MAX]
    ]
    fit = fitting(of_users, limits.ANSWER_BYTES_MAX)
    return SessionPage([info for infos in fit for info in infos], len(fit) < len(names))


def _session(user: User, session: Session, at_ms: int) -> SessionInfo:
    token = user.token(session.digest)
    return SessionInfo(
        user.name,
        name_of(session.key[0]),
        session.opened_at_ms,
        max(0, at_ms - session.active_ms),
        session.address,
        token.name if token else "",
    )
