"""The text that a subcommand is given: in words, or on standard input."""

import sys
from collections.abc import Sequence
from typing import Final

from zchat.client.access import WRONG_USAGE, Failed
from zchat.protocol import limits

_STDIN_BYTES_MAX: Final = 4 * (limits.TEXT_CHARS_MAX + 1)
"""Whatever is longer is too long for a message, in any script."""


def text_of(words: Sequence[str]) -> str:
    """Raises `Failed` if it cannot be read. What is no UTF-8 is for drafts to refuse."""
    if words and tuple(words) != ("-",):
        return " ".join(words)
    try:
        data = sys.stdin.buffer.read(_STDIN_BYTES_MAX)
    except OSError as error:
        raise Failed(WRONG_USAGE, f"cannot read the text: {error.strerror}") from None
    return data.decode(errors="surrogateescape").rstrip("\r\n")
