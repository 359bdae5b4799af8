"""What the user-service does for an account that is to be erased: it is told in steps."""

from typing import TYPE_CHECKING

from zchat.eventlog.core.answers import Answer
from zchat.eventlog.renaming import ForgottenName, ThreadRenamed
from zchat.protocol.messages import RefusalCode, Refused, inbox_log
from zchat.protocol.operators import EraseAccount, Erasure, ForgetName, ReplaceName
from zchat.protocol.rules.names import canonical_name, printable
from zchat.service.core.effects import Refusal, Sender
from zchat.service.core.operators import replace_names, require_operator
from zchat.users.core.model import DropUser, User

if TYPE_CHECKING:
    from zchat.users.core.dispatch import UserCore


def erase(
    core: "UserCore",
    sender: Sender,
    command: EraseAccount | ReplaceName | ForgetName,
    now: float,
    at_ms: int,
) -> Answer:
    require_operator(sender)
    match command:
        case EraseAccount():
            _begin(core, sender, command, now, at_ms)
        case ReplaceName():
            replace_names(core.timeline, command)
            if command.thread:
                renamed = ThreadRenamed(command.log, command.name, command.pseudonym)
                core.effects.forgotten.append(renamed)
        case ForgetName():
            _finish(core, command)
    return Answer(None, 0)


def erasure(core: "UserCore", name: str) -> Erasure | Refused:
    user = core.users.get(name)
    if user is None or user.erased_as is None:
        reason = f"{printable(name)} is not being erased"
        return Refused(None, RefusalCode.UNKNOWN_USER, reason)
    return Erasure(name, user.erased_as, user.created_at_ms, core.is_over(user))


def _begin(core: "UserCore", sender: Sender, command: EraseAccount, now: float, at_ms: int) -> None:
    """The pseudonym is kept, so that whoever goes on after a kill goes on with the same."""
    name, pseudonym = canonical_name(command.user), canonical_name(command.pseudonym)
    user = core.users.get(name)
    if user is None or user.guest:
        reason = f"there is no account {printable(command.user)}"
        raise Refusal(RefusalCode.UNKNOWN_USER, reason)
    if user.erased_as is not None:
        return
    if pseudonym in core.users:
        raise Refusal(RefusalCode.NAME_IN_USE, f"there is a user {pseudonym} already")
    if not user.deleted:
        core.credentials.end_account(user, now)
    user.erased_as = pseudonym
    core.directory.save(user)
    # Not as what: whoever reads the audit need not know whose the entries were.
    core.directory.audit(sender, command, at_ms, name)


def _finish(core: "UserCore", command: ForgetName) -> None:
    """Nothing is left that has the name, which is free; the pseudonym is nobody's, and taken."""
    name, pseudonym = command.name, command.pseudonym
    user = core.users.get(name)
    if user is None or user.erased_as != pseudonym or not core.is_over(user):
        raise Refusal(RefusalCode.NOT_ALLOWED, f"{printable(name)} is not so far yet")
    directory, rows = core.directory, core.effects.rows
    core.inboxes.forget_blocks_of(name)
    core.conversations.rename(name, pseudonym)
    directory.sightings.forget(name)
    directory.remove(name)
    rows.append(DropUser(name))
    erased = User(pseudonym, 0, user.inbox_floor, ended=True, deleted=True)
    directory.add(erased)
    directory.save(erased)
    heads, log = core.timeline.heads, inbox_log(name)
    heads[inbox_log(pseudonym)] = heads.pop(log)
    # Whoever takes the name next begins anew.
    core.log_heads[log] = 0
    core.effects.forgotten.append(ForgottenName(name, pseudonym))
