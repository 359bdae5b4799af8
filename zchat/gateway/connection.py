"""One client's TCP connection: frames in, joined writes out, and back-pressure both ways."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from zchat.gateway.core.flow_control import Arrival
from zchat.gateway.core.loop import Traffic
from zchat.gateway.core.session import Once, Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import FrameReader, ProtocolError

_joined: Final[Callable[[list[bytes]], bytes]] = b"".join


class Inside(Protocol):
    """What a door opens to."""

    traffic: Traffic

    def arrived(self, address: str) -> Arrival: ...
    def knocked(self, address: str) -> Arrival | None: ...
    def pushed_out(self, arrival: Arrival) -> None: ...
    def departed(self, arrival: Arrival) -> None: ...
    def connected(self, connection: "ClientConnection", arrival: Arrival) -> Session: ...
    def received(self, session: Session, frames: list[bytes]) -> None: ...
    def refused(self, session: Session, error: ProtocolError) -> None: ...
    def blocked(self, session: Session) -> None: ...
    def drained(self, session: Session) -> None: ...
    def disconnected(self, session: Session) -> None: ...


class ClientConnection(asyncio.Protocol):
    """One client, with or without TLS: cuts frames, writes what there is, knows who is slow.

    This is what a client of our own has. Another kind of connection differs in what its bytes mean,
    and in nothing else.
    """

    __slots__ = ("_inside", "_reader", "_reading", "_transport", "_writable", "arrival", "session")

    def __init__(self, inside: Inside, arrival: Arrival | None = None) -> None:
        self._inside = inside
        self.arrival = arrival
        """Counted already, by who accepted it; None from when it is the session's."""
        self._transport: asyncio.Transport | None = None
        """None before the connection is made and after it is lost."""
        self._reader: FrameReader | None = None
        """Only while a frame is incomplete: most connections are idle."""
        self._reading = True
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        # Past it `pause_writing` is called: what a slow reader costs here is bounded by this.
        self._transport.set_write_buffer_limits(high=limits.WRITE_BUFFER_BYTES_MAX)
        self._inside.traffic.connections += 1
        if transport.get_extra_info("sslcontext") is not None:
            # Under TLS pausing stops only what is decrypted.
            cast(Any, transport).set_read_buffer_limits(high=limits.TLS_READ_BUFFER_BYTES_MAX)
        arrival, self.arrival = self.arrival, None
        if arrival is None:
            # None for a client that is gone already.
            peer = transport.get_extra_info("peername")
            arrival = self._inside.arrived(peer[0] if peer else "")
        self.session = self._inside.connected(self, arrival)

    def hand_over(self, other: "ClientConnection") -> None:
        """From here on the other one has the client and its session."""
        assert self._transport is not None
        other._transport, self._transport = self._transport, None
        other._reading, other._writable = self._reading, self._writable
        other.session = self.session
        other.session.goes_on_with(other)
        other._transport.set_protocol(other)

    def data_received(self, data: bytes) -> None:
        self._inside.traffic.in_bytes += len(data)
        self._take(data)
        # Not only after this turn, which may take in some megabytes before it ends.
        self._adjust_reading()

    def _take(self, data: bytes) -> None:
        """The next bytes of messages."""
        reader = self._reader or FrameReader()
        try:
            frames = reader.feed(data)
            self._reader = reader if reader.incomplete else None
        except ProtocolError as error:
            self._inside.refused(self.session, error)
        else:
            self._inside.traffic.in_frames += len(frames)
            self._inside.received(self.session, self._taken(frames))

    def _taken(self, frames: list[bytes]) -> list[bytes]:
        """Whole messages, as the session is to have them."""
        return frames

    def connection_lost(self, exc: Exception | None) -> None:
        # Session and connection know each other, so that they stay until the garbage collector
        # comes by; a reader, or what TLS needs, is a hundred times their size.
        self._reader = None
        self._transport = None
        self._inside.disconnected(self.session)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to; its logs wait for it."""
        self._writable = False
        self._inside.blocked(self.session)
        self._adjust_reading()

    def resume_writing(self) -> None:
        self._writable = True
        self._adjust_reading()
        self._inside.drained(self.session)

    @property
    def unsent_bytes(self) -> int:
        """What was written and the network has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def flush(self, out: list[bytes], once: Once) -> int:
        """Writes this, as one; then ends or pauses the connection as the session says.

        Returns how many bytes that was.
        """
        session, transport = self.session, self._transport
        written_bytes = 0
        if transport is None:
            return written_bytes
        if out and not transport.is_closing():
            data = self._as_written(out, once)
            transport.write(data)
            written_bytes = len(data)
            traffic = self._inside.traffic
            traffic.out_bytes += written_bytes
            traffic.out_frames += len(out)
        if session.state is SessionState.CLOSING:
            self._close(transport)
        elif session.state is SessionState.CUT:
            transport.abort()
        else:
            self._adjust_reading()
        return written_bytes

    def _as_written(self, out: list[bytes], once: Once) -> bytes:
        return out[0] if len(out) == 1 else once(_joined, out)

    def _close(self, transport: asyncio.Transport) -> None:
        """The session is over, and what it had to say is written."""
        transport.close()

    def _adjust_reading(self) -> None:
        # Who does not read is not read from: its answers would pile up here.
        session, transport = self.session, self._transport
        reading = self._writable and session.backlog is None and session.open
        if reading is not self._reading and transport is not None and not transport.is_closing():
            self._reading = reading
            if reading:
                transport.resume_reading()
            else:
                transport.pause_reading()
