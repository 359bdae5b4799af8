"""Usages, as `kick <room> <name> [reason]`: by them a line is read, explained and completed.

Each argument of a usage is of a kind in `KINDS`, which says how it is read, or of one that the
table with the command brings along. What must be given stands in `<>`, and what may be in `[]`.
"""

import re
import textwrap
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from msgspec.structs import asdict

from zchat.client.commands.actions import Action, Send
from zchat.client.core.checks import InvalidRequest, checked, log_name, log_of
from zchat.protocol.messages import Request
from zchat.protocol.rules.names import printable

_TIME: Final = re.compile(r"([0-9]{1,5})([smhd])(?:\s+|$)", re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DIGITS_MAX: Final = 20


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

    def number(self, what: str) -> int:
        word = self.word(what)
        if not word.isdecimal():
            raise InvalidRequest(f"{quoted(word)} is not {what}")
        return whole(word)

    def time(self) -> int | None:
        """The seconds that `10s`, `30m`, `12h` or `7d` are, if that is the next word."""
        match = _TIME.match(self.text)
        if match is None:
            return None
        self.text = self.text[match.end() :]
        return int(match[1]) * _SECONDS[match[2].lower()]

    def log(self) -> str:
        return log_name(log_of(self.word("the #room or @name"), self.rooms))


def _present(text: str, what: str) -> str:
    if what and not text:
        raise InvalidRequest(f"{what} is missing")
    return text


def whole(digits: str) -> int:
    """What is cut off is too large anyway; `int` would refuse more than some thousand digits."""
    return int(digits[:_DIGITS_MAX])


def quoted(text: str) -> str:
    """The beginning of `text`, as one may show it within a line."""
    return repr(textwrap.shorten(printable(text), 40, placeholder="…"))


# --- Kinds of arguments ---------------------------------------------------------------------------


class Kind(NamedTuple):
    """`completes` is what it names: "user", "room", "either", "command", or "users" for several."""

    name: str
    """That of the message's field, or of the function's parameter."""
    what: str
    """As errors call it."""
    read: Callable[[Arguments], Any]
    completes: str = ""


def word(name: str, what: str, completes: str = "") -> Kind:
    """One word, which must be there."""
    return Kind(name, what, lambda line: line.word(what), completes)


def rest(name: str, what: str = "") -> Kind:
    """All the rest of the line, which must be something if there is a `what`."""
    return Kind(name, what, lambda line: line.rest(what))


def number(name: str, what: str, default: int) -> Kind:
    """One that need not be there."""
    return Kind(name, what, lambda line: line.number(what) if line.text else default)


def flag(name: str, text: str, other: str) -> Kind:
    """This `text`, or nothing; `other` says of anything else what is wrong with it."""

    def read(line: Arguments) -> bool:
        given = line.rest()
        if given not in ("", text):
            raise InvalidRequest(other.format(quoted(given)))
        return bool(given)

    return Kind(name, text, read)


KINDS: Final[Mapping[str, Kind]] = {
    "<room>": word("room", "the room name", "room"),
    "<name>": word("user", "the user name", "user"),
    "<#room or @name>": Kind("log", "the #room or @name", Arguments.log, "either"),
    "<message>": rest("text", "the message"),
    "[reason]": rest("reason"),
    "[text]": rest("text"),
    "[30m, 12h or 7d]": Kind("for_s", "a time", Arguments.time),
}
"""By how a usage shows them."""


# --- Commands -------------------------------------------------------------------------------------

Does: TypeAlias = Callable[..., Action | Request]
"""A kind of message, whose fields the arguments are, or a function of the arguments."""
Row: TypeAlias = tuple[str, Does, str] | tuple[str, Does, str, str]
"""Usage, what it does, and its summary; perhaps what is said once the server has done it."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as people type it. `done` names fields of the message in braces."""

    name: str
    arguments: str
    kinds: tuple[Kind, ...]
    summary: str
    does: Does
    done: str = ""

    @property
    def usage(self) -> str:
        return f":{self.name} {self.arguments}".rstrip()

    @property
    def takes(self) -> str:
        """What the first argument names, for completion."""
        return self.kinds[0].completes if self.kinds else ""

    def parse(self, line: Arguments) -> Action:
        """Raises `InvalidRequest`."""
        given = {kind.name: kind.read(line) for kind in self.kinds}
        if line.text:
            taken = " and ".join(kind.what for kind in self.kinds)
            much = f"takes only {taken}; {quoted(line.text)} is too much"
            raise InvalidRequest(much if taken else "takes no arguments")
        wanted = self.does(**given)
        if not isinstance(wanted, Request):
            return wanted
        request = checked(wanted)
        return Send(request, self.done.format(**asdict(request)))


def commands(kinds: Mapping[str, Kind], *rows: Row) -> tuple[CommandLine, ...]:
    """A table of commands, whose usages are made of `kinds`."""
    made = []
    for usage, does, summary, *done in rows:
        name, _, arguments = usage.partition(" ")
        kinds_of = _kinds_of(arguments, kinds)
        made.append(CommandLine(name, arguments, kinds_of, summary, does, *done))
    return tuple(made)


def _kinds_of(arguments: str, known: Mapping[str, Kind]) -> tuple[Kind, ...]:
    """One kind may be of several arguments: what is longer comes first."""
    found = []
    while arguments:
        usage = max(filter(arguments.startswith, known), key=len)
        found.append(known[usage])
        arguments = arguments.removeprefix(usage).lstrip()
    return tuple(found)
