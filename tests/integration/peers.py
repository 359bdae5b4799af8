"""Peers of a router that are nothing but a socket, with a key that may be anybody's."""

import time
from collections.abc import Callable
from typing import Final

from testbed.cluster import DEADLINE_S
from zchat.fabric import sockets

LOOK_AGAIN_S: Final = 0.02


class Peer:
    def __init__(self, socket: sockets.Socket) -> None:
        self.socket = socket

    def say(self, *frames: bytes) -> None:
        sockets.try_send(self.socket, frames)

    def hears(self) -> list[list[bytes]]:
        return list(sockets.receive_waiting(self.socket))

    def is_heard(self) -> bool:
        """Whether the router answers a heartbeat by now."""
        self.say(b"", b"")
        return bool(self.hears())


def until(condition: Callable[[], object], why: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(LOOK_AGAIN_S)


def refused_while(log: Callable[[], str], peer: Peer, line: str) -> None:
    """It tries for so long that the router's log tells of it, and gets no answer."""

    def told() -> bool:
        assert not peer.is_heard()
        return line in log()

    until(told, lambda: f"no {line!r} in\n{log()}")
