"""Errors of the operating system, as sentences that say what an operator can do about them."""

import errno
import os
import pwd
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

if TYPE_CHECKING:
    from zchat.runtime.options import Address

NEEDS_OPERATOR: Final = 78
"""Exit code of what nobody but the operator can put right (EX_CONFIG of sysexits.h).

procfiles/zchat.conf names it, so that supervisord does not start such a program again.
"""
PASSING: Final = 75
"""Exit code of what may be over when the program is started again (EX_TEMPFAIL)."""
STARTED_S: Final = 1.5
"""Longer than `startsecs`: what ends earlier supervisord starts again, whatever it ends with."""

_born_at = time.monotonic()
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})


class Trouble(NamedTuple):
    """Why a program cannot go on.

    What is `passing` may end by itself, so that it helps to try again: there is room on the disk
    again, or the port is free. Everything else waits for the operator.
    """

    sentence: str
    passing: bool = False


# --- How a program ends ---------------------------------------------------------------------------


def supervised_as() -> str:
    """What supervisorctl calls this process; nothing if it was started by hand."""
    group = os.environ.get("SUPERVISOR_GROUP_NAME", "")
    name = os.environ.get("SUPERVISOR_PROCESS_NAME", "")
    return name if group == name else f"{group}:{name}"


def end_for_operator(code: int = NEEDS_OPERATOR) -> NoReturn:
    """Ends this process for good: under supervisord it stays ended until somebody starts it."""
    if supervised_as():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        time.sleep(max(0.0, _born_at + STARTED_S - time.monotonic()))
    raise SystemExit(code)


# --- What is wrong --------------------------------------------------------------------------------


class Obstacle(NamedTuple):
    """Why something cannot be had, and what helps."""

    why: str
    remedy: str
    passing: bool = False


def of_listening(address: "Address", setting: str, error: OSError) -> Trouble:
    """Why nobody can listen at the address that the setting names."""
    why, remedy, passing = obstacle_at(address, setting, error)
    return Trouble(f"cannot listen at {address}: {why}; {remedy}", passing)


def obstacle_at(address: "Address", setting: str, error: OSError) -> Obstacle:
    """The same, for who says the two apart."""
    host, port = address
    if isinstance(error, socket.gaierror):
        # The name service of a host that has just started may not be there yet.
        return Obstacle(f"nobody knows the name {host}", f"try: getent hosts {host}", True)
    match error.errno:
        case errno.EADDRINUSE:
            remedy = f"see who has it with: ss -ltnp 'sport = :{port}', or change {setting}"
            return Obstacle("the port is taken", remedy, True)
        case errno.EADDRNOTAVAIL | errno.ENODEV:
            # Nor may its network.
            why = f"{host} is no address of this host"
            return Obstacle(why, f"see those it has with: ip address, or change {setting}", True)
        case errno.EACCES | errno.EPERM:
            return Obstacle(
                f"such a low port takes a right that {_user()} has not",
                f"take a port above 1023 for {setting}, or let everybody have this one: "
                f"sysctl net.ipv4.ip_unprivileged_port_start={port}",
            )
        case errno.EAFNOSUPPORT | errno.EPROTONOSUPPORT:
            kind = "IPv6" if ":" in host else "IPv4"
            return Obstacle(f"this host has no {kind}", f"change {setting}")
        case _:
            return Obstacle(error.strerror or str(error), f"try again, or change {setting}", True)


def of_file(error: OSError, path: Path | None = None) -> Trouble:
    """Why a file or folder cannot be had: the one that the error names, or `path`."""
    place = Path(error.filename) if isinstance(error.filename, str) else path or Path()
    wrong = f"cannot use {place}"
    match error.errno:
        case code if code in _NO_ROOM:
            return Trouble(f"{wrong}: the disk is full; make room, and see: df -h {place}", True)
        case code if code == errno.EROFS or (code in _FORBIDDEN and is_read_only(place)):
            return Trouble(
                f"{wrong}: its file system is read-only; mount it writable, or change var"
            )
        case code if code in _FORBIDDEN:
            return Trouble(f"{wrong}: {_why_forbidden(place)}")
        case errno.EEXIST | errno.ENOTDIR | errno.EISDIR:
            return Trouble(
                f"{wrong}: it, or what it is in, is a file, or a folder, and must not be"
            )
        case errno.ENOENT:
            return Trouble(f"{wrong}: it is not there, nor can be made")
        case errno.ENAMETOOLONG:
            return Trouble(f"{wrong}: the path is too long; change var")
        case _:
            return Trouble(f"{wrong}: {error.strerror or error}", True)


def is_read_only(place: Path) -> bool:
    """It is, or what there is of the way to it."""
    for path in (place, *place.absolute().parents):
        try:
            return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
        except OSError:
            continue
    return False


def _why_forbidden(place: Path) -> str:
    """Names the first thing on the way that is somebody else's."""
    for path in (place, *place.absolute().parents):
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        if owner != os.getuid():
            return (
                f"{path} belongs to {_name(owner)}, and this is {_user()}; run the cluster as "
                f"{_name(owner)}, or give it away: chown -R {_user()} {path}"
            )
        break
    return f"{_user()} may not; see: ls -ld {place}"


def _user() -> str:
    return _name(os.getuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
