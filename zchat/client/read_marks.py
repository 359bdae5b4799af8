"""What the user has read, until the server knows it: collected, since it is told for each entry."""

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from zchat.protocol import limits
from zchat.protocol.messages import MarkRead

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
            command = MarkRead(next_id(), log, mark.sequence, mark.back)
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
