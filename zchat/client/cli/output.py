"""What a subcommand prints: lines for people or for programs, whole or not at all."""

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from zchat.client.cli import json_output
from zchat.client.exit_codes import REFUSED, WRONG_USAGE, Failed
from zchat.protocol import limits
from zchat.protocol.messages import Entry

if TYPE_CHECKING:
    from zchat.client.text.style import Style


_STDOUT: Final = 1


class Output:
    """`me` is the user's own name; `everything` shows also what is no message."""

    def __init__(self, me: str, *, as_json: bool, everything: bool = False) -> None:
        self.me = me
        self.as_json = as_json
        self.everything = everything

    @cached_property
    def style(self) -> "Style":
        # What people read need not wait for what programs do not, nor the other way round.
        from zchat.client.text.style import Style  # noqa: PLC0415

        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        return Style(self.me, None, colour=colour and os.environ.get("TERM") != "dumb")

    def shows(self, entry: Entry) -> bool:
        if self.everything or isinstance(entry.body, json_output.MESSAGES):
            return True
        return self.as_json and isinstance(entry.body, json_output.CHANGES)

    def entry(self, entry: Entry, conversation: str | None = None) -> str:
        if self.as_json:
            return json_output.line(json_output.of_entry(entry, self.me, conversation))
        from zchat.client.text import entries as render_entries  # noqa: PLC0415

        at = self.style.local(entry.at_ms)
        time = f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "-"
        words = render_entries.words(self.style, entry).replace("\n", "\n    ")
        return f"{time} {words}\n"

    def entries(self, entries: Iterable[Entry], conversation: str | None = None) -> None:
        self.write("".join(self.entry(entry, conversation) for entry in entries))

    def shapes(self, shapes: Iterable[dict[str, Any]]) -> None:
        self.write("".join(map(json_output.line, shapes)))

    def lines(self, lines: Sequence[str]) -> None:
        self.write("".join(f"{line}\n" for line in lines))

    def write(self, text: str) -> None:
        """In one write, so that who is killed has printed whole lines.

        Raises `BrokenPipeError` when nobody reads it, and `Failed` when it cannot be kept.
        """
        data = memoryview(text.encode(errors="replace"))
        try:
            while data:
                # A signal, or a disk that is nearly full, may leave a rest.
                data = data[os.write(_STDOUT, data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failed(REFUSED, f"cannot write the output: {error.strerror}") from None


# --- The text that is given -----------------------------------------------------------------------

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
