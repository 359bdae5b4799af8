"""Whose commands a service obeys: a process may only send those that are its part's to send."""

from typing import Any

from zchat.fabric.identities import Part, name_of, part_of
from zchat.protocol.cluster import GatewayCommand, ServiceCommand
from zchat.protocol.messages import Standing


def objection(asker: bytes, user: str, command: Any) -> str | None:
    """Why this process may not send this command, for this user; None if it may."""
    name = name_of(asker)
    part = part_of(name)
    if isinstance(command, ServiceCommand):
        wanted = Part.SERVICE
    elif isinstance(command, GatewayCommand) or user:
        wanted = Part.GATEWAY
    else:
        # Nobody's own command: an operator has no account but the key of the fabric.
        wanted = Part.ADMIN
    if part is wanted:
        return None
    return f"only {_CALLED[wanted]} may send this, and {name or 'somebody'} is none"


def standing_of(asker: bytes, stamped: Standing) -> Standing:
    """What a command counts as: a gateway says it for its users, and an operator is one."""
    return Standing.OPERATOR if part_of(name_of(asker)) is Part.ADMIN else stamped


_CALLED = {
    Part.GATEWAY: "a gateway",
    Part.SERVICE: "a service",
    Part.ADMIN: "an operator",
}
