"""All users by name, and what the parts of the user-service share: lookups, checks, the audit."""

from typing import assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.eventlog.core.timeline import Timeline
from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.internal import SessionEnded, UserQuery, UsersCommand
from zchat.protocol.messages import (
    AccountChange,
    AccountChanged,
    AuditRecord,
    RefusalCode,
    Standing,
    inbox_log,
)
from zchat.protocol.rules.lookalikes import Lookalikes
from zchat.protocol.rules.names import ERASED_PREFIX, RESERVED_USERS, canonical_name, printable
from zchat.protocol.rules.permissions import PERMISSIONS, Place
from zchat.service.core.beat import Job
from zchat.service.core.effects import Effects, Refusal, Sender
from zchat.service.core.refusals import check_reserved
from zchat.users.core.bans import Bans
from zchat.users.core.model import DropToken, Session, SessionKey, Token, User, UserRow
from zchat.users.core.presence import Presence, Sightings
from zchat.users.core.sessions import Sessions


class Directory:
    def __init__(self, timeline: Timeline, now: float, at_ms: int) -> None:
        self.timeline = timeline
        self.effects: Effects[UserRow, Job] = Effects()
        self.users: dict[str, User] = {}
        """To be changed by `add` and `remove` alone."""
        self._lookalikes = Lookalikes(self.users)
        self._gone: dict[str, int] = {}
        """Names that are free again, with since when they were a guest's; the latest at the end."""
        self.presence = Presence(at_ms, now)
        self.bans = Bans(self.effects.rows)
        self.sightings = Sightings(self.effects.rows)
        self.sessions = Sessions(self.users, self.presence, self.sightings)

    # --- Names ------------------------------------------------------------------------------------

    def add(self, user: User) -> None:
        self.users[user.name] = user
        self._lookalikes.add(user.name)

    def remove(self, name: str) -> User:
        """The name is free."""
        self._lookalikes.discard(name)
        user = self.users.pop(name)
        self._gone.pop(name, None)
        self._gone[name] = user.created_at_ms
        if len(self._gone) > limits.ENDED_GUESTS_MAX:
            del self._gone[next(iter(self._gone))]
        return user

    def begins_ms(self, name: str, at_ms: int) -> int:
        """Since when somebody new has the name, who comes now.

        By that it is told from whoever had the name before, so it is later, even if the clock was
        set back and stands: a room-service would take the new one for the one that has ended.
        """
        return max(at_ms, self._gone.get(name, 0) + 1)

    def take_over(self, former: "Directory") -> None:
        self._gone = former._gone

    def check_new(self, name: str) -> None:
        """Raises `Refusal` for a name that nobody new may have: reserved, or too like another."""
        check_reserved(name, RESERVED_USERS)
        if name.startswith(ERASED_PREFIX):
            # While an account is erased its pseudonym can be read before it is anybody's.
            reason = f"names in {ERASED_PREFIX} are kept for the system; choose another name"
            raise Refusal(RefusalCode.INVALID_NAME, reason)
        if other := self._lookalikes.of(name):
            reason = f"{name} can be mistaken for {other}, who has that name; choose another name"
            raise Refusal(RefusalCode.NAME_IN_USE, reason)

    # --- Who may do what --------------------------------------------------------------------------

    def authorise(self, name: str, stamped: Standing, message: UsersCommand | UserQuery) -> None:
        """The one place that asks the table of permissions. Raises `Refusal`.

        It goes by the standing of the user as it is known here, and not by that which the gateway
        has stamped, which may be older. Only the operator at the console, who has no user but the
        key of the fabric, is what the stamp says.
        """
        permission = PERMISSIONS.get(type(message))
        if permission is None:
            return  # The cluster's own.
        standing = self.acting(name).standing if name else stamped
        # Everyone is to their own inbox what an owner is to a room.
        if permission.allows(standing, Place.OWNER):
            return
        match permission.standing:
            case Standing.GUEST | Standing.ACCOUNT:
                why = "only accounts may do that; register to have one"
            case Standing.MODERATOR:
                why = "only moderators and operators of the cluster may do that"
            case Standing.OPERATOR:
                why = "only operators of the cluster may do that"
            case _:
                assert_never(permission.standing)
        raise Refusal(RefusalCode.NOT_ALLOWED, why)

    def acting(self, name: str) -> User:
        """The user whose session this is."""
        if not name:
            raise Refusal(RefusalCode.NOT_ALLOWED, "only a user can do that")
        user = self.users.get(name)
        if user is None or not user.present:
            raise Refusal(RefusalCode.SESSION_ENDED, "this session has ended; connect again")
        return user

    def named(self, name: str) -> User:
        """The user that a command is about."""
        user = self.users.get(canonical_name(name))
        if user is None or not user.present:
            raise Refusal(RefusalCode.UNKNOWN_USER, f"there is no user {printable(name)}")
        return user

    def account(self, name: str) -> User:
        """The same, where it must be an account."""
        user = self.named(name)
        if user.guest:
            raise Refusal(RefusalCode.UNKNOWN_USER, f"{user.name} is a guest, and has no account")
        return user

    def check_inbox(self, user: User, log: str) -> None:
        """Raises `Refusal` for a log that is not the user's own."""
        if inbox_log(user.name) != log[0] + canonical_name(log[1:]):
            raise Refusal(RefusalCode.UNKNOWN_LOG, f"{printable(log)} is not your inbox")

    # --- What is kept and told --------------------------------------------------------------------

    def save(self, user: User) -> None:
        self.effects.rows.append(user.row())

    def tell(
        self,
        user: User,
        change: AccountChange,
        about: str,
        at_ms: int,
        *,
        author: str = "",
        nonce: bytes | None = None,
    ) -> Answer:
        """Says on all devices of the user what was done to the account."""
        log = inbox_log(user.name)
        body = AccountChanged(change, about)
        author = author or user.name
        return Answer(log, self.timeline.append(log, author, body, at_ms, nonce))

    def audit(
        self,
        sender: Sender,
        command: UsersCommand,
        at_ms: int,
        subject: str = "",
        reason: str = "",
        place: str = "",
    ) -> None:
        """`place` stands where a room would: the log and entry that it is about."""
        action = str(type(command).__struct_config__.tag)
        self.effects.audits.append(
            AuditRecord(at_ms, sender.actor, action, subject, place, printable(reason))
        )

    # --- Sessions and tokens ----------------------------------------------------------------------

    def say_ended(self, key: SessionKey, why: Answer | None = None) -> None:
        """Has the gateway close it, which tells the client why, if there is something to tell."""
        asker, session = key
        word = SessionEnded([session])
        if why is not None and why.code is not None:
            word = SessionEnded([session], why.code, why.reason, why.retry_after_ms)
        self.effects.words.append((asker, encode(word)))

    def put_out(self, user: User, session: Session, why: Answer) -> None:
        """Ends one session of somebody who may not be here.

        A guest, or an account that was deleted a moment ago, is here until its gateway says that
        nothing of it is on its way any more: only then its memberships end.
        """
        if not user.vanishes:
            self.sessions.quit(session.key)
        self.say_ended(session.key, why)

    def end_sessions(
        self, user: User, digest: bytes | None = None, why: Answer | None = None
    ) -> None:
        """Ends those with this token, or all, as if they had said goodbye."""
        for session in list(user.sessions):
            if digest is None or session.digest == digest:
                self.sessions.quit(session.key)
                self.say_ended(session.key, why)

    def break_sessions(self, user: User, why: Answer | None = None) -> None:
        """Has all of them closed as if their connections had broken: their clients may come back.

        They are here until the gateways say that nothing of them is on its way any more; a guest's
        grace begins only then, as that of any broken connection.
        """
        for session in user.sessions:
            self.say_ended(session.key, why)

    def forget(self, user: User, token: Token) -> None:
        user.tokens.remove(token)
        self.effects.rows.append(DropToken(user.name, token.digest))

    def forget_all(self, user: User, but: bytes | None = None) -> None:
        """Forgets all tokens but one, and ends the sessions with them."""
        for token in [token for token in user.tokens if token.digest != but]:
            self.end_sessions(user, token.digest)
            self.forget(user, token)
