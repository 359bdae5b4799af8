"""TLS for clients: the certificate, read again while the gateway runs, and who shakes hands."""

import asyncio
import ctypes
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from zchat.gateway.connection import ClientConnection, Inside
from zchat.gateway.core.flow_control import Arrival
from zchat.gateway.core.handshakes import Handshakes
from zchat.gateway.doors import Doors
from zchat.protocol import limits
from zchat.runtime.core.rate_limit import Rate, Samples

_BACKLOG: Final = 1024
_TLS_HANDSHAKE: Final = b"\x16"
"""The kind of record that TLS begins with (RFC 8446, 5.1)."""
_ACCEPT_AGAIN_S: Final = 0.5
"""After a failure to accept, such as for want of files."""
_TRIM_INTERVAL_S: Final = 30.0
_TRIM_AFTER: Final = 100
"""So many connections that have gone leave enough behind to look for it."""
_log = logging.getLogger("zchat.gateway")


class CertificateError(ValueError):
    """The certificate cannot be used; the text says why, and names the file."""


def load_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with this certificate. Raises `CertificateError`; one that is expired is told."""
    for path in (certificate, key):
        try:
            path.read_bytes()
        except OSError as error:
            raise CertificateError(f"cannot read {path}: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Nobody resumes: a ticket is work and memory for each of many connections that stay.
    context.num_tickets = 0
    # Browsers ask for HTTP/2 besides, which is not spoken here; our own clients ask for nothing.
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(f"{key} is not the key of {certificate}") from None
        why = f"{certificate} and {key} are no certificate and key in PEM"
        raise CertificateError(f"{why} ({error.reason or 'unknown'})") from None
    except _Encrypted:
        raise CertificateError(f"{key} has a password; give one that has none") from None
    if not _is_valid_now(context, certificate):
        _log.warning("the certificate %s is expired, or not valid yet", certificate)
    return context


class _Encrypted(Exception):
    pass


def _no_password() -> str:
    raise _Encrypted


def _is_valid_now(server: ssl.SSLContext, certificate: Path) -> bool:
    """Greets itself: Python tells the dates of a certificate only to whom that has convinced."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    near, far = client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)
    for side in (near, far, near):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_code not in (_NOT_YET_VALID, _EXPIRED)
    return True


_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10


class _Knock:
    """A client that is not in yet: silent at first, then amid its handshake."""

    __slots__ = ("arrival", "patience", "shaking", "socket")

    def __init__(self, socket: socket.socket, arrival: Arrival) -> None:
        self.socket = socket
        self.arrival = arrival
        self.patience: asyncio.TimerHandle | None = None
        """Runs out if nothing is said; None once something is."""
        self.shaking: asyncio.Task[Any] | None = None


