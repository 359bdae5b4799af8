"""Every rule of users: who may use a name, who is connected, and what is in an inbox."""

from collections.abc import Collection
from typing import assert_never

from zchat.fabric.topics import PRESENCE_TOPIC
from zchat.log.answers import Answer, FirstAnswers, Key
from zchat.log.timeline import Timeline
from zchat.protocol import limits
from zchat.protocol.cluster import (
    AnnounceSessions,
    CloseSession,
    EndGuest,
    OpenSession,
    ReportActivity,
    SessionEnded,
    SessionOpened,
    UserCommand,
)
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    AccountRegistered,
    MarkRead,
    PrivateMessageSent,
    RefusalCode,
    Register,
    SendPrivate,
    Standing,
    inbox_log,
)
from zchat.protocol.names import InvalidName, canonical_name, printable
from zchat.protocol.operating import ImportEntries, SetRetention
from zchat.service import operators
from zchat.service.beat import Job
from zchat.service.effects import Effects, Refusal, Sender, visible_text
from zchat.users import imports
from zchat.users.model import (
    DropToken,
    DropUser,
    SaveToken,
    SessionKey,
    User,
    UserRow,
    token_digest,
)
from zchat.users.presence import Presence
from zchat.users.sessions import Sessions

END_GUEST_KEY = "end guest "
"""Beginning of the key under which the end of a guest is owed."""

# Checked when there is no account, so that nobody learns that from the time it takes.
_NO_PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$SckYoRbJ1qGy12bER/v1vg"
    "$lTaX+k2k1zV2n/XxR9jeOKWDuzLXqFRApYV98xNkQ/Y"
)


