"""The login token of a browser, in a cookie that its scripts cannot read.

The door draws the token with the first socket and puts it into each `LogIn` that shows none. From
then on it is the browser that keeps it: no gateway remembers anything, and each of them will do.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, encode

_MAX_AGE_S: Final = 400 * 86_400
"""The longest that browsers keep a cookie; each socket begins it anew."""
_LOG_IN: Final = b"log_in"
_KIND_LOG_IN: Final = Raw(encode("log_in"))
_messages = Decoder(dict[str, Raw])
"""What stands in a message is left as it was written."""


class Jar:
    """Where a browser keeps the token of one of its accounts at one origin.

    A browser sends the cookies of a host to each of its ports, so the port is in the name, lest two
    clusters on one host take each other's places.
    """

    def __init__(self, origin: str, account: int) -> None:
        scheme, _, host = origin.partition("://")
        port = host.rpartition(":")[2]
        name = f"zchat-{account}" + (f"-{port}" if port.isdecimal() else "")
        self._attributes = "Path=/; HttpOnly; SameSite=Strict"
        if scheme == "https":
            # With this prefix no other host of the domain, and no page without TLS, can set it.
            name = f"__Host-{name}"
            self._attributes += "; Secure"
        self._name = name

    def token(self, headers: Sequence[str]) -> bytes | None:
        """Out of these `Cookie` headers, if it is there and makes sense."""
        for header in headers:
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self._name and (token := _read(value)):
                    return token
        return None

    def cookie(self, token: bytes) -> str:
        value = base64.urlsafe_b64encode(token).rstrip(b"=").decode()
        return f"{self._name}={value}; Max-Age={_MAX_AGE_S}; {self._attributes}"

    @property
    def removal(self) -> str:
        return f"{self._name}=; Max-Age=0; {self._attributes}"


def _read(value: str) -> bytes | None:
    try:
        token = base64.b64decode(value.encode() + b"=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return token if len(token) == limits.TOKEN_BYTES else None


def with_token(frame: bytes, token: bytes) -> bytes:
    """The frame, with this token if it is a `LogIn` that shows none."""
    if _LOG_IN not in frame:
        return frame
    try:
        fields = _messages.decode(frame)
    except ProtocolError:
        return frame  # Whoever reads it next says what is wrong.
    if "token" in fields or fields.get("kind") != _KIND_LOG_IN:
        return frame
    return encode({**fields, "token": token})
