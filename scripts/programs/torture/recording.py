"""What a run leaves behind, in a few bytes for each thing said, seen and done to the cluster."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from testbed.people import text_of
from zchat.protocol.codec import encode
from zchat.protocol.messages import Entry, inbox_log

NOT_YET = math.nan


class Words:
    """What one author has said. Its words are numbered 0, 1, 2, … over all logs."""

    def __init__(self, author: str) -> None:
        self.author = author
        self.logs: list[str] = []
        """All logs that it speaks to: `#room`, or `@name` for what is private."""
        self.to = array("H")
        """By number: an index of `logs`."""
        self.said_s = array("d")
        self.answered_s = array("d")
        """`NOT_YET` while it waits; in seconds of the loop's clock, like all times here."""
        self.sequences = array("q")
        """In the log where the answer says that it stands; 0 without an answer."""

    def add(self, log: str, now_s: float) -> int:
        """Returns its number."""
        if log not in self.logs:
            self.logs.append(log)
        self.to.append(self.logs.index(log))
        self.said_s.append(now_s)
        self.answered_s.append(NOT_YET)
        self.sequences.append(0)
        return len(self.to) - 1

    def answered(self, number: int, sequence: int, now_s: float) -> None:
        self.answered_s[number] = now_s
        self.sequences[number] = sequence

    def is_answered(self, number: int) -> bool:
        return not math.isnan(self.answered_s[number])

    def text(self, number: int, padding: str = "") -> str:
        return f"{number} {self.author}{padding}"

    def places(self, number: int) -> tuple[str, ...]:
        """The logs that it stands in; the first is the one that the answer names."""
        log = self.logs[self.to[number]]
        return (log,) if log[0] == "#" else (inbox_log(self.author), log)


def number_of(entry: Entry) -> int | None:
    """Of what its author has said; None for an entry of another kind."""
    text = text_of(entry)
    return None if text is None else int(text.split(" ", 1)[0])


def digest(entry: Entry) -> int:
    """The same for the same entry, and hardly for another one."""
    return hash(encode(entry))


class Sightings:
    """What one listener has seen of one log, in the order of arrival."""

    def __init__(self, begin: int) -> None:
        self.begin = begin
        """Sequence of the last entry that it was not to see."""
        self.sequences = array("q")
        self.digests = array("q")
        self.at_s = array("d")

    def add(self, entry: Entry, now_s: float) -> None:
        self.sequences.append(entry.sequence)
        self.digests.append(digest(entry))
        self.at_s.append(now_s)

    @property
    def head(self) -> int:
        return self.sequences[-1] if self.sequences else self.begin


@dataclass(slots=True, eq=False)
class Fault:
    """Something that was done to the cluster, or to the connection of one client."""

    kind: str
    what: str
    """Which process it was, or whose connection."""
    begin_s: float
    end_s: float = math.inf
    """When whatever was hurt ran again."""
    healed_s: float = math.inf
    """When all was answered that had been said until then."""
    hurts: str | None = None
    """The one client that it was done to; None for all."""

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"


@dataclass
class Recording:
    """By name of the author and of the listener."""

    words: dict[str, Words] = field(default_factory=dict)
    sightings: dict[str, dict[str, Sightings]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def faults_before(self, at_s: float, count: int, name: str | None = None) -> Sequence[Fault]:
        """The last ones that could concern the client `name`, latest first."""
        found: list[Fault] = []
        for fault in reversed(self.faults):
            if fault.begin_s <= at_s and fault.hurts in (None, name):
                found.append(fault)
                if len(found) == count:
                    break
        return found
