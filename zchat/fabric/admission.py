"""Who may connect to the router's sockets: decides on each CURVE handshake by key and socket.

ZeroMQ asks for each new connection over ZAP (https://rfc.zeromq.org/spec/27/); pyzmq's
authenticator speaks that, and the router's own loop runs it, without a thread.
"""

import itertools
from collections.abc import Callable
from typing import Final

import zmq
import zmq.auth
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from zchat.fabric.core.identities import may_connect
from zchat.fabric.keys import Allowed, fingerprint
from zchat.protocol import limits

_FAILED: Final = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL

Refused = Callable[[str, str, str], None]
"""Is told at which socket somebody was refused, who, and what else is known."""
_numbers = itertools.count()


class _Authenticator(zmq.auth.Authenticator):
    """Names the owner of a key as the User-Id of all that comes from it."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", admission: "Admission") -> None:
        super().__init__(context)
        self._admission = admission
        self.peer = ""

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        self.peer = msg[3].decode(errors="replace") if len(msg) > 3 else ""
        await super().handle_zap_message(msg)

    def curve_user_id(self, client_public_key: bytes) -> str:
        return self._admission.allowed.name_of(z85.encode(client_public_key)) or ""

    def _send_zap_reply(
        self, request_id: bytes, status_code: bytes, status_text: bytes, user_id: str = ""
    ) -> None:
        # After "400: never" a socket does not try again for as long as its process lives; after
        # "300: not now" it does when its handshake has timed out, by when its key may be allowed.
        if status_code == b"400":
            status_code = b"300"
        super()._send_zap_reply(request_id, status_code, status_text, user_id)


class Admission:
    """Answers ZeroMQ's questions; begins before the first socket binds, and ends after the last."""

    def __init__(
        self, context: "zmq.Context[zmq.Socket[bytes]]", allowed: Allowed, refused: Refused
    ) -> None:
        self.allowed = allowed
        self._refused = refused
        self._authenticator = _Authenticator(context, self)
        self._authenticator.start()

    @property
    def questions(self) -> "zmq.Socket[bytes]":
        """Readable when somebody wants to connect."""
        return self._authenticator.zap_socket

    def guard(self, domain: str) -> None:
        """Makes ready for the connections to a socket of this name."""
        self._authenticator.configure_curve_callback(domain, self)

    def answer(self) -> None:
        """Decides on those who wait, up to a beat's bound: a flood of them holds up nobody else."""
        for _ in range(limits.BEAT_ENVELOPES_MAX):
            try:
                question = self.questions.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            # It would wait for a callback that waits, and ours does not.
            deciding = self._authenticator.handle_zap_message(question)
            try:
                deciding.send(None)
            except StopIteration:
                continue
            raise AssertionError("the authenticator waits")

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the owner of this key may connect there; the authenticator asks."""
        name = self.allowed.name_of(key)
        if name is not None and may_connect(domain, name):
            return True
        self._refused(
            domain,
            name or "an unknown key",
            f"key {fingerprint(key)} from {self._authenticator.peer}",
        )
        return False


class Strangers:
    """Hears of connections that fail before any key is known: no keys, or not for this router."""

    def __init__(
        self, context: "zmq.Context[zmq.Socket[bytes]]", socket: "zmq.Socket[bytes]", domain: str
    ) -> None:
        endpoint = f"inproc://strangers-{next(_numbers)}"
        socket.monitor(endpoint, _FAILED)
        self.news = context.socket(zmq.PAIR)
        self.news.linger = 0
        # With a mark, ZeroMQ would wait for us in the thread that serves all connections.
        self.news.setsockopt(zmq.RCVHWM, 0)
        self.news.connect(endpoint)
        self._domain = domain

    def hear(self, refused: Refused) -> None:
        """Tells of those that have failed since the last time, up to a beat's bound."""
        for _ in range(limits.BEAT_ENVELOPES_MAX):
            try:
                frames = self.news.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if parse_monitor_message(frames)["event"] & _FAILED:
                refused(self._domain, "somebody", "no key, or not for this router")

    def close(self) -> None:
        self.news.close()
