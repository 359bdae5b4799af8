"""The one writer's view of its logs: here every entry gets its position and its sequence."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from zchat.protocol.codec import Decoder, encode
from zchat.protocol.internal import Chunk, MembershipChange, StreamPage
from zchat.protocol.messages import Entry, EntryBody, MessageEdited
from zchat.protocol.operators import IMPORT_NONCE
from zchat.protocol.rules import membership

_entries = Decoder(Entry)


class Appended(NamedTuple):
    """One entry on its way to the store.

    `position` counts all that this service writes, `sequence` the entries of this log; both begin
    at 1 and have no gaps. `frame` is the entry as clients read it. `thread` is the other party of
    a private message. `nonce` stands with one entry of a command only, so that it stays unique.
    """

    position: int
    log: str
    sequence: int
    author: str
    nonce: bytes | None
    thread: str | None
    frame: bytes


class Amended(NamedTuple):
    """An entry that is not as it was: `frame` takes the place of what was read until now.

    Where it tells of people under other names, `renamed` has each former one with that of now.
    """

    log: str
    sequence: int
    frame: bytes
    renamed: tuple[tuple[str, str], ...] = ()


class Timeline:
    """Heads of all logs of one service, and the entries that the beat has appended so far."""

    def __init__(self, position: int, heads: dict[str, int]) -> None:
        self.position = position
        self.heads = heads
        """Newest sequence by log; the caller sees to it that a log is known before it appends."""
        self.referred: dict[tuple[str, int], Entry] = {}
        """By log and sequence: the entries that the commands at hand are about, as they are now."""
        self._amended: dict[tuple[str, int], Amended] = {}
        self._appended: list[Appended] = []
        self._changes: dict[int, MembershipChange] = {}

    def append(
        self,
        log: str,
        author: str,
        body: EntryBody,
        at_ms: int,
        nonce: bytes | None = None,
        thread: str | None = None,
    ) -> int:
        """Adds an entry and returns its sequence; it is encoded here and never again."""
        sequence = self.heads[log] + 1
        entry = Entry(log, sequence, at_ms, author, body)
        frame = encode(entry)
        if type(body) is MessageEdited:
            # The next edit, perhaps in the same beat, takes its place.
            self.referred[log, sequence] = entry
        self.heads[log] = sequence
        self.position += 1
        self._appended.append(Appended(self.position, log, sequence, author, nonce, thread, frame))
        change = membership_change(self.position, log, sequence, author, body)
        # What is imported tells of memberships that are over.
        if change and not (nonce and nonce.startswith(IMPORT_NONCE)):
            self._changes[self.position] = change
        return sequence

    def amend(self, entry: Entry, renamed: tuple[str, str] | None = None) -> None:
        """Has what is stored at the entry's place replaced; it must be among those referred to."""
        place = entry.log, entry.sequence
        self.referred[place] = entry
        former = self._amended.get(place)
        before = former.renamed if former else ()
        self._amended[place] = Amended(
            *place, encode(entry), before if renamed is None else (*before, renamed)
        )

    def take_amended(self) -> list[Amended]:
        """What was amended since the last call, to be committed with what `take` returns."""
        amended, self._amended = self._amended, {}
        return list(amended.values())

    def take(self) -> tuple[list[Appended], StreamPage | None]:
        """What was appended since the last call: to be committed as one, then published as one."""
        appended, self._appended = self._appended, []
        changes, self._changes = self._changes, {}
        if not appended:
            return appended, None
        return appended, stream_page(
            (entry.position, entry.log, entry.sequence, entry.frame, changes.get(entry.position))
            for entry in appended
        )


def membership_change(
    position: int, log: str, sequence: int, author: str, body: EntryBody
) -> MembershipChange | None:
    """The same as `membership.change_by`, and where in the stream it stands."""
    change = membership.change_by(log, author, body)
    return (
        None if change is None else MembershipChange(change.user, sequence, change.joined, position)
    )


def stream_page(
    entries: Iterable[tuple[int, str, int, bytes, MembershipChange | None]],
) -> StreamPage:
    """One page of (position, log, sequence, frame, change), joined to one chunk for each log.

    Logs do not wait for each other, so the order between chunks means nothing; within a chunk it
    is the sequence, which may not have gaps.
    """
    first = last = 0
    bounds: dict[str, tuple[int, int]] = {}
    frames: dict[str, list[bytes]] = {}
    changes: dict[str, list[MembershipChange]] = {}
    for position, log, sequence, frame, change in entries:
        first, last = first or position, position
        if log in bounds:
            bounds[log] = (bounds[log][0], sequence)
            frames[log].append(frame)
        else:
            bounds[log] = (sequence, sequence)
            frames[log] = [frame]
            changes[log] = []
        if change:
            changes[log].append(change)
    return StreamPage(
        first,
        last,
        [
            Chunk(log, begin, end, b"".join(frames[log]), changes[log])
            for log, (begin, end) in bounds.items()
        ],
    )


def stored_stream_page(
    entries: Collection[tuple[int, str, int, bytes, bool]], first: int, last: int
) -> StreamPage:
    """The same from (position, log, sequence, frame, imported) as stored, for who missed it.

    Where entries have been removed, the page has all the same the positions `first` to `last`.
    """
    page = stream_page(
        (position, log, sequence, frame, None if imported else _change_in(position, frame))
        for position, log, sequence, frame, imported in entries
    )
    return StreamPage(first, last, page.chunks, len(entries) == last - first + 1)


def _change_in(position: int, frame: bytes) -> MembershipChange | None:
    entry = _entries.decode(frame)
    return membership_change(position, entry.log, entry.sequence, entry.author, entry.body)
