"""Whom a client's address is counted as, and which addresses somebody means by a block of them."""

import functools
import ipaddress
from typing import Final, NamedTuple, TypeAlias


class Bits(NamedTuple):
    """An address as a number."""

    version: int
    value: int

    def prefix(self, length: int) -> int:
        return self.value >> ((32 if self.version == 4 else 128) - length)


Block: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
"""Addresses that begin alike."""

_MAPPED_BITS: Final = 96
"""What stands before an address of IPv4 in one of IPv6."""
_IPV4_PREFIX_MIN: Final = 8
_IPV6_PREFIX_MIN: Final = 24
"""A larger block is no network of anybody: whoever writes it has mistyped, or means everyone."""


# Many connections of few addresses then share a string, too.
@functools.lru_cache(maxsize=512)
def network_of(address: str) -> str:
    """An address of IPv6 as its /64, which is what one customer gets; what is none, as it is."""
    ip = _parsed(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return address if ip is None else str(ip)


@functools.lru_cache(maxsize=512)
def is_of_this_machine(address: str) -> bool:
    """It is a proxy's or a tunnel's, behind which everyone may be, or the operator's own."""
    ip = _parsed(address)
    return ip is not None and ip.is_loopback


def block_of(text: str) -> Block | None:
    """One address, or a block as in `192.0.2.0/24`; None for what is neither.

    An address of IPv6 alone is its /64, since whoever has one has all of them.
    """
    address, slash, length = text.strip().partition("/")
    ip = _parsed(address)
    if ip is None or (slash and not (length.isascii() and length.isdecimal())):
        return None
    # Four digits are too many already, and very many are more than `int` will read.
    bits = int(length[:4]) if slash else (64 if ip.version == 6 else 32)
    # `::ffff:192.0.2.0/120` is a block of IPv4, in which the first 96 bits do not count.
    if slash and ip.version == 4 and ":" in address:
        bits -= _MAPPED_BITS
    try:
        return ipaddress.ip_network((ip, bits), strict=False)
    except ValueError:
        return None


def block_name(block: Block) -> str:
    """As people write it: an address of IPv4 without a length."""
    single = block.version == 4 and block.prefixlen == 32
    return str(block.network_address) if single else str(block)


def is_within(address: str, block: Block) -> bool:
    ip = _parsed(address)
    return ip is not None and ip in block


def bits_of(address: str) -> Bits | None:
    ip = _parsed(address)
    return None if ip is None else Bits(ip.version, int(ip))


def prefix_of(block: Block) -> int:
    """What `Bits.prefix` of its length is for all addresses in it."""
    return Bits(block.version, int(block.network_address)).prefix(block.prefixlen)


def is_vast(block: Block) -> bool:
    """It has a good part of all addresses that there are."""
    return block.prefixlen < (_IPV4_PREFIX_MIN if block.version == 4 else _IPV6_PREFIX_MIN)


def has_this_machine(block: Block) -> bool:
    """Whether an address of this machine itself is among them."""
    loopback = ipaddress.ip_network("127.0.0.0/8" if block.version == 4 else "::1/128")
    return block.overlaps(loopback)


@functools.lru_cache(maxsize=4096)
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        # Without the zone of a link-local address, which says on which cable it is.
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    # So a socket that listens for both calls a client of IPv4: `::ffff:192.0.2.7`.
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip
