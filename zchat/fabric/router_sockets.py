"""The router's sockets: the only ones that bind, with admission by keys where those are needed."""

import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import zmq

from zchat.fabric.core.identities import QUERIES_BACKEND
from zchat.fabric.keys import ROUTER, KeyProblem, read_allowed, read_pair, version_of_allowed
from zchat.fabric.sockets import (
    HANDSHAKE_MS,
    Context,
    Socket,
    choose_family,
    new_socket,
    receive_signed,
    receive_waiting,
)
from zchat.protocol import limits
from zchat.runtime.settings import Endpoints

if TYPE_CHECKING:
    from zchat.fabric.admission import Refused, Strangers

_BIND_RETRY_S: Final = 0.02
_BIND_TIMEOUT_S: Final = 5.0
_log = logging.getLogger("zchat.router")


class RouterSockets:
    """All of them, bound; whoever connects must get past the gate, if there is one."""

    def __init__(self, context: Context, endpoints: Endpoints, gate: "Gate | None" = None) -> None:
        self._context, self._endpoints, self._gate = context, endpoints, gate
        self.commands_frontend = self._router("commands-frontend", endpoints.commands_frontend)
        self.commands_backend = self._router("commands-backend", endpoints.commands_backend)
        self.queries_frontend = self._router("queries-frontend", endpoints.queries_frontend)
        self.queries_backends: dict[str, Socket] = {}
        """By address; there is one as soon as the router has heard of its worker."""
        self.events_in = self._new(zmq.XSUB, "events-in")
        # Subscriptions go out here; with a mark a burst of them would be dropped in silence.
        self.events_in.setsockopt(zmq.SNDHWM, 0)
        self.events_in.setsockopt(zmq.RCVHWM, limits.EVENTS_HIGH_WATER_MARK)
        self._bind(self.events_in, endpoints.events_in)
        self.events_out = self._new(zmq.XPUB, "events-out")
        self.events_out.setsockopt(zmq.SNDHWM, limits.EVENTS_HIGH_WATER_MARK)
        self._bind(self.events_out, endpoints.events_out)

    def open_queries_backend(self, address: str) -> Socket:
        """Raises `ValueError` if that is no service's address."""
        endpoint = self._endpoints.queries_backend(address)
        socket = self.queries_backends[address] = self._new(zmq.DEALER, QUERIES_BACKEND + address)
        # A query that finds no worker is asked again by whoever asked.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        self._bind(socket, endpoint)
        return socket

    def receive(
        self, socket: Socket, frames_min: int = 1
    ) -> Iterable[tuple[list[bytes], str | None]]:
        """The envelopes that wait, each with the name that its sender has proved, if any."""
        if self._gate is not None:
            return receive_signed(socket, frames_min)
        return ((frames, None) for frames in receive_waiting(socket, frames_min))

    def close(self) -> None:
        """Ends every connection, at once."""
        for socket in self._all():
            socket.close(linger=0)
        if self._gate is not None:
            self._gate.forget_sockets()

    def _all(self) -> Iterator[Socket]:
        yield from (self.commands_frontend, self.commands_backend, self.queries_frontend)
        yield from (self.events_in, self.events_out)
        yield from self.queries_backends.values()

    def _router(self, domain: str, endpoint: str) -> Socket:
        socket = self._new(zmq.ROUTER, domain)
        # So that what cannot be delivered is told, and not swallowed.
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # An identity belongs to one life of one process, so whoever connects with it again is the
        # same peer, after a connection that only the other side knows to be dead. Without this a
        # router that hung for a while would refuse everyone; what is lost in it the links resend.
        socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._bind(socket, endpoint)
        return socket

    def _new(self, kind: int, domain: str) -> Socket:
        socket = new_socket(self._context, kind)
        if self._gate is not None:
            self._gate.guard(socket, domain)
        return socket

    @staticmethod
    def _bind(socket: Socket, endpoint: str) -> None:
        """A socket that was closed a moment ago may still have the port. Raises `OSError`."""
        choose_family(socket, endpoint)
        deadline = time.monotonic() + _BIND_TIMEOUT_S
        while True:
            try:
                socket.bind(endpoint)
                return
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE or time.monotonic() > deadline:
                    raise OSError(error.errno, error.strerror, endpoint) from None
            time.sleep(_BIND_RETRY_S)


class Gate:
    """The router's key, and the list of those who may connect to its sockets."""

    def __init__(self, context: Context, folder: Path, refused: "Refused") -> None:
        """Raises `KeyProblem`."""
        # It brings asyncio along, 30 ms and 7 MiB that a router without keys has no need of.
        from zchat.fabric import admission  # noqa: PLC0415

        self._context, self._folder, self._refused = context, folder, refused
        self._secret = read_pair(folder, ROUTER).secret
        self._version = version_of_allowed(folder)
        self._admission = admission.Admission(context, read_allowed(folder), refused)
        self._new_strangers = admission.Strangers
        self._strangers: list[Strangers] = []

    @property
    def sources(self) -> list[Socket]:
        """Readable when `answer` has something to do."""
        return [self._admission.questions, *(one.news for one in self._strangers)]

    def read_own_key(self) -> bool:
        """Whether the router's own key is another one. Raises `KeyProblem`."""
        former, self._secret = self._secret, read_pair(self._folder, ROUTER).secret
        return self._secret != former

    def guard(self, socket: Socket, domain: str) -> None:
        """Lets in only who may connect there."""
        socket.curve_server = 1
        socket.curve_secretkey = self._secret
        socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        socket.zap_domain = domain.encode()
        # libzmq lets everybody in if nobody decides, unless it is told this.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        self._admission.guard(domain)
        self._strangers.append(self._new_strangers(self._context, socket, domain))

    def answer(self) -> None:
        self._admission.answer()
        for one in self._strangers:
            one.hear(self._refused)

    def forget_sockets(self) -> None:
        for one in self._strangers:
            one.close()
        self._strangers.clear()

    def look_again(self) -> bool:
        """Takes over a list that was written anew.

        True if somebody was taken off it or has another key: connections that stand ask for no
        key any more, so all of them must end.
        """
        version = version_of_allowed(self._folder)
        if version == self._version:
            return False
        self._version = version
        try:
            allowed = read_allowed(self._folder)
        except KeyProblem as problem:
            _log.error("the former list of keys stays in force: %s", problem)
            return False
        former, self._admission.allowed = self._admission.allowed, allowed
        _log.info("%d keys are allowed", len(allowed.keys))
        return not allowed.keeps(former)
