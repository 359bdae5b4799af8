"""Whom a client's address is counted as."""

import functools
import ipaddress


# Many connections of few addresses then share a string, too.
@functools.lru_cache(maxsize=512)
def network_of(address: str) -> str:
    """An address of IPv6 as its /64, which is what one customer gets; what is none, as it is."""
    ip = _parsed(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address if ip is None else str(ip)


def is_of_this_machine(address: str) -> bool:
    """It is a proxy's or a tunnel's, behind which everyone may be, or the operator's own."""
    ip = _parsed(address)
    return ip is not None and ip.is_loopback


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip
