"""The items of one conversation, in order and counted, and where in it everything stands.

Those that stand in its log come first, by sequence; then those of the user that do not yet.
`first` is where what is known begins: from there on nothing of the log is missing. Not each entry
is an item, so it need not be the sequence of one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

from zchat.client.core.events import SessionBegun
from zchat.client.model.continuity import Anew, Continuity
from zchat.client.model.conversation import (
    Changed,
    Conversation,
    Delivery,
    Inserted,
    Item,
    Kept,
    Kind,
    Removed,
    Replaced,
    Said,
)
from zchat.client.model.entries import conversation_at
from zchat.protocol import limits
from zchat.protocol.messages import LogState

_sequence_of: Final = attrgetter("sequence")


class Transcript:
    def __init__(self, conversation: Conversation, first: int, me: str) -> None:
        self.conversation = conversation
        self.first = first
        self.settled = 0
        """How many items stand in the log."""
        self._me = me
        self._unread = 0
        """Among the items."""
        self._mentions = 0
        self._unread_before = 0
        """Before `first`, as far as somebody has said so."""
        self._mentions_before = 0

    # --- Items ----------------------------------------------------------------------------------

    def at(self, sequence: int) -> int | None:
        """The index of the item with this sequence."""
        items = self.conversation.items
        index = bisect_left(items, sequence, hi=self.settled, key=_sequence_of)
        found = index < self.settled and items[index].sequence == sequence
        return index if found else None

    def append(self, item: Item) -> None:
        """The newest that stands in the log."""
        self.conversation.items.insert(self.settled, item)
        self.conversation.add_change(Inserted(self.settled, 1))
        self.settled += 1
        self._count(item, 1)

    def settle(self, pending: Said) -> None:
        """What was pending stands in the log, and is the newest there."""
        items = self.conversation.items
        index = items.index(pending, self.settled)
        pending.version += 1
        if index == self.settled:
            self.conversation.add_change(Changed(index))
        else:
            del items[index]
            items.insert(self.settled, pending)
            self.conversation.add_change(Removed(index))
            self.conversation.add_change(Inserted(self.settled, 1))
        self.settled += 1

    def prepend(self, page: Sequence[Item], first: int, *, more: bool) -> None:
        """What came before, so that all is known from `first` on; `more` is older yet."""
        self.first = first
        # Notices are in no conversation that could be asked for.
        self.conversation.more_before = more and self.conversation.kind is not Kind.NOTICES
        if page:
            self.conversation.items[:0] = page
            self.settled += len(page)
            self.conversation.add_change(Inserted(0, len(page)))
        for item in page:
            if self._counts(item):
                self._unread_before -= 1
                self._mentions_before -= self._mentions_me(item)
                self._count(item, 1)
        self._unread_before = max(0, self._unread_before)
        self._mentions_before = max(0, self._mentions_before)
        self._show_counts()

    def changed(self, index: int) -> None:
        self.conversation.add_change(Changed(index))

    def start_anew(self, first: int) -> None:
        """What is known is not what comes before `first`; what is pending stays."""
        if self.settled:
            del self.conversation.items[: self.settled]
            self.conversation.add_change(Replaced())
        self.first, self.settled = first, 0
        self.conversation.more_before = first > 1 and self.conversation.kind is not Kind.NOTICES
        self._unread = self._mentions = self._unread_before = self._mentions_before = 0
        self._show_counts()

    def trim(self, items_max: int) -> None:
        """Forgets the oldest, which can be had again. A little at a time would cost each time."""
        excess = self.settled - items_max
        if excess <= items_max // 10:
            return
        items = self.conversation.items
        self.conversation.more_before = True
        self.first = items[excess].sequence
        for item in items[:excess]:
            if self._counts(item):
                self._unread_before += 1
                self._mentions_before += self._mentions_me(item)
                self._count(item, -1)
        del items[:excess]
        self.settled -= excess
        self.conversation.add_change(Replaced())

    # --- What does not stand in the log yet -----------------------------------------------------

    @property
    def unsettled(self) -> Iterator[Item]:
        items = self.conversation.items
        return (items[index] for index in range(self.settled, len(items)))

    def add_pending(self, said: Said) -> None:
        self.conversation.items.append(said)
        self.conversation.add_change(Inserted(len(self.conversation.items) - 1, 1))

    def deliver(self, said: Said, delivery: Delivery, trouble: str = "") -> None:
        said.delivery, said.trouble = delivery, trouble
        said.version += 1
        self.changed(self.conversation.items.index(said, self.settled))

    def drop_pending(self, said: Said) -> None:
        index = self.conversation.items.index(said, self.settled)
        del self.conversation.items[index]
        self.conversation.add_change(Removed(index))

    # --- What is unread -------------------------------------------------------------------------

    def read_up_to(self, marker: int) -> None:
        """The marker moves forward, or stays."""
        conversation = self.conversation
        if marker <= conversation.marker:
            return
        items = conversation.items
        begin = bisect_right(items, conversation.marker, hi=self.settled, key=_sequence_of)
        end = bisect_right(items, marker, hi=self.settled, key=_sequence_of)
        if end == self.settled:
            # Nothing that is known comes after it, however much that is.
            self._unread = self._mentions = 0
        else:
            for item in items[begin:end]:
                self._count(item, -1)
        conversation.marker = marker
        self._show_counts()

    def unread_after(self, marker: int) -> None:
        """The marker moves back, or stays."""
        conversation = self.conversation
        if marker >= conversation.marker:
            return
        items = conversation.items
        begin = bisect_right(items, marker, hi=self.settled, key=_sequence_of)
        end = bisect_right(items, conversation.marker, hi=self.settled, key=_sequence_of)
        conversation.marker = marker
        for item in items[begin:end]:
            self._count(item, 1)
        self._show_counts()

    def unread_in_all(self, unread: int, mentions: int) -> None:
        """How many there are in the whole log, as the server says."""
        self._unread_before = max(0, unread - self._unread)
        self._mentions_before = max(0, mentions - self._mentions)
        self._show_counts()

    def uncount(self, item: Item) -> None:
        """Before the item changes; `count_again` then."""
        self._count(item, -1)

    def count_again(self, item: Item) -> None:
        self._count(item, 1)

    def _count(self, item: Item, by: int) -> None:
        if self._counts(item):
            self._unread += by
            if self._mentions_me(item):
                self._mentions += by
            self._show_counts()

    def _counts(self, item: Item) -> bool:
        if item.sequence <= self.conversation.marker or item.author == self._me:
            return False
        if isinstance(item, Said):
            return not item.deleted_by
        return self.conversation.kind is Kind.NOTICES

    def _mentions_me(self, item: Item) -> bool:
        return item.mentions_me if isinstance(item, Said) else True

    def _show_counts(self) -> None:
        if self.first <= self.conversation.marker + 1 or not self.conversation.more_before:
            self._unread_before = self._mentions_before = 0
        self.conversation.unread = self._unread + self._unread_before
        self.conversation.mentions = self._mentions + self._mentions_before


# --- All conversations, and how far the logs are known that they are made of ----------------------


class Transcripts:
    """`me` is the user's own name."""

    def __init__(self, me: str) -> None:
        self._me = me
        self.continuity = Continuity(me)
        self.conversations: dict[str, Conversation] = {}
        self.known: dict[str, Transcript] = {}
        self._inbox_marker = 0
        self._drafts: dict[str, str] = {}
        """By key, of conversations that are not there yet."""
        self._touched: set[str] = set()

    def restore(self, kept: Kept) -> None:
        """All but the conversations."""
        continuity, rooms = self.continuity, {each.conversation.key for each in kept.conversations}
        continuity.since_ms, continuity.inbox_first = kept.since_ms, kept.inbox_first
        # A room without a conversation is not known here at all, however far it was read.
        continuity.cursors = {
            log: cursor for log, cursor in kept.cursors.items() if log[0] == "@" or log in rooms
        }
        self._drafts = dict(kept.drafts)

    def at(self, key: str) -> Transcript:
        """That of the key, made if there is none; whoever asks is about to change it."""
        self._touched.add(key)
        transcript = self.known.get(key)
        if transcript is None:
            first = limits.INTEGER_MAX if key[0] == "#" else self.continuity.inbox_first
            transcript = self.add(conversation_at(key), first)
        return transcript

    def add(self, conversation: Conversation, first: int) -> Transcript:
        key = conversation.key
        if conversation.kind is Kind.NOTICES:
            conversation.marker = max(conversation.marker, self._inbox_marker)
        if first == 1:
            conversation.more_before = False
        conversation.draft = self._drafts.pop(key, conversation.draft)
        self.conversations[key] = conversation
        transcript = self.known[key] = Transcript(conversation, first, self._me)
        self._touched.add(key)
        return transcript

    def take_touched(self) -> list[Conversation]:
        touched, self._touched = self._touched, set()
        return [self.conversations[key] for key in touched]

    # --- A session begins -----------------------------------------------------------------------

    def begin(self, begun: SessionBegun) -> list[Anew]:
        """Returns the logs that do not go on where they were known."""
        session = self.continuity.begin(begun)
        if session.forgets_all:
            self._forget()
        anew = {each.state.log: each for each in session.anew}
        for state in begun.logs:
            if state.log == self.continuity.inbox:
                self._begin_inbox(state, anew.get(state.log))
            else:
                self._begin_room(state, anew=state.log in anew)
        for key, transcript in self.known.items():
            if key[0] == "#" and transcript.conversation.joined != (key in session.followed):
                transcript.conversation.joined = key in session.followed
                self._touched.add(key)
        return session.anew

    def _begin_room(self, state: LogState, *, anew: bool) -> None:
        transcript = self.known.get(state.log)
        if transcript is None:
            transcript = self.add(conversation_at(state.log), state.cursor + 1)
        elif anew:
            transcript.start_anew(state.cursor + 1)
            if state.head < transcript.conversation.head:
                # It is another log, and nobody has read anything of it.
                transcript.conversation.marker = 0
        transcript.read_up_to(state.marker)
        transcript.conversation.head, transcript.conversation.notify = state.head, state.notify
        self._touched.add(state.log)

    def _begin_inbox(self, state: LogState, anew: Anew | None) -> None:
        self._inbox_marker = max(self._inbox_marker, state.marker)
        if anew is None:
            return
        for key, transcript in self.known.items():
            if key[0] == "@":
                transcript.start_anew(self.continuity.inbox_first)
                if anew.is_another:
                    transcript.conversation.marker = transcript.conversation.head = 0

    def _forget(self) -> None:
        """All of it was somebody else's, of the same name."""
        self._inbox_marker = 0
        for transcript in self.known.values():
            transcript.start_anew(limits.INTEGER_MAX)
            transcript.conversation.marker = transcript.conversation.head = 0
            transcript.conversation.draft = ""
