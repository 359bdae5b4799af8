"""Who may connect to a gateway, by its own count: of each address so many, and none after a flood.

Written from the promises: a gateway lets in so many connections of an address at a time, and keeps
one that has flooded it out for as long as it has told it. Addresses of IPv6 are counted by /64.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import RefusalCode, Refused

from .tcp import Wire
from .world import World

_refusals = Decoder(Refused)

SOON_S: Final = 0.002
"""What is told in whole milliseconds is not exact."""


class Door:
    """Of one life of a gateway; it is told who came, who went and who was ended, and when."""

    def __init__(self, world: World, most: int | None, *, limited: bool) -> None:
        self._world, self._most, self._limited = world, most, limited
        self._open: Counter[str] = Counter()
        self._here: dict[Wire, None] = {}
        """Those that were let in, and not ended since."""
        self._shut_until: dict[str, float] = {}
        self._shut_at_most_until: dict[str, float] = {}
        self.wrong: str | None = None

    def came(self, wire: Wire, now: float) -> None:
        where, let_in = wire.client.network, wire.gateway_side.session.open
        self._open[where] += 1
        if let_in:
            self._here[wire] = None
        else:
            self._world.counts["a connection of an address was refused"] += 1
        count, most = self._open[where], self._most
        full = most is not None and count > most
        shut = now < self._shut_until.get(where, now) - SOON_S
        free = now > self._shut_at_most_until.get(where, now - 1) + SOON_S
        if let_in and full:
            self.wrong = f"{wire.client.name} is let in, the {count}th of {where} of {most}"
        elif let_in and shut:
            self.wrong = f"{wire.client.name} is let in, and {where} has flooded the gateway"
        elif not let_in and not full and free:
            self.wrong = f"{wire.client.name} is not let in, of {where} {count} are here of {most}"

    def went(self, wire: Wire) -> None:
        where = wire.client.network
        self._open[where] -= 1
        self._here.pop(wire, None)

    def look(self, now: float) -> None:
        """Who has just been ended is told why, and after a flood for how long it is kept out."""
        if not self._limited:
            return
        for wire in [wire for wire in self._here if not wire.gateway_side.session.open]:
            del self._here[wire]
            refused = _last_refusal(wire.gateway_side.session.out)
            if refused is None or refused.id is not None or refused.code != RefusalCode.TOO_FAST:
                continue
            self._world.counts["a flood was ended"] += 1
            until, where = now + refused.retry_after_ms / 1000, wire.client.network
            self._shut_until[where] = until
            self._shut_at_most_until[where] = max(until, self._shut_at_most_until.get(where, until))


def _last_refusal(out: Sequence[bytes]) -> Refused | None:
    try:
        return _refusals.decode(out[-1]) if out else None
    except ProtocolError:
        return None
