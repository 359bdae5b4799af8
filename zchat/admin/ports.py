"""Whether one can listen at an address; if not, why, and what helps."""

import encodings.idna  # noqa: F401 - `getaddrinfo` would, as a user who may not read it
import socket

from zchat.runtime.options import Address
from zchat.runtime.os_errors import Obstacle, obstacle_at


def trouble_at(address: Address, *, shared: bool) -> Obstacle | None:
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
        return obstacle_at(address, "listen", error)
    return None
