"""Pins of servers: digests of their public keys, by which they are known again."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

PINS_MAX: Final = 1_000
_PREFIX: Final = "sha256:"
# Of DER (X.690): the tags of a SEQUENCE and of the version, and a length of several bytes.
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_LONG: Final = 0x80


def pin_of(certificate: bytes) -> str:
    """The SHA-256 of the public key in a certificate (DER), with its kind: RFC 5280's SPKI.

    Of the key and not of the certificate, so that one that is renewed is known again. Raises
    `ValueError` if this is no certificate.
    """
    to_be_signed, _ = _content(_content(certificate, 0)[0], 0)
    at = 0
    if to_be_signed[:1] == bytes([_VERSION]):
        _, at = _content(to_be_signed, at)
    for _ in range(5):  # Serial number, signature algorithm, issuer, validity, subject.
        _, at = _content(to_be_signed, at)
    _, end = _content(to_be_signed, at)
    if to_be_signed[at] != _SEQUENCE:
        raise ValueError("no public key")
    return _PREFIX + hashlib.sha256(to_be_signed[at:end]).hexdigest()


def _content(data: bytes, at: int) -> tuple[bytes, int]:
    """What one DER value holds, and where the next one begins."""
    if len(data) < at + 2:
        raise ValueError("cut off")
    length, begin = data[at + 1], at + 2
    if length >= _LONG:
        octets = length - _LONG
        length = int.from_bytes(data[begin : begin + octets], "big")
        begin += octets
    if len(data) < begin + length:
        raise ValueError("cut off")
    return data[begin : begin + length], begin + length


def parse_pin(text: str) -> str:
    """A pin as people write it: with capitals, or colons between its bytes. Raises `ValueError`."""
    digits = text.strip().lower().removeprefix(_PREFIX).replace(":", "")
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise ValueError("no pin; give sha256: and 64 hexadecimal digits")
    return _PREFIX + digits


def parse_servers(text: str) -> dict[str, str]:
    """Pins by `HOST:PORT`, one in a line. Raises `ValueError`, which says in which line."""
    servers: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            address, pin = words
            servers[address] = parse_pin(pin)
        except ValueError:
            raise ValueError(f"line {number} is not HOST:PORT and a pin") from None
    return servers


def written(servers: Mapping[str, str]) -> str:
    """The newest last; past `PINS_MAX` the oldest are left out."""
    lines = [f"{address} {pin}\n" for address, pin in servers.items()][-PINS_MAX:]
    return "# Servers that zchat-client trusts by their public keys.\n" + "".join(lines)
