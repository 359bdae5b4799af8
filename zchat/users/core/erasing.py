"""Erasing a person: the three steps of the user-service, which `zchat-admin` gives in order."""

from collections.abc import Callable

from zchat.eventlog.core.changes import ForgottenName, ThreadRenamed
from zchat.eventlog.core.idempotency import Answer
from zchat.protocol.messages import RefusalCode, Refused, inbox_log
from zchat.protocol.operators import EraseAccount, Erasure, ForgetName, ReplaceName
from zchat.protocol.rules.names import canonical_name, printable
from zchat.service.core.effects import Refusal, Sender
from zchat.service.core.operators import replace_names, require_operator
from zchat.users.core.conversations import Conversations
from zchat.users.core.credentials import Credentials
from zchat.users.core.directory import Directory
from zchat.users.core.endings import Endings
from zchat.users.core.inboxes import Inboxes
from zchat.users.core.model import DropUser, User


class Erasing:
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

    def handle(
        self,
        sender: Sender,
        command: EraseAccount | ReplaceName | ForgetName,
        now: float,
        at_ms: int,
    ) -> Answer:
        require_operator(sender)
        match command:
            case EraseAccount():
                self._begin(sender, command, now, at_ms)
            case ReplaceName():
                replace_names(self._directory.timeline, command)
                if command.thread:
                    renamed = ThreadRenamed(command.log, command.name, command.pseudonym)
                    self._directory.effects.forgotten.append(renamed)
            case ForgetName():
                self._finish(command)
        return Answer(None, 0)

    def erasure(self, name: str) -> Erasure | Refused:
        user = self._directory.users.get(name)
        if user is None or user.erased_as is None:
            reason = f"{printable(name)} is not being erased"
            return Refused(None, RefusalCode.UNKNOWN_USER, reason)
        return Erasure(name, user.erased_as, user.created_at_ms, self._endings.is_over(user))

    def _begin(self, sender: Sender, command: EraseAccount, now: float, at_ms: int) -> None:
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

    def _finish(self, command: ForgetName) -> None:
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
