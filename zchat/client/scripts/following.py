"""How far `tail` has come in each place that it was asked for."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from zchat.client.cursors import ends_following
from zchat.client.scripts.command import FROM_NOW_ON
from zchat.protocol.messages import Entry, LogState, inbox_log


class Standing(NamedTuple):
    """What a session that has begun says of the places."""

    begun: list[str]
    """Those of which nothing was seen before, whose next entry is the first."""
    missing: list[str]
    """Those that the user is not in."""
    notes: list[str]
    """What will never be seen, in words for people."""


class Places:
    """A place is `#room`, or `@name` for the conversation with that name, in the own inbox."""

    def __init__(self, me: str, places: Sequence[str], positions: Mapping[str, int]) -> None:
        self._inbox: Final = inbox_log(me)
        self._me: Final = me
        self._logs = {place: place if place[0] == "#" else self._inbox for place in places}
        self._heads: dict[str, int] = {}
        self.positions = {place: positions[place] for place in places if place in positions}
        """The sequence of the last entry that was taken, by place."""

    def __bool__(self) -> bool:
        return bool(self._logs)

    @property
    def cursors(self) -> dict[str, int]:
        """Where to log in: of each log the entries after the least position are wanted."""
        cursors: dict[str, int] = {}
        for place, log in self._logs.items():
            position = self.positions.get(place, FROM_NOW_ON)
            cursors[log] = min(position, cursors.get(log, FROM_NOW_ON))
        return cursors

    @property
    def logs(self) -> list[str]:
        """Those that have to come."""
        return sorted(set(self._logs.values()))

    @property
    def caught_up(self) -> bool:
        """Whether all is taken that stood there when the session began."""
        return all(self.positions[place] >= self._heads[place] for place in self._logs)

    def session_begun(self, logs: Sequence[LogState]) -> Standing:
        standing = Standing([], [], [])
        states = {state.log: state for state in logs}
        for place, log in self._logs.items():
            state = states.get(log)
            if state is None:
                standing.missing.append(place)
                continue
            position = self.positions.get(place)
            if position is None:
                standing.begun.append(place)
                self.positions[place] = state.head
            elif position > state.head:
                standing.notes.append(
                    f"{place} is not what it was: it ends before what was printed of it; "
                    "going on at its end"
                )
                self.positions[place] = state.head
            elif position < state.cursor:
                gone = state.cursor - position
                entries = "1 entry" if gone == 1 else f"{gone:,} entries"
                standing.notes.append(
                    f"{entries} of {place} cannot be read any more: removed, or written while "
                    f"{self._me} was not there"
                )
                self.positions[place] = state.cursor
            self._heads[place] = max(state.head, self._heads.get(place, 0))
        return standing

    def joined(self, place: str, sequence: int) -> None:
        """The entry `sequence` says so, and is the first that can be read."""
        self.positions[place] = max(sequence - 1, self.positions.get(place, 0))
        self._heads[place] = sequence - 1

    def take(self, entry: Entry) -> list[str]:
        """The places that the entry may belong to, where it was not taken before."""
        places = [
            place
            for place, log in self._logs.items()
            if log == entry.log and entry.sequence > self.positions.get(place, FROM_NOW_ON)
        ]
        for place in places:
            self.positions[place] = entry.sequence
        return places

    def is_end_of(self, entry: Entry) -> bool:
        """Whether it is the last entry that comes of its log, for now."""
        return ends_following(entry, self._me)

    def drop(self, place: str) -> None:
        self._logs.pop(place, None)
