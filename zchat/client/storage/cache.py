"""What a client keeps of what it has seen, so that it is there at once the next time.

It hears of the same events as the book. What it keeps waits in memory until `flush` commits it,
together with the cursors up to which it is whole: whatever a crash loses, the server sends again.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from zchat.client.core.credentials import kept_name
from zchat.client.core.events import Answered, EntryArrived, Event, SessionBegun
from zchat.client.files import data_folder
from zchat.client.model.continuity import Continuity, Fit, older_part
from zchat.client.model.conversation import Conversation, Kept, KeptConversation
from zchat.client.model.entries import RecentChanges, conversation_at, conversation_of
from zchat.client.storage.cache_file import CacheFile, Extent, Rows, State
from zchat.protocol.codec import ProtocolError
from zchat.protocol.messages import Entry, History, LogState, ReadHistory
from zchat.protocol.rules.message_fold import MessageChange, folded_entry

CACHE_ENTRIES_MAX: Final = 100_000
"""In all: past it those conversations lose theirs in which nothing was said for longest."""
CONVERSATION_ENTRIES_MAX: Final = 10_000
"""Of one conversation: the newest."""
CONVERSATIONS_MAX: Final = 1_000
"""Past it those are forgotten in which nothing was said for longest."""
LOADED_ENTRIES: Final = 200
"""Of each conversation at first; `older` has the others."""
LOADED_ENTRIES_MAX: Final = 10_000
"""Of all together at first: those of the most recent conversations."""
FLUSH_ENTRIES: Final = 1_000
"""With so many waiting it is time to `flush`, so that it never takes long."""
INPUTS_MAX: Final = 1_000
"""Of what was typed and sent: the newest."""

_SINCE_MS: Final = "since_ms"
_INBOX_FIRST: Final = "inbox_first"

T = TypeVar("T")


class Cache:
    """The cache of one user of the `cluster`, or of these addresses. Nothing here raises.

    `trouble` says in a sentence what is not kept, or was not found; empty if all is well.
    """

    def __init__(
        self, me: str, addresses: Sequence[str], folder: Path | None = None, cluster: str = ""
    ) -> None:
        self._me = me
        former, name = kept_name(me, addresses), kept_name(me, addresses, cluster)
        self._file = CacheFile(folder or data_folder(), name, former)
        self._continuity = Continuity(me)
        self._extents: dict[str, Extent] = {}
        self._states: dict[str, State] = {}
        self._recent = RecentChanges()
        # What waits to be written.
        self._forget_all = False
        self._forgotten: set[str] = set()
        self._changed: set[str] = set()
        self._moved = False
        """How far the logs are known."""
        self._entries: dict[tuple[str, int], Entry] = {}

    @property
    def trouble(self) -> str:
        return self._file.trouble

    @property
    def keeps(self) -> bool:
        """Whether anything is kept for the next time."""
        return self._file.writable

    @property
    def waiting(self) -> int:
        """How many entries `flush` would write."""
        return len(self._entries)

    # --- From the last run ----------------------------------------------------------------------

    def load(self) -> Kept:
        """Call it first, and once. The newest conversations come with their newest entries."""
        kept = self._read(self._load)
        return Kept() if kept is None else kept

    def _load(self, rows: Rows) -> Kept:
        rows.begin_reading()
        session = {_SINCE_MS: 0, _INBOX_FIRST: 1} | rows.session()
        drafts, unsent = rows.drafts(), rows.unsent()
        found = sorted(rows.conversations(), key=lambda row: -row[2].active_at_ms)
        cursors = rows.cursors()
        left = LOADED_ENTRIES_MAX
        conversations: list[KeptConversation] = []
        for key, extent, state in found:
            conversation = state.conversation(key)
            conversation.draft = drafts.pop(key, "")
            end = cursors.get(self._continuity.log_of(key), 0) + 1
            limit = min(LOADED_ENTRIES, left)
            entries = rows.before(key, end, limit) if limit else []
            left -= len(entries)
            whole = len(entries) == extent.entries
            first = extent.first if whole else entries[0].sequence if entries else end
            conversation.more_before = extent.more or not whole
            conversations.append(KeptConversation(conversation, first, entries))
        rows.commit()
        self._continuity.since_ms = session[_SINCE_MS]
        self._continuity.inbox_first = session[_INBOX_FIRST]
        self._continuity.cursors = cursors
        self._extents = {key: extent for key, extent, _ in found}
        self._states = {key: state for key, _, state in found}
        return Kept(
            session[_SINCE_MS],
            dict(cursors),
            session[_INBOX_FIRST],
            conversations,
            drafts,
            unsent,
        )

    def older(self, key: str, before: int, limit: int) -> History | None:
        """What comes before, if it is here: like the server's answer. None: ask the server."""
        extent = self._extents.get(key)
        if extent is None or before <= extent.first or key in self._forgotten or self._forget_all:
            return None
        if not self._file.writable:
            # The client that writes it may have dropped entries that this one still knows of.
            return None
        entries = self._read(lambda rows: rows.before(key, before, limit)) or []
        waiting = [
            entry
            for (in_key, sequence), entry in self._entries.items()
            if in_key == key and sequence < before
        ]
        by_sequence = {entry.sequence: entry for entry in (*entries, *waiting)}
        page = [by_sequence[sequence] for sequence in sorted(by_sequence)][-limit:]
        if not page:
            return None
        # Before its first entry there may be others that are nothing to read.
        return History(0, key, page, more=True)

    # --- What happens ---------------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Whatever the book hears."""
        if not self._file.writable:
            return
        match event:
            case EntryArrived(entry):
                self._arrive(entry)
            case SessionBegun():
                self._begin(event)
            case Answered(request=ReadHistory() as request, answer=History() as history):
                self._page(request, history)
            case _:
                pass

    def _arrive(self, entry: Entry) -> None:
        fit = self._continuity.arrive(entry)
        if fit is Fit.KNOWN:
            return
        if fit is Fit.ANEW:
            self._start_anew(entry.log, entry.sequence)
        self._moved = True
        if isinstance(entry.body, MessageChange):
            self._amend(entry, entry.body)
        elif (key := conversation_of(entry, self._me)) is not None:
            extent = self._extents.setdefault(key, self._new_extent(key))
            extent.entries += 1
            self._put(key, entry)

    def _put(self, key: str, entry: Entry) -> None:
        self._entries[key, entry.sequence] = entry
        self._changed.add(key)

    def _amend(self, by: Entry, change: MessageChange) -> None:
        self._recent.keep(by)
        found = self._kept_at(conversation_of(by, self._me), change.sequence)
        if found is not None:
            key, message = found
            self._put(key, folded_entry(message, change, by.author, by.sequence))

    def _kept_at(self, key: str | None, sequence: int) -> tuple[str, Entry] | None:
        """A message and its conversation: without a `key` it is some one of the inbox."""
        keys = [key] if key is not None else [key for key in self._extents if key[0] == "@"]
        for each in keys:
            if (waiting := self._entries.get((each, sequence))) is not None:
                return each, waiting
        found = self._read(lambda rows: _stored(rows, key, sequence))
        return None if found is None or self._forget_all or found[0] in self._forgotten else found

    def _page(self, request: ReadHistory, history: History) -> None:
        """Only what goes before that which is kept, without a gap, and as far as there is room."""
        key = request.log
        extent = self._extents.get(key)
        if extent is None and key[0] == "@" and self._continuity.inbox in self._continuity.cursors:
            extent = self._extents[key] = self._new_extent(key)
        if extent is None:
            return
        older = older_part(history, request.before, extent.first)
        if older is None or extent.entries + len(older) > CONVERSATION_ENTRIES_MAX:
            return
        for entry in self._recent.readable(older):
            self._put(key, entry)
            extent.entries += 1
        self._changed.add(key)
        if older:
            extent.first, extent.more = older[0].sequence, history.more
        elif not history.more:
            extent.more = False

    def _begin(self, begun: SessionBegun) -> None:
        session, self._moved = self._continuity.begin(begun), True
        if session.forgets_all:
            self._forget_all = True
            for each in (self._entries, self._extents, self._states):
                each.clear()
        for log in [log for log in self._extents if log[0] == "#" and log not in session.followed]:
            self._forget_room(log)
        for state, _ in session.anew:
            self._begin_log(state)

    def _begin_log(self, state: LogState) -> None:
        self._recent.forget(state.log)
        keys = [state.log]
        if state.log == self._continuity.inbox:
            keys = [key for key in self._extents if key[0] == "@"]
        for key in keys:
            self._start_anew(key, state.cursor + 1)

    def _forget_room(self, log: str) -> None:
        self._start_anew(log, 1)
        del self._extents[log]
        self._continuity.cursors.pop(log, None)
        self._states.pop(log, None)

    def _start_anew(self, key: str, first: int) -> None:
        self._forgotten.add(key)
        self._changed.add(key)
        for at in [at for at in self._entries if at[0] == key]:
            del self._entries[at]
        self._extents[key] = Extent(first, more=first > 1)

    # --- Writing --------------------------------------------------------------------------------

    def flush(self, touched: Iterable[Conversation] = (), confirmed: Collection[int] = ()) -> None:
        """Commits what waits, and how these conversations are now; each second, and at the end.

        `confirmed` are the numbers of what was said and is confirmed. If its entry waits here, the
        one is kept and the other forgotten together; else the server sends it the next time.
        """
        if not self._file.writable:
            return
        for conversation in touched:
            if not conversation.may_be_kept:
                self._forget_room(conversation.key)
                continue
            self._states[conversation.key] = State.of(conversation)
            self._extents.setdefault(conversation.key, self._new_extent(conversation.key))
            self._changed.add(conversation.key)
        if self._changed or self._moved or confirmed:
            self._write(lambda rows: self._flush(rows, confirmed))

    def _flush(self, rows: Rows, confirmed: Iterable[int]) -> None:
        if self._forget_all:
            rows.forget_all()
        rows.forget_unsent(confirmed)
        rows.forget_entries(self._forgotten)
        rows.put_entries((key, entry) for (key, _), entry in self._entries.items())
        self._keep_bounds(rows)
        for key in self._changed:
            extent = self._extents.get(key)
            if extent is None:
                rows.forget_conversation(key)
            else:
                state = self._states.get(key) or State.of(conversation_at(key))
                rows.put_conversation(key, extent, state)
        continuity = self._continuity
        rows.put_cursors(continuity.cursors)
        rows.put_session({_SINCE_MS: continuity.since_ms, _INBOX_FIRST: continuity.inbox_first})
        self._forget_all = self._moved = False
        for each in (self._forgotten, self._entries, self._changed):
            each.clear()

    def _keep_bounds(self, rows: Rows) -> None:
        """A tenth more than there may be, so that not each flush has something to forget."""
        for key, extent in self._extents.items():
            if extent.entries > CONVERSATION_ENTRIES_MAX * 11 // 10:
                first = rows.keep_newest(key, CONVERSATION_ENTRIES_MAX)
                self._extents[key] = Extent(first, CONVERSATION_ENTRIES_MAX)
                self._changed.add(key)
        excess = sum(extent.entries for extent in self._extents.values()) - CACHE_ENTRIES_MAX
        too_many = len(self._extents) - CONVERSATIONS_MAX
        if excess <= CACHE_ENTRIES_MAX // 10 and too_many <= CONVERSATIONS_MAX // 10:
            return
        for key in sorted(self._extents, key=self._active_at_ms):
            if excess <= 0 and too_many <= 0:
                break
            excess -= self._extents[key].entries
            rows.forget_entries([key])
            self._extents[key] = Extent(self._continuity.cursor(key) + 1)
            self._changed.add(key)
            if too_many > 0 and key[0] == "@":
                # The server lists whom there were conversations with.
                del self._extents[key]
                self._continuity.inbox_first = self._continuity.cursor(key) + 1
                too_many -= 1

    def _active_at_ms(self, key: str) -> int:
        state = self._states.get(key)
        return state.active_at_ms if state else 0

    def _new_extent(self, key: str) -> Extent:
        """Nothing is kept of it, but all that will come."""
        if key[0] == "@":
            return Extent(self._continuity.inbox_first)
        return Extent(self._continuity.cursor(key) + 1)

    # --- What the user types and chooses --------------------------------------------------------

    def keep_draft(self, key: str, text: str) -> None:
        """At once, so that it survives whatever happens; none if `text` is empty."""
        self._write(lambda rows: rows.put_draft(key, text))

    def keep_unsent(self, key: str, text: str, reply_to: int, at_ms: int) -> int:
        """At once, what waits for the server; its number, or 0 if nothing is kept."""
        numbers: list[int] = []
        self._write(lambda rows: numbers.append(rows.add_unsent(key, text, reply_to, at_ms)))
        return numbers[0] if numbers else 0

    def keep_input(self, text: str) -> None:
        """The newest of what was typed and sent."""
        self._write(lambda rows: rows.add_input(text, INPUTS_MAX))

    def inputs(self) -> list[str]:
        """What was typed and sent, oldest first."""
        return self._read(lambda rows: rows.inputs()) or []

    def keep_setting(self, name: str, value: str) -> None:
        """A setting of this user on this machine, which is kept when the rest is forgotten."""
        self._write(lambda rows: rows.put_setting(name, value))

    def settings(self) -> dict[str, str]:
        return self._read(lambda rows: rows.settings()) or {}

    # --- The file -------------------------------------------------------------------------------

    def close(self) -> None:
        """Others may use it from now on. What was not flushed is lost."""
        self._file.close()

    def _write(self, what: Callable[[Rows], None]) -> None:
        if not self._file.writable or self._file.database is None:
            return
        rows = Rows(self._file.database)
        try:
            rows.begin()
            what(rows)
            rows.commit()
        except sqlite3.Error as error:
            # Closing the file takes back what is not committed.
            self._file.fail(f"what is seen and written here is not kept any more: {error}")

    def _read(self, what: Callable[[Rows], T]) -> T | None:
        if self._file.database is None:
            return None
        try:
            return what(Rows(self._file.database))
        except (sqlite3.Error, ProtocolError) as error:
            self._broken(error)
            return None

    def _broken(self, error: Exception) -> None:
        busy = getattr(error, "sqlite_errorcode", None) in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        )
        if busy or not self._file.writable:
            self._file.fail(f"what was kept of earlier cannot be read: {error}")
            return
        try:
            self._file.begin_anew(f"it is broken: {error}")
        except (OSError, sqlite3.Error) as again:
            self._file.fail(f"what is seen here cannot be kept: {again}")
        # What waits belongs to what is not there any more.
        self._forget_all = True
        for each in (self._entries, self._extents, self._states, self._continuity.cursors):
            each.clear()


def _stored(rows: Rows, key: str | None, sequence: int) -> tuple[str, Entry] | None:
    if key is None:
        return rows.in_inbox(sequence)
    entry = rows.entry(key, sequence)
    return None if entry is None else (key, entry)
