"""What a commit changes in logs besides adding to them and amending: removals, policies, names."""

from typing import NamedTuple


class Removal(NamedTuple):
    """The entries of `log` up to the sequence `upto` go."""

    log: str
    upto: int


class Policy(NamedTuple):
    """How long the entries of `log` are kept, or those of all logs if it is only their prefix.

    `keep_s` is 0 for ever, and None if the log has no policy of its own. Entries up to `purge` go
    however old they are.
    """

    log: str
    keep_s: int | None = None
    purge: int = 0


class Edit(NamedTuple):
    """The message `sequence` of `log` said `text` until `at_ms`."""

    log: str
    sequence: int
    at_ms: int
    text: str


class ForgetEdits(NamedTuple):
    """The message is gone, and so is all that it has said."""

    log: str
    sequence: int


class ForgottenName(NamedTuple):
    """What is kept of `name` beside its entries goes; how far its inbox went is known as of `now`.

    So the inbox of whoever takes the name next begins anew.
    """

    name: str
    now: str


class ThreadRenamed(NamedTuple):
    """In the inbox `log`, entries of the conversation with `name` that are no messages go to `now`.

    Messages have been renamed one by one; with other entries of a conversation one update does it.
    """

    log: str
    name: str
    now: str
