"""The file that a room or an account is exported to: JSON, one object a line.

The first line is the header, each further one an entry, oldest first. Behind the inbox of an
account stands what it has said in rooms, each line with its `log`; that is imported nowhere. What a
newer release adds to a line is ignored here; a file of another `zchat_export` is refused.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from zchat.protocol import limits
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    SYSTEM_AUTHOR,
    DeviceInfo,
    EntryBody,
    MessageDeleted,
    MessageEdited,
    MessagePinned,
    MessagePosted,
    MessageUnpinned,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
)
from zchat.protocol.operators import SightingInfo
from zchat.protocol.rules.membership import EVERYONE, change_by
from zchat.protocol.rules.names import InvalidName, canonical_name, safe_text

FORMAT: Final = 1
ACCOUNT_FORMAT: Final = 2
"""With lines of rooms; those of the first releases have none."""


class Header(Struct, frozen=True, omit_defaults=True):
    """`kind` is `room` or `account`; what does not concern the kind is left out."""

    zchat_export: int
    kind: str
    name: str
    exported_at: str
    software: str
    topic: str = ""
    created_at_ms: int = 0
    registered_at_ms: int | None = None
    devices: list[DeviceInfo] = []
    totp: bool = False
    addresses: list[SightingInfo] = []


class Line(Struct, frozen=True, omit_defaults=True):
    """One entry, as it has become. `body` is as the protocol describes it, with its `kind`."""

    sequence: int
    at_ms: int
    author: str
    body: EntryBody
    edited: int = 0
    reactions: dict[str, list[str]] = {}
    log: str = ""


class BadExport(Exception):
    """The file cannot be imported; the text says which line, and why."""


_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)


def read_header(path: Path, kind: str) -> Header:
    """Raises `BadExport` and `OSError`."""
    with path.open("rb") as file:
        try:
            header = _header.decode(file.readline())
        except _UNREADABLE as error:
            raise BadExport(f"line 1 is no header of an export: {error}") from None
    if header.zchat_export not in (FORMAT, ACCOUNT_FORMAT):
        known = f"{FORMAT} and {ACCOUNT_FORMAT} are known here"
        raise BadExport(f"the file has the format {header.zchat_export}; {known}")
    if header.kind != kind:
        raise BadExport(f"the file is of one {header.kind}, and not of one {kind}")
    return header


def read_lines(path: Path) -> Iterator[Line]:
    """Each entry of the room or inbox, checked: what a service would have let in.

    Raises `BadExport` and `OSError`.
    """
    last = 0
    with path.open("rb") as file:
        file.readline()
        for number, text in enumerate(file, start=2):
            try:
                line = _line.decode(text)
            except _UNREADABLE as error:
                raise BadExport(f"line {number} is no entry: {error}") from None
            if line.log:
                continue
            if why := _wrong(line, last):
                raise BadExport(f"line {number}: {why}")
            last = line.sequence
            yield line


def _wrong(line: Line, last: int) -> str | None:
    if line.sequence <= last:
        return f"its sequence {line.sequence} comes after {last}"
    if not 0 <= line.at_ms <= limits.INTEGER_MAX:
        return f"{line.at_ms} is no time"
    names = [line.author, *(getattr(line.body, field, "") for field in ("user", "to", "by"))]
    for name in names:
        if not name or name == SYSTEM_AUTHOR:
            continue
        try:
            if canonical_name(name) != name:
                return f"{name} is not how that name is spelled"
        except InvalidName as error:
            return str(error)
    # The fields of bodies in which people say something.
    for field in ("text", "topic", "reason", "about", "what", "emoji"):
        text = getattr(line.body, field, "")
        if safe_text(text) != text or len(text) > limits.TEXT_CHARS_MAX:
            return f"its {field} holds what nobody may say"
    # Reactions and the rest of the entry have to fit in the frame with it.
    if len(encode(line.body)) > limits.FRAME_BYTES_MAX // 2:
        return "it is too large"
    return None


def still_in(lines: Iterator[Line]) -> tuple[list[str], int]:
    """Who is in the room after the last of its entries, and when that was."""
    members: set[str] = set()
    at_ms = 0
    for line in lines:
        at_ms = line.at_ms
        # An exported line has no log of its own, and nobody has joined the lobby that could differ.
        change = change_by("", line.author, line.body)
        if change is None:
            continue
        if change.joined:
            members.add(change.user)
        else:
            members -= set(members) if change.user == EVERYONE else {change.user}
    return sorted(members), at_ms


def standing_alone(lines: Iterable[Line]) -> Iterator[Line]:
    """Without entries, and references, that name other entries by their sequence.

    Where they are imported to, sequences are others. Nothing of the messages is missed: they stand
    in the file as edits, reactions and deletions have made them.
    """
    for line in lines:
        match line.body:
            case (
                MessageEdited()
                | MessageDeleted()
                | ReactionAdded()
                | ReactionRemoved()
                | MessagePinned()
                | MessageUnpinned()
            ):
                continue
            case MessagePosted(reply_to=reply_to) as posted if reply_to:
                yield replace(line, body=replace(posted, reply_to=0))
            case PrivateMessageSent() as sent:
                yield replace(line, body=replace(sent, reply_to=0, twin=0))
            case _:
                yield line


def import_nonce(path: Path, log: str) -> bytes:
    """The same for the same file and log, so that an import that is repeated adds nothing twice."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(log.encode())
    return digest.digest()[: limits.NONCE_BYTES]
