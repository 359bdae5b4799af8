"""What `zchat-admin` says to the services about their data, which no client can."""

from typing import Annotated, Final

from msgspec import Meta

from zchat.protocol import limits
from zchat.protocol.messages import EntryBody, LogName, Message, Milliseconds, Refused, Sequence


class SetRetention(Message, frozen=True):
    """From now on the entries of `log` go when they are `keep_s` old; never if that is 0.

    `#` stands for all rooms, `@` for all inboxes that have no policy of their own; with None the
    log has none. Only for operators.
    """

    id: int
    log: str
    keep_s: Sequence | None


class ImportedEntry(Message, frozen=True):
    """`thread` is the other party of a private message."""

    at_ms: Milliseconds
    author: str
    body: EntryBody
    thread: str | None = None


class ImportedFacts(Message, frozen=True):
    """What a room or account is made of, beside its log."""

    created_at_ms: Milliseconds
    topic: str = ""
    password_hash: str = ""


IMPORT_NONCE: Final = b"imported entry: "
"""Beginning of the nonces of imported entries: the memberships that they tell of are over."""


class ImportEntries(Message, frozen=True):
    """Adds entries of another log, each as old as it was and by whom it was, to the log `log`.

    `nonce` is that of the whole import, whose entries are numbered from `start` on. The first ones
    have `facts`, and make the room or account, whose name must be free. Only for operators.
    """

    id: int
    nonce: bytes
    start: Sequence
    log: LogName
    entries: Annotated[list[ImportedEntry], Meta(max_length=limits.IMPORTED_ENTRIES_MAX)]
    facts: ImportedFacts | None = None

    def nonce_of(self, index: int) -> bytes:
        """Of one of the entries; longer than any client's, so that it is no client's."""
        return IMPORT_NONCE + self.nonce + (self.start + index).to_bytes(8, "big")


class CountExpired(Message, frozen=True):
    """What would go if entries of `log` were kept for `keep_s`: `ExpiredCounts`.

    `log` is as in `SetRetention`. Only the logs whose names come after `after` are looked at.
    """

    log: str
    keep_s: Sequence
    after: str = ""


class ListKept(Message, frozen=True):
    """How long entries are kept. Answered with `KeptLogs`."""


class ReadAccount(Message, frozen=True):
    """What is known of an account, but for its secrets: `AccountFacts`, or `Refused`."""

    name: str


class ExpiredCounts(Message, frozen=True):
    """By log how many entries would go; `next` is where the next page begins."""

    counts: dict[str, int]
    next: str | None


class AccountFacts(Message, frozen=True):
    name: str
    guest: bool
    created_at_ms: int
    registered_at_ms: int | None
    marker: int | None


AccountAnswer = AccountFacts | Refused


class LogKept(Message, frozen=True):
    log: str
    keep_s: int


class KeptLogs(Message, frozen=True):
    """Where it was said how long entries are kept; of all others they are kept for ever."""

    logs: list[LogKept]
