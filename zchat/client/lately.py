"""What was said lately, so that what refers to it can show which message is meant."""

from typing import Final, NamedTuple

from zchat.protocol.messages import (
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    Redacted,
)

MESSAGES_MAX: Final = 1_000
CHARS_MAX: Final = 200
"""Of each text: more than a line shows."""


class Said(NamedTuple):
    author: str
    text: str
    edited: int
    """By the entry with this sequence; 0 if it was not."""


class Lately:
    def __init__(self) -> None:
        self._said: dict[tuple[str, int], Said] = {}

    def said(self, log: str, sequence: int) -> Said | None:
        """A message as it was seen; None if it was not seen lately, or is no more."""
        return self._said.get((log, sequence))

    def note(self, entry: Entry) -> None:
        match entry.body:
            case MessagePosted(text) | PrivateMessageSent(text=text):
                said = Said(entry.author, text, entry.edited)
                self._keep(entry.log, entry.sequence, said)
            case MessageEdited(sequence, text):
                known = self.said(entry.log, sequence)
                if text and known is not None and entry.sequence > known.edited:
                    self._keep(entry.log, sequence, Said(known.author, text, entry.sequence))
            case MessageDeleted(sequence):
                self._said.pop((entry.log, sequence), None)
            case Redacted():
                self._said.pop((entry.log, entry.sequence), None)
            case _:
                pass

    def _keep(self, log: str, sequence: int, said: Said) -> None:
        """The oldest are forgotten first."""
        self._said.pop((log, sequence), None)
        self._said[log, sequence] = said._replace(text=said.text[:CHARS_MAX])
        if len(self._said) > MESSAGES_MAX:
            del self._said[next(iter(self._said))]
