"""What operators may ask of the user-service: who there is, and who is connected from where."""

from heapq import nsmallest

from zchat.fabric.core.identities import name_of
from zchat.protocol import limits
from zchat.protocol.codec import encode, fitting
from zchat.protocol.messages import RefusalCode, Refused
from zchat.protocol.operators import (
    AccountInfo,
    AccountPage,
    ListAccounts,
    ListSessions,
    ListSightings,
    SessionInfo,
    SessionPage,
    SightingInfo,
    SightingPage,
)
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps
from zchat.protocol.rules.targets import InvalidTarget, Target, target_of
from zchat.service.core.queries import first_names, is_wanted
from zchat.users.core.dispatch import UserCore
from zchat.users.core.model import SaveSighting, Session, User


def answer(
    core: UserCore, asking: str, query: ListAccounts | ListSessions | ListSightings, at_ms: int
) -> Steps[bytes]:
    if asking:
        # No client can send it; a gateway that somebody has broken into could, in a user's name.
        return encode(Refused(None, RefusalCode.NOT_ALLOWED, "this is for operators"))
    if isinstance(query, ListAccounts):
        return encode((yield from _accounts(core, query, at_ms)))
    if isinstance(query, ListSightings):
        return (yield from _sightings(core, query))
    return encode((yield from _sessions(core, query, at_ms)))


def _accounts(core: UserCore, query: ListAccounts, at_ms: int) -> Steps[AccountPage]:
    online = core.presence.online

    def is_listed(name: str) -> bool:
        if not is_wanted(name, query.after, query.pattern):
            return False
        user = core.users.get(name)
        return user is not None and user.present and (user.guest or not query.guests)

    of_all = online if query.online else core.users
    names, count = yield from first_names(of_all, is_listed, limits.LIST_PAGE_MAX)
    users = (core.users[name] for name in names)
    infos = (_account(user, user.name in online, at_ms) for user in users)
    fit = fitting(infos, limits.ANSWER_BYTES_MAX)
    return AccountPage(fit, len(fit) < count)


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


def _sessions(core: UserCore, query: ListSessions, at_ms: int) -> Steps[SessionPage]:
    def is_listed(name: str) -> bool:
        user = core.users.get(name)
        return is_wanted(name, query.after, query.pattern) and bool(user and user.sessions)

    online = core.presence.online
    names, count = yield from first_names(online, is_listed, limits.LIST_PAGE_MAX)
    users = (core.users[name] for name in names)
    of_users = ([_session(user, each, at_ms) for each in user.sessions] for user in users)
    fit = fitting(of_users, limits.ANSWER_BYTES_MAX)
    return SessionPage([info for infos in fit for info in infos], len(fit) < count)


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


def _sightings(core: UserCore, query: ListSightings) -> Steps[bytes]:
    try:
        target = target_of(query.who) if query.who else None
    except InvalidTarget as error:
        return encode(Refused(None, RefusalCode.INVALID_NAME, str(error)))
    known = core.directory.sightings.by_pair
    # They may change between two steps; the page is of those that there are now.
    asked = list(known.values())
    after = query.after, query.after_address
    first: list[SaveSighting] = []
    count = 0
    for begin in range(0, len(asked), limits.LIST_STEP_ITEMS):
        some = asked[begin : begin + limits.LIST_STEP_ITEMS]
        listed = [each for each in some if each[:2] > after and _is_of(target, each)]
        count += len(listed)
        first = nsmallest(limits.LIST_PAGE_MAX, first + listed)
        yield len(some) * costs.ROW_US
    fit = fitting((_sighting(core, each) for each in first), limits.ANSWER_BYTES_MAX)
    return encode(SightingPage(fit, len(fit) < count))


def _is_of(target: Target | None, seen: SaveSighting) -> bool:
    return target is None or target.is_for_address(seen.address) or target.is_for_name(seen.user)


def _sighting(core: UserCore, seen: SaveSighting) -> SightingInfo:
    user = core.users.get(seen.user)
    here = [s.active_ms for s in user.sessions if s.address == seen.address] if user else []
    return SightingInfo(
        seen.user, seen.address, seen.first_ms, max([seen.last_ms, *here]), bool(here)
    )
