"""A network of one command alone, in which it has as many addresses as it likes.

A gateway counts what an address says, unless it is one of this machine, behind which a proxy may
be. So whoever attacks needs other addresses, and no test should listen where others can connect.
"""

import fcntl
import shutil
import socket
import struct
import subprocess
from collections.abc import Sequence
from typing import Final

_WAYS_IN: Final = (("unshare", "--net"), ("unshare", "--user", "--map-root-user", "--net"))
"""As root, and as anybody where the system allows that."""
_INTERFACE: Final = b"lo"
_ALIAS: Final = b"lo:1"
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_SIOCSIFADDR: Final = 0x8916
_SIOCSIFNETMASK: Final = 0x891C
_IFF_UP: Final = 1
_NETWORK: Final = "198.18.0.1"
"""Of a block for tests of networks (RFC 2544), so that nobody lives there."""
_MASK: Final = "255.254.0.0"


def way_in() -> Sequence[str] | None:
    """The command that runs another one with such a network; None if this system lets nobody."""
    if shutil.which("unshare") is None:
        return None
    for way in _WAYS_IN:
        if subprocess.run([*way, "true"], capture_output=True, check=False).returncode == 0:
            return way
    return None


def set_up() -> None:
    """Has all addresses of the block be this network's own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.pack("16sh14x", _INTERFACE, 0)
        (now,) = struct.unpack_from("h", fcntl.ioctl(control, _SIOCGIFFLAGS, flags), 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", _INTERFACE, now | _IFF_UP))
        for request, value in ((_SIOCSIFADDR, _NETWORK), (_SIOCSIFNETMASK, _MASK)):
            address = struct.pack("H2x4s8x", socket.AF_INET, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s", _ALIAS, address))


def hostile_source(number: int, *, own_network: bool) -> str:
    """Each attack comes from elsewhere, so that none pays for what another one has said."""
    first = "198.18" if own_network else "127.66"
    return f"{first}.{number // 200}.{number % 200 + 10}"


def target_host(*, own_network: bool) -> str:
    """Where those who attack connect: from there they come with the address that they have."""
    return _NETWORK if own_network else "127.0.0.1"
