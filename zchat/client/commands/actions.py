"""Actions: what a line that somebody has typed can mean."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from zchat.client.commands.questions import Question
from zchat.protocol.messages import DeleteAccount, Message, Request, Scope


@dataclass(frozen=True, slots=True)
class Send:
    """`done` is said once the server has done it, if no entry shows that.

    With `lasts_s` it ends so many seconds from now, which only whoever sends it can reckon.
    """

    request: Request
    done: str = ""
    lasts_s: int | None = None


@dataclass(frozen=True, slots=True)
class ShowTopic:
    room: str


@dataclass(frozen=True, slots=True)
class ShowMode:
    """What the room is like, but for its topic."""

    room: str


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

    among: Among = Among.OTHERS
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
    EnrolTotp | MakeAppToken | Report | RemoveSaid | LogOutDevice | EndAccount
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
