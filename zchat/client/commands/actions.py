"""What a line can mean, and what the tables of commands are made of."""

import enum
import textwrap
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import TypeAlias

from zchat.client.sdk.drafts import InvalidRequest, Request
from zchat.client.text.questions import Question
from zchat.protocol.messages import BanMember, DeleteAccount, Message, Scope
from zchat.protocol.rules.names import printable


@dataclass(frozen=True, slots=True)
class Send:
    """`done` is said once the server has done it, if no entry shows that."""

    request: Request
    done: str = ""


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
class Ask:
    """Put the questions to the person; `then` makes an action of the answers.

    `notice` is said before; `elsewhere` is what to do without a terminal. What comes of it is a
    `kind` of command, which not everybody may send.
    """

    questions: tuple[Question, ...]
    then: Callable[[list[str]], "Action"]
    elsewhere: str
    kind: type[Message]
    notice: str = ""


@dataclass(frozen=True, slots=True)
class EnrolTotp:
    """Make a secret, show it, and prove that it has reached an authenticator."""


@dataclass(frozen=True, slots=True)
class MakeAppToken:
    name: str
    scopes: tuple[Scope, ...]
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A message that others have said in `log`."""

    log: str
    back: int
    reason: str


class Among(enum.Enum):
    """Which messages are counted to find the one that is meant."""

    OWN = enum.auto()
    OTHERS = enum.auto()
    EDITED = enum.auto()
    PINNED = enum.auto()


@dataclass(frozen=True, slots=True)
class Which:
    """The `back`-th last of these messages, 1 being the last; with an `author`, of all theirs."""

    among: Among
    back: int = 1
    author: str = ""


@dataclass(frozen=True, slots=True)
class ToMessage:
    """Find a message of `log`, and send what `draft` makes of the log and sequence of its entry.

    `log` is `#room` or `@name`; what was said with that name stands in one's own inbox.
    """

    log: str
    which: Which
    draft: Callable[[str, int], Request]
    done: str = ""


@dataclass(frozen=True, slots=True)
class Suspend:
    """For so many seconds, or until restored."""

    user: str
    seconds: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class RemoveSaid:
    """All that `user` has said in the room's `log` in the last so many seconds."""

    log: str
    user: str
    seconds: int
    span: str
    reason: str


@dataclass(frozen=True, slots=True)
class LogOutDevice:
    """The account forgets this client, or all of them, and the client ends."""

    everywhere: bool


@dataclass(frozen=True, slots=True)
class EndAccount:
    """`name` is what the person typed to confirm it."""

    name: str
    request: DeleteAccount = field(repr=False)


AccountAction: TypeAlias = (
    EnrolTotp | MakeAppToken | Report | Suspend | RemoveSaid | LogOutDevice | EndAccount
)
"""What takes more than one request, or something that only a shell can make."""


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
    | Ask
    | ToMessage
    | AccountAction
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
    """What the first argument names, for completion: "user", "room", "either", "command".

    "users" is said of all arguments.
    """

    @property
    def usage(self) -> str:
        return f":{self.name} {self.arguments}".rstrip()


def quoted(text: str) -> str:
    """The beginning of `text`, as one may show it within a line."""
    return repr(textwrap.shorten(printable(text), 40, placeholder="…"))
