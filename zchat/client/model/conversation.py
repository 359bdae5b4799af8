"""One conversation as it is read: what was said in it, what became of that, and what is unread.

A conversation is a room, the lobby, several people's, or what is said in private with one other.
It is called by its key, `#room` or `@name`. Everything here is plain state; `book.py` folds the
client's events into it, and a screen shows it.
"""

import enum
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from zchat.protocol.messages import Entry

CHANGES_MAX: Final = 1_000
"""Past it a screen draws anew, which costs it less than so many changes; most are never drawn."""


class Kind(enum.Enum):
    LOBBY = enum.auto()
    ROOM = enum.auto()
    SEVERAL = enum.auto()
    """A conversation of several people, called by its topic."""
    PRIVATE = enum.auto()
    NOTICES = enum.auto()
    """What the cluster tells the user: of invitations, and of the account. Nobody can answer."""


class Delivery(enum.Enum):
    DONE = enum.auto()
    """It stands in its log."""
    PENDING = enum.auto()
    """Said here, and not confirmed."""
    FAILED = enum.auto()
    """Refused: `Said.trouble` says why, and it may be said again."""
    UNKNOWN = enum.auto()
    """An earlier run of the client said it, and ended before it was confirmed."""


@dataclass(slots=True, eq=False)
class Said:
    """A message. One that is pending or failed has no sequence yet, and stands at the end."""

    sequence: int
    at_ms: int
    author: str
    text: str
    """Empty once it was deleted."""
    reply_to: int = 0
    """The sequence of the message that it answers, which may be among the items or not."""
    edit: int = 0
    """The sequence of the edit that its text is from; 0 for what was said at first."""
    deleted_by: str = ""
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """Names by emoji, in their order. Replaced when it changes, never changed itself."""
    mentions_me: bool = False
    bot: bool = False
    """A program has said it."""
    delivery: Delivery = Delivery.DONE
    trouble: str = ""
    request: int = 0
    """The client core's number for it while it is pending."""
    kept: int = 0
    """The cache's number for it until it is confirmed; 0 if it is not kept there."""
    version: int = 0
    """Rises with each change, so that what was drawn of it can be kept until then."""

    @property
    def edited(self) -> bool:
        return self.edit != 0

    @property
    def is_unsent(self) -> bool:
        """It may be said again, or given up."""
        return self.delivery in (Delivery.FAILED, Delivery.UNKNOWN)


class Move(enum.Enum):
    NONE = enum.auto()
    JOINED = enum.auto()
    LEFT = enum.auto()


@dataclass(slots=True, eq=False)
class Happened:
    """Anything else that stands in a log: joins, topics, bans, pins. `text/` has words for it."""

    entry: Entry
    move: Move = Move.NONE
    """Whether its author has only come or gone."""
    version: int = 0

    @property
    def sequence(self) -> int:
        return self.entry.sequence

    @property
    def at_ms(self) -> int:
        return self.entry.at_ms

    @property
    def author(self) -> str:
        return self.entry.author


Item = Said | Happened


@dataclass(frozen=True, slots=True)
class Inserted:
    """`count` items are new from `index` on: at the end, or a page of history at the beginning."""

    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The item at `index` is not as it was."""

    index: int


@dataclass(frozen=True, slots=True)
class Removed:
    """The item at `index` is gone: a pending one that stands in its log now, or was given up."""

    index: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """Nothing is as it was: draw all of it anew."""


Change = Inserted | Changed | Removed | Replaced


@dataclass(slots=True, eq=False)
class Conversation:
    key: str
    kind: Kind
    title: str
    """What people call it: the room's name, the other's, or who is in it."""
    items: list[Item] = field(default_factory=list)
    """Oldest first, without gaps between the first one with a sequence and the last."""
    more_before: bool = True
    """The server may have older ones."""
    loading: bool = False
    """Older ones have been asked for."""
    topic: str = ""
    joined: bool = True
    marker: int = 0
    """What the user has read, on any device, as a sequence of the log."""
    head: int = 0
    """The newest sequence that is known of."""
    unread: int = 0
    """Messages of others after the marker."""
    mentions: int = 0
    """How many of them mention the user; in a private conversation all do."""
    notify: str = ""
    """One of `Notify`; empty for what is usual: all of private ones, else mentions."""
    pinned: bool = False
    """The user keeps it at the top of the list, on this machine."""
    active_at_ms: int = 0
    """When anything was last said in it."""
    typing: dict[str, float] = field(default_factory=dict)
    """Who is typing, and until when that is believed, by a steady clock."""
    draft: str = ""
    """What was typed here and not sent."""
    changes: list[Change] = field(default_factory=list)
    """Since the screen last took them, in order; one reader."""

    @property
    def may_be_kept(self) -> bool:
        """A room that the user has left is not kept: what was said there is not theirs to read."""
        return self.key[0] != "#" or self.joined

    def add_change(self, change: Change) -> None:
        """Joins what follows what is there already, so that a long absence stays short."""
        last = self.changes[-1] if self.changes else None
        if isinstance(last, Replaced) or (change == last and isinstance(change, Changed)):
            return
        if isinstance(change, Replaced) or len(self.changes) >= CHANGES_MAX:
            self.changes[:] = [Replaced()]
        elif (
            isinstance(change, Inserted)
            and isinstance(last, Inserted)
            and change.index == last.index + last.count
        ):
            self.changes[-1] = Inserted(last.index, last.count + change.count)
        else:
            self.changes.append(change)

    def take_changes(self) -> list[Change]:
        changes, self.changes = self.changes, []
        return changes


# --- What the cache hands to the book at the start ------------------------------------------------


@dataclass(slots=True)
class KeptConversation:
    """`conversation` has everything but its items: they are in `entries`, the newest ones only."""

    conversation: Conversation
    first: int
    """From here on nothing is missing in `entries`."""
    entries: list[Entry] = field(default_factory=list)


class Unsent(NamedTuple):
    """What was said, and not confirmed before the run ended. `number` is the cache's."""

    number: int
    key: str
    text: str
    reply_to: int
    at_ms: int


@dataclass(slots=True)
class Kept:
    since_ms: int = 0
    """Since when the name was the user's own, as the server said; 0 if it never has."""
    cursors: dict[str, int] = field(default_factory=dict)
    """By log: up to where it is known."""
    inbox_first: int = 1
    """From where on the inbox is known whole, whoever it was with."""
    conversations: list[KeptConversation] = field(default_factory=list)
    drafts: dict[str, str] = field(default_factory=dict)
    """By key, where nothing else of the conversation is kept."""
    unsent: list[Unsent] = field(default_factory=list)
    """In the order in which it was said."""
