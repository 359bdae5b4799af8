"""The way of a client by the web door: it speaks as ever, and what arrives is a browser's.

So the same clients and the same checkers serve for both doors, and what they cannot see is tried
too: the token of each login is left out, and the cookie has to stand for it.
"""

from typing import Any

import msgpack

from testbed.web_socket import WebSocket
from zchat.protocol.codec import FrameReader


class Browser:
    """What is kept from one connection to the next: the cookie, and nothing else."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.cookie = ""
        self.cookies: set[str] = set()
        """All that it was ever given; one, if all is well."""

    def open(self) -> "Page":
        return Page(self, WebSocket(self._host, cookie=self.cookie))

    def keep(self, cookie: str) -> None:
        self.cookie = cookie
        self.cookies.add(cookie)


class Page:
    """One connection: what either end says, and what the other one is to hear of it."""

    def __init__(self, browser: Browser, socket: WebSocket) -> None:
        self._browser = browser
        self._socket = socket
        self._reader = FrameReader()
        self._waiting = b""
        """Said by the client before there is a socket."""
        self.to_gateway = socket.handshake()
        """What is to be written there now."""
        self.refused = False

    def said_by_client(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            self._waiting += _without_token(frame)
        self._send()

    def said_by_gateway(self, data: bytes) -> bytes:
        """What the client is to hear."""
        before = self._socket.status
        heard = self._socket.received(data)
        if not before and self._socket.status:
            self.refused = self._socket.status != 101
            if not self.refused:
                self._browser.keep(self._socket.cookie)
            self._send()
        self.to_gateway += self._socket.replies
        return heard

    def take(self) -> bytes:
        taken, self.to_gateway = self.to_gateway, b""
        return taken

    def _send(self) -> None:
        if self._waiting and self._socket.is_open:
            self.to_gateway += self._socket.framed(self._waiting)
            self._waiting = b""


def _without_token(frame: bytes) -> bytes:
    if b"log_in" not in frame:
        return frame
    message: dict[str, Any] = msgpack.unpackb(frame)
    if message["kind"] == "log_in":
        del message["token"]
    packed: bytes = msgpack.packb(message)
    return packed
