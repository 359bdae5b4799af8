"""The JSON that the subcommands print: one object a line, whose fields docs/scripting.md names.

The names are those of the protocol. All fields are there, also where they have their defaults.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from zchat.client.model.entries import NOTICES, conversation_of
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

MESSAGES: Final = (MessagePosted, PrivateMessageSent, Announced)
CHANGES: Final = (MessageEdited, MessageDeleted, Redacted)
"""Who keeps what was said must know of these as well."""
OF_MESSAGES: Final = (*CHANGES, ReactionAdded, ReactionRemoved)
"""What is about a message, and belongs where that does."""

# msgspec escapes C0. These steer a terminal, or end a line for some who read it.
_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_REFERS: Final = {"sequence": "message"}
"""The sequence of the message that a body is about; that of the entry has the name already."""


def line(shape: dict[str, Any]) -> str:
    text = msgspec.json.encode(shape).decode()
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def of_entry(entry: Entry, me: str, conversation: str | None = None) -> dict[str, Any]:
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


def of_info(info: msgspec.Struct) -> dict[str, Any]:
    """A room or a user, as it stands in a list."""
    return {"kind": _kind(info), **{name: getattr(info, name) for name in info.__struct_fields__}}


def of_done(done: Done) -> dict[str, Any]:
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
