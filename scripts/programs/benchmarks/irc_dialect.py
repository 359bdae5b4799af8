"""The language of IRC servers, as far as a chat needs it; see RFC 2812."""

from collections.abc import Callable
from typing import Final, TypeVar

from benchmarks.dialect import (
    NUMBER_DIGITS,
    Asker,
    Delivery,
    Markers,
    Refused,
    origin_of,
    text_of,
)

T = TypeVar("T")

SERVER_NAME: Final = "irc.bench.invalid"
"""What servers that are started here call themselves."""

_WELCOME: Final = b"001"
_END_OF_NAMES: Final = b"366"


class LineFrames:
    """Cuts a stream into lines, without what ends them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, /) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line.removesuffix(b"\r") for line in lines if line != b"\r"]


class IrcDialect:
    acknowledges = False
    echoes = False
    remembers = False

    def markers(self, *, private: bool) -> Markers:
        return Markers(
            delivery=b" PRIVMSG ",
            # Nothing stands in no line, so it is never found.
            acknowledgement=b"\0",
            # The first digit of all numerics that say no.
            refusal=b":%s 4" % SERVER_NAME.encode(),
        )

    def frames(self) -> LineFrames:
        return LineFrames()

    async def enter(
        self, connection: Asker, name: str, cursors: dict[str, int] | None = None
    ) -> None:
        def welcomed(line: bytes) -> bool | None:
            _, command, parameters = _parse(line)
            if command == b"PING":
                # Some servers want to see that the address is real, before they say welcome.
                connection.write(b"PONG :%s\r\n" % parameters[-1])
            return _answer(line, _WELCOME)

        user = f"NICK {name}\r\nUSER bench 0 * :bench\r\n"
        await connection.ask(user.encode(), welcomed)

    async def create_room(self, connection: Asker, room: str) -> None:
        await self.join_room(connection, room)

    async def join_room(self, connection: Asker, room: str) -> int:
        join = f"JOIN #{room}\r\n".encode()
        await connection.ask(join, lambda line: _answer(line, _END_OF_NAMES))
        return 0

    def posts_to_room(self, sender: str, room: str) -> Callable[[int], bytes]:
        return _template(sender, f"#{room}")

    def posts_to_user(self, sender: str, to: str) -> Callable[[int], bytes]:
        return _template(sender, to)

    def delivery(self, frame: bytes) -> Delivery | None:
        sender, command, parameters = _parse(frame)
        if command != b"PRIVMSG":
            return None
        log, text = parameters
        origin = origin_of(text.decode())
        author = sender.partition(b"!")[0].decode()
        assert origin[0] == author, f"{author} is said to have written {text!r}"
        return Delivery(log.decode(), None, origin)


def _template(sender: str, to: str) -> Callable[[int], bytes]:
    line = f"PRIVMSG {to} :{text_of(sender, 0)}\r\n".encode()
    before, after = line.split(b" " + b"0" * NUMBER_DIGITS + b" ", 1)
    template = before.replace(b"%", b"%%") + b" %08d " + after.replace(b"%", b"%%")
    return lambda number: template % number


def _parse(line: bytes) -> tuple[bytes, bytes, list[bytes]]:
    """Who a line comes from (nobody: empty), its command, and the parameters of that."""
    sender = b""
    if line.startswith(b":"):
        sender, _, line = line[1:].partition(b" ")
    head, colon, text = line.partition(b" :")
    command, *parameters = head.split() or [b""]
    return sender, command, [*parameters, text] if colon else parameters


def _answer(line: bytes, wanted: bytes) -> bool | None:
    _, command, parameters = _parse(line)
    if command == wanted:
        return True
    if command == b"ERROR" or (len(command) == 3 and command[:1] in b"45" and command != b"422"):
        raise Refused(b" ".join(parameters).decode(errors="replace"))
    return None
