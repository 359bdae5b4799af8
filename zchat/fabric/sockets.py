"""The ZeroMQ sockets of each channel with their options, and how to read and write them.

Envelopes on the wire, frame by frame (what a socket's own routing id adds is left out):

    asker  -> router   address, body            body of a link, or an empty address: a heartbeat
    router -> asker    address, body            an empty address: the router's `RoutingTable`
    worker <-> router  asker, body              an empty asker: a `WorkerHeartbeat`
    query  -> router   address, body            the answer is one frame; empty: nobody serves it
    event              topic, body
"""

from collections.abc import Iterator, Sequence

import zmq

from zchat.protocol import limits
from zchat.settings import Endpoints

STREAM_TOPIC = b"stream "
"""Topic of a service's stream: this, its address and a space, so that no topic begins another."""
PRESENCE_TOPIC = b"presence "


def stream_topic(address: str) -> bytes:
    return STREAM_TOPIC + address.encode() + b" "


def _socket(context: zmq.Context[zmq.Socket[bytes]], kind: int) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.linger = 500
    # ZMTP's own heartbeat finds dead hosts; hung processes are found by ours.
    socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3000)
    socket.setsockopt(zmq.HEARTBEAT_TTL, 3000)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    socket.setsockopt(zmq.SNDHWM, limits.ENVELOPES_HIGH_WATER_MARK)
    socket.setsockopt(zmq.RCVHWM, limits.ENVELOPES_HIGH_WATER_MARK)
    socket.setsockopt(zmq.MAXMSGSIZE, 4 * limits.LINK_WINDOW_BYTES)
    return socket


def _dealer(
    context: zmq.Context[zmq.Socket[bytes]], identity: bytes, endpoint: str
) -> zmq.Socket[bytes]:
    socket = _socket(context, zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity)
    # Nothing is queued for a router that is not there: the link resends, and in order.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(endpoint)
    return socket


def asker_socket(
    context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, identity: bytes
) -> zmq.Socket[bytes]:
    return _dealer(context, identity, endpoints.commands_frontend)


def worker_socket(
    context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, identity: bytes
) -> zmq.Socket[bytes]:
    return _dealer(context, identity, endpoints.commands_backend)


def query_socket(
    context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints
) -> zmq.Socket[bytes]:
    """REQ that may ask anew before it was answered, and then hears only the newer answer."""
    socket = _socket(context, zmq.REQ)
    socket.setsockopt(zmq.REQ_RELAXED, 1)
    socket.setsockopt(zmq.REQ_CORRELATE, 1)
    socket.connect(endpoints.queries_frontend)
    return socket


def answer_socket(
    context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, identity: bytes
) -> zmq.Socket[bytes]:
    socket = _socket(context, zmq.REP)
    socket.setsockopt(zmq.IDENTITY, identity)
    socket.connect(endpoints.queries_backend)
    return socket


def publisher_socket(
    context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints
) -> zmq.Socket[bytes]:
    socket = _socket(context, zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, limits.EVENTS_HIGH_WATER_MARK)
    socket.connect(endpoints.events_in)
    return socket


def subscriber_socket(
    context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints, topics: Sequence[bytes]
) -> zmq.Socket[bytes]:
    socket = _socket(context, zmq.SUB)
    # Subscriptions go the other way; with a mark here a burst of them is dropped in silence.
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, limits.EVENTS_HIGH_WATER_MARK)
    for topic in topics:
        socket.subscribe(topic)
    socket.connect(endpoints.events_out)
    return socket


class RouterSockets:
    """Everything that binds in a cluster."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoints: Endpoints) -> None:
        self.commands_frontend = self._bind_router(context, endpoints.commands_frontend)
        self.commands_backend = self._bind_router(context, endpoints.commands_backend)
        self.queries_frontend = self._bind_router(context, endpoints.queries_frontend)
        self.queries_backend = self._bind_router(context, endpoints.queries_backend)
        self.events_in = _socket(context, zmq.XSUB)
        self.events_in.setsockopt(zmq.SNDHWM, 0)
        self.events_in.setsockopt(zmq.RCVHWM, limits.EVENTS_HIGH_WATER_MARK)
        self.events_in.bind(endpoints.events_in)
        self.events_out = _socket(context, zmq.XPUB)
        self.events_out.setsockopt(zmq.SNDHWM, limits.EVENTS_HIGH_WATER_MARK)
        self.events_out.bind(endpoints.events_out)

    def _bind_router(
        self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str
    ) -> zmq.Socket[bytes]:
        socket = _socket(context, zmq.ROUTER)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.bind(endpoint)
        return socket


def receive_waiting(
    socket: zmq.Socket[bytes], envelopes_max: int = limits.BEAT_ENVELOPES_MAX
) -> Iterator[list[bytes]]:
    """The envelopes that wait at the socket, up to a bound."""
    for _ in range(envelopes_max):
        try:
            yield socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return


def try_send(socket: zmq.Socket[bytes], frames: Sequence[bytes]) -> bool:
    """Sends or drops: False at the high-water mark or when the peer is not connected."""
    try:
        socket.send_multipart(frames, zmq.NOBLOCK)
    except zmq.Again:
        return False
    except zmq.ZMQError as error:
        if error.errno == zmq.EHOSTUNREACH:
            return False
        raise
    return True


def identity(name: str, boot_id: str) -> bytes:
    """Identity of one life of a process; a reused one loses or blocks messages in a ROUTER."""
    return f"{name}#{boot_id}".encode()
