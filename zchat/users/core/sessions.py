"""Who is connected where: sessions open, break, come back and end here."""

from collections.abc import Callable, Iterable
from itertools import takewhile

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import SessionHere
from zchat.protocol.rules.names import printable
from zchat.protocol.rules.permissions import at_least
from zchat.users.core.model import Session, SessionKey, User, token_digest
from zchat.users.core.presence import Presence, Sightings


class Sessions:
    """Soft state: after a restart of this service the gateways tell it again.

    A user is online from the first session to the goodbye of the last one. If the last one breaks
    without a goodbye, the user stays online for a grace, and a guest keeps its name for a longer
    one, so that a client can come back before anybody notices.
    """

    def __init__(self, users: dict[str, User], presence: Presence, sightings: Sightings) -> None:
        self._users = users
        self._presence = presence
        self._sightings = sightings
        self._by_key: dict[SessionKey, Session] = {}
        self._lost: dict[str, float] = {}
        """Since when users are in their grace, those first who were lost first."""
        self._missed: dict[str, float] = {}
        """The same of those who are online still."""

    def expect(self, user: User, now: float) -> None:
        """The user was here before this service restarted, and may come back."""
        self._found(user.name)
        user.lost_at = self._lost[user.name] = self._missed[user.name] = now

    def _found(self, name: str) -> None:
        self._lost.pop(name, None)
        self._missed.pop(name, None)

    def take_over(self, former: "Sessions", now: float) -> None:
        """Who was online stays so for a grace, in which the gateways say again who is here."""
        for name in former._presence.online:
            user = self._users.get(name)
            if user is not None and user.present:
                user.since_ms = former._users[name].since_ms
                self.expect(user, now)
                self._presence.came(name)
                self._presence.set_away(name, former._presence.away.get(name))

    def open(
        self,
        user: User,
        key: SessionKey,
        digest: bytes,
        at_ms: int,
        address: str = "",
        away: str | None = None,
        instance: bytes = b"",
    ) -> list[SessionKey]:
        """Adds a session; returns those of the same program, which it replaces."""
        if not user.since_ms or (not user.sessions and user.lost_at is None):
            user.since_ms = at_ms
        if token := user.token(digest):
            # The same bytes, of which there is to be one copy for each user who is here.
            digest = token.digest
        replaced = [session for session in user.sessions if session.is_of(digest, instance)]
        for session in replaced:
            user.sessions.remove(session)
            del self._by_key[session.key]
        opened = self._by_key[key] = Session(key, user.name, digest, at_ms, at_ms, address)
        self._sightings.saw(user.name, address, at_ms)
        opened.instance = instance
        opened.away = None if away is None else printable(away)
        user.sessions.append(opened)
        user.lost_at = None
        self._found(user.name)
        self._presence.came(user.name)
        self._tell_away(user)
        return [session.key for session in replaced if session.key != key]

    def all(self) -> list[Session]:
        return list(self._by_key.values())

    def of(self, key: SessionKey) -> Session | None:
        return self._by_key.get(key)

    def quit(self, key: SessionKey) -> tuple[User, bytes] | None:
        """Ends a session for good; returns its user and the digest of its token, if it was open."""
        session = self._by_key.pop(key, None)
        if session is None:
            return None
        user = self._users[session.user]
        user.sessions.remove(session)
        self._sightings.saw(user.name, session.address, session.active_ms)
        if not user.sessions:
            self._presence.went(user.name)
        self._tell_away(user)
        return user, session.digest

    def lose(self, key: SessionKey, now: float) -> None:
        """The connection broke; its client may come back."""
        session = self._by_key.pop(key, None)
        if session is None:
            return
        user = self._users[session.user]
        user.sessions.remove(session)
        self._sightings.saw(user.name, session.address, session.active_ms)
        if not user.sessions:
            self.expect(user, now)
        self._tell_away(user)

    def say_away(self, key: SessionKey, away: str | None, at_ms: int) -> None:
        """A session that is not known is announced soon, and its gateway knows what it has said."""
        session = self._by_key.get(key)
        if session is not None:
            session.away = None if away is None else printable(away)
            session.active_ms = max(session.active_ms, at_ms)
            self._tell_away(self._users[session.user])

    def _tell_away(self, user: User) -> None:
        # Whoever has lost all connections is what it was until it comes back or is gone.
        if user.sessions:
            self._presence.set_away(user.name, user.away)

    def forget(self, user: User) -> None:
        """Nobody waits for the user any more."""
        self._found(user.name)
        user.lost_at = None
        self._presence.went(user.name)

    def lose_all(self, asker: bytes, now: float, *, but: Iterable[int] = ()) -> None:
        """A gateway is gone, or has restarted its link with only these sessions."""
        kept = set(but)
        for key in [key for key in self._by_key if key[0] == asker and key[1] not in kept]:
            self.lose(key, now)

    def announce(
        self,
        asker: bytes,
        here: list[SessionHere],
        now: float,
        objection: Callable[[User, str], Answer | None],
    ) -> list[tuple[SessionKey, Answer | None]]:
        """Takes a gateway's word for who is connected; returns the sessions that must end, and why.

        Those are of users that are gone or may not be here, of programs that have a newer
        connection elsewhere or no place any more, and those that may do more than their user may.
        """
        self.lose_all(asker, now, but=(session.session for session in here))
        ended: list[tuple[SessionKey, Answer | None]] = []
        for session in here:
            key = (asker, session.session)
            user = self._users.get(session.user)
            if key in self._by_key:
                continue
            # A gateway that hung may have slept through the end of a guest, and the name may be
            # somebody else's by now: only the token says who it was.
            if (
                user is None
                or not user.present
                or user.token(token_digest(session.token)) is None
                or _outranks(session, user)
                or _is_stale(user, session)
                or _is_one_too_many(user, session)
            ):
                ended.append((key, None))
                continue
            if why := objection(user, session.address):
                ended.append((key, why))
                continue
            since_ms = user.since_ms or session.since_ms
            digest = token_digest(session.token)
            opened_ms, address, away = session.since_ms, session.address, session.away
            replaced = self.open(user, key, digest, opened_ms, address, away, session.instance)
            ended.extend((former, None) for former in replaced)
            self._by_key[key].active_ms = session.active_ms
            self._tell_away(user)
            user.since_ms = min(since_ms, session.since_ms)
        return ended

    def was_active(self, asker: bytes, active_ms: dict[int, int]) -> None:
        for number, at_ms in active_ms.items():
            if session := self._by_key.get((asker, number)):
                session.active_ms = max(session.active_ms, at_ms)

    def expire(self, now: float) -> list[User]:
        """Lets graces run out; returns those that are gone with theirs."""
        for name in _lost_by(now - limits.PRESENCE_GRACE_S, self._missed):
            del self._missed[name]
            if name in self._presence.online:
                self._presence.went(name)
        gone = _lost_by(now - limits.SESSION_GRACE_S, self._lost)
        for name in gone:
            self._found(name)
            self._users[name].lost_at = None
        return [user for name in gone if (user := self._users[name]).vanishes]


def _lost_by(then: float, lost: dict[str, float]) -> list[str]:
    """The first of them: thousands may have been lost since, and are not looked at each time."""
    return list(takewhile(lambda name: lost[name] <= then, lost))


def _outranks(here: SessionHere, user: User) -> bool:
    """The user has lost a standing, and the gateway was not told to end the session."""
    return not at_least(user.standing, here.standing)


def _is_one_too_many(user: User, here: SessionHere) -> bool:
    """Others have come in meanwhile, while nobody knew of this one."""
    digest = token_digest(here.token)
    others = sum(not session.is_of(digest, here.instance) for session in user.sessions)
    return others >= limits.USER_SESSIONS_MAX


def _is_stale(user: User, here: SessionHere) -> bool:
    digest = token_digest(here.token)
    return any(
        session.is_of(digest, here.instance) and session.opened_at_ms > here.since_ms
        for session in user.sessions
    )
