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
"""Who keeps what was said must know of these as well."""
OF_MESSAGES: Final = (*CHANGES, ReactionAdded, ReactionRemoved)
"""What is about a message, and belongs where that does."""


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


# --- JSON: one object a line, whose fields docs/scripting.md names --------------------------------
#
# The names are those of the protocol. All fields are there, also where they have their defaults.

# msgspec escapes C0. These steer a terminal, or end a line for some who read it.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_REFERS: Final = {"sequence": "message"}
"""The sequence of the message that a body is about; that of the entry has the name already."""


def json_line(fields: dict[str, Any]) -> str:
    text = msgspec.json.encode(fields).decode()
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def entry_object(entry: Entry, me: str, conversation: str | None = None) -> dict[str, Any]:
    """The `conversation` that it was read from, if any: not every entry says which one it is."""
    body, named = entry.body, conversation or conversation_of(entry, me)
    fields = {_REFERS.get(name, name): getattr(body, name) for name in body.__struct_fields__}
    return {
        "kind": _kind(body),
        "log": entry.log,
        "sequence": entry.sequence,
        "at": moment(entry.at_ms),
        "at_ms": entry.at_ms,
        "author": entry.author,
        # What the cluster tells is said by nobody who could be answered.
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
    """Raises `Failed` if it cannot be read. What is no UTF-8 is for drafts to refuse."""
    if words and tuple(words) != ("-",):
        return " ".join(words)
    try:
        data = sys.stdin.buffer.read(_STDIN_BYTES_MAX)
    except OSError as error:
        raise Failed(WRONG_USAGE, f"cannot read the text: {error.strerror}") from None
    return data.decode(errors="surrogateescape").rstrip("\r\n")
