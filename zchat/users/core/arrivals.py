"""Logins: who is let in, and as whom. Every way in which a session begins."""

from collections.abc import Callable, Mapping

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import OpenSession, SessionOpened, UserLog, UserLogs
from zchat.protocol.messages import AccountChange, RefusalCode, Standing, inbox_log
from zchat.protocol.rules.names import canonical_name
from zchat.service.core.beat import Job
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.credentials import (
    NO_PASSWORD_HASH,
    Credentials,
    check_length,
    is_reset_by,
    use_code,
)
from zchat.users.core.devices import Devices
from zchat.users.core.directory import Directory
from zchat.users.core.model import SessionKey, User, token_digest
from zchat.users.core.moderation import check_not_suspended
from zchat.users.core.policy import Invitations, Policy


class Arrivals:
    """`lose` ends what a gateway had under a number before; `inbox_head` is that of a free name.

    `cluster` is what clients know it by; `floors` tells up to where entries of a log are gone.
    """

    def __init__(
        self,
        directory: Directory,
        devices: Devices,
        invitations: Invitations,
        credentials: Credentials,
        policy: Policy,
        lose: Callable[[SessionKey, float, int], None],
        inbox_head: Callable[[str], int],
        cluster: Callable[[], str],
        floors: Mapping[str, int],
    ) -> None:
        self._directory = directory
        self._devices = devices
        self._invitations = invitations
        self._credentials = credentials
        self._policy = policy
        self._lose = lose
        self._inbox_head = inbox_head
        self._cluster = cluster
        self._floors = floors
        self._waiting: dict[str, list[tuple[Sender, OpenSession]]] = {}
        """Logins under the names of guests that are gone, until those are free."""

    def open_session(self, sender: Sender, command: OpenSession, now: float, at_ms: int) -> None:
        name = canonical_name(command.name)
        digest = token_digest(command.token)
        user = self._directory.users.get(name)
        if command.account and (user is None or user.guest):
            # Whoever has a token for it has mistaken the name, or the server.
            raise Refusal(
                RefusalCode.UNKNOWN_TOKEN, f"there is no account {name} that this token is for"
            )
        if user is not None and user.ended and not user.deleted:
            self._waiting.setdefault(name, []).append((sender, command))
        elif user is not None and (token := user.token(digest)):
            self.check_may_be_here(user, command.address, at_ms)
            self._devices.check_place(user, digest, command.instance, command.device)
            self._devices.seen(user, token, command.device, at_ms)
            self._enter(sender, command, user, now, at_ms)
        elif user is not None and (user.guest or command.register):
            self._check_ban_of_new(command, name, at_ms)
            who = "somebody is here as" if user.guest else "there is an account called"
            raise Refusal(RefusalCode.NAME_IN_USE, f"{who} {name}; choose another name")
        elif command.register:
            self._check_ban_of_new(command, name, at_ms)
            self._begin_account(sender, command, name, now, at_ms)
        elif user is None and command.password is None:
            self._check_ban_of_new(command, name, at_ms)
            self._policy.check_guest()
            self._directory.check_new(name)
            self._credentials.limits.newcomer(command.address, now)
            user = self._new_user(name, at_ms)
            self._devices.add(user, digest, command.device, at_ms)
            self._enter(sender, command, user, now, at_ms, new=True)
        elif command.password is None:
            raise Refusal(
                RefusalCode.PASSWORD_REQUIRED, f"{name} is registered; its password is needed"
            )
        elif user is not None and is_reset_by(user, command.password, at_ms):
            check_not_suspended(user, at_ms)
            self._credentials.begin_reset(sender, command, now)
        else:
            password_hash = (user.password_hash if user else None) or NO_PASSWORD_HASH
            job = Job(sender, command, command.password, password_hash)
            self._credentials.attempt(job, now)

    def check_may_be_here(self, user: User, address: str, at_ms: int) -> None:
        """Raises `Refusal`, whatever the client has proved, and be it here already."""
        check_not_suspended(user, at_ms)
        self._directory.bans.check(user.name, address, user, at_ms)
        if user.guest:
            self._policy.check_guest()

    def objection(self, user: User, address: str, at_ms: int) -> Answer | None:
        """The same as an answer; None for who may be here."""
        try:
            self.check_may_be_here(user, address, at_ms)
        except Refusal as refusal:
            return refusal.answer
        return None

    def _check_ban_of_new(self, command: OpenSession, name: str, at_ms: int) -> None:
        """Of whoever tries a password it is looked at afterwards, lest the answer tell about it."""
        self._directory.bans.check(name, command.address, None, at_ms)

    def _begin_account(
        self, sender: Sender, command: OpenSession, name: str, now: float, at_ms: int
    ) -> None:
        if command.password is None:
            raise Refusal(RefusalCode.PASSWORD_REQUIRED, "a new account needs a password")
        check_length(command.password)
        self._directory.check_new(name)
        job = Job(sender, command, command.password, None)
        self._credentials.check_place(job)
        self._credentials.limits.newcomer(command.address, now)
        self._invitations.check(command.invitation, at_ms)
        self._credentials.hash(job)

    def make_account(self, job: Job, password_hash: str, now: float, at_ms: int) -> None:
        sender, command = job.sender, job.command
        name = canonical_name(command.name)
        if name in self._directory.users:
            # Somebody was quicker, perhaps this very client on another connection.
            self.open_session(sender, command, now, at_ms)
            return
        # While the password was hashed it may have been banned.
        self._check_ban_of_new(command, name, at_ms)
        self._directory.check_new(name)
        self._invitations.use(command.invitation, at_ms)
        user = self._new_user(name, at_ms)
        self._credentials.make_account(user, password_hash, at_ms, None)
        self._devices.add(user, token_digest(command.token), command.device, at_ms)
        self._enter(sender, command, user, now, at_ms, new=True)

    def _new_user(self, name: str, at_ms: int) -> User:
        if len(self._directory.users) >= limits.USERS_MAX:
            raise Refusal(RefusalCode.LIMIT_REACHED, "there is no room for more users")
        head = self._directory.timeline.heads[inbox_log(name)] = self._inbox_head(name)
        user = User(name, self._directory.begins_ms(name, at_ms), inbox_floor=head)
        self._directory.add(user)
        return user

    def reset(self, job: Job, password_hash: str, now: float, at_ms: int) -> None:
        """The new password of an account is hashed."""
        command = job.command
        user = self._directory.users.get(canonical_name(command.name))
        if user is None or not is_reset_by(user, command.password, at_ms):
            raise Refusal(RefusalCode.WRONG_PASSWORD, "this code was used, or is out of date")
        self._check_code(user, command, at_ms)
        self._credentials.reset(job, user, password_hash, at_ms)
        self._enter_with_password(job.sender, command, user, now, at_ms)

    def checked(self, job: Job, right: bool, now: float, at_ms: int) -> None:
        command = job.command
        name = canonical_name(command.name)
        user = self._directory.users.get(name)
        if not right or user is None or user.password_hash != job.password_hash:
            raise Refusal(RefusalCode.WRONG_PASSWORD, "name or password is wrong")
        self._check_code(user, command, at_ms)
        self._credentials.limits.succeeded(name, command.address)
        self._enter_with_password(job.sender, command, user, now, at_ms)

    def _check_code(self, user: User, command: OpenSession, at_ms: int) -> None:
        """The account's second factor, if it has one. Raises `Refusal`."""
        try:
            self.check_may_be_here(user, command.address, at_ms)
            # Before the code is used up: who has to wait comes with it again.
            digest = token_digest(command.token)
            self._devices.check_place(user, digest, command.instance, command.device)
            recovered = use_code(user, command.code, at_ms)
        except Refusal as refusal:
            # Only a wrong code is a failed attempt, like a wrong password.
            if refusal.answer.code is not RefusalCode.WRONG_CODE:
                self._credentials.limits.succeeded(user.name, command.address)
            raise
        if user.totp_secret is not None:
            self._directory.save(user)
        if recovered:
            self._directory.tell(user, AccountChange.RECOVERY_CODE_USED, "", at_ms)

    def _enter_with_password(
        self, sender: Sender, command: OpenSession, user: User, now: float, at_ms: int
    ) -> None:
        digest = token_digest(command.token)
        token = user.token(digest)
        if token is None:
            token = self._devices.add(user, digest, command.device, at_ms)
            if token.remembered:
                self._directory.tell(user, AccountChange.DEVICE_ADDED, token.name, at_ms)
        self._enter(sender, command, user, now, at_ms)

    def _enter(
        self,
        sender: Sender,
        command: OpenSession,
        user: User,
        now: float,
        at_ms: int,
        *,
        new: bool = False,
    ) -> None:
        digest = token_digest(command.token)
        key = (sender.reply_to.asker, sender.session)
        # Whoever a gateway gave this number before is not there any more.
        self._lose(key, now, at_ms)
        sessions = self._directory.sessions
        for replaced in sessions.open(
            user, key, digest, at_ms, command.address, command.away, command.instance
        ):
            self._directory.say_ended(replaced)
        token = user.token(digest)
        scopes, rooms = (token.scopes, token.rooms) if token else ((), ())
        # A bot is no operator, even if whoever made its token is one.
        standing = Standing.ACCOUNT if scopes else user.standing
        # Of an account that was a guest before, what the guest has said is its own, too.
        opened = SessionOpened(
            user.name,
            standing,
            user.since_ms,
            scopes,
            rooms,
            user.created_at_ms,
            self._cluster(),
            self._logs_of(user),
            new,
        )
        self._directory.effects.reply(sender.reply_to, opened)

    def _logs_of(self, user: User) -> UserLogs:
        log, timeline = inbox_log(user.name), self._directory.timeline
        floor = max(user.inbox_floor, self._floors.get(log, 0))
        return UserLogs(timeline.position, [UserLog(log, floor, user.marker, timeline.heads[log])])

    def name_is_free(self, name: str, now: float, at_ms: int) -> None:
        """The guest who had it has left everywhere."""
        for sender, command in self._waiting.pop(name, ()):
            try:
                self.open_session(sender, command, now, at_ms)
            except Refusal as refusal:
                self._directory.effects.answer(sender.reply_to, command.id, refusal.answer)

    def asker_lost(self, asker: bytes) -> None:
        for name, waiting in self._waiting.items():
            self._waiting[name] = [one for one in waiting if one[0].reply_to.asker != asker]
