"""`zchat-client` from its first moment: the terminal first, then all that takes long to load."""

import os
import sys

from zchat.programs import interrupts, typed_ahead

SUBCOMMANDS = frozenset(
    [
        "send",
        "tail",
        "history",
        "search",
        "rooms",
        "users",
        "export",
        "edit",
        "delete",
        "react",
        "unreact",
        "pin",
        "unpin",
        "create-room",
        "join",
        "leave",
        "topic",
        "invite",
    ]
)
"""Those of `zchat.client.cli.main`, said again since that takes long to load; a test compares."""
_LINES_ARE_READ = SUBCOMMANDS | {"--plain", "--help", "-h"}
"""With one of these among its words the terminal stays as it is, for lines to be read from it.

What is typed while a subcommand runs is for the shell. What a word means nobody knows before click
has read them all: a user who is called like a subcommand goes without what this is for.
"""


def main() -> None:
    interrupts.kill()
    # A terminal on which nothing can be drawn has its lines read, unless they are wanted edited.
    dumb = os.environ.get("TERM") == "dumb" and "--line" not in sys.argv[1:]
    if dumb or not _LINES_ARE_READ.isdisjoint(sys.argv[1:]):
        _chat()
        return
    with typed_ahead.held():
        _chat()


def _chat() -> None:
    from zchat.client.cli.main import main as chat  # noqa: PLC0415

    chat()
