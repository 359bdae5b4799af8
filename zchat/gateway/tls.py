"""TLS for clients: the certificate, read again while the gateway runs, and who shakes hands."""

import asyncio
import ctypes
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from zchat.protocol import limits
from zchat.protocol.networks import network_of
from zchat.rates import Rate, Samples

_BACKLOG: Final = 1024
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


class TlsDoor:
    """Accepts clients on a port that other gateways share, and shakes hands with them.

    Not left to asyncio, which would take in any number of clients that never finish a handshake.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: Callable[[], asyncio.Protocol],
        context: ssl.SSLContext,
        count_here: Callable[[], int],
    ) -> None:
        self.context = context
        """New connections use it; it may be replaced."""
        self._loop = loop
        self._protocol = protocol
        self._listening: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._shaking: dict[str, int] = {}
        """How many of them each address has."""
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
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind(address)
            except OSError as error:
                why = f"cannot listen on {host}:{port}: {error.strerror}"
                raise OSError(error.errno, why) from None
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
        for handshake in self._handshakes:
            handshake.cancel()

    def _accept(self, listener: socket.socket) -> None:
        while self._accepting:
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
            where = network_of(peer[0])
            if self._shaking.get(where, 0) >= limits.TLS_HANDSHAKES_PER_ADDRESS_MAX:
                connection.close()
                continue
            self._shaking[where] = self._shaking.get(where, 0) + 1
            connection.setblocking(False)
            handshake = self._loop.create_task(self._shake_hands(connection, where))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._hands_shaken)
            if len(self._handshakes) >= limits.TLS_HANDSHAKES_MAX:
                self._pause()

    async def _shake_hands(self, connection: socket.socket, where: str) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self.context,
                ssl_handshake_timeout=limits.TLS_HANDSHAKE_TIMEOUT_S,
                ssl_shutdown_timeout=limits.CLOSING_TIMEOUT_S,
            )
        except OSError as error:
            # Whoever speaks no TLS, or an older one, or thinks better of it.
            held = self._failures.admit("handshake", self._loop.time())
            if held is not None:
                more = f", and {held} others before" if held else ""
                _log.info("a handshake with %s failed: %s%s", where, _why(error), more)
        finally:
            self._shaking[where] -= 1
            if not self._shaking[where]:
                del self._shaking[where]

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

    def _hands_shaken(self, handshake: asyncio.Task[None]) -> None:
        self._handshakes.discard(handshake)
        if not handshake.cancelled():
            handshake.result()
        if len(self._handshakes) < limits.TLS_HANDSHAKES_MAX:
            self.open()


def _why(error: OSError) -> str:
    """In words of OpenSSL's own, which hold nothing of what the client sent."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").lower().replace("_", " ")
    return error.strerror or "it ended early"
