"""Referenced entries: those that a beat's commands are about, read before any of them is done."""

from collections.abc import Iterable, Iterator
from typing import Any

from zchat.eventlog.store import Store
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import (
    Entry,
    OfMessageCommand,
    PinMessage,
    Post,
    PrivateMessageSent,
    SendPrivate,
    inbox_log,
    room_log,
)
from zchat.protocol.operators import RedactMessages, ReplaceName
from zchat.protocol.rules.names import InvalidName, canonical_name
from zchat.service.core.effects import Sender

_entries = Decoder(Entry)
_Place = tuple[str, int]


def referred_entries(store: Store, commands: Iterable[tuple[Sender, Any]]) -> dict[_Place, Entry]:
    """By log and sequence, as far as they are there, and with each what changes along with it.

    Of a private message that is its twin in the other inbox, of an edited one the edit.
    """
    found: dict[_Place, Entry] = {}
    for sender, command in commands:
        for place in _places(sender.user, command):
            _find(store, place, found)
    return found


def _places(user: str, command: Any) -> Iterator[_Place]:
    try:
        match command:
            case Post(reply_to=0) | SendPrivate(reply_to=0):  # Most of all.
                return
            case Post(room=room, reply_to=sequence) | PinMessage(room=room, sequence=sequence):
                yield room_log(canonical_name(room)), sequence
            case SendPrivate(reply_to=sequence):
                yield inbox_log(user), sequence
            case (
                RedactMessages(log=log, sequences=sequences)
                | ReplaceName(log=log, sequences=sequences)
            ):
                yield from ((log, each) for each in sequences)
            case _ if isinstance(command, OfMessageCommand) and command.sequence:
                yield command.log[0] + canonical_name(command.log[1:]), command.sequence
            case _:
                return
    except InvalidName:
        return


def _find(store: Store, place: _Place, found: dict[_Place, Entry]) -> None:
    entry = found.get(place) or _read(store, place)
    if entry is None:
        return
    found[place] = entry
    if entry.edited:
        _add(store, (entry.log, entry.edited), found)
    body = entry.body
    if isinstance(body, PrivateMessageSent) and body.twin:
        mine = place[0] == inbox_log(entry.author)
        twin = _add(store, (inbox_log(body.to if mine else entry.author), body.twin), found)
        if twin is not None and twin.edited:
            _add(store, (twin.log, twin.edited), found)


def _add(store: Store, place: _Place, found: dict[_Place, Entry]) -> Entry | None:
    entry = found.get(place) or _read(store, place)
    if entry is not None:
        found[place] = entry
    return entry


def _read(store: Store, place: _Place) -> Entry | None:
    log, sequence = place
    for stored in store.read_log(log, sequence - 1, 1, 1):
        if stored.sequence == sequence:
            return _entries.decode(stored.frame)
    return None
