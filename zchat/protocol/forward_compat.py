"""How a client reads a server that is newer than itself: it goes on without what it cannot know."""

from typing import Annotated, get_args

from msgspec import Meta, Raw, Struct

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, ProtocolError, server_messages
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    History,
    Milliseconds,
    RefusalCode,
    Refused,
    RequestId,
    Sequence,
    ServerMessage,
    Unrecognised,
)


class _Any(Struct):
    kind: str


class _AnyEntry(Struct):
    log: str
    sequence: Sequence
    at_ms: Milliseconds
    author: str
    body: _Any
    edited: Sequence = 0
    reactions: dict[str, list[str]] = {}


class _AnyHistory(Struct):
    id: RequestId
    log: str
    # Bounded as what this client knows is: a `Raw` weighs 64 bytes, however little is in it.
    entries: Annotated[list[Raw], Meta(max_length=limits.HISTORY_ENTRIES_MAX)]
    more: bool


class _AnyRefused(Struct):
    id: RequestId | None
    code: str
    reason: str


_KNOWN = {shape.__struct_config__.tag for shape in get_args(ServerMessage)}
_KNOWN_BODIES = {shape.__struct_config__.tag for shape in get_args(EntryBody)}
_any = Decoder(_Any)
_entries = Decoder(Entry)
_any_entries = Decoder(_AnyEntry)
_any_histories = Decoder(_AnyHistory)
_any_refused = Decoder(_AnyRefused)


def from_server(frame: bytes) -> ServerMessage | None:
    """What a server says; None for a kind of message that this client does not know.

    An entry of an unknown kind keeps its place in its log, as `Unrecognised`. Raises
    `ProtocolError` for what no server of any age may say.
    """
    try:
        return server_messages.decode(frame)
    except ProtocolError:
        match _any.decode(frame).kind:
            case "entry":
                return _entry(frame)
            case "history":
                old = _any_histories.decode(frame)
                return History(old.id, old.log, [_entry(raw) for raw in old.entries], old.more)
            case "refused":
                refused = _any_refused.decode(frame)
                if refused.code in set(RefusalCode):
                    raise  # The code is known, so something else of it makes no sense.
                return Refused(refused.id, RefusalCode.OTHER, refused.reason)
            case kind if kind not in _KNOWN:
                return None
            case _:
                raise


def _entry(frame: bytes | Raw) -> Entry:
    try:
        return _entries.decode(frame)
    except ProtocolError:
        entry = _any_entries.decode(frame)
        if entry.body.kind in _KNOWN_BODIES:
            raise
        body = Unrecognised(entry.body.kind)
        return Entry(
            *(entry.log, entry.sequence, entry.at_ms, entry.author, body),
            *(entry.edited, entry.reactions),
        )
