"""What a gateway measures, and what it needs to be ready."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from zchat.gateway.core.loop import GatewayLoop
from zchat.protocol import limits
from zchat.runtime.core.measures import Measure, Reading

MEASURES: Final = (
    Measure("sessions", "gauge", "Client connections."),
    Measure("connections", "counter", "Client connections that were accepted."),
    Measure(
        "turned_away",
        "counter",
        "Connections closed without a handshake: their address was over its limits.",
    ),
    Measure("pushed_out", "counter", "TLS handshakes that were ended to make room for others."),
    Measure("refused", "counter", "Connections that the gateway has ended, by code.", "code"),
    Measure("logins_refused", "counter", "Logins that were refused, by code.", "code"),
    Measure(
        "held_back",
        "counter",
        "Clients that had to wait for a rate, by whose it is: account, newcomer, guests of an "
        "address, address.",
        "limit",
    ),
    Measure("protocol_errors", "counter", "Bytes of clients and services that made no sense."),
    Measure("held_sessions", "gauge", "Clients that are not read from: too much is unanswered."),
    Measure("slowed_sessions", "gauge", "Of them those that have said or asked for too much."),
    Measure("blocked_sessions", "gauge", "Clients that read too slowly, or are just logging in."),
    Measure("client_in_bytes", "counter", "Read from clients."),
    Measure("client_out_bytes", "counter", "Written to clients."),
    Measure("client_in_frames", "counter", "Messages from clients."),
    Measure("client_out_frames", "counter", "Messages to clients; joined entries count as one."),
    Measure("web_sockets", "gauge", "Of the sessions those that have come by the web door."),
    Measure("http_responses", "counter", "Answers of the web door, by status.", "status"),
    Measure("unanswered", "gauge", "Commands that a service has not answered.", "service"),
    Measure("queries_waiting", "gauge", "Queries that a service has not answered.", "service"),
    Measure("link_queue_bytes", "gauge", "Size of the commands not answered.", "service"),
    Measure(
        "round_trip_seconds",
        "histogram",
        "From a command to its answer; one command of each envelope.",
        "service",
    ),
    Measure("follower_lag_entries", "gauge", "Entries of a stream still to be read.", "service"),
)


def readings(turns: GatewayLoop) -> Mapping[str, Reading]:
    """Other threads call it, and nothing is looked through that the main loop changes.

    A status report of each second must not look at every session.
    """
    core, traffic = turns.core, turns.traffic
    peers = core.services.by_address
    return {
        "sessions": len(core.sessions),
        "connections": traffic.connections,
        "turned_away": traffic.turned_away,
        "pushed_out": traffic.pushed_out,
        "refused": core.operations.refused,
        "logins_refused": core.operations.logins_refused,
        "held_back": core.quotas.held_back,
        "protocol_errors": core.protocol_errors,
        "held_sessions": len(core.intake.held_sessions),
        "slowed_sessions": len(core.quotas.slowed),
        "blocked_sessions": len(core.output.blocked_sessions),
        "client_in_bytes": traffic.in_bytes,
        "client_out_bytes": traffic.out_bytes,
        "client_in_frames": traffic.in_frames,
        "client_out_frames": traffic.out_frames,
        "web_sockets": traffic.web_sockets,
        "http_responses": dict(traffic.http_responses),
        "unanswered": {name: len(peer.link.unanswered) for name, peer in peers.items()},
        "queries_waiting": {name: len(peer.queries) for name, peer in peers.items()},
        "link_queue_bytes": {name: peer.link.queue_bytes for name, peer in peers.items()},
        "round_trip_seconds": core.operations.round_trips,
        "follower_lag_entries": {name: peer.follower.lag for name, peer in peers.items()},
    }


def missing(turns: GatewayLoop, now: Callable[[], float] = time.monotonic) -> list[str]:
    if now() - turns.router_heard_at > limits.PEER_EXPIRY_S:
        return ["the router is not heard"]
    peers = turns.core.services.by_address.items()
    return [f"nobody serves {name}" for name, peer in peers if not peer.link.reachable]
