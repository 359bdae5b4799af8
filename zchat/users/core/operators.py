"""What moderators and operators of the cluster do to users. All of it goes to the audit."""

from collections.abc import Mapping
from typing import assert_never

from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.internal import UsersCommand
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AccountChange,
    DisconnectUser,
    RefusalCode,
    RestoreUser,
    SetStanding,
    Standing,
    SuspendUser,
    inbox_log,
)
from zchat.protocol.operators import ImportEntries, RemoveAccount, ResetPassword, ResetTotp
from zchat.protocol.rules.names import canonical_name, printable
from zchat.protocol.rules.permissions import at_least
from zchat.service.core.effects import Refusal, Sender
from zchat.service.core.operators import append_imported, audit_import, require_operator
from zchat.service.core.refusals import how_long
from zchat.users.core.credentials import Credentials, hash_of_none
from zchat.users.core.directory import Directory
from zchat.users.core.model import Reset, Suspension, User


class Operators:
    """A moderator acts on users of lower standing only. The operator at the console, who has no
    user but the key of the fabric, may do everything.
    """

    def __init__(self, directory: Directory, credentials: Credentials) -> None:
        self._directory = directory
        self._credentials = credentials

    def handle(
        self,
        sender: Sender,
        command: SetStanding | DisconnectUser | SuspendUser | RestoreUser,
        at_ms: int,
    ) -> Answer:
        match command:
            case SetStanding():
                return self._set_standing(sender, command, at_ms)
            case DisconnectUser():
                return self._disconnect(sender, command, at_ms)
            case SuspendUser():
                return self._suspend(sender, command, at_ms)
            case RestoreUser():
                return self._restore(sender, command, at_ms)

    def _set_standing(self, sender: Sender, command: SetStanding, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        if command.standing is Standing.GUEST:
            raise Refusal(RefusalCode.NOT_ALLOWED, "an account cannot become a guest")
        if user.rank is not command.standing:
            self._keep_an_operator(sender, user)
            user.rank = command.standing
            self._directory.save(user)
            change = AccountChange.STANDING_CHANGED
            self._directory.tell(user, change, user.rank, at_ms, author=SYSTEM_AUTHOR)
            # Gateways learn it as the clients log in anew.
            self._directory.break_sessions(user)
        self._directory.audit(sender, command, at_ms, user.name, command.standing)
        return Answer(None, 0)

    def _disconnect(self, sender: Sender, command: DisconnectUser, at_ms: int) -> Answer:
        user = self._directory.named(command.user)
        self.check_above(sender, user)
        self._directory.break_sessions(user)
        self._audit(sender, command, user, at_ms, command.reason)
        return Answer(None, 0)

    def _suspend(self, sender: Sender, command: SuspendUser, at_ms: int) -> Answer:
        user = self._directory.named(command.user)
        if user.guest:
            reason = (
                f"{user.name} is a guest, and has no account to suspend; a ban keeps a guest "
                "out, by name or address: zchat-admin ban, or :server-ban"
            )
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        self.check_above(sender, user)
        self._keep_an_operator(sender, user)
        user.suspension = Suspension(command.until_ms, printable(command.reason))
        self._directory.save(user)
        self._directory.end_sessions(user, why=_suspended(user, at_ms).answer)
        self._audit(sender, command, user, at_ms, command.reason)
        return Answer(None, 0)

    def _restore(self, sender: Sender, command: RestoreUser, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        self.check_above(sender, user)
        if user.suspension is not None:
            user.suspension = None
            self._directory.save(user)
        self._audit(sender, command, user, at_ms)
        return Answer(None, 0)

    # --- Only at the console ------------------------------------------------------------------

    def handle_account(
        self,
        sender: Sender,
        command: ResetPassword | ResetTotp | RemoveAccount,
        now: float,
        at_ms: int,
    ) -> Answer:
        require_operator(sender)
        match command:
            case ResetPassword():
                return self._reset_password(sender, command, at_ms)
            case ResetTotp():
                return self._reset_totp(sender, command, at_ms)
            case RemoveAccount():
                return self._remove(sender, command, now, at_ms)
            case _:
                assert_never(command)

    def _reset_password(self, sender: Sender, command: ResetPassword, at_ms: int) -> Answer:
        """Until the code is used the old password and all devices stay, unless they are shut out.

        Whoever has lost a password is in by a device still; whoever has got into somebody else's
        account is to be out at once.
        """
        user = self._directory.account(command.user)
        if command.expires_ms <= at_ms:
            raise Refusal(RefusalCode.NOT_ALLOWED, "the code would be out of date already")
        user.reset = Reset(command.digest, command.expires_ms)
        if command.shut_out:
            user.password_hash = hash_of_none(command.digest)
            self._directory.forget_all(user)
        self._directory.save(user)
        self._audit(sender, command, user, at_ms, "shut out" if command.shut_out else "")
        change, nonce = AccountChange.PASSWORD_RESET, command.nonce
        return self._directory.tell(user, change, "", at_ms, author=SYSTEM_AUTHOR, nonce=nonce)

    def _reset_totp(self, sender: Sender, command: ResetTotp, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        if user.totp_secret is None:
            reason = f"the password of {user.name} needs no one-time code"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        self._audit(sender, command, user, at_ms)
        nonce = command.nonce
        return self._credentials.forget_totp(user, at_ms, nonce=nonce, author=SYSTEM_AUTHOR)

    def _remove(self, sender: Sender, command: RemoveAccount, now: float, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        self._credentials.end_account(user, now)
        self._audit(sender, command, user, at_ms, command.reason)
        return Answer(None, 0)

    def _audit(
        self, sender: Sender, command: UsersCommand, user: User, at_ms: int, reason: str = ""
    ) -> None:
        self._directory.audit(sender, command, at_ms, user.name, reason)

    def check_above(self, sender: Sender, user: User) -> None:
        if not sender.user:
            return
        actor = self._directory.acting(sender.user)
        operator = actor.standing is Standing.OPERATOR
        if not operator and at_least(user.standing, actor.standing):
            reason = f"{user.name} is {_called(user.standing)}; that takes an operator"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)

    def _keep_an_operator(self, sender: Sender, user: User) -> None:
        """Only the operator at the console can leave the cluster without another one."""
        if not sender.user or user.standing is not Standing.OPERATOR:
            return
        operators = (
            other
            for other in self._directory.users.values()
            if other.present and other.standing is Standing.OPERATOR and other.suspension is None
        )
        if all(other is user for other in operators):
            reason = f"{user.name} is the last operator; make another one first"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)

    def import_entries(
        self, sender: Sender, command: ImportEntries, log_heads: Mapping[str, int], at_ms: int
    ) -> Answer:
        """An account from another cluster, or from before. All that is imported counts as read."""
        require_operator(sender)
        directory = self._directory
        users, timeline = directory.users, directory.timeline
        name = canonical_name(command.log[1:])
        log = inbox_log(name)
        facts = command.facts
        if facts is not None:
            if name in users:
                raise Refusal(RefusalCode.NAME_IN_USE, f"there is a user {name} already")
            if len(users) >= limits.USERS_MAX:
                raise Refusal(RefusalCode.LIMIT_REACHED, "there is no room for more users")
            floor = timeline.heads[log] = log_heads.get(log, 0)
            user = User(name, facts.created_at_ms, inbox_floor=floor)
            user.password_hash, user.registered_at_ms = facts.password_hash, facts.created_at_ms
            directory.add(user)
            audit_import(directory.effects, sender, at_ms, subject=name)
        elif name not in users:
            raise Refusal(RefusalCode.UNKNOWN_USER, f"the import of {name} has not begun")
        answer = append_imported(timeline, log, command)
        users[name].marker = timeline.heads[log]
        directory.effects.rows.append(users[name].row())
        return answer


def _called(standing: Standing) -> str:
    return "an operator" if standing is Standing.OPERATOR else f"a {standing}"


def check_not_suspended(user: User, at_ms: int) -> None:
    """Raises `Refusal`, which says why and for how long the user is kept out."""
    if user.is_suspended(at_ms):
        raise _suspended(user, at_ms)


def _suspended(user: User, at_ms: int) -> Refusal:
    until_ms, reason = user.suspension or (None, "")
    why = f": {reason}" if reason else ""
    return Refusal(
        RefusalCode.SUSPENDED,
        f"{user.name} is suspended{how_long(until_ms, at_ms)}{why}",
        0.0 if until_ms is None else max(0, until_ms - at_ms) / 1000,
    )
