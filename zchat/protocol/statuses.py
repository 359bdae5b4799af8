"""How processes are: what each tells the router of itself, and the router tells an operator."""

from typing import Annotated

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.cluster import Envelope

ROUTER = "router"
"""A query to this address is answered by the router itself, whatever it says: `ClusterStatus`."""


Number = Annotated[float, Meta(ge=0, le=limits.INTEGER_MAX)]
"""So that it is none of the floats that are no numbers."""


class ProcessStatus(Envelope, frozen=True):
    """How a process is. `cpu_s` is the processor time of its `up_s` seconds so far.

    `numbers` are what is its own: units are in their names, and what is about one service has that
    service's address after a space, as in `link_queue_bytes rooms/0`.
    """

    program: str
    version: str
    pid: int
    host: str
    started_ms: int
    up_s: Number
    cpu_s: Number
    rss_bytes: int
    numbers: dict[str, Number]
    clock_ms: int = 0
    """What its clock showed when it told this; 0 of one that does not tell."""


class PeerStatus(Envelope, frozen=True):
    """The newest status of one process, and how long ago it was heard from; empty if it told none.

    `name` is as in its identity: `gateway/west`, `rooms/0`.
    """

    name: str
    silent_ms: int
    status: bytes


class ClusterStatus(Envelope, frozen=True):
    """All processes that the router has heard from of late, and which addresses are served.

    `settings` as in `RoutingTable`.
    """

    epochs: dict[str, int]
    peers: list[PeerStatus]
    settings: bytes = b""
