"""How far each followed log has come, what is new in it, and what of it the user has read."""

from collections.abc import Mapping
from enum import Enum, auto
from itertools import islice
from typing import Final

from zchat.client.read_marks import ReadMarks
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
    """`known` is where an earlier client stopped."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._cursors = dict(known)
        self._heads: dict[str, int] = {}
        """The heads at login: what is not beyond them was missed, not live."""
        self.marks = ReadMarks()

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
        for log in self.marks.unsent:
            if not self._has_marker(log):
                self.marks.drop(log)
        for log, cursor in self._cursors.items():
            # Also the beginning of an empty log: who comes back has missed what was said since.
            if known.get(log, -1) < cursor:
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
            self.marks.drop(entry.log)
        else:
            self._cursors[entry.log] = entry.sequence
        return Arrival.NEXT

    def is_missed(self, entry: Entry) -> bool:
        return entry.sequence <= self._heads.get(entry.log, 0)

    def mark_read(self, log: str, sequence: int, *, back: bool = False) -> None:
        """Rooms that are not followed have no marker."""
        if self._has_marker(log):
            self.marks.mark(log, sequence, back=back)

    def _has_marker(self, log: str) -> bool:
        # Conversations have one each, and are in no log of their own.
        return log in self._cursors or log.startswith("@")


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
