"""A browser's side of the web door, without I/O: bytes in, bytes out."""

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri


class WebSocket:
    """One socket. What is sent before the answer is there would be lost."""

    def __init__(self, host: str, *, scheme: str = "http", cookie: str = "") -> None:
        """`cookie` is what an earlier one was given."""
        self._uri = f"{scheme.replace('http', 'ws')}://{host}/socket/0"
        self._origin = f"{scheme}://{host}"
        self._protocol = ClientProtocol(parse_uri(self._uri), max_size=None)
        self.cookie = cookie
        self.status = 0
        """Of the answer, once it is there."""
        self.set_cookies: list[str] = []
        """By that answer, with all that is said of them."""

    def handshake(self, **headers: str) -> bytes:
        """The request; a header that is given replaces what a browser would send."""
        request = self._protocol.connect()
        wanted = {"Origin": self._origin, "Cookie": self.cookie, **headers}
        for name, value in wanted.items():
            if value:
                request.headers[name] = value
        self._protocol.send_request(request)
        return b"".join(self._protocol.data_to_send())

    def framed(self, data: bytes) -> bytes:
        """As one message."""
        self._protocol.send_binary(data)
        return b"".join(self._protocol.data_to_send())

    def received(self, data: bytes) -> bytes:
        """What has come in messages."""
        self._protocol.receive_data(data)
        payload = b""
        for event in self._protocol.events_received():
            match event:
                case Response(status_code=status, headers=headers):
                    self._answered(status, headers)
                case Frame(opcode=opcode, data=part) if opcode in DATA_OPCODES:
                    payload += bytes(part)
        if self._protocol.handshake_exc is not None and not self.status:
            raise self._protocol.handshake_exc
        return payload

    @property
    def is_open(self) -> bool:
        return self._protocol.state is State.OPEN

    @property
    def replies(self) -> bytes:
        """Pongs, and the end of a close, which are to be sent."""
        return b"".join(self._protocol.data_to_send())

    @property
    def close_code(self) -> int | None:
        """What the server has closed it with."""
        close = self._protocol.close_rcvd
        return None if close is None else int(close.code)

    def _answered(self, status: int, headers: Headers) -> None:
        self.status = status
        self.set_cookies = headers.get_all("Set-Cookie")
        for cookie in self.set_cookies:
            self.cookie = cookie.partition(";")[0]
