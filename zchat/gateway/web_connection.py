"""A browser's connection: requests for files, and then perhaps a socket, in whose frames the bytes
of the protocol come and go as they do without.
"""

import asyncio
import enum
import logging
import os
import re
from collections.abc import Iterable
from email.utils import formatdate
from typing import ClassVar, Final, cast

# The layer that does no I/O: what is read and written, and when, is ours.
from websockets import http11
from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.frames import CTRL_OPCODES, Close, CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from zchat.gateway.connection import ClientConnection, Inside
from zchat.gateway.core.cookies import with_token
from zchat.gateway.core.session import Once, SessionState
from zchat.gateway.core.web import (
    Opening,
    Response,
    Site,
    answer_by,
    answer_to,
    answer_to_garbage,
    refusal,
)
from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError
from zchat.protocol.messages import GoingAway, Refused

_words: Decoder[Refused | GoingAway] = Decoder(Refused | GoingAway)  # type: ignore[arg-type]
_log = logging.getLogger("zchat.gateway.websockets")
# It has a line for each connection that comes and goes.
_log.setLevel(logging.ERROR)
_END_OF_HEAD: Final = b"\r\n\r\n"


def _framed(out: list[bytes]) -> bytes:
    """As one message. A server does not mask, so that it is the same for all who get it."""
    return Frame(Opcode.BINARY, b"".join(out)).serialize(mask=False)


_GOODBYE: Final = Frame(Opcode.CLOSE, Close(CloseCode.NORMAL_CLOSURE, "").serialize()).serialize(
    mask=False
)


def request_in(head: bytes) -> Request | Response:
    """The request that has this head, or what is answered where there is none."""
    handshake = ServerProtocol(logger=_log)
    handshake.receive_data(head)
    events, trouble = handshake.events_received(), handshake.handshake_exc
    _let_go(handshake)
    match events:
        case [Request() as request]:
            return request
        case _:
            too_long = isinstance(trouble, HeaderLineTooLong | RequestLineTooLong | TooManyHeaders)
            return answer_to_garbage(head, too_long=too_long)


def handshake_for(request: Request) -> http11.Response:
    """The answer that opens a socket, or says what was wrong with the request."""
    handshake = ServerProtocol(logger=_log)
    response = handshake.accept(request)
    _let_go(handshake)
    return response


class Unframer:
    """The frames of a client's socket to what is in them: a stream, in which no message counts.

    A protocol weighs some kilobytes, and most reads end with a whole message. So all share a spare
    one, and one keeps its own only while a message is incomplete, as a `FrameReader` does.
    """

    __slots__ = ("_fed_bytes", "_protocol", "ended", "fault", "incomplete", "pieces", "replies")

    _spare: ClassVar[list[ServerProtocol]] = []

    def __init__(self) -> None:
        self._protocol: ServerProtocol | None = None
        self._fed_bytes = 0
        """Of what is not taken out yet."""
        self.incomplete = False
        self.pieces = 0
        """Frames in what was fed last."""
        self.replies: list[bytes] = []
        """What is to be written for that: pongs, or the end."""
        self.ended = False
        self.fault: str | None = None
        """What the client has done wrong, if that has ended it."""

    def feed(self, data: bytes) -> bytes:
        """What is in these bytes. Once it has `ended` feed no more."""
        self.replies = []
        protocol = self._protocol
        if protocol is None:
            protocol = self._spare.pop() if self._spare else _protocol()
        protocol.receive_data(data)
        payload = self._payload_of(protocol, len(data))
        if protocol.close_sent is not None:
            self._ended(protocol)
        else:
            self.replies = protocol.data_to_send()
            # It is at least as long as it would be if it were written as shortly as may be.
            self.incomplete = self._fed_bytes > 0 or protocol.current_size is not None
            self._protocol = protocol if self.incomplete else None
            if not self.incomplete:
                self._spare[:] = [protocol]
        return payload

    def fail(self, code: CloseCode, why: str) -> None:
        """Ends it, if it has not ended."""
        if not self.ended:
            protocol = self._protocol or _protocol()
            protocol.fail(code, why)
            self._ended(protocol)

    def _payload_of(self, protocol: ServerProtocol, fed_bytes: int) -> bytes:
        frames = cast(list[Frame], protocol.events_received())
        self.pieces = len(frames)
        self._fed_bytes += fed_bytes
        parts = []
        for frame in frames:
            self._fed_bytes -= _masked_bytes(len(frame.data))
            if frame.opcode is Opcode.TEXT:
                # Also if something worse came behind it, which nobody would have come to.
                self.fault = "messages here are binary"
                if protocol.close_sent is None:
                    protocol.fail(CloseCode.UNSUPPORTED_DATA, self.fault)
                break
            if frame.opcode not in CTRL_OPCODES:
                parts.append(frame.data)
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)

    def _ended(self, protocol: ServerProtocol) -> None:
        self.ended, self.incomplete, self._protocol = True, False, None
        self.replies += protocol.data_to_send()
        if self.fault is None and protocol.close_rcvd is None and protocol.close_sent is not None:
            self.fault = protocol.close_sent.reason
        _let_go(protocol)


