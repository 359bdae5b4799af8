"""Asks the services of a running cluster what they know, over the fabric."""

import getpass
import time
from collections.abc import Iterator, Sequence

from msgspec import Raw

from zchat.admin.telling import NoAnswer
from zchat.fabric import sockets
from zchat.fabric.identities import admin_name
from zchat.protocol import limits
from zchat.protocol.cluster import LogPage, ReadLog, Stamped
from zchat.protocol.codec import Decoder, FrameReader, encode
from zchat.protocol.messages import Entry, Message, Standing
from zchat.settings import Settings

_answers = Decoder(list[bytes])
_pages = Decoder(LogPage)
_entries = Decoder(Entry)


class Reader:
    """To be used as a context; its socket is kept from one question to the next."""

    def __init__(self, settings: Settings) -> None:
        self._context = sockets.open_context(settings, admin_name(getpass.getuser()))
        self._endpoints = settings.endpoints

    def __enter__(self) -> "Reader":
        context = self._context.__enter__()
        self._socket = sockets.query_socket(context, self._endpoints)
        self._waiter = sockets.Waiter(self._socket)
        return self

    def __exit__(self, *exception: object) -> None:
        self._context.__exit__(None, None, None)

    def ask(self, address: str, query: Message, user: str = "") -> bytes:
        """The answer of the service at the address, or what it would tell `user`.

        Raises `NoAnswer`.
        """
        stamped = encode(Stamped(0, user, Raw(encode(query)), Standing.OPERATOR))
        deadline = time.monotonic() + limits.QUERY_TIMEOUT_S
        while time.monotonic() < deadline:
            asked = sockets.try_send(self._socket, [address.encode(), encode([stamped])])
            # Nobody is connected yet, or nobody answers: it is asked again.
            wait_s = limits.QUERY_RESEND_INTERVAL_S if asked else limits.CONNECT_RETRY_S
            self._waiter.wait(wait_s)
            for body, *_ in sockets.receive_waiting(self._socket):
                answers = _answers.decode(body) if body else []
                if answers and answers[0]:
                    return answers[0]
        raise NoAnswer

    def entries(self, address: str, log: str) -> Iterator[Entry]:
        """All that there is of a log, oldest first, up to where it ends by then."""
        cursor = 0
        while True:
            page = _pages.decode(self.ask(address, ReadLog(log, cursor)))
            yield from map(_entries.decode, _cut(page.frames))
            if page.last >= page.head or page.last <= cursor:
                return
            cursor = page.last


def _cut(frames: bytes) -> Sequence[bytes]:
    return FrameReader(max(len(frames), 1)).feed(frames)
