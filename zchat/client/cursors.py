"""How far each followed log has come, what is new in it, and what of it the user has read."""

from enum import Enum, auto
from itertools import islice
from typing import Final

from zchat.protocol import limits
from zchat.protocol.messages import (
    LOBBY,
    Entry,
    LogState,
    MemberBanned,
    MemberKicked,
    MemberLeft,
    RoomClosed,
    room_log,
)

_LOBBY_LOG: Final = room_log(LOBBY)


class Arrival(Enum):
    NEXT = auto()
    DOUBLE = auto()
    GAP = auto()


class Cursors:
    def __init__(self) -> None:
        self._cursors: dict[str, int] = {}
        self._heads: dict[str, int] = {}
        """The heads at login: what is not beyond them was missed, not live."""
        self._unsent_marks: dict[str, int] = {}
        self._sent_marks: dict[int, tuple[str, int]] = {}

    @property
    def followed(self) -> frozenset[str]:
        return frozenset(self._cursors)

    def for_login(self) -> dict[str, int]:
        return dict(islice(self._cursors.items(), limits.CURSORS_MAX))

    def logged_in(self, logs: list[LogState]) -> None:
        """The server's word is final: where its cursor differs, the user left and came back."""
        known = self._cursors
        self._cursors = {state.log: state.cursor for state in logs}
        self._heads = {state.log: state.head for state in logs}
        self._unsent_marks = {
            log: mark for log, mark in self._unsent_marks.items() if log in self._cursors
        }
        for log, cursor in self._cursors.items():
            # Also the beginning of an empty log: who comes back has missed what was said since.
            if known.get(log) != cursor:
                self.mark_read(log, cursor)

    def take(self, entry: Entry, name: str) -> Arrival:
        """Moves the cursor of the entry's log if the entry is the next one; `name` is one's own."""
        cursor = self._cursors.get(entry.log)
        # An entry of a log that is not followed yet begins to follow it: it was joined just there.
        if cursor is not None:
            if entry.sequence <= cursor:
                return Arrival.DOUBLE
            if entry.sequence > cursor + 1:
                return Arrival.GAP
        if ends_following(entry, name):
            self._cursors.pop(entry.log, None)
            self._unsent_marks.pop(entry.log, None)
        else:
            self._cursors[entry.log] = entry.sequence
        return Arrival.NEXT

    def is_missed(self, entry: Entry) -> bool:
        return entry.sequence <= self._heads.get(entry.log, 0)

    # --- Read markers ---------------------------------------------------------------------------

    @property
    def marks_waiting(self) -> bool:
        return bool(self._unsent_marks)

    def mark_read(self, log: str, sequence: int) -> None:
        """Logs that are not followed have no marker; a marker never moves back."""
        if log in self._cursors and sequence > self._unsent_marks.get(log, -1):
            self._unsent_marks[log] = sequence

    def next_mark(self) -> tuple[str, int] | None:
        return next(iter(self._unsent_marks.items()), None)

    def mark_sent(self, request_id: int, log: str, sequence: int) -> None:
        del self._unsent_marks[log]
        self._sent_marks[request_id] = (log, sequence)

    def mark_answered(self, request_id: int) -> bool:
        """False if the id is not that of a mark."""
        return self._sent_marks.pop(request_id, None) is not None

    @property
    def marks_sent(self) -> int:
        return len(self._sent_marks)

    def connection_lost(self) -> None:
        unanswered = list(self._sent_marks.values())
        self._sent_marks.clear()
        for log, sequence in unanswered:
            self.mark_read(log, sequence)


def ends_following(entry: Entry, name: str) -> bool:
    """Whether it is the last entry of its log that comes to `name`."""
    match entry.body:
        case MemberLeft():
            return entry.author == name
        case MemberKicked(user=user):
            return user == name
        case MemberBanned(user=user):
            # Who is banned from the lobby reads on.
            return user == name and entry.log != _LOBBY_LOG
        case RoomClosed():
            return True
        case _:
            return False
