"""What the commands of a beat are about is read before any of them is done."""

from collections.abc import Iterator
from typing import Any

import pytest

from zchat.eventlog.store import Appended, Store
from zchat.eventlog.tables import LOG_SCHEMA
from zchat.fabric.core.link import ReturnAddress
from zchat.protocol.codec import encode
from zchat.protocol.messages import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    Entry,
    MessageEdited,
    MessagePosted,
    PinMessage,
    Post,
    PrivateMessageSent,
    RemoveReaction,
    ReportMessage,
    SendPrivate,
    UnpinMessage,
)
from zchat.protocol.rules.nonces import nonce
from zchat.service.core.effects import Sender
from zchat.service.core.referenced_entries import referred_entries

N = nonce(b"a client", 1)
HELLO = Entry("#garden", 1, 5, "ann", MessagePosted("hello"), edited=2)
EDIT = Entry("#garden", 2, 6, "ann", MessageEdited(1, "hello"))
# What ann has said to bob stands in both inboxes, and was edited in both.
SENT = Entry("@ann", 1, 5, "ann", PrivateMessageSent("bob", "psst", twin=3), edited=2)
SENT_EDIT = Entry("@ann", 2, 6, "ann", MessageEdited(1, "psst"))
GOT = Entry("@bob", 3, 5, "ann", PrivateMessageSent("bob", "psst", twin=1), edited=4)
GOT_EDIT = Entry("@bob", 4, 6, "ann", MessageEdited(3, "psst"))
LETTER = [SENT, SENT_EDIT, GOT, GOT_EDIT]


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store.open(None, LOG_SCHEMA)
    entries = [HELLO, EDIT, *LETTER]
    store.commit(
        [
            Appended(position, entry.log, entry.sequence, entry.author, None, None, encode(entry))
            for position, entry in enumerate(entries, 1)
        ],
        [],
        [],
        [],
    )
    yield store
    store.close()


def referred(store: Store, user: str, *commands: Any) -> list[Entry]:
    sender = Sender(ReturnAddress(b"gateway/1#1", 1, 1), 1, user)
    found = referred_entries(store, [(sender, command) for command in commands])
    assert all(place == (entry.log, entry.sequence) for place, entry in found.items())
    return sorted(found.values(), key=lambda entry: (entry.log, entry.sequence))


@pytest.mark.parametrize(
    "command",
    [
        EditMessage(1, N, "#Garden", 1, "x"),
        DeleteMessage(1, N, "#garden", 1),
        AddReaction(1, N, "#garden", 1, "+1"),
        RemoveReaction(1, N, "#garden", 1, "+1"),
        ReportMessage(1, N, "#garden", 1, "spam"),
        PinMessage(1, N, "GARDEN", 1),
        Post(1, N, "garden", "indeed", reply_to=1),
    ],
    ids=lambda command: type(command).__name__,
)
def test_it_is_the_message_and_the_edit_that_its_text_is_from(store: Store, command: Any) -> None:
    assert referred(store, "bob", command) == [HELLO, EDIT]


@pytest.mark.parametrize(("user", "sequence"), [("ann", 1), ("bob", 3)])
def test_of_a_private_message_both_halves_are_read(store: Store, user: str, sequence: int) -> None:
    for command in (
        AddReaction(1, N, f"@{user}", sequence, "+1"),
        SendPrivate(1, N, "zoe", "indeed", reply_to=sequence),
    ):
        assert referred(store, user, command) == LETTER


def test_what_many_are_about_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read_log = store.read_log
    reads: list[int] = []

    def counted(log: str, after: int, entries_max: int, bytes_max: int) -> Any:
        reads.append(after)
        return read_log(log, after, entries_max, bytes_max)

    monkeypatch.setattr(store, "read_log", counted)
    many = [AddReaction(1, N, "#garden", 1, emoji) for emoji in "abc"]
    assert referred(store, "bob", *many) == [HELLO, EDIT]
    assert sorted(reads) == [0, 1]


@pytest.mark.parametrize(
    "command",
    [
        Post(1, N, "garden", "hello"),
        UnpinMessage(1, N, "garden", 1),
        EditMessage(1, N, "#garden", 0, "x"),
        EditMessage(1, N, "#garden", 9, "x"),
        EditMessage(1, N, "#two words", 1, "x"),
        PinMessage(1, N, "", 1),
    ],
    ids=repr,
)
def test_most_commands_are_about_none(store: Store, command: Any) -> None:
    assert referred(store, "bob", command) == []
