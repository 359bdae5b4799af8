"""The doors of a gateway. They share one port, and a client's first byte says which it has come to.

What the web door shows is read here, too: the page, as it was built, and compressed beside that.
"""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from zchat.gateway.connection import ClientConnection, Inside
from zchat.gateway.core.flow_control import Arrival
from zchat.gateway.core.session import Once, SessionState
from zchat.gateway.core.web import Site, WebFile, is_http
from zchat.gateway.web_connection import WebConnection
from zchat.protocol import limits

_FOLDER: Final = Path(__file__).with_name("web")
_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}
"""What has another suffix is not served."""
_CODINGS: Final = {"br": ".br", "gzip": ".gz"}


class Doors:
    """What a client may speak here: the protocol alone or, with a site, HTTP besides."""

    def __init__(
        self, site: Site | None = None, refused_silent_max: int = limits.REFUSED_SILENT_MAX
    ) -> None:
        self._site = site
        self.refused_silent_max = refused_silent_max
        self.waiting = 0
        """Clients that must go, and have not said what they speak."""

    def connection(self, inside: Inside, arrival: Arrival | None = None) -> ClientConnection:
        """For whoever comes now."""
        if self._site is None:
            return ClientConnection(inside, arrival)
        return Threshold(self, inside, arrival)

    def behind(self, first: int) -> Callable[[Inside], ClientConnection]:
        """Where a client goes on that begins with this byte."""
        if self._site is not None and is_http(first):
            return partial(WebConnection, self._site)
        return ClientConnection


class Threshold(ClientConnection):
    """A client that has said nothing yet. What it must be told before it does is told natively.

    One that is refused already is waited for, shortly, to be refused in what it speaks.
    """

    __slots__ = ("_doors", "_patience", "_refusal")

    def __init__(self, doors: Doors, inside: Inside, arrival: Arrival | None) -> None:
        super().__init__(inside, arrival)
        self._doors = doors
        self._refusal: list[bytes] = []
        self._patience: asyncio.TimerHandle | None = None
        """Runs out while there is a refusal to tell."""

    def data_received(self, data: bytes) -> None:
        connection = self._doors.behind(data[0])(self._inside)
        self.hand_over(connection)
        if self._patience is None:
            connection.data_received(data)
        else:
            self._stop_waiting()
            connection.flush(self._refusal, _each)

    def flush(self, out: list[bytes], once: Once) -> int:
        if self.session.state is SessionState.CLOSING:
            if self._patience is not None:
                return 0
            if self._doors.waiting < self._doors.refused_silent_max:
                self._doors.waiting += 1
                self._refusal = out
                self._patience = asyncio.get_running_loop().call_later(
                    limits.REFUSED_SILENCE_TIMEOUT_S, self._out_of_patience
                )
                return 0
        return super().flush(out, once)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._stop_waiting()
        super().connection_lost(exc)

    def _out_of_patience(self) -> None:
        self._stop_waiting()
        super().flush(self._refusal, _each)

    def _stop_waiting(self) -> None:
        assert self._patience is not None
        self._patience.cancel()
        self._patience = None
        self._doors.waiting -= 1


def _each(form: Callable[[list[bytes]], bytes], out: list[bytes]) -> bytes:
    return form(out)


def read_files(folder: Path = _FOLDER) -> dict[str, WebFile]:
    """By path; none if there is no folder, as in a clone in which nothing was built."""
    files = {}
    for path in sorted(folder.glob("*")):
        kind = _KINDS.get(path.suffix)
        if kind is None or not path.is_file():
            continue
        whole = path.read_bytes()
        variants = {"": whole}
        for coding, suffix in _CODINGS.items():
            compressed = path.with_name(path.name + suffix)
            if compressed.is_file():
                variants[coding] = compressed.read_bytes()
        # Of all of them: whoever has the one of an older build must not take it for this one.
        tag = hashlib.sha256(b"".join(variants.values())).hexdigest()[:20]
        files[f"/{path.name}"] = WebFile(kind, variants, tag)
    if "/index.html" in files:
        files["/"] = files["/index.html"]
    return files
