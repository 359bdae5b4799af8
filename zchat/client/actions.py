"""What a line can mean, and what the tables of commands are made of."""

import textwrap
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import TypeAlias

from zchat.client.drafts import InvalidRequest, Request
from zchat.protocol.messages import BanMember
from zchat.protocol.names import printable


@dataclass(frozen=True, slots=True)
class Send:
    request: Request


@dataclass(frozen=True, slots=True)
class ShowTopic:
    room: str


@dataclass(frozen=True, slots=True)
class ShowMode:
    """What the room is like, but for its topic."""

    room: str


@dataclass(frozen=True, slots=True)
class BanFor:
    """The ban ends so many seconds from now."""

    request: BanMember
    seconds: int


@dataclass(frozen=True, slots=True)
class ShowHelp:
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasurePing:
    """To the gateway and to every kind of service."""


@dataclass(frozen=True, slots=True)
class ShowWhoAmI:
    pass


@dataclass(frozen=True, slots=True)
class AskNewPassword:
    """Prompt for the password to register with, without showing it."""


@dataclass(frozen=True, slots=True)
class Quit:
    pass


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """The line cannot be done; `text` says why and what would be right. Nothing is sent."""

    text: str


Action: TypeAlias = (
    Send
    | ShowTopic
    | ShowMode
    | BanFor
    | ShowHelp
    | MeasurePing
    | ShowWhoAmI
    | AskNewPassword
    | Quit
    | Nothing
    | Mistake
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What stands after the command's name, and what is known about the chat."""

    text: str
    rooms: Container[str]
    """Names of rooms that are known to exist, to tell a room from a person."""

    def none(self) -> None:
        if self.text:
            raise InvalidRequest("takes no arguments")

    def one(self, what: str) -> str:
        word, rest = self.word_and_rest(what)
        if rest:
            raise InvalidRequest(f"takes only {what}; {quoted(rest)} is too much")
        return word

    def word_and_rest(self, what: str) -> tuple[str, str]:
        if not self.text:
            raise InvalidRequest(f"{what} is missing")
        word, *rest = self.text.split(maxsplit=1)
        return word, "".join(rest)

    def word_and_text(self, what: str, what_text: str) -> tuple[str, str]:
        word, text = self.word_and_rest(what)
        if not text:
            raise InvalidRequest(f"{what_text} is missing")
        return word, text


@dataclass(frozen=True, slots=True)
class CommandLine:
    name: str
    arguments: str
    summary: str
    parse: Callable[[Arguments], Action]
    takes: str = ""
    """What the first argument names, for completion: "user", "room", "either", "command"."""

    @property
    def usage(self) -> str:
        return f":{self.name} {self.arguments}".rstrip()


def quoted(text: str) -> str:
    """The beginning of `text`, as one may show it within a line."""
    return repr(textwrap.shorten(printable(text), 40, placeholder="…"))
