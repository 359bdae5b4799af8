"""The ZeroMQ sockets of each channel with their options, and how to read and write them.

Envelopes on the wire, frame by frame (what a socket's own routing id adds is left out):

    asker  -> router   address, body            body of a link, or an empty address: a heartbeat
    router -> asker    address, body            an empty address: the router's `RoutingTable`
    worker <-> router  asker, body              an empty asker: a `WorkerHeartbeat`
    query  -> router   address, body            the answer is one frame; empty: nobody serves it
    event              topic, body
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import zmq

from zchat.fabric.keys import KeyProblem, Proof, read_proof
from zchat.protocol import limits
from zchat.runtime.options import WRONG_CONFIGURATION
from zchat.runtime.os_errors import end_for_operator
from zchat.runtime.settings import Endpoints, Settings

Socket: TypeAlias = zmq.Socket[bytes]
_LINGER_MS = 500
"""What is queued at the end has a moment to go out."""
# As numbers, since joining two of these enumerations takes longer than to send a frame, and
# `send_multipart` does so for each.
_MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)
_LAST: Final = int(zmq.NOBLOCK)
HANDSHAKE_MS = 3000
"""Whoever is refused is not told so, since that would be for ever, and tries again after this."""
_log = logging.getLogger("zchat.fabric")


class Context(zmq.Context[Socket]):
    """Whatever connects in it proves itself by these keys; without any nothing is encrypted."""

    proof: Proof | None = None
    connections: list[tuple[Socket, str]]
    """Each socket that connects, and where to."""

    def __init__(self) -> None:
        super().__init__()
        # Any other attribute would be taken for an option of ZeroMQ.
        vars(self)["connections"] = []


@contextlib.contextmanager
def open_context(settings: Settings, name: str) -> Iterator[Context]:
    """For the sockets by which the process of this name connects to the router."""
    with open_router_context() as context:
        if settings.needs_keys:
            context.proof = read_proof(settings.keys_folder, name)
        yield context


@contextlib.contextmanager
def open_router_context() -> Iterator[Context]:
    """At its end all its sockets close; what they still hold has a moment to go out.

    Where keys are needed and cannot be had, the process exits and says so.
    """
    context = Context()
    try:
        yield context
    except KeyProblem as problem:
        _log.critical("a router that is tcp:// needs keys: %s", problem)
        end_for_operator(WRONG_CONFIGURATION)
    finally:
        context.destroy(linger=_LINGER_MS)


def prove_anew(context: Context, settings: Settings, name: str) -> bool:
    """Reads the keys again; connects anew by them if they are others, and links send again."""
    if context.proof is None:
        return False
    try:
        proof = read_proof(settings.keys_folder, name)
    except KeyProblem as problem:
        _log.error("the keys stay as they were: %s", problem)
        return False
    if proof == context.proof:
        return False
    _log.info("the keys were read again: all connections to the router begin anew")
    context.proof = proof
    for socket, endpoint in context.connections:
        _give_keys(socket, proof)
        # What is connected asks for no key any more, and keys count from the next connection on.
        socket.disconnect(endpoint)
        socket.connect(endpoint)
    return True


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


def _give_keys(socket: Socket, proof: Proof) -> None:
    socket.curve_serverkey = proof.router
    socket.curve_publickey = proof.pair.public
    socket.curve_secretkey = proof.pair.secret


def _connecting(context: Context, kind: int) -> Socket:
    socket = new_socket(context, kind)
    if context.proof is not None:
        _give_keys(socket, context.proof)
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    return socket


def _connect(context: Context, socket: Socket, endpoint: str) -> None:
    choose_family(socket, endpoint)
    socket.connect(endpoint)
    context.connections.append((socket, endpoint))


def connections_of(socket: Socket) -> Socket:
    """Something comes at the returned socket whenever `socket` has connected, also anew."""
    return socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)


def choose_family(socket: Socket, endpoint: str) -> None:
    """Sockets speak IPv4 unless they are told that the endpoint is one of IPv6."""
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))


def new_socket(context: Context, kind: int) -> Socket:
    """With the options that all have in common."""
    socket = context.socket(kind)
    socket.linger = _LINGER_MS
    # ZMTP's heartbeat finds dead hosts, and no hung processes, since ZeroMQ's I/O thread answers it
    # also while our loop does not turn. For those there is our own heartbeat.
    socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3000)
    socket.setsockopt(zmq.HEARTBEAT_TTL, 3000)
    # A router that was restarted is found at once, and one that is gone is not hammered.
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    # What is over the mark is dropped, and the link sends it again.
    socket.setsockopt(zmq.SNDHWM, limits.ENVELOPES_HIGH_WATER_MARK)
    socket.setsockopt(zmq.RCVHWM, limits.ENVELOPES_HIGH_WATER_MARK)
    # No peer can make another one allocate without end.
    socket.setsockopt(zmq.MAXMSGSIZE, 4 * limits.LINK_WINDOW_BYTES)
    return socket


def _dealer(context: Context, identity: bytes, endpoint: str) -> Socket:
    socket = _connecting(context, zmq.DEALER)
    # Another one for each life of the process: with one that was reused messages of the former life
    # were lost, or blocked those of the new one.
    socket.setsockopt(zmq.IDENTITY, identity)
    # Nothing is queued for a router that is not there: the link resends, and in order.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    _connect(context, socket, endpoint)
    return socket


def asker_socket(context: Context, endpoints: Endpoints, identity: bytes) -> Socket:
    return _dealer(context, identity, endpoints.commands_frontend)


def worker_socket(context: Context, endpoints: Endpoints, identity: bytes) -> Socket:
    return _dealer(context, identity, endpoints.commands_backend)


def query_socket(context: Context, endpoints: Endpoints) -> Socket:
    """REQ that may ask anew before it was answered, and then hears only the newer answer."""
    socket = _connecting(context, zmq.REQ)
    socket.setsockopt(zmq.REQ_RELAXED, 1)
    socket.setsockopt(zmq.REQ_CORRELATE, 1)
    # Without a router nothing is queued: it would be asked again anyway.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    _connect(context, socket, endpoints.queries_frontend)
    return socket


def answer_socket(context: Context, endpoints: Endpoints, address: str) -> Socket:
    socket = _connecting(context, zmq.REP)
    _connect(context, socket, endpoints.queries_backend(address))
    return socket


def publisher_socket(context: Context, endpoints: Endpoints) -> Socket:
    socket = _connecting(context, zmq.PUB)
    # A subscriber that has stopped costs so much and no more; it reads again what it has missed.
    socket.setsockopt(zmq.SNDHWM, limits.EVENTS_HIGH_WATER_MARK)
    _connect(context, socket, endpoints.events_in)
    return socket


def subscriber_socket(context: Context, endpoints: Endpoints, topics: Sequence[bytes]) -> Socket:
    socket = _connecting(context, zmq.SUB)
    # Subscriptions go the other way; with a mark here a burst of them is dropped in silence.
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, limits.EVENTS_HIGH_WATER_MARK)
    for topic in topics:
        socket.subscribe(topic)
    _connect(context, socket, endpoints.events_out)
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


def receive_signed(socket: Socket, frames_min: int = 1) -> Iterator[tuple[list[bytes], str]]:
    """The same of a socket with CURVE, each with the name of the key's owner."""
    for _ in range(limits.BEAT_ENVELOPES_MAX):
        try:
            first = socket.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        # The first frame is a routing id or a topic, and so small; all frames know the owner.
        frames = [first.bytes]
        if first.more:
            frames += socket.recv_multipart(zmq.NOBLOCK)
        if len(frames) >= frames_min:
            yield frames, str(first.get("User-Id"))


def try_send(socket: Socket, frames: Sequence[bytes]) -> bool:
    """Sends or drops: False at the high-water mark or when the peer is not connected."""
    *first, last = frames
    try:
        for frame in first:
            socket.send(frame, _MORE)
        socket.send(last, _LAST)
    except zmq.Again:
        return False
    except zmq.ZMQError as error:
        if error.errno == zmq.EHOSTUNREACH:  # Of a ROUTER: nobody with that identity is connected.
            return False
        raise
    return True


def library_version() -> str:
    """Of libzmq, which pyzmq brings along or finds."""
    return zmq.zmq_version()
