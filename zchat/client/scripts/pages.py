"""History, page by page from the newest: as much of it as somebody wants."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from zchat.client.scripts.patience import PATIENCE_S, patiently
from zchat.protocol import limits
from zchat.protocol.messages import Entry

if TYPE_CHECKING:
    from zchat.client.chat import Chat

_SPARE: Final = 10
"""Entries that may stand among those that are wanted, and do not count."""


async def pages(
    chat: "Chat",
    log: str,
    before: int | None = None,
    patience_s: float | None = PATIENCE_S,
    first: int = limits.HISTORY_ENTRIES_MAX,
) -> AsyncIterator[list[Entry]]:
    """The newest page first, which has up to `first` entries; each of them oldest first."""
    more, limit = True, first
    while more:
        ask = partial(chat.history, log, limit, before)
        history = await patiently(ask, patience_s)
        if not history.entries:
            return
        yield history.entries
        before, more = history.entries[0].sequence, history.more
        limit = limits.HISTORY_ENTRIES_MAX


async def last(
    chat: "Chat",
    log: str,
    number: int,
    counts: Callable[[Entry], bool],
    before: int | None = None,
    patience_s: float | None = PATIENCE_S,
) -> list[Entry]:
    """The last `number` entries that count, oldest first."""
    found: list[Entry] = []
    if number:
        # Two hundred long messages are megabytes, and mostly a few are wanted.
        first = min(number + _SPARE, limits.HISTORY_ENTRIES_MAX)
        async for page in pages(chat, log, before, patience_s, first):
            found[:0] = filter(counts, page)
            if len(found) >= number:
                break
    return found[-number:] if number else []
