"""What commands need of the host: to act as the owner of a folder, and to know of free ports."""

import contextlib
import encodings.idna  # noqa: F401 - as root; see `as_owner_of`
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path

from zchat.runtime.options import Address
from zchat.runtime.os_errors import Obstacle, obstacle_at


@contextlib.contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Within it root acts as the folder's owner, who could not use files that belong to root.

    Others act as themselves. A folder that does not exist yet counts as owned by whoever owns the
    nearest one above it. Root gives up all its rights meanwhile: a link that the owner has put
    there leads to nothing that the owner could not reach. What is imported late, as the codec that
    `getaddrinfo` wants, has to be imported before, since that user may not read Python's library.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    owner = there.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    # The user last, and back first: only root may change groups.
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def trouble_at(address: Address, *, shared: bool) -> Obstacle | None:
    """Why one cannot listen there; None if one can.

    `shared`: gateways share their port with each other, and would with one that runs here.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as attempt:
            # As gateways do: connections of a cluster that has just ended do not block the port.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            attempt.bind(place)
    except OSError as error:
        return obstacle_at(address, "listen", error)
    return None
