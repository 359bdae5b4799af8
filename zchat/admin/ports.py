"""Whether one can listen at an address; if not, why, and what helps."""

import errno
import socket
from pathlib import Path
from typing import Final, NamedTuple

from zchat.options import Address

_UNPRIVILEGED: Final = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_UNPRIVILEGED_DEFAULT: Final = 1024


class Trouble(NamedTuple):
    why: str
    remedy: str


def trouble_at(address: Address, *, shared: bool) -> Trouble | None:
    """`shared`: gateways share their port with each other, and would with one that runs here."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as attempt:
            # Also after a cluster that ran a moment ago.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            attempt.bind(place)
    except OSError as error:
        return Trouble(error.strerror or str(error), remedy(error, address, _first_unprivileged()))
    return None


def remedy(error: OSError, address: Address, first_unprivileged: int) -> str:
    if isinstance(error, socket.gaierror):
        return f"set listen to an address of this host: {address.host!r} has none"
    match error.errno:
        case errno.EACCES:
            return (
                f"only root may listen below {first_unprivileged}: set listen to a higher port, or "
                "give the cluster's unit AmbientCapabilities=CAP_NET_BIND_SERVICE, or lower the "
                f"bound: sysctl net.ipv4.ip_unprivileged_port_start={address.port}"
            )
        case errno.EADDRNOTAVAIL:
            return (
                "this host has no such address: set listen to one of those that `ip address` shows"
            )
        case errno.EAFNOSUPPORT:
            return "this host speaks no such protocol: set listen to an address of another kind"
        case _:
            return "end the program that has it (ss -ltnp), or set listen to another address"


def _first_unprivileged() -> int:
    try:
        return int(_UNPRIVILEGED.read_text())
    except (OSError, ValueError):
        return _UNPRIVILEGED_DEFAULT
