"""Nonces: how a command that is sent twice, or has been overtaken, is recognised."""

from zchat.protocol import limits

_NUMBER_BYTES = limits.NONCE_BYTES - limits.NONCE_PREFIX_BYTES


def nonce(prefix: bytes, number: int) -> bytes:
    """Of the command `number` of the client that keeps `prefix` for its life.

    Numbers only rise, and so do the bytes: nonces of one prefix compare as their numbers do.
    """
    return prefix + number.to_bytes(_NUMBER_BYTES, "big")


def prefix_of(of: bytes) -> bytes:
    return of[: limits.NONCE_PREFIX_BYTES]
