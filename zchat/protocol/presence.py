"""Who is online, as processes tell each other: soft state, numbered but not stored."""

from msgspec import field

from zchat.protocol.cluster import Envelope


class PresenceDelta(Envelope, frozen=True):
    """Change number `number` since the user-service took `epoch`; an empty one is a heartbeat."""

    epoch: int
    number: int
    came: list[str]
    went: list[str]
    away: dict[str, str | None] = field(default_factory=dict)
    """A word of everyone who has gone away; None of who is back."""


class PresenceSnapshot(Envelope, frozen=True):
    """Who is online after change `number`; `settled` is false while sessions still announce."""

    epoch: int
    number: int
    settled: bool
    online: list[str]
    away: dict[str, str] = field(default_factory=dict)
