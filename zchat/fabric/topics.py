"""Topics of events: a topic ends in a space, so that none is the beginning of another."""

PRESENCE_TOPIC = b"presence "


def stream_topic(address: str) -> bytes:
    """Where the service at `address` publishes its stream."""
    return b"stream " + address.encode() + b" "
