"""Passwords and one-time codes: what is checked against them, how often, and how they change."""

import hmac
import math
from base64 import b32encode, b64encode
from typing import Final, NamedTuple

from pyotp import HOTP

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import (
    AccountChange,
    AccountRegistered,
    ChangePassword,
    DeleteAccount,
    DisableTotp,
    EnableTotp,
    RefusalCode,
    Register,
    Standing,
    inbox_log,
)
from zchat.protocol.rules.names import canonical_name
from zchat.protocol.rules.networks import is_of_this_machine, network_of
from zchat.runtime.core.rate_limit import Buckets, Rate
from zchat.service.core.beat import Job
from zchat.service.core.effects import Refusal, Sender
from zchat.users.core.conversations import Conversations
from zchat.users.core.directory import Directory
from zchat.users.core.model import User, code_digest, token_digest
from zchat.users.core.policy import Invitations
from zchat.users.core.private_messages import Inboxes

# Checked when there is no account, so that nobody learns that from the time it takes.
NO_PASSWORD_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$SckYoRbJ1qGy12bER/v1vg"
    "$lTaX+k2k1zV2n/XxR9jeOKWDuzLXqFRApYV98xNkQ/Y"
)

PasswordCommand = ChangePassword | DeleteAccount | EnableTotp | DisableTotp
"""These need the password of whoever is in already once more."""


