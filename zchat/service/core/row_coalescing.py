"""Which of a beat's changes to a service's own tables are written, and in which order."""

from collections.abc import Callable, Hashable, Iterable
from itertools import groupby
from typing import Any, TypeVar

Row = TypeVar("Row")


def runs_of_latest(
    rows: Iterable[Row], key_of: Callable[[Row], Hashable]
) -> list[tuple[Any, list[Row]]]:
    """Runs of rows of one type, in order; of several changes to one row only the last is there."""
    latest: dict[Hashable, Row] = {}
    for row in rows:
        # In the place of the last change, so that what is dropped before that stays dropped.
        latest.pop(key_of(row), None)
        latest[key_of(row)] = row
    return [(kind, list(group)) for kind, group in groupby(latest.values(), type)]
