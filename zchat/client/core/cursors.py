"""How far each followed log has come, what is new in it, and what of it the user has read."""

import math
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from itertools import islice
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.messages import Entry, LogState, MarkRead
from zchat.protocol.rules.membership import ends_following


class Arrival(Enum):
    NEXT = auto()
    DOUBLE = auto()
    GAP = auto()


class Cursors:
    """`known` is where an earlier client stopped."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._cursors = dict(known)
        self._heads: dict[str, int] = {}
        """The heads at login: what is not beyond them was missed, not live."""
        self.marks = ReadMarks()

    @property
    def followed(self) -> frozenset[str]:
        return frozenset(self._cursors)

    def for_login(self) -> dict[str, int]:
        return dict(islice(self._cursors.items(), limits.CURSORS_MAX))

    def logged_in(self, logs: list[LogState]) -> None:
        """The server's word is final: where its cursor differs, the user left and came back."""
        known = self._cursors
        self._cursors = {state.log: state.cursor for state in logs}
        self._heads = {state.log: state.head for state in logs}
        for log in self.marks.unsent:
            if not self._has_marker(log):
                self.marks.drop(log)
        for log, cursor in self._cursors.items():
            # Also the beginning of an empty log: who comes back has missed what was said since.
            if known.get(log, -1) < cursor:
                self.mark_read(log, cursor)

    def take(self, entry: Entry, name: str) -> Arrival:
        """Moves the cursor of the entry's log if the entry is the next one; `name` is one's own."""
        cursor = self._cursors.get(entry.log)
        # An entry of a log that is not followed yet begins to follow it: it was joined just there.
        if cursor is not None:
            if entry.sequence <= cursor:
                return Arrival.DOUBLE
            if entry.sequence > cursor + 1:
                return Arrival.GAP
        if ends_following(entry, name):
            self._cursors.pop(entry.log, None)
            self.marks.drop(entry.log)
        else:
            self._cursors[entry.log] = entry.sequence
        return Arrival.NEXT

    def is_missed(self, entry: Entry) -> bool:
        return entry.sequence <= self._heads.get(entry.log, 0)

    def mark_read(self, log: str, sequence: int, *, back: bool = False) -> None:
        """Rooms that are not followed have no marker."""
        if self._has_marker(log):
            self.marks.mark(log, sequence, back=back)

    def _has_marker(self, log: str) -> bool:
        # Conversations have one each, and are in no log of their own.
        return log in self._cursors or log.startswith("@")


# --- Read markers, collected until the server knows them ------------------------------------------
# It is told at most once a second, since each entry that is read moves one.

MARK_READ_INTERVAL_S: Final = 1.0
"""Read markers are collected for so long."""


class _Mark(NamedTuple):
    sequence: int
    back: bool = False
    """What comes after it is unread again, if it was read."""

    def then(self, later: "_Mark") -> "_Mark":
        """Both in one."""
        if later.back:
            return later
        return _Mark(max(self.sequence, later.sequence), self.back)


class ReadMarks:
    def __init__(self) -> None:
        self._unsent: dict[str, _Mark] = {}
        self._sent: dict[int, tuple[str, _Mark]] = {}
        self._due_at = 0.0

    def mark(self, log: str, sequence: int, *, back: bool = False) -> None:
        """A marker moves back only where that is meant."""
        mark = _Mark(sequence, back)
        before = self._unsent.get(log)
        self._unsent[log] = mark if before is None else before.then(mark)

    def drop(self, log: str) -> None:
        self._unsent.pop(log, None)

    @property
    def unsent(self) -> frozenset[str]:
        return frozenset(self._unsent)

    @property
    def are_known(self) -> bool:
        """The server has confirmed all of them."""
        return not self._unsent and not self._sent

    @property
    def due_at(self) -> float:
        """When there is something to send."""
        return self._due_at if self._unsent else math.inf

    def to_send(self, now: float, next_id: Callable[[], int]) -> Iterator[MarkRead]:
        """As many as may be unanswered; each counts as sent from here on."""
        if self._unsent:
            self._due_at = now + MARK_READ_INTERVAL_S
        free = limits.SESSION_REQUESTS_MAX - len(self._sent)
        for log, mark in list(islice(self._unsent.items(), max(0, free))):
            command = MarkRead(id=next_id(), log=log, sequence=mark.sequence, back=mark.back)
            self._sent[command.id] = log, self._unsent.pop(log)
            yield command

    def answered(self, request_id: int) -> None:
        self._sent.pop(request_id, None)

    def connection_lost(self) -> None:
        """What is not answered is told again, before what came later."""
        later = self._unsent
        self._unsent = {}
        for log, mark in (*self._sent.values(), *later.items()):
            self.mark(log, mark.sequence, back=mark.back)
        self._sent.clear()
