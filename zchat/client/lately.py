"""What was said lately, so that what refers to it can show which message is meant."""

from typing import Final

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


class Lately:
    def __init__(self) -> None:
        self._said: dict[tuple[str, int], tuple[str, str]] = {}

    def said(self, log: str, sequence: int) -> tuple[str, str] | None:
        """Author and text of a message; None if it was not seen lately, or is no more."""
        return self._said.get((log, sequence))

    def note(self, entry: Entry) -> None:
        match entry.body:
            case MessagePosted(text) | PrivateMessageSent(text=text):
                self._keep(entry.log, entry.sequence, entry.author, text)
            case MessageEdited(sequence, text):
                said = self.said(entry.log, sequence)
                if text and said is not None:
                    self._keep(entry.log, sequence, said[0], text)
            case MessageDeleted(sequence):
                self._said.pop((entry.log, sequence), None)
            case Redacted():
                self._said.pop((entry.log, entry.sequence), None)
            case _:
                pass

    def _keep(self, log: str, sequence: int, author: str, text: str) -> None:
        """The oldest are forgotten first."""
        self._said.pop((log, sequence), None)
        self._said[log, sequence] = author, text[:CHARS_MAX]
        if len(self._said) > MESSAGES_MAX:
            del self._said[next(iter(self._said))]
