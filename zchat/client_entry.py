"""`zchat-client` from its first moment: the terminal first, then all that takes long to load."""

import os
import sys

from zchat import interrupts, typed_ahead

_LINES_ARE_READ = ("--plain", "send", "--help", "-h")
"""With one of these among its words the terminal stays as it is, for lines to be read from it."""


def main() -> None:
    interrupts.kill()
    dumb = os.environ.get("TERM") == "dumb" and "--line" not in sys.argv[1:]
    if dumb or not set(_LINES_ARE_READ).isdisjoint(sys.argv[1:]):
        _chat()
        return
    with typed_ahead.held():
        _chat()


def _chat() -> None:
    from zchat.client.main import main as chat  # noqa: PLC0415

    chat()
