"""Whoever follows a room, from whenever on, comes to know of it what its history shows."""

import contextlib
from typing import Any

from committed import contradictions
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.amended import MESSAGES, Fold, is_same
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import RoomsCommand
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    Entry,
    MessageDeleted,
    MessagePinned,
    MessageUnpinned,
    PinMessage,
    Post,
    RemoveReaction,
    UnpinMessage,
)

from .playbook import Rooms, state_of

_entries = Decoder(Entry)

MESSAGES_BEFORE = 3
"""Said by each of the three before anything becomes of it."""
USERS = st.sampled_from(["ann", "bob", "carl"])
# Those messages, some entries that are none, and what is said later.
SEQUENCES = st.integers(0, 14)
EMOJI = st.sampled_from(["+1", "\N{SMILING FACE WITH SMILING EYES}"])


def _of_message(kind: type[RoomsCommand], **more: st.SearchStrategy[Any]) -> Any:
    log = st.just("#garden")
    return st.builds(kind, id=st.just(1), nonce=st.just(b""), log=log, sequence=SEQUENCES, **more)


COMMANDS: st.SearchStrategy[RoomsCommand] = st.one_of(
    _of_message(EditMessage, text=st.sampled_from(["red", "blue", "mauve", " "])),
    _of_message(EditMessage, text=st.sampled_from(["red", "blue"])),
    _of_message(DeleteMessage),
    _of_message(AddReaction, emoji=EMOJI),
    _of_message(AddReaction, emoji=EMOJI),
    _of_message(RemoveReaction, emoji=EMOJI),
    st.builds(
        PinMessage, id=st.just(1), nonce=st.just(b""), room=st.just("garden"), sequence=SEQUENCES
    ),
    st.builds(
        UnpinMessage, id=st.just(1), nonce=st.just(b""), room=st.just("garden"), sequence=SEQUENCES
    ),
    st.builds(
        Post,
        id=st.just(1),
        nonce=st.just(b""),
        room=st.just("garden"),
        text=st.just("more"),
        reply_to=SEQUENCES,
    ),
)


def stored(rooms: Rooms, after: int = 0) -> list[Entry]:
    page = rooms.store.read_log("#garden", after, 10_000, 1 << 30)
    return [_entries.decode(entry.frame) for entry in page]


def show_the_same(now: list[Entry], *parts: list[Entry]) -> bool:
    """Whether somebody to whom these have come in order knows what is stored now."""
    fold = Fold()
    for part in parts:
        for entry in part:
            fold.take(entry)
    known = [fold.now[sequence] for sequence in sorted(fold.now)]
    return len(known) == len(now) and all(map(is_same, known, now))


def pinned(entries: list[Entry]) -> set[int]:
    pins: set[int] = set()
    for entry in entries:
        match entry.body:
            case MessagePinned(sequence=sequence):
                pins.add(sequence)
            case MessageUnpinned(sequence=sequence) | MessageDeleted(sequence=sequence):
                pins.discard(sequence)
            case _:
                pass
    return pins


@settings(max_examples=80)
@given(
    st.lists(st.tuples(USERS, COMMANDS, st.booleans()), max_size=40),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_who_follows_knows_what_history_shows(
    steps: list[tuple[str, Any, bool]], left_at: int, came_at: int
) -> None:
    with contextlib.closing(Rooms()) as rooms:
        rooms.create("ann", "garden")
        for user in ("bob", "carl"):
            rooms.join(user, "garden")
        for number in range(MESSAGES_BEFORE):
            for user in ("ann", "bob", "carl"):
                rooms.post(user, "garden", f"{user} says {number}")
        read_then: list[Entry] = []
        for number, (user, command, ends_the_beat) in enumerate(steps):
            if number == came_at:
                rooms.commit()
                read_then = stored(rooms)
            rooms.give(user, _with_nonce(command, rooms.nonce()))
            if ends_the_beat:
                rooms.commit()
        rooms.commit()

        told = [entry for entry in rooms.told if entry.log == "#garden"]
        now = stored(rooms)
        assert [entry.sequence for entry in now] == list(range(1, len(now) + 1))
        assert [(e.sequence, e.author, e.at_ms) for e in now] == [
            (e.sequence, e.author, e.at_ms) for e in told
        ]
        assert show_the_same(now, told), "live from the beginning"
        assert show_the_same(now, told[:left_at], now[left_at:]), "away, and back"
        since_then = told[len(read_then) :]
        assert show_the_same(now, read_then, since_then), "came, read what was there, and stayed"
        assert show_the_same(now, now, now), "read twice"
        assert pinned(now) == rooms.core.rooms["garden"].pins.keys()
        _check_nothing_is_left(now)
        assert state_of(rooms.loaded()) == state_of(rooms.core)
        assert contradictions(rooms.store) == []


def _with_nonce(command: Any, nonce: bytes) -> Any:
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**fields | {"nonce": nonce})


def _check_nothing_is_left(now: list[Entry]) -> None:
    """Of what a message has said before, anywhere."""
    texts = {entry.body.text for entry in now if isinstance(entry.body, MESSAGES)}
    left = {getattr(entry.body, "text", "") for entry in now}
    assert left <= texts | {""}
