"""The types of commands: actions, which a line can mean, and `CommandLine`, a row of the table."""

import enum
import re
import textwrap
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec.structs import asdict

from zchat.client.commands.questions import Question
from zchat.client.core.checks import InvalidRequest, checked, log_name, log_of
from zchat.protocol.messages import BanMember, DeleteAccount, Message, Request, Scope
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


@dataclass(slots=True)
class Arguments:
    """What stands after the command's name and is not read yet, and what is known of the chat."""

    text: str
    rooms: Container[str] = frozenset()
    """Names of rooms that are known to exist, to tell a room from a person."""

    def word(self, what: str = "") -> str:
        """The next one. Without a `what`, which says what is missing, there need be none."""
        word, *rest = self.text.split(maxsplit=1) or [""]
        self.text = "".join(rest)
        return _present(word, what)

    def rest(self, what: str = "") -> str:
        """All of it, however many words."""
        text, self.text = self.text, ""
        return _present(text, what)

    def number(self, what: str, default: int | None = None) -> int:
        word = self.word(what if default is None else "")
        if not word and default is not None:
            return default
        if not word.isdecimal():
            raise InvalidRequest(f"{quoted(word)} is not {what}")
        # Of a longer one only that matters: that it is too large.
        return int(word[:20])

    def time(self) -> int | None:
        """The seconds that `30m`, `12h` or `7d` are, if that is the next word."""
        match = re.match(r"([0-9]{1,5})([mhd])(?:\s+|$)", self.text)
        if match is None:
            return None
        self.text = self.text[match.end() :]
        return int(match[1]) * SECONDS[match[2]]

    def log(self) -> str:
        return log_name(log_of(self.word("the #room or @name"), self.rooms))


def _present(text: str, what: str) -> str:
    if what and not text:
        raise InvalidRequest(f"{what} is missing")
    return text


SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Parameter(NamedTuple):
    """One argument: as `usage` shows it, as errors call it, and how it is read from the line.

    `completes` is what it names: "user", "room", "either", "command", or "users" for one and all
    that follow.
    """

    name: str
    """That of the message's field, or of the function's parameter."""
    usage: str
    what: str
    read: Callable[[Arguments], Any]
    completes: str = ""


def word(name: str, usage: str, what: str, completes: str = "") -> Parameter:
    is_needed = usage.startswith("<")
    return Parameter(
        name, usage, what, lambda line: line.word(what if is_needed else ""), completes
    )


def rest(name: str, usage: str, what: str = "") -> Parameter:
    """All the rest of the line, which must be something if there is a `what`."""
    return Parameter(name, usage, what, lambda line: line.rest(what))


ROOM: Final = word("room", "<room>", "the room name", "room")
USER: Final = word("user", "<name>", "the user name", "user")
PLACE: Final = Parameter("log", "<#room or @name>", "the #room or @name", Arguments.log, "either")
REASON: Final = rest("reason", "[reason]")
MESSAGE: Final = rest("text", "<message>", "the message")


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as people type it; help, completion and the parser all come from here.

    Most commands are a message, whose fields are the parameters; others are a function of them, of
    which comes a message or another action. `done` is said once the server has done it, with fields
    of the message.
    """

    name: str
    parameters: tuple[Parameter, ...]
    summary: str
    does: Callable[..., Action | Request]
    done: str = ""

    @property
    def usage(self) -> str:
        return f":{self.name} {self.arguments}".rstrip()

    @property
    def arguments(self) -> str:
        return " ".join(each.usage for each in self.parameters)

    @property
    def takes(self) -> str:
        """What the first argument names, for completion."""
        return self.parameters[0].completes if self.parameters else ""

    def parse(self, line: Arguments) -> Action:
        """Raises `InvalidRequest`."""
        given = {each.name: each.read(line) for each in self.parameters}
        if line.text:
            taken = " and ".join(each.what for each in self.parameters)
            much = f"takes only {taken}; {quoted(line.text)} is too much"
            raise InvalidRequest(much if taken else "takes no arguments")
        wanted = self.does(**given)
        if not isinstance(wanted, Request):
            return wanted
        request = checked(wanted)
        return Send(request, self.done.format(**asdict(request)))


def quoted(text: str) -> str:
    """The beginning of `text`, as one may show it within a line."""
    return repr(textwrap.shorten(printable(text), 40, placeholder="…"))