def _protocol() -> ServerProtocol:
    return ServerProtocol(state=State.OPEN, max_size=limits.FRAME_BYTES_MAX, logger=_log)


def _let_go(protocol: ServerProtocol) -> None:
    """It and its parser know each other, and would stay until the garbage collector comes by."""
    protocol.parser.close()
    protocol.handshake_exc = protocol.parser_exc = None


def _masked_bytes(length: int) -> int:
    """How long a frame of a client is that holds so much; it may write its length in more bytes."""
    return length + 6 + (0 if length < 126 else 2 if length < 65_536 else 8)


class _Stage(enum.Enum):
    REQUESTS = enum.auto()
    SOCKET = enum.auto()
    ENDED = enum.auto()
    """The socket is closed, and nothing more is said."""


class WebConnection(ClientConnection):
    """One client that speaks HTTP. Its session is there from the beginning, and bounds it.

    The connection is kept for more requests: a page needs some, and each handshake of TLS costs
    more than an answer. Whoever asks slowly is ended by `HELLO_TIMEOUT_S`, like all who are not
    logged in by then.
    """

    __slots__ = ("_answers", "_heard", "_pieces", "_site", "_stage", "_token", "_unframer")

    def __init__(self, site: Site, inside: Inside) -> None:
        super().__init__(inside)
        self._site = site
        self._heard = b""
        """What is not answered yet, while there is no socket."""
        self._answers = 0
        self._stage = _Stage.REQUESTS
        self._unframer: Unframer | None = None
        """Only while a frame is incomplete."""
        self._pieces = 0
        """Frames since the last whole message."""
        self._token = b""
        """Empty until there is a socket."""

    def data_received(self, data: bytes) -> None:
        self._inside.traffic.in_bytes += len(data)
        if self._stage is _Stage.REQUESTS:
            self._heard += data
            self._answer_requests()
        else:
            self._unframe(data)
        self._adjust_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        # One answer at a time, or a few small requests would fill the memory with large answers.
        self._answer_requests()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._token:
            self._inside.traffic.web_sockets -= 1
        self._heard, self._unframer = b"", None
        super().connection_lost(exc)

    # --- Requests -----------------------------------------------------------------------------

    def _answer_requests(self) -> None:
        requests = _Stage.REQUESTS
        while self._heard and self._stage is requests and self._is_open and self._writable:
            end = self._heard.find(_END_OF_HEAD) + len(_END_OF_HEAD)
            if end < len(_END_OF_HEAD) or end > limits.HTTP_HEAD_BYTES_MAX:
                if len(self._heard) > limits.HTTP_HEAD_BYTES_MAX:
                    self._respond(answer_to_garbage(self._heard, too_long=True))
                return
            head, self._heard = self._heard[:end], self._heard[end:]
            self._answer(head)
        if self._stage is not requests and self._heard:
            begun, self._heard = self._heard, b""
            self._unframe(begun)

    @property
    def _is_open(self) -> bool:
        return (
            self.session.open and self._transport is not None and not self._transport.is_closing()
        )

    def _answer(self, head: bytes) -> None:
        request = request_in(head)
        if isinstance(request, Response):
            self._respond(request)
            return
        answer = answer_to(request, self._site, os.urandom(limits.TOKEN_BYTES))
        if isinstance(answer, Opening):
            self._open(request, answer)
        else:
            self._respond(answer, request)

    def _respond(self, response: Response, request: Request | None = None) -> None:
        """Without a request that made sense nobody knows where the next one begins."""
        if self._transport is None:
            return
        self._answers += 1
        close = request is None or not self._stays(request)
        bare = request is not None and request.method == "HEAD"
        self._write([response.serialize(formatdate(usegmt=True), close=close, bare=bare)])
        statuses, status = self._inside.traffic.http_responses, str(response.status)
        statuses[status] = statuses.get(status, 0) + 1
        if close:
            self._transport.close()
        elif self._answers == 1:
            asyncio.get_running_loop().call_later(limits.HTTP_KEPT_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        transport = self._transport
        if transport is not None and self._stage is _Stage.REQUESTS and not self._heard:
            transport.close()

    def _stays(self, request: Request) -> bool:
        wishes = ",".join(request.headers.get_all("Connection")).lower()
        return (
            request.protocol == "HTTP/1.1"
            and re.search(r"(^|[ ,])close([ ,]|$)", wishes) is None
            and self._answers < limits.HTTP_REQUESTS_MAX
        )

    def _open(self, request: Request, opening: Opening) -> None:
        response = handshake_for(request)
        if response.status_code != 101:
            why = bytes(response.body).decode().partition("\n")[0].rstrip(".")
            self._respond(refusal(response.status_code, why), request)
            return
        response.headers["Set-Cookie"] = opening.cookie
        self._write([response.serialize()])
        self._token = opening.token
        self._stage = _Stage.SOCKET
        self._inside.traffic.web_sockets += 1

    # --- The socket ---------------------------------------------------------------------------

    def _unframe(self, data: bytes) -> None:
        step = limits.WEB_SLICE_BYTES
        for begin in range(0, len(data), step):
            if self._stage is not _Stage.SOCKET or not self._is_open:
                return
            unframer = self._unframer or Unframer()
            payload = unframer.feed(data if len(data) <= step else data[begin : begin + step])
            self._unframer = unframer if unframer.incomplete else None
            self._pieces += unframer.pieces
            if payload:
                self._take(payload)
            if self._pieces > limits.WEB_FRAMES_MAX:
                unframer.fail(CloseCode.POLICY_VIOLATION, "too many frames for one message")
            self._write(unframer.replies)
            if unframer.ended:
                self._end(unframer.fault)

    def _taken(self, frames: list[bytes]) -> list[bytes]:
        if frames:
            self._pieces = 0
        if self.session.state is SessionState.LOGGED_IN:
            return frames
        return [with_token(frame, self._token) for frame in frames]

    def _end(self, fault: str | None) -> None:
        """The client has closed the socket, or broken its rules."""
        self._stage, self._unframer = _Stage.ENDED, None
        if fault is not None:
            self._inside.refused(self.session, ProtocolError(fault))
        elif self._transport is not None:
            self._transport.close()

    # --- What is written ----------------------------------------------------------------------

    def _write(self, parts: Iterable[bytes]) -> None:
        data = b"".join(parts)
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            self._inside.traffic.out_bytes += len(data)

    def _as_written(self, out: list[bytes], once: Once) -> bytes:
        if self._stage is not _Stage.REQUESTS:
            return once(_framed, out) if self._stage is _Stage.SOCKET else b""
        # What cannot be said without a socket is said by a status, if anything is asked.
        if self._heard or not self._answers:
            self._respond(answer_by(_words.decode(out[-1])))
        return b""

    def _close(self, transport: asyncio.Transport) -> None:
        # The last message has said why.
        if self._stage is _Stage.SOCKET:
            self._stage = _Stage.ENDED
            self._write([_GOODBYE])
        transport.close()
