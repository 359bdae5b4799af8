"""The rows of a cache: what each says, and the statements that read and write them."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from zchat.client.conversations.kept import Unsent
from zchat.client.conversations.model import Conversation, Kind
from zchat.protocol.codec import Decoder, encode
from zchat.protocol.messages import Entry


@dataclass(slots=True)
class Place:
    """What is kept of one conversation: everything from `first` on."""

    first: int
    entries: int = 0
    more: bool = True
    """The server may have what comes before."""


class State(Struct, array_like=True):
    """All that is kept of a conversation besides its entries."""

    kind: str
    title: str
    topic: str
    joined: bool
    marker: int
    head: int
    notify: str
    pinned: bool
    active_at_ms: int
    unread: int
    mentions: int

    @classmethod
    def of(cls, conversation: Conversation) -> "State":
        return cls(
            conversation.kind.name,
            conversation.title,
            conversation.topic,
            conversation.joined,
            conversation.marker,
            conversation.head,
            conversation.notify,
            conversation.pinned,
            conversation.active_at_ms,
            conversation.unread,
            conversation.mentions,
        )

    def conversation(self, key: str) -> Conversation:
        return Conversation(
            key,
            Kind[self.kind],
            self.title,
            topic=self.topic,
            joined=self.joined,
            marker=self.marker,
            head=self.head,
            notify=self.notify,
            pinned=self.pinned,
            active_at_ms=self.active_at_ms,
            unread=self.unread,
            mentions=self.mentions,
        )


class Said(Struct, array_like=True):
    """What was said, and is not confirmed."""

    key: str
    text: str
    reply_to: int
    at_ms: int


_entries: Final = Decoder(Entry)
_states: Final = Decoder(State)
_unsent: Final = Decoder(Said)
_CACHED: Final = ("entries", "conversations", "cursors", "session", "drafts", "inputs", "unsent")
"""All but the settings, which are of this machine and not of the name."""


class Rows:
    """Raises `sqlite3.Error`, and `ProtocolError` for what nobody has written so."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._execute = database.execute
        self._execute_many = database.executemany

    # --- Reading --------------------------------------------------------------------------------

    def begin_reading(self) -> None:
        """All that is read until `commit` is of one moment."""
        self._execute("BEGIN")

    def conversations(self) -> Iterator[tuple[str, Place, State]]:
        rows = self._execute("SELECT key, first, entries, more, state FROM conversations")
        for key, first, entries, more, state in rows:
            yield key, Place(first, entries, bool(more)), _states.decode(state)

    def cursors(self) -> dict[str, int]:
        return dict(self._execute("SELECT log, sequence FROM cursors"))

    def session(self) -> dict[str, int]:
        return dict(self._execute("SELECT name, value FROM session"))

    def before(self, key: str, before: int, limit: int) -> list[Entry]:
        """The last ones, oldest first."""
        rows = self._execute(
            "SELECT frame FROM entries WHERE key = ? AND sequence < ? "
            "ORDER BY sequence DESC LIMIT ?",
            (key, before, limit),
        ).fetchall()
        return [_entries.decode(frame) for (frame,) in reversed(rows)]

    def entry(self, key: str, sequence: int) -> Entry | None:
        rows = self._execute(
            "SELECT frame FROM entries WHERE key = ? AND sequence = ?", (key, sequence)
        )
        return next((_entries.decode(frame) for (frame,) in rows), None)

    def in_inbox(self, sequence: int) -> tuple[str, Entry] | None:
        """The conversation that the entry belongs to, and the entry."""
        rows = self._execute(
            "SELECT key, frame FROM entries WHERE key >= '@' AND sequence = ?", (sequence,)
        )
        return next(((key, _entries.decode(frame)) for key, frame in rows), None)

    def drafts(self) -> dict[str, str]:
        return dict(self._execute("SELECT key, text FROM drafts"))

    def inputs(self) -> list[str]:
        return [text for (text,) in self._execute("SELECT text FROM inputs ORDER BY id")]

    def unsent(self) -> list[Unsent]:
        rows = self._execute("SELECT number, said FROM unsent ORDER BY number")
        decoded = ((number, _unsent.decode(said)) for number, said in rows)
        return [
            Unsent(number, said.key, said.text, said.reply_to, said.at_ms)
            for number, said in decoded
        ]

    def settings(self) -> dict[str, str]:
        return dict(self._execute("SELECT name, value FROM settings"))

    # --- Writing --------------------------------------------------------------------------------

    def begin(self) -> None:
        self._execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._execute("COMMIT")

    def forget_all(self) -> None:
        for table in _CACHED:
            self._execute(f"DELETE FROM {table}")  # noqa: S608

    def forget_entries(self, keys: Iterable[str]) -> None:
        self._execute_many("DELETE FROM entries WHERE key = ?", [(key,) for key in keys])

    def forget_conversation(self, key: str) -> None:
        self._execute("DELETE FROM conversations WHERE key = ?", (key,))

    def put_entries(self, entries: Iterable[tuple[str, Entry]]) -> None:
        self._execute_many(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
            [(key, entry.sequence, encode(entry)) for key, entry in entries],
        )

    def put_conversation(self, key: str, place: Place, state: State) -> None:
        self._execute(
            "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?)",
            (key, place.first, place.entries, place.more, encode(state)),
        )

    def put_cursors(self, cursors: dict[str, int]) -> None:
        self._execute("DELETE FROM cursors")
        self._execute_many("INSERT INTO cursors VALUES (?, ?)", list(cursors.items()))

    def put_session(self, values: dict[str, int]) -> None:
        self._execute_many("INSERT OR REPLACE INTO session VALUES (?, ?)", list(values.items()))

    def keep_newest(self, key: str, entries_max: int) -> int:
        """Forgets the others; returns the sequence of the oldest one that is kept."""
        (oldest,) = self._execute(
            "SELECT sequence FROM entries WHERE key = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?",
            (key, entries_max - 1),
        ).fetchone()
        self._execute("DELETE FROM entries WHERE key = ? AND sequence < ?", (key, oldest))
        first: int = oldest
        return first

    def put_draft(self, key: str, text: str) -> None:
        if text:
            self._execute("INSERT OR REPLACE INTO drafts VALUES (?, ?)", (key, text))
        else:
            self._execute("DELETE FROM drafts WHERE key = ?", (key,))

    def add_unsent(self, key: str, text: str, reply_to: int, at_ms: int) -> int:
        said = encode(Said(key, text, reply_to, at_ms))
        return self._execute("INSERT INTO unsent (said) VALUES (?)", (said,)).lastrowid or 0

    def forget_unsent(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._execute("DELETE FROM unsent WHERE number = ?", (number,))

    def add_input(self, text: str, inputs_max: int) -> None:
        """The same again is one, and the newest."""
        self._execute("DELETE FROM inputs WHERE text = ?", (text,))
        self._execute("INSERT INTO inputs (text) VALUES (?)", (text,))
        self._execute(
            "DELETE FROM inputs WHERE id <= (SELECT max(id) FROM inputs) - ?", (inputs_max,)
        )

    def put_setting(self, name: str, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
