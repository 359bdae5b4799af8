"""Identities of processes on the fabric, and what one says of its owner.

An identity is a name and the number of one life of that process: `gateway/west#3f0c…`. Names are
`gateway/NAME`, `admin/NAME`, and for a service its address: `users`, `rooms/0`.
"""

import enum
import functools
import hashlib

from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE


class Part(enum.Enum):
    GATEWAY = enum.auto()
    SERVICE = enum.auto()
    ADMIN = enum.auto()


def identity(name: str, boot_id: str) -> bytes:
    """Identity of one life of a process; a reused one loses or blocks messages in a ROUTER."""
    return f"{name}#{boot_id}".encode()


def gateway_name(name: str) -> str:
    return f"gateway/{name}"


def admin_name(name: str) -> str:
    return f"admin/{name}"


def name_of(identity: bytes) -> str:
    return identity.decode(errors="replace").partition("#")[0]


def is_well_formed(identity: bytes) -> bool:
    """Whether somebody can be called so."""
    _, part = owner_of(identity)
    return b"#" in identity and part is not None


# Each command asks it, and there are few peers.
@functools.lru_cache(maxsize=limits.PEERS_MAX)
def owner_of(identity: bytes) -> tuple[str, Part | None]:
    """The name in an identity, and what its owner may do."""
    name = name_of(identity)
    return name, part_of(name)


def owns(name: str, identity: bytes) -> bool:
    """Whether it is an identity of the process with this name."""
    return identity.startswith(name.encode() + b"#")


# Each beat asks it for those that it answers.
@functools.lru_cache(maxsize=limits.PEERS_MAX)
def alias(identity: bytes) -> bytes:
    """What stands for an identity where others read it, too.

    Only its owner, who knows the identity, finds itself there. Whoever learned the identity could
    connect with it, and the router would take that for the same peer after a lost connection.
    """
    return hashlib.sha256(identity).digest()[:16]


QUERIES_BACKEND = "queries-backend/"


def may_connect(socket: str, name: str) -> bool:
    """Whether the process with this name has anything to do at this socket of the router.

    A queries backend is that of one service: `queries-backend/rooms/0`.
    """
    part = part_of(name)
    match socket:
        case "commands-frontend":
            return part is not None
        case "commands-backend" | "events-in":
            return part is Part.SERVICE
        case "queries-frontend" | "events-out":
            return part in {Part.GATEWAY, Part.ADMIN}
        case _:
            return part is Part.SERVICE and socket == QUERIES_BACKEND + name


def part_of(name: str) -> Part | None:
    """What the owner of the name may do here; None if nobody can be called so."""
    match name.split("/"):
        case ["gateway", str(rest)] if rest:
            return Part.GATEWAY
        case ["admin", str(rest)] if rest:
            return Part.ADMIN
        case ["rooms", number] if number.isascii() and number.isdecimal():
            return Part.SERVICE
        case [one] if one == USER_SERVICE:
            return Part.SERVICE
        case _:
            return None
