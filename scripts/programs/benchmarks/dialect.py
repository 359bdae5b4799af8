"""What the load generator must know of a server's language: one class for each kind of server."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

TEXT_BYTES: Final = 60
"""Length of every message: a usual line of chat."""
NUMBER_DIGITS: Final = 8


def text_of(sender: str, number: int) -> str:
    """What a message says: enough for its reader to tell which ones are missing."""
    return f"{sender} {number:0{NUMBER_DIGITS}d} ".ljust(TEXT_BYTES, ".")


def origin_of(text: str) -> tuple[str, int]:
    """The sender and the number that `text_of` wrote."""
    sender, number, _ = text.split(" ", 2)
    return sender, int(number)


class Delivery(NamedTuple):
    """A message as one client got it."""

    log: str
    """Whatever the server numbers together: a room, an inbox."""
    sequence: int | None
    """The server's own number, without a gap in each log; None if it gives none."""
    origin: tuple[str, int] | None
    """Sender and number; None for what is no message of ours, as a join."""


class Markers(NamedTuple):
    """Bytes that stand once in each message of one kind and never in any other.

    They are counted in what comes in without decoding it, which is what makes the generator fast.
    """

    delivery: bytes
    acknowledgement: bytes
    refusal: bytes


class Frames(Protocol):
    """Cuts what one connection receives into whole messages."""

    def feed(self, data: bytes, /) -> list[bytes]: ...


class Asker(Protocol):
    """A connection, as far as a dialect needs one to come in and join."""

    async def ask(self, request: bytes, answer: Callable[[bytes], T | None]) -> T:
        """Sends `request` and returns what `answer` makes of the first frame that it knows."""
        ...

    def write(self, data: bytes) -> None: ...


class Dialect(Protocol):
    acknowledges: bool
    """Whether a sender is told that its message is taken; if not, it is when everyone has it."""
    echoes: bool
    """Whether a sender gets its own message too."""
    remembers: bool
    """Whether a client that comes back gets what it has missed."""

    def markers(self, *, private: bool) -> Markers: ...

    def frames(self) -> Frames: ...

    async def enter(
        self, connection: Asker, name: str, cursors: dict[str, int] | None = None
    ) -> None:
        """Logs in; with `cursors`, the last sequence it has by room, as one who comes back."""
        ...

    async def create_room(self, connection: Asker, room: str) -> None:
        """Also joins it."""
        ...

    async def join_room(self, connection: Asker, room: str) -> int:
        """Returns the sequence with which the membership begins, 0 if there is none."""
        ...

    def posts_to_room(self, sender: str, room: str) -> Callable[[int], bytes]:
        """Makes the bytes of the sender's message of a number, from parts encoded before."""
        ...

    def posts_to_user(self, sender: str, to: str) -> Callable[[int], bytes]: ...

    def delivery(self, frame: bytes) -> Delivery | None:
        """None for a frame that is in no log."""
        ...


class Refused(Exception):
    """The server said no while the load was being set up."""
