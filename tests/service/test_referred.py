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
        EditMessage(id=1, nonce=N, log="#Garden", sequence=1, text="x"),
        DeleteMessage(id=1, nonce=N, log="#garden", sequence=1),
        AddReaction(id=1, nonce=N, log="#garden", sequence=1, emoji="+1"),
        RemoveReaction(id=1, nonce=N, log="#garden", sequence=1, emoji="+1"),
        ReportMessage(id=1, nonce=N, log="#garden", sequence=1, reason="spam"),
        PinMessage(id=1, nonce=N, room="GARDEN", sequence=1),
        Post(id=1, nonce=N, room="garden", text="indeed", reply_to=1),
    ],
    ids=lambda command: type(command).__name__,
)
def test_it_is_the_message_and_the_edit_that_its_text_is_from(store: Store, command: Any) -> None:
    assert referred(store, "bob", command) == [HELLO, EDIT]


@pytest.mark.parametrize(("user", "sequence"), [("ann", 1), ("bob", 3)])
def test_of_a_private_message_both_halves_are_read(store: Store, user: str, sequence: int) -> None:
    for command in (
        AddReaction(id=1, nonce=N, log=f"@{user}", sequence=sequence, emoji="+1"),
        SendPrivate(id=1, nonce=N, to="zoe", text="indeed", reply_to=sequence),
    ):
        assert referred(store, user, command) == LETTER


def test_what_many_are_about_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read_log = store.read_log
    reads: list[int] = []

    def counted(log: str, after: int, entries_max: int, bytes_max: int) -> Any:
        reads.append(after)
        return read_log(log, after, entries_max, bytes_max)

    monkeypatch.setattr(store, "read_log", counted)
    many = [AddReaction(id=1, nonce=N, log="#garden", sequence=1, emoji=emoji) for emoji in "abc"]
    assert referred(store, "bob", *many) == [HELLO, EDIT]
    assert sorted(reads) == [0, 1]


@pytest.mark.parametrize(
    "command",
    [
        Post(id=1, nonce=N, room="garden", text="hello"),
        UnpinMessage(id=1, nonce=N, room="garden", sequence=1),
        EditMessage(id=1, nonce=N, log="#garden", sequence=0, text="x"),
        EditMessage(id=1, nonce=N, log="#garden", sequence=9, text="x"),
        EditMessage(id=1, nonce=N, log="#two words", sequence=1, text="x"),
        PinMessage(id=1, nonce=N, room="", sequence=1),
    ],
    ids=repr,
)
def test_most_commands_are_about_none(store: Store, command: Any) -> None:
    assert referred(store, "bob", command) == []
