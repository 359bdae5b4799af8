"""Finds gaps: how far each log is known without one, for the book and for the cache under it.

Both take the same events and must come to the same result: else one of them would go on where the
other has a hole.
"""

from enum import Enum, auto
from typing import NamedTuple

from zchat.client.core.events import SessionBegun
from zchat.protocol.messages import Entry, History, LogState, inbox_log


class Fit(Enum):
    """How an entry fits what is known of its log."""

    KNOWN = auto()
    """It has come before."""
    NEXT = auto()
    ANEW = auto()
    """The room was joined just there, perhaps again: what was known of it does not go before."""


class Anew(NamedTuple):
    """A log that does not go on where it was known: what is known of it begins after the cursor."""

    state: LogState
    is_another: bool
    """It ends before what was known: it is another log of that name."""


class Begun(NamedTuple):
    """What a session that has begun makes of what was known."""

    forgets_all: bool
    """All of it was somebody else's, of the same name."""
    anew: list[Anew]
    followed: frozenset[str]
    """The user was put out of all other rooms, or has left them on another device."""


class Continuity:
    """`me` is the user's own name."""

    def __init__(self, me: str) -> None:
        self.inbox = inbox_log(me)
        self.since_ms = 0
        """Since when the name is the user's own; 0 while nobody has said."""
        self.cursors: dict[str, int] = {}
        """Up to where each log is known."""
        self.inbox_first = 1
        """From where on the inbox is known whole, whoever it was with."""

    def log_of(self, key: str) -> str:
        """The log in which a conversation stands."""
        return key if key[0] == "#" else self.inbox

    def cursor(self, key: str) -> int:
        """Up to where the log of a conversation is known."""
        return self.cursors.get(self.log_of(key), 0)

    def arrive(self, entry: Entry) -> Fit:
        """Moves the cursor of the entry's log."""
        log, known = entry.log, self.cursors.get(entry.log)
        if known is not None and entry.sequence <= known:
            return Fit.KNOWN
        self.cursors[log] = entry.sequence
        if log == self.inbox:
            if known is None:
                self.inbox_first = entry.sequence
            return Fit.NEXT
        return Fit.NEXT if entry.sequence - 1 == known else Fit.ANEW

    def begin(self, begun: SessionBegun) -> Begun:
        forgets_all = bool(self.since_ms) and begun.since_ms != self.since_ms
        if forgets_all:
            self.cursors.clear()
        self.since_ms = begun.since_ms
        anew = []
        for state in begun.logs:
            known = self.cursors.get(state.log)
            # The user may have been away from it for too long, or it is another log of that name.
            if known is not None and state.cursor <= known <= state.head:
                continue
            anew.append(Anew(state, known is not None and state.head < known))
            self.cursors[state.log] = state.cursor
            if state.log == self.inbox:
                self.inbox_first = state.cursor + 1
        return Begun(forgets_all, anew, frozenset(state.log for state in begun.logs))


def older_part(page: History, before: int | None, first: int) -> list[Entry] | None:
    """The entries of a page that come before what is known, which begins at `first`.

    The page was asked for `before` a sequence. None if it does not reach up to `first`, so that
    something would be missing between. Of the newest page, asked for without a `before`, only its
    last entry can tell: others may have come since.
    """
    if before is None:
        adjoins = bool(page.entries) and page.entries[-1].sequence >= first - 1
    else:
        adjoins = before >= first
    return [entry for entry in page.entries if entry.sequence < first] if adjoins else None
