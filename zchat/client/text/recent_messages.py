"""The messages that were shown last, so that what refers to one can say which it is."""

from typing import Final, NamedTuple

from zchat.protocol.messages import Entry, MessageDeleted, MessageEdited
from zchat.protocol.rules.message_fold import MessageState, folded, state_of

MESSAGES_MAX: Final = 1_000
CHARS_MAX: Final = 200
"""Of each text: more than a line shows."""


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
