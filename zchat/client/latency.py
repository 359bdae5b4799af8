"""How long the gateway takes to answer, measured by every ping that goes there anyway."""

from zchat.protocol.messages import ClientMessage, Ping, PingTarget


class Latency:
    def __init__(self) -> None:
        self.seconds: float | None = None
        """Of the last ping on this connection; None before its first answer."""
        self._sent_at: dict[int, float] = {}

    def sent(self, message: ClientMessage, now: float) -> None:
        if isinstance(message, Ping) and message.target is PingTarget.GATEWAY:
            self._sent_at[message.id] = now

    def answered(self, request_id: int, now: float) -> None:
        sent_at = self._sent_at.pop(request_id, None)
        if sent_at is not None:
            self.seconds = now - sent_at

    def connection_lost(self) -> None:
        self.seconds = None
        self._sent_at.clear()