class Credentials:
    """A command with a password goes on when a thread has hashed it, which may be beats later."""

    def __init__(
        self,
        directory: Directory,
        invitations: Invitations,
        inboxes: Inboxes,
        conversations: Conversations,
        login_limits: "LoginLimits",
    ) -> None:
        self._directory = directory
        self._invitations = invitations
        self._inboxes = inboxes
        self._conversations = conversations
        self.limits = login_limits
        self.jobs: list[Job] = []

    # --- Jobs -------------------------------------------------------------------------------------

    def attempt(self, job: Job, now: float) -> None:
        """Checks a password, if nobody has tried too many of late."""
        # What costs no hash is no attempt.
        self.check_place(job)
        self.limits.attempt(*_attempted(job), now)
        self.hash(job)

    def check_place(self, job: Job) -> None:
        """Raises `Refusal` if too many passwords wait already."""
        if len(self.jobs) >= limits.PASSWORD_JOBS_MAX:
            raise Refusal(RefusalCode.BUSY, "too many log in at once; try again in a moment")
        user = job.sender.user
        own = sum(other.sender.user == user for other in self.jobs) if user else 0
        if own >= limits.USER_PASSWORD_JOBS_MAX:
            # Whoever is in knows a right password, and those are not limited otherwise.
            reason = "other passwords of yours are being looked at; try again in a moment"
            raise Refusal(RefusalCode.BUSY, reason)

    def hash(self, job: Job) -> None:
        self.check_place(job)
        self.jobs.append(job)
        self._directory.effects.jobs.append(job)

    def job_ended(self, job: Job) -> bool:
        awaited = job in self.jobs
        if awaited:
            self.jobs.remove(job)
        return awaited

    def asker_lost(self, asker: bytes) -> None:
        # A login that ended only now would open a session that nobody has.
        lost = [job for job in self.jobs if job.sender.reply_to.asker == asker]
        self.jobs = [job for job in self.jobs if job.sender.reply_to.asker != asker]
        self._give_back(lost)

    def take_over(self, former: "Credentials") -> None:
        self.limits = former.limits
        self._give_back(former.jobs)

    def _give_back(self, lost: list[Job]) -> None:
        """Nobody learns what comes of these, so they are no attempts."""
        for job in lost:
            if job.password_hash is not None:
                self.limits.succeeded(*_attempted(job))

    # --- Registering ------------------------------------------------------------------------------

    def register(self, sender: Sender, command: Register, at_ms: int) -> None:
        self._registering(sender.user)
        check_length(command.password)
        self._invitations.check(command.invitation, at_ms)
        self.hash(Job(sender, command, command.password, None))

    def registered(
        self, sender: Sender, command: Register, password_hash: str, at_ms: int
    ) -> Answer:
        user = self._registering(sender.user)
        self._invitations.use(command.invitation, at_ms)
        return self.make_account(user, password_hash, at_ms, command.nonce)

    def make_account(
        self, user: User, password_hash: str, at_ms: int, nonce: bytes | None
    ) -> Answer:
        user.password_hash = password_hash
        user.registered_at_ms = at_ms
        self._directory.save(user)
        log = inbox_log(user.name)
        timeline = self._directory.timeline
        return Answer(log, timeline.append(log, user.name, AccountRegistered(), at_ms, nonce))

    def _registering(self, name: str) -> User:
        user = self._directory.acting(name)
        if not user.guest:
            raise Refusal(
                RefusalCode.ALREADY_REGISTERED, f"{name} is an account already, with a password"
            )
        return user

    # --- What needs the password once more --------------------------------------------------------

    def begin(self, sender: Sender, command: PasswordCommand, now: float, at_ms: int) -> None:
        user = self._directory.acting(sender.user)
        if isinstance(command, ChangePassword):
            check_length(command.new_password)
            if is_reset_by(user, command.password, at_ms):
                # Who is in by a device still, and has lost the password, has a code for it.
                self.hash(Job(sender, command, command.new_password, None, user.password_hash))
                return
        job = Job(sender, command, command.password, user.password_hash)
        self.attempt(job, now)

    def proved(self, job: Job, right: bool) -> User:
        """The user, whose password this is. Raises `Refusal`."""
        user = self._directory.acting(job.sender.user)
        if not right or user.password_hash != job.password_hash:
            raise Refusal(RefusalCode.WRONG_PASSWORD, "the password is wrong")
        self.limits.succeeded(*_attempted(job))
        return user

    def change_password(self, job: Job, outcome: bool | str, at_ms: int) -> Answer | None:
        """First the old password is checked, then the new one hashed."""
        command, sender = job.command, job.sender
        if not isinstance(outcome, str):
            user = self.proved(job, outcome)
            self.hash(Job(sender, command, command.new_password, None, user.password_hash))
            return None
        user = self._directory.acting(sender.user)
        if user.password_hash != job.proved:
            raise Refusal(RefusalCode.WRONG_PASSWORD, "the password was changed meanwhile")
        user.password_hash, user.reset = outcome, None
        self._directory.save(user)
        key = (sender.reply_to.asker, sender.session)
        own = next((session.digest for session in user.sessions if session.key == key), None)
        self._directory.forget_all(user, but=own)
        change = AccountChange.PASSWORD_CHANGED
        return self._directory.tell(user, change, "", at_ms, nonce=command.nonce)

    def delete_account(self, job: Job, right: bool, now: float) -> Answer:
        self.end_account(self.proved(job, right), now)
        return Answer(None, 0)

    def end_account(self, user: User, now: float) -> None:
        """Leaves the name, which stays taken, and what was said in rooms and to others.

        Gone at once: password, tokens, codes, blocks, standing, what is kept of conversations; the
        inbox can be read no more, and its entries are removed by and by. The sessions end after the
        answer. When the gateways have closed them, so that nothing of the user is on its way any
        more, the room-services are told to end its memberships.
        """
        user.deleted, user.password_hash, user.reset = True, None, None
        user.rank = Standing.ACCOUNT
        user.suspension, user.marker = None, None
        user.totp_secret, user.totp_step, user.recovery = None, 0, ()
        log = inbox_log(user.name)
        user.inbox_floor = self._directory.timeline.heads[log]
        self._directory.effects.purge(log, user.inbox_floor)
        self._inboxes.forget_blocks(user)
        self._conversations.forget(user)
        for session in user.sessions:
            self._directory.say_ended(session.key)
        if not user.sessions:
            # They ended while the password was checked; what they said may be on its way still.
            self._directory.sessions.expect(user, now)
        for token in list(user.tokens):
            self._directory.forget(user, token)
        self._directory.save(user)

    # --- A code of an operator in the place of a password -----------------------------------------

    def begin_reset(self, sender: Sender, command: OpenSession, now: float) -> None:
        """Who has the code chooses a new password, which is hashed first. Raises `Refusal`."""
        if command.new_password is None:
            reason = "this code is for choosing a new password; give that, too"
            raise Refusal(RefusalCode.NEW_PASSWORD_REQUIRED, reason)
        check_length(command.new_password)
        job = Job(sender, command, command.new_password, None)
        self.check_place(job)
        # A code that nobody can guess is tried here no more often than a password.
        self.limits.attempt(*_attempted(job), now)
        self.hash(job)

    def reset(self, job: Job, user: User, password_hash: str, at_ms: int) -> None:
        """The code has done its work, and every other client of the account is logged out."""
        self.limits.succeeded(*_attempted(job))
        user.password_hash, user.reset = password_hash, None
        self._directory.save(user)
        self._directory.forget_all(user, but=token_digest(job.command.token))
        self._directory.tell(user, AccountChange.PASSWORD_CHANGED, "", at_ms)

    # --- One-time codes ---------------------------------------------------------------------------

    def enable_totp(self, job: Job, right: bool, at_ms: int) -> Answer:
        user, command = self.proved(job, right), job.command
        if user.totp_secret is not None:
            reason = "one-time codes are in use; disable them first, with the password"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        step = matched_step(command.secret, command.code.replace(" ", ""), at_ms, 0)
        if step is None:
            raise Refusal(RefusalCode.WRONG_CODE, "this code is not of that secret and of now")
        user.totp_secret, user.totp_step = command.secret, step
        user.recovery = tuple(dict.fromkeys(command.recovery))
        self._directory.save(user)
        change = AccountChange.TOTP_ENABLED
        return self._directory.tell(user, change, "", at_ms, nonce=command.nonce)

    def disable_totp(self, job: Job, right: bool, at_ms: int) -> Answer:
        return self.forget_totp(self.proved(job, right), at_ms, nonce=job.command.nonce)

    def forget_totp(self, user: User, at_ms: int, *, nonce: bytes, author: str = "") -> Answer:
        user.totp_secret, user.totp_step, user.recovery = None, 0, ()
        self._directory.save(user)
        change = AccountChange.TOTP_DISABLED
        return self._directory.tell(user, change, "", at_ms, author=author, nonce=nonce)