class UserCore:
    def __init__(
        self, timeline: Timeline, room_addresses: Collection[str], now: float, at_ms: int
    ) -> None:
        self.timeline = timeline
        self.effects: Effects[UserRow, Job] = Effects()
        self.answers = FirstAnswers()
        self.log_heads: dict[str, int] = {}
        self.users: dict[str, User] = {}
        self.presence = Presence(at_ms, now)
        self.sessions = Sessions(self.users, self.presence)
        self._room_addresses = room_addresses
        self._ending: dict[str, int] = {}
        """Guests that are gone, by key: how many room-services do not know it yet."""
        self._waiting: dict[str, list[tuple[Sender, OpenSession]]] = {}
        """Logins as guests that are gone, until their names are free."""
        self._jobs: list[Job] = []

    # --- Loading ----------------------------------------------------------------------------------

    def add_user(self, user: User, now: float) -> None:
        """A user from the store. Guests have until the end of their grace to come back."""
        self.users[user.name] = user
        if user.guest and not user.ended:
            self.sessions.expect(user, now)

    def take_over(self, former: "UserCore", now: float) -> None:
        self.sessions.take_over(former.sessions, now)

    def add_owed(self, key: str) -> None:
        """A room-service has still to be told what `key` says."""
        self._ending[key] = self._ending.get(key, 0) + 1

    # --- Commands ---------------------------------------------------------------------------------

    def logs_of(self, command: UserCommand) -> Collection[str]:
        match command:
            case OpenSession(name=name):
                # The inbox of a new guest goes on after that of an earlier one of its name.
                return [inbox_log(_canonical_or_given(name))]
            case ImportEntries(log=log):
                return [log]
            case _:
                return ()

    def key_of(self, user: str, command: UserCommand) -> Key | None:
        match command:
            case Register(nonce=nonce):
                # Done only when its password is hashed, and by then newer ones may have been.
                return Key(user, nonce, rising=False)
            case SendPrivate(nonce=nonce):
                return Key(user, nonce)
            case ImportEntries():
                return operators.key_of_import(command)
            case _:
                return None

    def handle(self, sender: Sender, command: UserCommand, now: float, at_ms: int) -> Answer | None:
        asker = sender.reply_to.asker
        match command:
            case OpenSession():
                self._open_session(sender, command, now, at_ms)
                return None
            case Register():
                self._register(sender, command)
                return None
            case SendPrivate():
                return self._send_private(sender, command, at_ms)
            case SetRetention():
                heads = self.timeline.heads
                return operators.set_retention(sender, command, self.effects, heads, at_ms)
            case ImportEntries():
                return imports.import_entries(self, sender, command, at_ms)
            case MarkRead():
                self._mark_read(sender.user, command)
            case CloseSession(quit=True):
                self._quit((asker, sender.session))
            case CloseSession():
                self.sessions.lose((asker, sender.session), now)
            case AnnounceSessions():
                self._tell_ended(self.sessions.announce(asker, command.sessions, now))
            case ReportActivity():
                self.sessions.was_active(asker, command.active_ms)
            case _:
                assert_never(command)
        return Answer(None, 0)

    # --- Sessions ---------------------------------------------------------------------------------

    def _open_session(self, sender: Sender, command: OpenSession, now: float, at_ms: int) -> None:
        name = canonical_name(command.name)
        digest = token_digest(command.token)
        user = self.users.get(name)
        if user is not None and user.ended:
            self._waiting.setdefault(name, []).append((sender, command))
        elif user is None and command.password is None:
            self._enter(sender, command, self._new_guest(name, at_ms), digest, now, at_ms)
        elif user is not None and digest in user.tokens:
            self._enter(sender, command, user, digest, now, at_ms)
        elif user is not None and user.guest:
            raise Refusal(
                RefusalCode.NAME_IN_USE, f"somebody is here as {name}; choose another name"
            )
        elif command.password is None:
            raise Refusal(
                RefusalCode.PASSWORD_REQUIRED, f"{name} is registered; its password is needed"
            )
        else:
            password_hash = user.password_hash if user else None
            self._hash(sender, command, command.password, password_hash or _NO_PASSWORD_HASH)

    def _new_guest(self, name: str, at_ms: int) -> User:
        if len(self.users) >= limits.USERS_MAX:
            raise Refusal(RefusalCode.LIMIT_REACHED, "there is no room for more users")
        log = inbox_log(name)
        self.timeline.heads[log] = self.log_heads[log]
        user = self.users[name] = User(name, at_ms, inbox_floor=self.log_heads[log])
        self.effects.rows.append(user.row())
        return user

    def _enter(
        self,
        sender: Sender,
        command: OpenSession,
        user: User,
        digest: bytes,
        now: float,
        at_ms: int,
    ) -> None:
        key = (sender.reply_to.asker, sender.session)
        # A client that comes back replaces its own session, and is not one more.
        others = sum(session.digest != digest for session in user.sessions)
        if others >= limits.USER_SESSIONS_MAX:
            raise Refusal(
                RefusalCode.LIMIT_REACHED,
                f"{user.name} is connected {limits.USER_SESSIONS_MAX} times, which is the most",
            )
        # Whoever a gateway gave this number before is not there any more.
        self.sessions.lose(key, now)
        self._tell_ended(self.sessions.open(user, key, digest, at_ms))
        if digest not in user.tokens:
            if len(user.tokens) >= limits.USER_SESSIONS_MAX:
                self._drop_token(user, user.tokens[0])
            user.tokens.append(digest)
            self.effects.rows.append(SaveToken(user.name, digest, at_ms))
        standing = Standing.GUEST if user.guest else Standing.ACCOUNT
        opened = SessionOpened(user.name, standing, user.since_ms)
        self.effects.reply(sender.reply_to, opened)

    def _tell_ended(self, sessions: Collection[SessionKey]) -> None:
        for asker, session in sessions:
            self.effects.words.append((asker, encode(SessionEnded([session]))))

    def _quit(self, key: SessionKey) -> None:
        if ended := self.sessions.quit(key):
            user, digest = ended
            self._drop_token(user, digest)
            if user.guest and not user.sessions:
                self._end_guest(user)

    def _drop_token(self, user: User, digest: bytes) -> None:
        if digest in user.tokens:
            user.tokens.remove(digest)
            self.effects.rows.append(DropToken(user.name, digest))

    def _end_guest(self, user: User) -> None:
        """The name becomes free when every room-service has ended the guest's memberships."""
        user.ended = True
        self.effects.rows.append(user.row())
        key = END_GUEST_KEY + user.name
        for address in self._room_addresses:
            self.effects.owe(address, key, EndGuest(user.name))
            self.add_owed(key)

    def settled(self, key: str, now: float, at_ms: int) -> None:
        self._ending[key] -= 1
        if self._ending[key]:
            return
        del self._ending[key]
        user = self.users.pop(key.removeprefix(END_GUEST_KEY))
        log = inbox_log(user.name)
        self.log_heads[log] = self.timeline.heads.pop(log)
        self.effects.rows.append(DropUser(user.name))
        for sender, command in self._waiting.pop(user.name, ()):
            try:
                self._open_session(sender, command, now, at_ms)
            except Refusal as refusal:
                self.effects.answer(sender.reply_to, command.id, refusal.answer)

    def asker_lost(self, asker: bytes, now: float, at_ms: int) -> None:
        self.sessions.lose_all(asker, now)
        # A login that ended only now would open a session that nobody has.
        self._jobs = [job for job in self._jobs if job.sender.reply_to.asker != asker]
        for name, waiting in self._waiting.items():
            self._waiting[name] = [one for one in waiting if one[0].reply_to.asker != asker]

    def tick(self, now: float, at_ms: int) -> None:
        for guest in self.sessions.expire(now):
            self._end_guest(guest)
        if delta := self.presence.take_delta(now):
            self.effects.broadcasts.append((PRESENCE_TOPIC, encode(delta)))

    # --- Passwords --------------------------------------------------------------------------------

    def _register(self, sender: Sender, command: Register) -> None:
        self._registering(sender.user)
        if len(command.password) < limits.PASSWORD_CHARS_MIN:
            raise Refusal(
                RefusalCode.INVALID_PASSWORD,
                f"a password has at least {limits.PASSWORD_CHARS_MIN} characters",
            )
        self._hash(sender, command, command.password, None)

    def _registering(self, name: str) -> User:
        user = self._acting(name)
        if not user.guest:
            raise Refusal(
                RefusalCode.ALREADY_REGISTERED, f"{name} is an account already, with a password"
            )
        return user

    def _hash(
        self,
        sender: Sender,
        command: OpenSession | Register,
        password: str,
        password_hash: str | None,
    ) -> None:
        if len(self._jobs) >= limits.PASSWORD_JOBS_MAX:
            raise Refusal(RefusalCode.BUSY, "too many log in at once; try again in a moment")
        job = Job(sender, command, password, password_hash)
        self._jobs.append(job)
        self.effects.jobs.append(job)

    def job_ended(self, job: Job) -> bool:
        awaited = job in self._jobs
        if awaited:
            self._jobs.remove(job)
        return awaited

    def job_done(self, job: Job, outcome: bool | str, now: float, at_ms: int) -> Answer | None:
        if isinstance(outcome, str):
            return self._registered(job.sender, job.command, outcome, at_ms)
        self._checked(job, outcome, now, at_ms)
        return None

    def _registered(
        self, sender: Sender, command: Register, password_hash: str, at_ms: int
    ) -> Answer:
        user = self._registering(sender.user)
        user.password_hash = password_hash
        user.registered_at_ms = at_ms
        self.effects.rows.append(user.row())
        body = AccountRegistered()
        log = inbox_log(user.name)
        return Answer(log, self.timeline.append(log, user.name, body, at_ms, command.nonce))

    def _checked(self, job: Job, right: bool, now: float, at_ms: int) -> None:
        user = self.users.get(canonical_name(job.command.name))
        if not right or user is None or user.password_hash != job.password_hash:
            raise Refusal(RefusalCode.WRONG_PASSWORD, "name or password is wrong")
        digest = token_digest(job.command.token)
        self._enter(job.sender, job.command, user, digest, now, at_ms)

    def _acting(self, name: str) -> User:
        user = self.users.get(name)
        if user is None or user.ended:
            raise Refusal(RefusalCode.SESSION_ENDED, "this session has ended; connect again")
        return user

    # --- Inboxes ----------------------------------------------------------------------------------

    def _send_private(self, sender: Sender, command: SendPrivate, at_ms: int) -> Answer:
        to = self.users.get(canonical_name(command.to))
        if to is None or to.ended:
            raise Refusal(RefusalCode.UNKNOWN_USER, f"there is no user {printable(command.to)}")
        body = PrivateMessageSent(to.name, visible_text(command.text))
        author = self._acting(sender.user).name
        log = inbox_log(author)
        sequence = self.timeline.append(log, author, body, at_ms, command.nonce, thread=to.name)
        if to.name != author:
            self.timeline.append(inbox_log(to.name), author, body, at_ms, thread=author)
        return Answer(log, sequence)

    def _mark_read(self, name: str, command: MarkRead) -> None:
        user = self._acting(name)
        if inbox_log(name) != command.log[0] + canonical_name(command.log[1:]):
            raise Refusal(RefusalCode.UNKNOWN_LOG, f"{printable(command.log)} is not your inbox")
        marker = min(command.sequence, self.timeline.heads[inbox_log(name)])
        if user.marker is None or marker > user.marker:
            user.marker = marker
            self.effects.rows.append(user.row())


def _canonical_or_given(name: str) -> str:
    try:
        return canonical_name(name)
    except InvalidName:
        return name
