"""What the user has read, until the server knows it: collected, since it is told for each entry."""

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import MarkRead

MARK_READ_INTERVAL_S: Final = 1.0
"""Read markers are collected for so long."""


class ReadMarks:
    def __init__(self) -> None:
        self._unsent: dict[str, int] = {}
        self._sent: dict[int, tuple[str, int]] = {}
        self._due_at = 0.0

    def mark(self, log: str, sequence: int) -> None:
        """A marker never moves back."""
        if sequence > self._unsent.get(log, -1):
            self._unsent[log] = sequence

    def drop(self, log: str) -> None:
        self._unsent.pop(log, None)

    @property
    def unsent(self) -> frozenset[str]:
        return frozenset(self._unsent)

    @property
    def due_at(self) -> float:
        """When there is something to send."""
        return self._due_at if self._unsent else math.inf

    def to_send(self, now: float, next_id: Callable[[], int]) -> Iterator[MarkRead]:
        """As many as may be unanswered; each counts as sent from here on."""
        if self._unsent:
            self._due_at = now + MARK_READ_INTERVAL_S
        free = limits.SESSION_REQUESTS_MAX - len(self._sent)
        for log, sequence in list(islice(self._unsent.items(), max(0, free))):
            mark = MarkRead(next_id(), log, sequence)
            self._sent[mark.id] = log, self._unsent.pop(log)
            yield mark

    def answered(self, request_id: int) -> None:
        self._sent.pop(request_id, None)

    def connection_lost(self) -> None:
        """What is not answered is told again."""
        unanswered = list(self._sent.values())
        self._sent.clear()
        for log, sequence in unanswered:
            self.mark(log, sequence)
