"""What the router measures."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from zchat.router.core.routing import Moves
from zchat.runtime.core.measures import Measure, Reading

DIRECTIONS: Final = ("commands", "replies", "queries", "answers", "events", "subscriptions")

MEASURES: Final = (
    Measure("envelopes", "counter", "Envelopes that came in.", "direction"),
    Measure(
        "dropped",
        "counter",
        "Envelopes that could not be passed on; links resend, followers read again.",
        "direction",
    ),
    Measure("askers", "gauge", "Gateways, services and others that ask."),
    Measure("workers", "gauge", "Services that answer."),
    Measure("refused", "counter", "Connections and envelopes of those who had no right to them."),
    Measure("protocol_errors", "counter", "Heartbeats that made no sense."),
)


class Traffic(Struct):
    """Plain numbers, by direction, that the router's loop counts up."""

    envelopes: dict[str, int]
    dropped: dict[str, int]

    @classmethod
    def none(cls) -> "Traffic":
        return cls(dict.fromkeys(DIRECTIONS, 0), dict.fromkeys(DIRECTIONS, 0))


def readings(moves: Moves, traffic: Traffic, refused: int) -> Mapping[str, Reading]:
    unserved = {"commands": traffic.dropped["commands"] + moves.unserved}
    return {
        "envelopes": traffic.envelopes,
        "dropped": traffic.dropped | unserved,
        "askers": moves.routing.asker_count,
        "workers": moves.routing.worker_count,
        "refused": refused,
        "protocol_errors": moves.protocol_errors,
    }