class TlsDoor:
    """Accepts clients on a port that other gateways share, and shakes hands with them.

    Not left to asyncio, which would take in any number of clients that never finish a handshake.
    Here they are counted as they come in, and for one too many another one must go.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        inside: Inside,
        context: ssl.SSLContext,
        handshakes_max: int,
        count_here: Callable[[], int],
        doors: Doors | None = None,
    ) -> None:
        self.context = context
        """New connections use it; it may be replaced."""
        self._loop = loop
        self._inside = inside
        self._doors = doors or Doors()
        self._listening: list[socket.socket] = []
        self._knocks: set[_Knock] = set()
        self._handshakes = Handshakes[_Knock](
            handshakes_max, limits.TLS_HANDSHAKES_PER_ADDRESS_MAX, limits.TLS_HANDSHAKE_CHANCE_S
        )
        self._failures = Samples(Rate(limits.WARNINGS_BURST, limits.WARNINGS_PER_S), 1)
        self._accepting = False
        self._closed = False
        self._count_here = count_here
        """How many clients are here now."""
        self._accepted = 0
        self._gone_at_trim = 0
        loop.call_later(_TRIM_INTERVAL_S, self._give_memory_back)

    async def listen(self, host: str, port: int) -> None:
        """Raises `OSError`."""
        infos = await self._loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in dict.fromkeys(infos):
            listener = socket.socket(family, kind, protocol)
            self._listening.append(listener)
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # All gateways of a host share their ports; the kernel spreads the clients.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                # IPv4 has a socket of its own, which could not be bound beside one for both.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)

    def open(self) -> None:
        if self._accepting or self._closed:
            return
        self._accepting = True
        for listener in self._listening:
            self._loop.add_reader(listener, self._accept, listener)

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            for listener in self._listening:
                self._loop.remove_reader(listener)

    def close(self) -> None:
        """Takes nobody any more; who is here stays."""
        self._pause()
        self._closed = True
        for listener in self._listening:
            listener.close()
        for knock in list(self._knocks):
            self._send_away(knock)

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(limits.ACCEPTS_MAX):
            if wait_s := self._handshakes.wait_s(self._loop.time()):
                self._pause()
                self._loop.call_later(wait_s, self.open)
                return
            try:
                connection, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.warning("cannot accept clients: %s", error.strerror)
                self._pause()
                self._loop.call_later(_ACCEPT_AGAIN_S, self.open)
                return
            self._accepted += 1
            arrival = self._inside.knocked(peer[0])
            if arrival is None:
                connection.close()
            else:
                self._let_knock(_Knock(connection, arrival))

    # --- Clients that are not in yet ----------------------------------------------------------

    def _let_knock(self, knock: _Knock) -> None:
        self._knocks.add(knock)
        if pushed_out := self._handshakes.begin(knock, knock.arrival.network, self._loop.time()):
            self._inside.pushed_out(pushed_out.arrival)
            self._send_away(pushed_out)
        # Who says nothing costs a file, and not the tens of KiB that TLS needs.
        knock.socket.setblocking(False)
        self._loop.add_reader(knock.socket, self._heard, knock)
        knock.patience = self._loop.call_later(
            limits.TLS_SILENCE_TIMEOUT_S, self._out_of_patience, knock
        )

    def _heard(self, knock: _Knock) -> None:
        self._stop_listening_to(knock)
        try:
            first = knock.socket.recv(1, socket.MSG_PEEK)
        except OSError:
            first = b""
        if first != _TLS_HANDSHAKE:
            self._failed(knock, "no tls" if first else "it ended early")
            self._gone(knock)
            return
        connection = self._doors.connection(self._inside, knock.arrival)
        knock.shaking = self._loop.create_task(self._shake_hands(knock, connection))
        knock.shaking.add_done_callback(partial(self._hands_shaken, knock, connection))

    def _out_of_patience(self, knock: _Knock) -> None:
        self._failed(knock, "it said nothing")
        self._send_away(knock)

    def _send_away(self, knock: _Knock) -> None:
        if knock.shaking is not None:
            knock.shaking.cancel()
        else:
            self._stop_listening_to(knock)
            self._gone(knock)

    def _stop_listening_to(self, knock: _Knock) -> None:
        if knock.patience is not None:
            knock.patience.cancel()
            knock.patience = None
            self._loop.remove_reader(knock.socket)

    async def _shake_hands(self, knock: _Knock, connection: ClientConnection) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                knock.socket,
                ssl=self.context,
                ssl_handshake_timeout=limits.TLS_HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=limits.CLOSING_TIMEOUT_S,
            )
        except OSError as error:
            # Whoever speaks no TLS, or an older one, or thinks better of it.
            self._failed(knock, _why(error))

    def _hands_shaken(
        self, knock: _Knock, connection: ClientConnection, shaking: asyncio.Task[None]
    ) -> None:
        if connection.arrival is None:
            # The session has it now.
            self._over(knock)
        else:
            # Also if the handshake was ended before it had begun.
            self._gone(knock)
        if not shaking.cancelled():
            shaking.result()

    def _over(self, knock: _Knock) -> None:
        self._knocks.discard(knock)
        self._handshakes.end(knock)
        # There may be a place again.
        self.open()

    def _gone(self, knock: _Knock) -> None:
        self._over(knock)
        self._inside.departed(knock.arrival)
        knock.socket.close()

    def _failed(self, knock: _Knock, why: str) -> None:
        held = self._failures.admit("handshake", self._loop.time())
        if held is not None:
            more = f", and {held} others before" if held else ""
            _log.info("a handshake with %s failed: %s%s", knock.arrival.network, why, more)

    def _give_memory_back(self) -> None:
        """glibc keeps 10 KiB and more of each connection that has gone, unless it is asked."""
        if self._closed:
            return
        gone = self._accepted - self._count_here()
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None and gone - self._gone_at_trim >= _TRIM_AFTER:
            self._gone_at_trim = gone
            trim(0)
        self._loop.call_later(_TRIM_INTERVAL_S, self._give_memory_back)


def _why(error: OSError) -> str:
    """In words of OpenSSL's own, which hold nothing of what the client sent."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").lower().replace("_", " ")
    return error.strerror or "it ended early"
