"""What commands need of the host: to act for the owner of a folder, and to know of free ports."""

import contextlib
import encodings.idna  # noqa: F401 - `getaddrinfo` would, as a user who may not read it
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path

from zchat.runtime.options import Address
from zchat.runtime.os_errors import Obstacle, obstacle_at


@contextlib.contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Root does all within as the folder's owner, to whom files of root would be of no use.

    Others do it as themselves. A folder that is not there yet is whose the nearest one above it is.
    No right of root is left meanwhile, so that links which the owner has put there lead nowhere.
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    owner = there.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
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
            # Also after a cluster that ran a moment ago.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            attempt.bind(place)
    except OSError as error:
        return obstacle_at(address, "listen", error)
    return None