def hash_of_none(digest: bytes) -> str:
    """What no password has: the digest of a code that is not known here stands where it would."""
    *parameters, _ = NO_PASSWORD_HASH.split("$")
    return "$".join([*parameters, b64encode(digest).decode().rstrip("=")])


def is_reset_by(user: User, code: str | None, at_ms: int) -> bool:
    """Whether it is the code that an operator has given out, however it was typed."""
    if user.reset is None or code is None or at_ms >= user.reset.until_ms:
        return False
    return hmac.compare_digest(user.reset.digest, code_digest("".join(code.lower().split())))


def _attempted(job: Job) -> tuple[str, str]:
    """Whose password it is that is tried, and from where, if that is known.

    The first is no name where the user is in already.
    """
    if isinstance(job.command, OpenSession):
        return canonical_name(job.command.name), job.command.address
    # Counted apart, or whoever guesses from outside keeps the user from changing the password.
    return job.sender.user + " inside", ""


def check_length(password: str) -> None:
    if len(password) < limits.PASSWORD_CHARS_MIN:
        raise Refusal(
            RefusalCode.INVALID_PASSWORD,
            f"a password has at least {limits.PASSWORD_CHARS_MIN} characters",
        )


# --- One-time codes (RFC 6238) and the recovery codes in their place ------------------------------

STEP_MS: Final = 30_000
DIGITS: Final = 6
_WINDOW: Final = (0, -1, 1)
"""Clocks differ, and people type slowly: the codes beside the one of now are right, too."""


def matched_step(secret: bytes, code: str, at_ms: int, after: int) -> int | None:
    """The period whose code this is, if it lies near enough and after the period `after`."""
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    generator = HOTP(b32encode(secret).decode(), digits=DIGITS)
    now = at_ms // STEP_MS
    for step in (now + offset for offset in _WINDOW):
        if step > after and hmac.compare_digest(generator.at(step), code):
            return step
    return None


