"""The ZeroMQ sockets of each channel with their options, and how to read and write them.

Envelopes on the wire, frame by frame (what a socket's own routing id adds is left out):

    asker  -> router   address, body            body of a link, or an empty address: a heartbeat
    router -> asker    address, body            an empty address: the router's `RoutingTable`
    worker <-> router  asker, body              an empty asker: a `WorkerHeartbeat`
    query  -> router   address, body            the answer is one frame; empty: nobody serves it
    event              topic, body
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import zmq

from zchat.protocol import limits
from zchat.settings import Endpoints

Socket: TypeAlias = zmq.Socket[bytes]
Context: TypeAlias = zmq.Context[Socket]
_LINGER_MS = 500


@contextlib.contextmanager
def open_context() -> Iterator[Context]:
    """At its end all its sockets close; what they still hold has a moment to go out."""
    context: Context = zmq.Context()
    try:
        yield context
    finally:
        context.destroy(linger=_LINGER_MS)


class Waiter:
    """Waits until one of several sockets and file descriptors is readable."""

    def __init__(self, *sources: Socket | int) -> None:
        self._poller = zmq.Poller()
        for source in sources:
            self.add(source)

    def add(self, source: Socket | int) -> None:
        self._poller.register(source, zmq.POLLIN)

    def wait(self, timeout_s: float) -> list[Socket | int]:
        """What is readable, at the latest after `timeout_s`."""
        return [source for source, _ in self._poller.poll(max(0, int(timeout_s * 1000) + 1))]


def _socket(context: Context, kind: int) -> Socket:
    socket = context.socket(kind)
    socket.linger = _LINGER_MS
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


def _dealer(context: Context, identity: bytes, endpoint: str) -> Socket:
    socket = _socket(context, zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity)
    # Nothing is queued for a router that is not there: the link resends, and in order.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(endpoint)
    return socket


def asker_socket(context: Context, endpoints: Endpoints, identity: bytes) -> Socket:
    return _dealer(context, identity, endpoints.commands_frontend)


def worker_socket(context: Context, endpoints: Endpoints, identity: bytes) -> Socket:
    return _dealer(context, identity, endpoints.commands_backend)


def query_socket(context: Context, endpoints: Endpoints) -> Socket:
    """REQ that may ask anew before it was answered, and then hears only the newer answer."""
    socket = _socket(context, zmq.REQ)
    socket.setsockopt(zmq.REQ_RELAXED, 1)
    socket.setsockopt(zmq.REQ_CORRELATE, 1)
    # Without a router nothing is queued: it would be asked again anyway.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(endpoints.queries_frontend)
    return socket


def answer_socket(context: Context, endpoints: Endpoints, address: str) -> Socket:
    socket = _socket(context, zmq.REP)
    socket.connect(endpoints.queries_backend(address))
    return socket


def publisher_socket(context: Context, endpoints: Endpoints) -> Socket:
    socket = _socket(context, zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, limits.EVENTS_HIGH_WATER_MARK)
    socket.connect(endpoints.events_in)
    return socket


def subscriber_socket(context: Context, endpoints: Endpoints, topics: Sequence[bytes]) -> Socket:
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

    def __init__(self, context: Context, endpoints: Endpoints) -> None:
        self.commands_frontend = self._bind_router(context, endpoints.commands_frontend)
        self.commands_backend = self._bind_router(context, endpoints.commands_backend)
        self.queries_frontend = self._bind_router(context, endpoints.queries_frontend)
        self.queries_backends: dict[str, Socket] = {}
        """By address; there is one as soon as the router has heard of its worker."""
        self._context, self._endpoints = context, endpoints
        self.events_in = _socket(context, zmq.XSUB)
        self.events_in.setsockopt(zmq.SNDHWM, 0)
        self.events_in.setsockopt(zmq.RCVHWM, limits.EVENTS_HIGH_WATER_MARK)
        self.events_in.bind(endpoints.events_in)
        self.events_out = _socket(context, zmq.XPUB)
        self.events_out.setsockopt(zmq.SNDHWM, limits.EVENTS_HIGH_WATER_MARK)
        self.events_out.bind(endpoints.events_out)

    def open_queries_backend(self, address: str) -> Socket:
        """Raises `ValueError` if that is no service's address."""
        endpoint = self._endpoints.queries_backend(address)
        socket = self.queries_backends[address] = _socket(self._context, zmq.DEALER)
        # A query that finds no worker is asked again by whoever asked.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.bind(endpoint)
        return socket

    def _bind_router(self, context: Context, endpoint: str) -> Socket:
        socket = _socket(context, zmq.ROUTER)
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # An identity belongs to one life of one process, so whoever connects with it again is the
        # same peer, after a connection that only the other side knows to be dead. Without this a
        # router that hung for a while would refuse everyone; what is lost in it the links resend.
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        socket.bind(endpoint)
        return socket


def receive_waiting(socket: Socket, frames_min: int = 1) -> Iterator[list[bytes]]:
    """The envelopes that wait at the socket, up to a beat's bound; those cut short are skipped."""
    for _ in range(limits.BEAT_ENVELOPES_MAX):
        try:
            frames = socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return
        except zmq.ZMQError as error:
            if error.errno == zmq.EFSM:  # A query socket that has asked nothing.
                return
            raise
        if len(frames) >= frames_min:
            yield frames


def try_send(socket: Socket, frames: Sequence[bytes]) -> bool:
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


def library_version() -> str:
    """Of libzmq, which pyzmq brings along or finds."""
    return zmq.zmq_version()
