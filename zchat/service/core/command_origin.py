"""Command origin: which processes may send which commands."""

from typing import Any, Final, get_args

from zchat.fabric.core.identities import Part, owner_of
from zchat.protocol.internal import (
    USER_SERVICE,
    EndGuest,
    GatewayCommand,
    OpenConversation,
    ServiceCommand,
)
from zchat.protocol.messages import Standing


def objection(asker: bytes, user: str, command: Any) -> str | None:
    """Why this process may not send this command, for this user; None if it may."""
    name, part = owner_of(asker)
    wanted = _SENT_BY.get(type(command))
    if wanted is None:
        # Nobody's own command: an operator has no account but the key of the fabric.
        wanted = _GATEWAY if user else _ADMIN
    if part is wanted and (name == USER_SERVICE or type(command) not in _OF_USER_SERVICE):
        return None
    if part is wanted:
        return f"only the user-service may send this, and {name} is not"
    return f"only {_CALLED[wanted]} may send this, and {name or 'somebody'} is none"


def standing_of(asker: bytes, stamped: Standing) -> Standing:
    """What a command counts as: a gateway says it for its users, and an operator is one."""
    _, part = owner_of(asker)
    return Standing.OPERATOR if part is _ADMIN else stamped


# Python 3.11 takes longer to find a member of an enum than for all the rest of this.
_GATEWAY, _ADMIN = Part.GATEWAY, Part.ADMIN
_SENT_BY: Final[dict[type[Any], Part]] = {
    **dict.fromkeys(get_args(GatewayCommand), Part.GATEWAY),
    **dict.fromkeys(get_args(ServiceCommand), Part.SERVICE),
}
"""The others a user sends by a gateway, or an operator."""
_OF_USER_SERVICE: Final = frozenset({EndGuest, OpenConversation})
"""Of the commands of services those that are about whom only this one knows."""
_CALLED: Final = {
    Part.GATEWAY: "a gateway",
    Part.SERVICE: "a service",
    Part.ADMIN: "an operator",
}