def use_code(user: User, code: str, at_ms: int) -> bool:
    """Uses up the code, and says whether it was a recovery code. Raises `Refusal`.

    What it changes is the caller's to save.
    """
    if user.totp_secret is None:
        return False
    if not code:
        reason = f"{user.name} needs a one-time code, too"
        raise Refusal(RefusalCode.CODE_REQUIRED, reason)
    step = matched_step(user.totp_secret, code.replace(" ", ""), at_ms, user.totp_step)
    if step is not None:
        user.totp_step = step
        return False
    digest = code_digest(code)
    if digest not in user.recovery:
        raise Refusal(RefusalCode.WRONG_CODE, "this code is wrong, or was used before")
    user.recovery = tuple(kept for kept in user.recovery if kept != digest)
    return True


# --- How often somebody may try a password, and how many newcomers one address may bring ----------
# What is refused here costs no hash. It is refused alike for names that exist and for those that
# do not. Who comes with a token tries no password, so nobody can lock out a client that was here
# before.


def _rate(at_once: int, interval_s: float) -> Rate:
    return Rate(at_once, 1 / interval_s)


class LoginRates(NamedTuple):
    """None for as many as come."""

    of_name: Rate | None = _rate(limits.LOGIN_ATTEMPTS_MAX, limits.LOGIN_ATTEMPT_INTERVAL_S)
    of_address: Rate | None = _rate(limits.ADDRESS_ATTEMPTS_MAX, limits.ADDRESS_ATTEMPT_INTERVAL_S)
    newcomers: Rate | None = _rate(limits.ADDRESS_NEWCOMERS_MAX, limits.ADDRESS_NEWCOMER_INTERVAL_S)


USUAL: Final = LoginRates()
_UNLIMITED: Final = Rate(1e12, 1e12)


class LoginLimits:
    """Soft state. An attempt takes a token, which a right password gives back.

    An address of this machine is nobody's: it is a proxy's, behind which everyone is, or the
    operator's own. It is not counted, and neither is one that is not known.
    """

    def __init__(self, rates: LoginRates = USUAL) -> None:
        self._begin(rates)

    def _begin(self, rates: LoginRates) -> None:
        self._rates = rates
        self._by_name = _buckets(rates.of_name)
        self._by_address = _buckets(rates.of_address)
        self._newcomers = _buckets(rates.newcomers)

    def change(self, rates: LoginRates) -> None:
        """From now on these count; if they are others, what was tried before is forgotten."""
        if rates != self._rates:
            self._begin(rates)

    def attempt(self, name: str, address: str, now: float) -> None:
        """Somebody tries a password for `name`. Raises `Refusal` if that is too often."""
        source = source_of(address)
        # What is refused takes nothing, and so makes the tables forget nobody.
        wait_s = max(self._by_name.wait_s(name, 1, now), self._by_address.wait_s(source, 1, now))
        if wait_s:
            raise _too_fast("too many failed logins", wait_s)
        self._by_name.of(name, now).take_or_wait_s(1, now)
        if source:
            self._by_address.of(source, now).take_or_wait_s(1, now)

    def succeeded(self, name: str, address: str) -> None:
        """The attempt was none of those that count."""
        self._by_name.give_back(name, 1)
        self._by_address.give_back(source_of(address), 1)

    def newcomer(self, address: str, now: float) -> None:
        """Somebody takes a new name. Raises `Refusal` if the address has brought too many."""
        source = source_of(address)
        if source and (wait_s := self._newcomers.of(source, now).take_or_wait_s(1, now)):
            raise _too_fast("too many new names from your address", wait_s)


def _buckets(rate: Rate | None) -> Buckets:
    """Without a rate each bucket is full again at once."""
    return Buckets(rate or _UNLIMITED, limits.LIMITED_NAMES_MAX)


def source_of(address: str) -> str:
    """Whom attempts from this address are counted for; empty if for nobody."""
    return "" if is_of_this_machine(address) else network_of(address)


def _too_fast(what: str, wait_s: float) -> Refusal:
    reason = f"{what}; try again in {math.ceil(wait_s)} s"
    return Refusal(RefusalCode.TOO_FAST, reason, wait_s)
