"""Reads a ZeroMQ socket from an asyncio loop without missing its edge.

The socket's file descriptor is edge-triggered: it tells once that something waits, and any send by
it may swallow that. So a pump reads until nothing waits, and looks again after a turn in which it
has sent.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import zmq

from zchat.fabric.sockets import Socket, receive_waiting, try_send

_READABLE: Final = int(zmq.POLLIN)
"""As a number, since what comes of two of these enumerations is looked up for each time."""


class Pump:
    """Hands every envelope that comes in at `socket` to `receive`, and misses none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket: Socket,
        receive: Callable[[list[bytes]], None],
        frames_min: int,
    ) -> None:
        self._loop = loop
        self._socket = socket
        self._receive = receive
        self._frames_min = frames_min
        self._scheduled = False
        self._closed = False
        self._has_sent = False
        loop.add_reader(socket.FD, self._read)

    def send(self, frames: Sequence[bytes]) -> bool:
        """As `try_send`; `check` is to be called soon."""
        self._has_sent = True
        return try_send(self._socket, frames)

    def check(self) -> None:
        """To be called after sends: reads on soon if something waits."""
        if self._has_sent:
            # Asked only then: it takes two system calls, and most turns send by one socket of many.
            self._has_sent = False
            self._look()

    def _look(self) -> None:
        if not self._scheduled and int(self._socket.getsockopt(zmq.EVENTS)) & _READABLE:
            self._scheduled = True
            self._loop.call_soon(self._read)

    def close(self) -> None:
        """The socket may be closed then, whatever is scheduled."""
        self._closed = True
        self._loop.remove_reader(self._socket.FD)

    def _read(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        for frames in receive_waiting(self._socket, self._frames_min):
            self._receive(frames)
        self._look()
