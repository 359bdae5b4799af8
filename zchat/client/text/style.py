"""What all text for a terminal shares: styles, tables, times, and the messages shown last."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from wcwidth import wcswidth

from zchat.protocol.messages import Entry, MessageDeleted, MessageEdited
from zchat.protocol.rules.message_fold import MessageState, folded, state_of

_PLAIN: Final = "\x1b[0m"
DIM: Final = "\x1b[2m"
BOLD: Final = "\x1b[1m"
RED: Final = "\x1b[31m"
YELLOW: Final = "\x1b[33m"
CYAN: Final = "\x1b[36m"
MAGENTA: Final = "\x1b[35m"


class Style:
    """`me` is one's own name; `zone` None is the local one."""

    def __init__(self, me: str, zone: tzinfo | None, *, colour: bool) -> None:
        self.me = me
        self.titles: dict[str, str] = {}
        """By log: conversations of several people are called by who is in them."""
        self.recent = RecentMessages()
        self._zone = zone
        self._colour = colour

    def styled(self, code: str, text: str) -> str:
        if not self._colour:
            return text
        # What is styled within ends all styles; this one goes on after it.
        return f"{code}{text.replace(_PLAIN, _PLAIN + code)}{_PLAIN}"

    def fact(self, text: str) -> str:
        return self.styled(DIM, f"* {text}")

    def who(self, name: str) -> str:
        return "you" if name == self.me else name

    def local(self, at_ms: int) -> datetime | None:
        try:
            return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self._zone)
        except (OverflowError, ValueError, OSError):
            return None  # A year that no calendar here knows.

    def moment(self, at_ms: int) -> str:
        """Day and time; the year, too, would seldom say anything."""
        at = self.local(at_ms)
        return f"{at:%d %b %H:%M}" if at is not None else "--:--"

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        first, *others = in_columns([head, *rows])
        return [self.styled(BOLD, first), *others]


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, of cells that stand below each other."""
    widths = [max(map(_cells, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def duration(ms: int) -> str:
    minutes = ms // 60_000
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    # wcwidth knows no width (-1) of what a terminal does not show.
    return max(0, wcswidth(text))


# --- The messages that were shown last, so that what refers to one can say which it is ------------

MESSAGES_MAX: Final = 1_000
CHARS_MAX: Final = 200
"""Kept of each text: more than a line shows."""


class Seen(NamedTuple):
    author: str
    state: MessageState


class RecentMessages:
    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], Seen] = {}

    def get(self, log: str, sequence: int) -> Seen | None:
        """A message as it was seen; None if it was not seen lately, or is no more."""
        return self._seen.get((log, sequence))

    def note(self, entry: Entry) -> None:
        state = state_of(entry)
        if state is not None:
            self._keep(entry.log, entry.sequence, entry.author, state)
        elif isinstance(entry.body, MessageEdited | MessageDeleted):
            # Reactions say nothing of which message it is.
            sequence = entry.body.sequence
            seen = self.get(entry.log, sequence)
            if seen is not None:
                state = folded(seen.state, entry.body, entry.author, entry.sequence)
                self._keep(entry.log, sequence, seen.author, state)

    def _keep(self, log: str, sequence: int, author: str, state: MessageState) -> None:
        """The oldest are forgotten first."""
        self._seen.pop((log, sequence), None)
        if state.deleted_by:
            return
        short = MessageState(state.text[:CHARS_MAX], state.edited)
        self._seen[log, sequence] = Seen(author, short)
        if len(self._seen) > MESSAGES_MAX:
            del self._seen[next(iter(self._seen))]
