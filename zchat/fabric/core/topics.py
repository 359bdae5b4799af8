"""Topics of events: a topic ends in a space, so that none is the beginning of another."""

from zchat.protocol.internal import USER_SERVICE

PRESENCE_TOPIC = b"presence "


def stream_topic(address: str) -> bytes:
    """Where the service at `address` publishes its stream."""
    return b"stream " + address.encode() + b" "


def ephemeral_topic(address: str) -> bytes:
    """Where it publishes its `SoftNews`."""
    return b"soft " + address.encode() + b" "


def may_publish(address: str, topic: bytes) -> bool:
    """Whether the service at `address` has anything to say there."""
    if topic == PRESENCE_TOPIC:
        return address == USER_SERVICE
    return topic in (stream_topic(address), ephemeral_topic(address))
