"""Cached conversations: what the cache hands to the book at the start."""

from dataclasses import dataclass, field
from typing import NamedTuple

from zchat.client.model.conversation import Conversation
from zchat.protocol.messages import Entry


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
    """By key: of conversations of which nothing else is kept."""
    unsent: list[Unsent] = field(default_factory=list)
    """In the order in which it was said."""
