"""What the operator at the console has the user-service do: accounts, imports, and erasing.

All of it needs the key of the fabric, which `zchat-admin` has and no client.
"""

from collections.abc import Callable
from typing import assert_never

from zchat.eventlog.core.changes import ForgottenName, ThreadRenamed
from zchat.eventlog.core.idempotency import Answer
from zchat.protocol import limits
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    AccountChange,
    RefusalCode,
    Refused,
    inbox_log,
)
from zchat.protocol.operators import (
    EraseAccount,
    Erasure,
    ForgetName,
    ImportEntries,
    RemoveAccount,
    ReplaceName,
    ResetPassword,
    ResetTotp,
)
from zchat.protocol.rules.names import canonical_name, printable
from zchat.service.core.effects import Refusal, Sender
from zchat.service.core.operators import (
    append_imported,
    audit_import,
    replace_names,
    require_operator,
)
from zchat.users.core.conversations import Conversations
from zchat.users.core.credentials import Credentials, hash_of_none
from zchat.users.core.directory import Directory
from zchat.users.core.endings import Endings
from zchat.users.core.model import DropUser, Reset, User
from zchat.users.core.private_messages import Inboxes


class Operators:
    """`log_heads` are the heads of logs whose names are free."""

    def __init__(
        self,
        directory: Directory,
        credentials: Credentials,
        inboxes: Inboxes,
        conversations: Conversations,
        endings: Endings,
        log_heads: Callable[[], dict[str, int]],
    ) -> None:
        self._directory = directory
        self._credentials = credentials
        self._inboxes = inboxes
        self._conversations = conversations
        self._endings = endings
        self._log_heads = log_heads

    # --- Accounts ---------------------------------------------------------------------------------

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
        self._directory.audit(
            sender, command, at_ms, user.name, "shut out" if command.shut_out else ""
        )
        change, nonce = AccountChange.PASSWORD_RESET, command.nonce
        return self._directory.tell(user, change, "", at_ms, author=SYSTEM_AUTHOR, nonce=nonce)

    def _reset_totp(self, sender: Sender, command: ResetTotp, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        if user.totp_secret is None:
            reason = f"the password of {user.name} needs no one-time code"
            raise Refusal(RefusalCode.NOT_ALLOWED, reason)
        self._directory.audit(sender, command, at_ms, user.name)
        nonce = command.nonce
        return self._credentials.forget_totp(user, at_ms, nonce=nonce, author=SYSTEM_AUTHOR)

    def _remove(self, sender: Sender, command: RemoveAccount, now: float, at_ms: int) -> Answer:
        user = self._directory.account(command.user)
        self._credentials.end_account(user, now)
        self._directory.audit(sender, command, at_ms, user.name, command.reason)
        return Answer(None, 0)

    # --- Imports ----------------------------------------------------------------------------------

    def import_entries(self, sender: Sender, command: ImportEntries, at_ms: int) -> Answer:
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
            floor = timeline.heads[log] = self._log_heads().get(log, 0)
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

    # --- Erasing a person -------------------------------------------------------------------------
    # In three steps, which `zchat-admin` gives in order. Each changes nothing where it is done, so
    # whoever is killed in the middle begins again.

    def erase(
        self,
        sender: Sender,
        command: EraseAccount | ReplaceName | ForgetName,
        now: float,
        at_ms: int,
    ) -> Answer:
        require_operator(sender)
        match command:
            case EraseAccount():
                self._begin_erasing(sender, command, now, at_ms)
            case ReplaceName():
                replace_names(self._directory.timeline, command)
                if command.thread:
                    renamed = ThreadRenamed(command.log, command.name, command.pseudonym)
                    self._directory.effects.forgotten.append(renamed)
            case ForgetName():
                self._finish_erasing(command)
        return Answer(None, 0)

    def erasure(self, name: str) -> Erasure | Refused:
        user = self._directory.users.get(name)
        if user is None or user.erased_as is None:
            reason = f"{printable(name)} is not being erased"
            return Refused(None, RefusalCode.UNKNOWN_USER, reason)
        return Erasure(name, user.erased_as, user.created_at_ms, self._endings.is_over(user))

    def _begin_erasing(self, sender: Sender, command: EraseAccount, now: float, at_ms: int) -> None:
        """The pseudonym is kept, so that whoever goes on after a kill goes on with the same."""
        name, pseudonym = canonical_name(command.user), canonical_name(command.pseudonym)
        user = self._directory.users.get(name)
        if user is None or user.guest:
            reason = f"there is no account {printable(command.user)}"
            raise Refusal(RefusalCode.UNKNOWN_USER, reason)
        if user.erased_as is not None:
            return
        if pseudonym in self._directory.users:
            raise Refusal(RefusalCode.NAME_IN_USE, f"there is a user {pseudonym} already")
        if not user.deleted:
            self._credentials.end_account(user, now)
        user.erased_as = pseudonym
        self._directory.save(user)
        # Not as what: whoever reads the audit need not know whose the entries were.
        self._directory.audit(sender, command, at_ms, name)

    def _finish_erasing(self, command: ForgetName) -> None:
        """Nothing is left with the name, which is free; the pseudonym is nobody's, and taken."""
        name, pseudonym = command.name, command.pseudonym
        user = self._directory.users.get(name)
        if user is None or user.erased_as != pseudonym or not self._endings.is_over(user):
            raise Refusal(RefusalCode.NOT_ALLOWED, f"{printable(name)} is not so far yet")
        directory, rows = self._directory, self._directory.effects.rows
        self._inboxes.forget_blocks_of(name)
        self._conversations.rename(name, pseudonym)
        directory.sightings.forget(name)
        directory.remove(name)
        rows.append(DropUser(name))
        erased = User(pseudonym, 0, user.inbox_floor, ended=True, deleted=True)
        directory.add(erased)
        directory.save(erased)
        heads, log = self._directory.timeline.heads, inbox_log(name)
        heads[inbox_log(pseudonym)] = heads.pop(log)
        # Whoever takes the name next begins anew.
        self._log_heads()[log] = 0
        self._directory.effects.forgotten.append(ForgottenName(name, pseudonym))
