"""What a subcommand prints: text for people or JSON for programs; and the text that it is given."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from zchat.client.exit_codes import REFUSED, WRONG_USAGE, Failed
from zchat.client.model.entries import NOTICES, conversation_of
from zchat.protocol import limits
from zchat.protocol.messages import (
    Announced,
    Done,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
)

if TYPE_CHECKING:
    from zchat.client.text.style import Style

_STDOUT: Final = 1
"""Written without `sys.stdout`, whose buffer is lost if the process is killed."""
MESSAGES: Final = (MessagePosted, PrivateMessageSent, Announced)
CHANGES: Final = (MessageEdited, MessageDeleted, Redacted)
"""Printed as JSON besides messages: a program that keeps messages must know of these, too."""
OF_MESSAGES: Final = (*CHANGES, ReactionAdded, ReactionRemoved)
"""Entries about a message, which belong to the conversation of that message."""


class Output:
    """`me` is the user's own name; with `everything` it shows entries that are no messages, too."""

    def __init__(self, me: str, *, as_json: bool, everything: bool = False) -> None:
        self.me = me
        self.as_json = as_json
        self.everything = everything

    @cached_property
    def style(self) -> "Style":
        # Imported here, since JSON needs none of it.
        from zchat.client.text.style import Style  # noqa: PLC0415

        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        return Style(self.me, None, colour=colour and os.environ.get("TERM") != "dumb")

    def shows(self, entry: Entry) -> bool:
        if self.everything or isinstance(entry.body, MESSAGES):
            return True
        return self.as_json and isinstance(entry.body, CHANGES)

    def entry(self, entry: Entry, conversation: str | None = None) -> str:
        if self.as_json:
            return json_line(entry_object(entry, self.me, conversation))
        from zchat.client.text import entries as render_entries  # noqa: PLC0415

        at = self.style.local(entry.at_ms)
        time = f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "-"
        words = render_entries.words(self.style, entry).replace("\n", "\n    ")
        return f"{time} {words}\n"

    def entries(self, entries: Iterable[Entry], conversation: str | None = None) -> None:
        self.write("".join(self.entry(entry, conversation) for entry in entries))

    def objects(self, objects: Iterable[dict[str, Any]]) -> None:
        self.write("".join(map(json_line, objects)))

    def lines(self, lines: Sequence[str]) -> None:
        self.write("".join(f"{line}\n" for line in lines))

    def write(self, text: str) -> None:
        """Writes at once, so that a process that is killed has printed whole lines.

        Raises `BrokenPipeError` when nobody reads it, and `Failed` when it cannot be kept.
        """
        data = memoryview(text.encode(errors="replace"))
        try:
            while data:
                # After a signal, or on a disk that is nearly full, not all of it may be written.
                data = data[os.write(_STDOUT, data) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failed(REFUSED, f"cannot write the output: {error.strerror}") from None


# --- JSON: one object a line, whose fields docs/scripting.md names --------------------------------
#
# The names are those of the protocol. All fields are there, also where they have their defaults.

# msgspec escapes the controls below U+0020. These, too, steer a terminal, or end a line for some
# programs that read it.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
REFERS: Final = {"sequence": "message"}
"""By field of a body: its name in JSON. The entry has a `sequence` already, its own."""


def json_line(fields: dict[str, Any]) -> str:
    text = msgspec.json.encode(fields).decode()
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def entry_object(entry: Entry, me: str, conversation: str | None = None) -> dict[str, Any]:
    """`conversation` is where it was read, if known: not every entry says to which it belongs."""
    body, named = entry.body, conversation or conversation_of(entry, me)
    fields = {REFERS.get(name, name): getattr(body, name) for name in body.__struct_fields__}
    return {
        "kind": _kind(body),
        "log": entry.log,
        "sequence": entry.sequence,
        "at": moment(entry.at_ms),
        "at_ms": entry.at_ms,
        "author": entry.author,
        # Nobody can be answered for a notice of the cluster.
        "conversation": None if named == NOTICES else named,
        **fields,
        "edited": entry.edited,
        "reactions": entry.reactions,
    }


def info_object(info: msgspec.Struct) -> dict[str, Any]:
    """A room or a user, as it stands in a list."""
    return {"kind": _kind(info), **{name: getattr(info, name) for name in info.__struct_fields__}}


def done_object(done: Done) -> dict[str, Any]:
    return {"kind": _kind(done), "log": done.log, "sequence": done.sequence}


def moment(at_ms: int) -> str:
    """UTC, to the millisecond; empty for a year that no calendar here knows."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return ""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _kind(struct: msgspec.Struct) -> str:
    return str(struct.__struct_config__.tag)


# --- The text that is given -----------------------------------------------------------------------

_STDIN_BYTES_MAX: Final = 4 * (limits.TEXT_CHARS_MAX + 1)
"""A character has up to four bytes: whatever is longer is too long for a message, in any script."""


def text_of(words: Sequence[str]) -> str:
    """The words, or what standard input has. Raises `Failed` if that cannot be read.

    What is no UTF-8 is passed on, for the checks of the request to refuse.
    """
    if words and tuple(words) != ("-",):
        return " ".join(words)
    try:
        data = sys.stdin.buffer.read(_STDIN_BYTES_MAX)
    except OSError as error:
        raise Failed(WRONG_USAGE, f"cannot read the text: {error.strerror}") from None
    return data.decode(errors="surrogateescape").rstrip("\r\n")
