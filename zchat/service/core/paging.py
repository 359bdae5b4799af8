"""Lists of very many names: which of them come first in order, found in steps."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from heapq import nsmallest

from zchat.protocol import limits
from zchat.protocol.rules import costs
from zchat.protocol.rules.costs import Steps


def is_wanted(name: str, after: str, pattern: str) -> bool:
    """Of a page of an operator's list: whether the name comes after the last page's."""
    return name > after and (not pattern or fnmatchcase(name, pattern))


def first_names(
    names: Iterable[str], is_listed: Callable[[str], bool], names_max: int
) -> Steps[tuple[list[str], int]]:
    """The first of the names that are listed, in order, and how many are listed in all."""
    # The names may change between two steps; the list is as they are now.
    asked = list(names)
    first: list[str] = []
    count = 0
    for begin in range(0, len(asked), limits.LIST_STEP_ITEMS):
        some = asked[begin : begin + limits.LIST_STEP_ITEMS]
        listed = [name for name in some if is_listed(name)]
        count += len(listed)
        first = nsmallest(names_max, first + listed)
        yield len(some) * costs.ITEM_US
    # Some may have gone since they were looked at.
    still = [name for name in first if is_listed(name)]
    return still, count - len(first) + len(still)
