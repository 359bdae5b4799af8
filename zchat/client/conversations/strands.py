"""All conversations, and how far the logs are known of which they are made."""

from zchat.client.conversations.kept import Kept, goes_on
from zchat.client.conversations.model import Conversation, Kind
from zchat.client.conversations.rooms import conversation_at
from zchat.client.conversations.strand import Strand
from zchat.client.events import SessionBegun
from zchat.protocol import limits
from zchat.protocol.messages import LogState, inbox_log


class Strands:
    """`me` is the user's own name."""

    def __init__(self, me: str) -> None:
        self._me = me
        self.inbox = inbox_log(me)
        self.since_ms = 0
        """Since when the name is the user's own; 0 while nobody has said."""
        self.conversations: dict[str, Conversation] = {}
        self.known: dict[str, Strand] = {}
        self.cursors: dict[str, int] = {}
        """How far each log is known."""
        self._inbox_first = 1
        """From where on it is known whole, whoever it was with."""
        self._inbox_marker = 0
        self._drafts: dict[str, str] = {}
        """By key, of conversations that are not there yet."""
        self._touched: set[str] = set()

    def restore(self, kept: Kept) -> None:
        """All but the conversations."""
        self.since_ms = kept.since_ms
        self.cursors = dict(kept.cursors)
        self._inbox_first = kept.inbox_first
        self._drafts = dict(kept.drafts)

    def at(self, key: str) -> Strand:
        """That of the key, made if there is none; whoever asks is about to change it."""
        self._touched.add(key)
        strand = self.known.get(key)
        if strand is None:
            first = limits.INTEGER_MAX if key[0] == "#" else self._inbox_first
            strand = self.add(conversation_at(key), first)
        return strand

    def add(self, conversation: Conversation, first: int) -> Strand:
        key = conversation.key
        if conversation.kind is Kind.NOTICES:
            conversation.marker = max(conversation.marker, self._inbox_marker)
        if first == 1:
            conversation.more_before = False
        conversation.draft = self._drafts.pop(key, conversation.draft)
        self.conversations[key] = conversation
        strand = self.known[key] = Strand(conversation, first, self._me)
        self._touched.add(key)
        return strand

    def cursor(self, key: str) -> int:
        """Up to where the log is known that a conversation is part of."""
        return self.cursors.get(key if key[0] == "#" else self.inbox, 0)

    def take_touched(self) -> list[Conversation]:
        touched, self._touched = self._touched, set()
        return [self.conversations[key] for key in touched]

    # --- A session begins -----------------------------------------------------------------------

    def begin(self, begun: SessionBegun) -> list[tuple[str, int]]:
        """Returns the logs that do not go on where they were known, and after what they do."""
        if self.since_ms and begun.since_ms != self.since_ms:
            self._forget()
        self.since_ms = begun.since_ms
        anew = [(state.log, state.cursor) for state in begun.logs if not self._goes_on(state)]
        for state in begun.logs:
            if state.log == self.inbox:
                self._begin_inbox(state)
            else:
                self._begin_room(state)
        followed = {state.log for state in begun.logs}
        for key, strand in self.known.items():
            if key[0] == "#" and strand.conversation.joined != (key in followed):
                strand.conversation.joined = key in followed
                self._touched.add(key)
        for log, cursor in anew:
            self.cursors[log] = cursor
        return anew

    def _goes_on(self, state: LogState) -> bool:
        has_items = state.log in self.known or state.log == self.inbox
        return has_items and goes_on(state, self.cursors.get(state.log))

    def _begin_room(self, state: LogState) -> None:
        strand = self.known.get(state.log)
        if strand is None:
            strand = self.add(conversation_at(state.log), state.cursor + 1)
        elif not self._goes_on(state):
            strand.start_anew(state.cursor + 1)
            if state.head < strand.conversation.head:
                # It is another log, of which nobody has read anything.
                strand.conversation.marker = 0
        strand.read_up_to(state.marker)
        strand.conversation.head, strand.conversation.notify = state.head, state.notify
        self._touched.add(state.log)

    def _begin_inbox(self, state: LogState) -> None:
        self._inbox_marker = max(self._inbox_marker, state.marker)
        if self._goes_on(state):
            return
        another_log = state.head < self.cursors.get(state.log, -1)
        self._inbox_first = state.cursor + 1
        for key, strand in self.known.items():
            if key[0] == "@":
                strand.start_anew(self._inbox_first)
                if another_log:
                    strand.conversation.marker = strand.conversation.head = 0

    def _forget(self) -> None:
        """All of it was somebody else's, of the same name."""
        self.cursors.clear()
        self._inbox_marker = 0
        for strand in self.known.values():
            strand.start_anew(limits.INTEGER_MAX)
            strand.conversation.marker = strand.conversation.head = 0
            strand.conversation.draft = ""
