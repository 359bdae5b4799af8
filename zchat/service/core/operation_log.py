"""What a beat does, counted; a shell that writes it down as well extends this."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from zchat.eventlog.core.idempotency import Answer
from zchat.service.core.effects import Sender


class Counts(Struct):
    """Plain numbers that other threads may read."""

    commands: int = 0
    beats: int = 0
    """Only those in which something was applied."""
    entries: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """By code."""
    disobeyed: int = 0
    """Commands of processes that had no right to send them."""
    store_failures: int = 0


class OperationLog:
    def __init__(self) -> None:
        self.counts = Counts()

    def look_at_level(self) -> None:
        """The least level that is logged may be another one from now on."""

    def answered(self, sender: Sender, command: Any, answer: Answer | None, now: float) -> None:
        """A command was applied; without an answer it is answered later, or in words of its own."""
        if answer is not None and answer.code is not None:
            refusals = self.counts.refusals
            refusals[answer.code] = refusals.get(answer.code, 0) + 1

    def queries_refused(self, refused: Iterable[tuple[str, Any, Answer]], at_ms: int) -> None:
        """Whose queries, and how."""

    def disobeyed(self, asker: bytes, command: Any, now: float) -> None:
        """A process had no right to send the command."""
        self.counts.disobeyed += 1

    def not_committed(self, why: Exception) -> None:
        """The store is unavailable, and nothing of the beat has happened."""
        self.counts.store_failures += 1

    def not_loaded(self, why: Exception) -> None:
        """Nor can be read what is committed."""

    def not_read(self, why: Exception) -> None:
        """A query is not answered for that."""

    def not_indexed(self, why: Exception) -> None:
        """What is said does not enter the index at present. Told once, until it does again."""
