"""Whether a server is the one it says: by its certificate, or by its key if that is pinned."""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from zchat.client.core.key_pins import parse_pin, parse_servers, pin_of, written
from zchat.client.files import config_folder, locked
from zchat.runtime import options
from zchat.runtime.durable_files import write_whole
from zchat.runtime.options import Address

MODES: Final = ("auto", "on", "off")
_SELF_SIGNED: Final = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for a certificate that leads to no authority known here."""
_EXPLANATIONS: Final = {
    9: "its certificate is not valid yet; is the clock of this machine right?",
    10: "its certificate is expired; tell whoever runs it",
    62: "its certificate is for other names; is this the address that it is meant for?",
    64: "its certificate is for other names; is this the address that it is meant for?",
}
_ENDED_EARLY: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""The connection broke during the handshake, which says nothing about the next one."""


class UntrustedServerError(ConnectionError):
    """The server cannot be believed to be the one that is meant; nothing was said to it."""


class UnknownServerError(UntrustedServerError):
    """Nobody vouches for the server's key, which is not known here."""

    def __init__(self, address: str, pin: str) -> None:
        super().__init__(
            f"the server {address} is not known here, and no authority vouches for it; its key is "
            f"{pin}. If that is what its operator says, give --tls-pin {pin}"
        )
        self.address = address
        self.pin = pin


class ChangedServerError(UntrustedServerError):
    """The server's key is not the one that is pinned."""

    def __init__(self, address: str, known: str, found: str, where: str) -> None:
        super().__init__(
            f"STOP: THE KEY OF {address} HAS CHANGED. Either its operator has made a new one, or "
            f"somebody is between you and the server and would read all that you say, your "
            f"password too. Nothing was sent. Known: {known}. Found: {found}. Ask the operator, by "
            f"another way than this; if the new key is right, {where}."
        )


@dataclass(frozen=True, slots=True)
class Tls:
    """How a client wants its servers to prove who they are.

    `mode` auto is TLS for all but loopback addresses. `pins` are the only keys to accept, if there
    are any. `servers` is the file of keys that were accepted, None for that of the user.
    """

    mode: str = "auto"
    ca: Path | None = None
    pins: tuple[str, ...] = ()
    trust_new: bool = False
    servers: Path | None = field(default=None)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"{self.mode!r} is no mode of TLS; give one of {', '.join(MODES)}")
        object.__setattr__(self, "pins", tuple(map(parse_pin, self.pins)))

    def applies_to(self, host: str) -> bool:
        return self.mode == "on" or (self.mode == "auto" and not options.is_loopback(host))


AUTOMATIC: Final = Tls()


class Attempt:
    """One connection to one server: the context to connect with, and a look at what came of it."""

    def __init__(self, tls: Tls, host: str, port: int, *, peek: bool = False) -> None:
        self._tls = tls
        self._address = str(Address(host, port)).lower()
        self._known: str | None = None
        self._peek = peek
        self.context: ssl.SSLContext | None = None
        if tls.applies_to(host):
            self._known = KnownServers(tls.servers).pin_of(self._address)
            self.context = self._context()

    @property
    def _by_key(self) -> bool:
        return bool(self._tls.pins or self._known or self._peek)

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._tls.ca)
        except OSError as error:
            why = error.strerror or "it holds no certificates in PEM"
            raise UntrustedServerError(
                f"cannot read authorities from {self._tls.ca}: {why}"
            ) from None
        # Gateways speak nothing older (docs/adr/0014-tls-and-pinned-keys.md).
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if self._by_key:
            # The key says more than anybody who vouches for it; `check` looks at it.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def check(self, transport: asyncio.BaseTransport) -> None:
        """To be called before anything is said. Raises `UntrustedServerError`."""
        if self.context is None or not self._by_key:
            return
        certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        try:
            pin = pin_of(certificate or b"")
        except ValueError:
            raise UntrustedServerError(f"{self._address}: its certificate is none") from None
        if self._tls.pins:
            if pin not in self._tls.pins:
                how = f"give --tls-pin {pin}"
                raise ChangedServerError(self._address, " or ".join(self._tls.pins), pin, how)
        elif self._known:
            if pin != self._known:
                file = KnownServers(self._tls.servers).path
                how = f"take {self._address} out of {file} and connect again"
                raise ChangedServerError(self._address, self._known, pin, how)
        elif self._tls.trust_new:
            KnownServers(self._tls.servers).add(self._address, pin)
        else:
            raise UnknownServerError(self._address, pin)

    def wants_peek(self, error: Exception) -> bool:
        """Nobody vouches for the key, and somebody may decide to: it is to be looked at."""
        return (
            isinstance(error, ssl.SSLCertVerificationError)
            and error.verify_code in _SELF_SIGNED
            and self._tls.ca is None
        )

    def explain(self, error: ssl.SSLError) -> UntrustedServerError | None:
        """Why it is of no use to try this again; None if it may be."""
        if isinstance(error, ssl.SSLCertVerificationError):
            why = _EXPLANATIONS.get(error.verify_code)
            if why is None and error.verify_code in _SELF_SIGNED:
                why = f"its certificate is of no authority in {self._tls.ca}"
            why = why or f"its certificate is not valid: {error.verify_message}"
        elif isinstance(error, _ENDED_EARLY):
            return None
        else:
            why = f"it does not speak TLS 1.3 ({error.reason or error}); --tls off is without TLS"
        return UntrustedServerError(f"{self._address}: {why}")


class KnownServers:
    """The file in which accepted keys are kept."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / "servers"

    def _read(self) -> dict[str, str]:
        """Raises `UntrustedServerError`: the key that counts may be in a file that is broken."""
        try:
            return parse_servers(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise UntrustedServerError(
                f"cannot read the known servers in {self.path}: {why}"
            ) from None

    def pin_of(self, address: str) -> str | None:
        return self._read().get(address)

    def add(self, address: str, pin: str) -> None:
        """Raises `UntrustedServerError` if it cannot be kept."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.path):
                servers = self._read()
                servers.pop(address, None)
                servers[address] = pin
                write_whole(self.path, written(servers))
        except UntrustedServerError:
            raise  # What is there cannot be read, and is left as it is.
        except OSError as error:
            why = f"cannot keep the key of {address} in {self.path}: {error.strerror}"
            raise UntrustedServerError(why) from None
