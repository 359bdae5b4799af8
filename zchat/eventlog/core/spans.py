"""Spans: stretches of a stream in which times only rise, by which a search goes newest first.

Positions tell the order in which entries were written, which is not that of their times: clocks are
set back, and what is imported is as old as it was.
"""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from zchat.protocol import limits


class Span(NamedTuple):
    """Positions from `first` to `last`, in which the times of messages never fall.

    A span is of those messages alone that were imported to a log; if that is empty, of all others.
    """

    imported_log: str
    first: int
    last: int
    oldest_ms: int
    newest_ms: int


class Spans:
    """The newest span of each kind that a batch is about, and what becomes of them."""

    def __init__(self, stored: Callable[[str], Span | None], sizes: dict[str, int]) -> None:
        self._stored = stored
        self._newest: dict[str, Span | None] = {}
        self._changed: dict[tuple[str, int], Span] = {}
        self._sizes = sizes
        """Bytes of the entries in the newest span of each kind, as far as somebody has counted."""

    @property
    def changed(self) -> Collection[Span]:
        return self._changed.values()

    def add(self, imported_log: str, position: int, at_ms: int, size_bytes: int) -> None:
        if imported_log not in self._newest:
            self._newest[imported_log] = self._stored(imported_log)
        span = self._newest[imported_log]
        size_bytes += self._sizes.get(imported_log, 0)
        if (
            span is None
            or at_ms < span.newest_ms
            or position - span.first >= limits.SEARCH_SPAN_ENTRIES
            or size_bytes > limits.SEARCH_SPAN_BYTES
        ):
            size_bytes -= self._sizes.get(imported_log, 0)
            span = Span(imported_log, position, position, at_ms, at_ms)
        else:
            span = span._replace(last=position, newest_ms=at_ms)
        self._sizes[imported_log] = size_bytes
        self._newest[imported_log] = self._changed[imported_log, span.first] = span


def joined(runs: list[Span], spans: Iterable[Span]) -> None:
    """Adds spans, in the order of their positions, to runs of them in which no time falls."""
    for span in spans:
        last = runs[-1] if runs else None
        if last and last.imported_log == span.imported_log and last.newest_ms <= span.oldest_ms:
            runs[-1] = last._replace(last=span.last, newest_ms=span.newest_ms)
        else:
            runs.append(span)
