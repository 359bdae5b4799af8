"""What must be true of a recording and of what was committed; every breach of it is one finding.

Written from the promises and apart from the code: sequences are counted here once more, words are
looked for in the databases themselves, and what each listener saw is compared with those.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from testbed.committed import Committed

from .recording import Recording, Sightings, Words, digest, number_of

_NO_WORD: Final = -1


class Breach(StrEnum):
    LOST = "lost"
    DOUBLED = "doubled"
    INVERTED = "inverted"
    GAP = "gap"
    OTHER = "other"


class Finding(NamedTuple):
    breach: Breach
    at_s: float | None
    """When it was noticed; None if that says nothing."""
    name: str | None
    """The client that is concerned, if it is only one."""
    text: str


@dataclass
class _Log:
    """A log as it is committed, by sequence - 1."""

    digests: "array[int]" = field(default_factory=lambda: array("q"))
    authors: list[str] = field(default_factory=list)
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    """`_NO_WORD` for what is no message."""
    last: dict[str, int] = field(default_factory=dict)
    """By author: the highest number so far."""
    words: set[tuple[str, int]] = field(default_factory=set)


class CommittedLogs:
    """All logs of all services. Feed it each database, then ask for the findings."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self.findings: list[tuple[Breach, str, int, str]] = []
        """With author and number of the word that is concerned."""

    def __getitem__(self, log: str) -> _Log:
        return self._logs.get(log) or _Log()

    def items(self) -> Iterable[tuple[str, _Log]]:
        return self._logs.items()

    def read(self, service: str, entries: Iterable[Committed]) -> None:
        position = 0
        for committed in entries:
            position += 1
            if committed.position != position:
                text = f"{service} has {committed.position} after {position - 1}"
                self._found(Breach.GAP, committed, text)
                position = committed.position
            self._add(committed)

    def _add(self, committed: Committed) -> None:
        name, entry, author = committed.log, committed.entry, committed.author
        log = self._logs.setdefault(name, _Log())
        sequence = len(log.digests) + 1
        if (committed.sequence, entry.sequence, entry.log) != (sequence, sequence, name):
            self._found(
                Breach.GAP, committed, f"{name} has {entry.sequence} where {sequence} should be"
            )
        if entry.author != author:
            text = f"{name} {sequence} is {author}'s, and says {entry.author}'s"
            self._found(Breach.OTHER, committed, text)
        number = number_of(entry)
        log.digests.append(digest(entry))
        log.authors.append(author)
        log.numbers.append(_NO_WORD if number is None else number)
        if number is None:
            return
        last = log.last.get(author, _NO_WORD)
        if (author, number) in log.words:
            self._found(Breach.DOUBLED, committed, f"{name} has {number} of {author} twice")
        elif number < last:
            self._found(Breach.INVERTED, committed, f"{name} has {number} of {author} after {last}")
        log.words.add((author, number))
        log.last[author] = max(last, number)

    def _found(self, breach: Breach, committed: Committed, text: str) -> None:
        number = number_of(committed.entry)
        self.findings.append(
            (breach, committed.author, _NO_WORD if number is None else number, text)
        )


def check(recording: Recording, committed: CommittedLogs) -> list[Finding]:
    findings = [*_dated(recording, committed), *_check_origins(recording, committed)]
    for words in recording.words.values():
        findings += _check_words(words, committed)
    for name, logs in recording.sightings.items():
        for log, seen in logs.items():
            findings += _check_sightings(name, log, seen, committed[log])
    return findings


def _dated(recording: Recording, committed: CommittedLogs) -> Iterator[Finding]:
    """What the logs themselves show, with the time of the answer."""
    for breach, author, number, text in committed.findings:
        words = recording.words.get(author)
        known = words is not None and 0 <= number < len(words.to)
        at_s = words.answered_s[number] if words is not None and known else None
        yield Finding(breach, at_s, author, text)


def _check_origins(recording: Recording, committed: CommittedLogs) -> Iterator[Finding]:
    """Nothing stands in a log that its author has not said there."""
    for name, log in committed.items():
        for author, number in log.words:
            words = recording.words.get(author)
            if words is None or number >= len(words.to) or name not in words.places(number):
                yield Finding(Breach.OTHER, None, author, f"{author} never said {number} to {name}")


def _check_words(words: Words, committed: CommittedLogs) -> Iterator[Finding]:
    """Whatever was acknowledged stands where the answer says, and where else it belongs."""
    author = words.author
    for number in range(len(words.to)):
        first, *others = words.places(number)
        if not words.is_answered(number):
            said_s = words.said_s[number]
            text = f"{author} was never answered about {number} to {first}"
            yield Finding(Breach.OTHER, said_s, author, text)
            continue
        answered_s, place = words.answered_s[number], words.sequences[number] - 1
        log = committed[first]
        stands_there = (
            place < len(log.numbers)
            and log.numbers[place] == number
            and log.authors[place] == author
        )
        if not stands_there:
            text = f"{number} of {author} is not {first} {place + 1}, as {author} was told"
            yield Finding(Breach.LOST, answered_s, author, text)
        for other in others:
            if (author, number) not in committed[other].words:
                text = f"{number} of {author} never came to {other}"
                yield Finding(Breach.LOST, answered_s, author, text)


def _check_sightings(name: str, log: str, seen: Sightings, committed: _Log) -> Iterator[Finding]:
    """Each entry after the beginning once, in sequence, to the end, and as it is committed."""
    last = seen.begin
    head = len(committed.digests)
    for sequence, seen_digest, at_s in zip(seen.sequences, seen.digests, seen.at_s, strict=True):
        if sequence <= last:
            yield Finding(Breach.DOUBLED, at_s, name, f"{name} saw {log} {sequence} after {last}")
        elif sequence > last + 1:
            yield Finding(Breach.GAP, at_s, name, f"{name} saw {log} {sequence} after {last}")
        if sequence > head:
            yield Finding(Breach.LOST, at_s, name, f"{name} saw {log} {sequence}, which is no more")
        elif seen_digest != committed.digests[sequence - 1]:
            text = f"{name} saw another {log} {sequence} than is committed"
            yield Finding(Breach.OTHER, at_s, name, text)
        last = max(last, sequence)
    if last < head:
        yield Finding(Breach.LOST, None, name, f"{name} saw {log} up to {last}, not to {head}")
