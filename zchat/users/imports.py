"""Accounts that come from another cluster, or from before: their inboxes, as they were."""

from typing import TYPE_CHECKING

from zchat.log.answers import Answer
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode, inbox_log
from zchat.protocol.names import canonical_name
from zchat.protocol.operators import ImportEntries
from zchat.service.effects import Refusal, Sender
from zchat.service.operators import append_imported, audit_import, require_operator
from zchat.users.model import User

if TYPE_CHECKING:
    from zchat.users.core import UserCore


def import_entries(core: "UserCore", sender: Sender, command: ImportEntries, at_ms: int) -> Answer:
    """All that is imported counts as read."""
    require_operator(sender)
    name = canonical_name(command.log[1:])
    log = inbox_log(name)
    facts = command.facts
    if facts is not None:
        if name in core.users:
            raise Refusal(RefusalCode.NAME_IN_USE, f"there is a user {name} already")
        if len(core.users) >= limits.USERS_MAX:
            raise Refusal(RefusalCode.LIMIT_REACHED, "there is no room for more users")
        floor = core.timeline.heads[log] = core.log_heads.get(log, 0)
        user = User(name, facts.created_at_ms, inbox_floor=floor)
        user.password_hash, user.registered_at_ms = facts.password_hash, facts.created_at_ms
        core.directory.add(user)
        audit_import(core.effects, sender, at_ms, subject=name)
    elif name not in core.users:
        raise Refusal(RefusalCode.UNKNOWN_USER, f"the import of {name} has not begun")
    answer = append_imported(core.timeline, log, command)
    core.users[name].marker = core.timeline.heads[log]
    core.effects.rows.append(core.users[name].row())
    return answer
