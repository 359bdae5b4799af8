"""What a recording and its findings come to, in a table with a row for each kind of fault."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from .checkers import Breach, Finding
from .faults import Kind
from .recording import Fault, Recording, Words
from .talkers import WINDOW

STORY_FAULTS: Final = 3
UNDER_WAY_S: Final = 0.25
"""What was said so shortly before a fault was on its way when it began, or so soon answered."""
_LASTING: Final = frozenset({Kind.HALF_OPEN, Kind.DAM})
"""What these hold up waits until they end, whatever else has come and gone meanwhile."""
HEADINGS: Final = ("lost", "doubled", "inverted", "gaps", "other")


@dataclass
class Row:
    count: int = 0
    acknowledged: int = 0
    breaches: Counter[Breach] = field(default_factory=Counter)
    pauses_s: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        pauses = sorted(self.pauses_s)
        shown = [f"{_percentile(pauses, share):.2f}" if pauses else "-" for share in (0.5, 0.99, 1)]
        breaches = [str(self.breaches[breach]) for breach in Breach]
        return [str(self.count), str(self.acknowledged), *breaches, str(len(pauses)), *shown]


def table(recording: Recording, findings: Sequence[Finding]) -> str:
    """What is `timed` are those faults whose pauses nothing else can have had a part in."""
    rows = {str(fault): Row() for fault in sorted(recording.faults, key=_order)}
    answered_s = array("d", sorted(_answers(recording)))
    for fault in recording.faults:
        row = rows[str(fault)]
        row.count += 1
        row.acknowledged += _between(answered_s, fault)
        if (pause_s := _pause_s(recording, fault)) is not None:
            row.pauses_s.append(pause_s)
    for finding in findings:
        before = _faults_before(recording, finding, 1)
        name = str(before[0]) if before else "no single fault"
        rows.setdefault(name, Row()).breaches[finding.breach] += 1
    lines = [["fault", "count", "acked", *HEADINGS, "timed", "p50 s", "p99 s", "max s"]]
    lines += [[name, *row.cells()] for name, row in rows.items()]
    total = Counter(finding.breach for finding in findings)
    counts = [len(recording.faults), len(answered_s), *(total[breach] for breach in Breach)]
    lines.append(["all", *map(str, counts), "", "", "", ""])
    return _aligned(lines)


def _order(fault: Fault) -> tuple[int, str]:
    return list(Kind).index(Kind(fault.kind)), fault.what


def story(recording: Recording, finding: Finding) -> str:
    """What broke, and what had been done shortly before."""
    at_s, faults = finding.at_s, _faults_before(recording, finding, STORY_FAULTS)
    before = [f"{fault} {at_s - fault.begin_s:.2f} s before" for fault in faults if at_s]
    return f"{finding.breach}: {finding.text}" + (f" ({', '.join(before)})" if before else "")


def _faults_before(recording: Recording, finding: Finding, count: int) -> Sequence[Fault]:
    if finding.at_s is None:
        return []
    return recording.faults_before(finding.at_s, count, finding.name)


def _answers(recording: Recording) -> Iterator[float]:
    for words in recording.words.values():
        yield from (at_s for at_s in words.answered_s if not math.isnan(at_s))


def _between(answered_s: "array[float]", fault: Fault) -> int:
    return bisect_right(answered_s, fault.healed_s) - bisect_left(answered_s, fault.begin_s)


# --- Pauses ---------------------------------------------------------------------------------------


def _pause_s(recording: Recording, fault: Fault) -> float | None:
    """The longest that anybody waited for an answer because of the fault.

    None if something else was not healed at the same time: the pause may have been the other's.
    """
    if fault.hurts is not None:
        return _pause_of_client_s(recording, fault)
    for other in recording.faults:
        if other is not fault and other.hurts is None and _overlap(other, fault):
            return None
    hurt = {other.hurts for other in recording.faults if other.hurts and _overlap(other, fault)}
    whole = [words for name, words in recording.words.items() if name not in hurt]
    return max((wait_s for words in whole for _, wait_s in _waits(words, fault)), default=0.0)


def _pause_of_client_s(recording: Recording, fault: Fault) -> float | None:
    """Without what it would have had to wait for anyway: what was done to processes meanwhile."""
    assert fault.hurts is not None
    others = [
        (other.begin_s - UNDER_WAY_S, other.healed_s + UNDER_WAY_S)
        for other in recording.faults
        if other.hurts is None and _overlap(other, fault)
    ]

    def has_other_reason(said_s: float, answered_s: float) -> bool:
        if fault.kind in _LASTING:
            return any(begin_s <= said_s and answered_s <= end_s for begin_s, end_s in others)
        return any(begin_s <= answered_s and said_s <= end_s for begin_s, end_s in others)

    waits_s = [
        wait_s
        for said_s, wait_s in _waits(recording.words[fault.hurts], fault)
        if not has_other_reason(said_s, said_s + wait_s)
    ]
    return max(waits_s, default=None)


def _overlap(one: Fault, other: Fault) -> bool:
    return one.begin_s - UNDER_WAY_S < other.healed_s and other.begin_s - UNDER_WAY_S < one.healed_s


def _waits(words: Words, fault: Fault) -> Iterator[tuple[float, float]]:
    """When something was said, and how long until it was answered.

    Of what was said before the fault ended, and answered after it began.
    """
    # No more than the window is ever unanswered.
    first = max(0, bisect_left(words.said_s, fault.begin_s) - WINDOW)
    last = bisect_right(words.said_s, fault.end_s)
    for said_s, answered_s in zip(
        words.said_s[first:last], words.answered_s[first:last], strict=True
    ):
        if answered_s >= fault.begin_s:
            yield said_s, answered_s - said_s


def _percentile(values: Sequence[float], share: float) -> float:
    """By nearest rank, of sorted values."""
    return values[max(0, math.ceil(share * len(values)) - 1)]


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
