"""Of somebody who is erased no room has the name any more, and every promise holds."""

import pytest
from committed import contradictions

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import (
    LOBBY,
    AddReaction,
    Done,
    MemberJoined,
    MemberKicked,
    Redacted,
    RefusalCode,
    SearchMessages,
    SearchResults,
    Standing,
    TopicChanged,
)
from zchat.protocol.operators import (
    FindMessages,
    ForgetName,
    MessagesFound,
    RedactMessages,
    ReplaceName,
)

from .playbook import Rooms, refused, state_of

NOW = "erased-7f3a"
_found = Decoder(MessagesFound)
_results = Decoder(SearchResults)


def find(rooms: Rooms, *, named: bool, since_ms: int = 0) -> dict[str, list[int]]:
    query = FindMessages(["bob"], since_ms, named=named)
    return _found.decode(rooms.ask("", query, Standing.OPERATOR)).places


def erase(rooms: Rooms, since_ms: int = 0) -> None:
    """As `zchat-admin` does when the account has ended."""
    rooms.end_guest("bob")
    for log, sequences in find(rooms, named=False, since_ms=since_ms).items():
        rooms.do("", RedactMessages(1, rooms.nonce(), log, sequences))
    for log, sequences in find(rooms, named=True, since_ms=since_ms).items():
        for sequence in sequences:
            rooms.do("", ReplaceName(1, rooms.nonce(), log, [sequence], "bob", NOW))
    assert rooms.do("", ForgetName(1, rooms.nonce(), "bob", NOW)) == Done(1)


@pytest.fixture(autouse=True)
def _written(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of nonces has all of them at any time."""
    monkeypatch.setattr(limits, "NONCES_UNWRITTEN_MAX", 1)


@pytest.fixture
def lived(rooms: Rooms) -> Rooms:
    """Bob has done what one can do in rooms, and others have done it to him."""
    rooms.create("ann", "garden")
    rooms.create("bob", "shed")
    rooms.join("ann", "shed")
    for room in ("garden", "attic"):
        rooms.create("eve", room)
        rooms.join("bob", room)
    rooms.post("bob", "garden", "mine, @ann")
    rooms.post("ann", "garden", "hers, @bob")
    rooms.react("bob", "#garden", 4)
    rooms.react("ann", "#garden", 3)
    rooms.edit("bob", "#garden", 3, "mine, edited")
    rooms.delete("bob", "#garden", 3)
    rooms.post("bob", "garden", "a second one")
    rooms.post("bob", LOBBY, "in the lobby")
    rooms.pin("ann", "garden", 4)
    rooms.kick("eve", "attic", "bob", "bob must go")
    rooms.ban("eve", "attic", "bob")
    rooms.mute("ann", "garden", "bob")
    rooms.open_conversation("abc", "bob", "ann", "eve")
    rooms.set_topic("bob", "abc", "bob, ann, eve")
    return rooms


def texts_in(rooms: Rooms) -> list[bytes]:
    stored = rooms.store.read_stream(0, 10_000, 1 << 30)
    return [entry.frame for entry in stored]


def test_no_entry_names_who_is_erased(lived: Rooms) -> None:
    erase(lived)
    assert find(lived, named=True) == {}
    # What others have said is theirs.
    left = [frame for frame in texts_in(lived) if b"bob" in frame]
    assert len(left) == 2
    assert all(b"hers, @bob" in frame or b"bob must go" in frame for frame in left)
    told = lived.entries("garden")
    assert (2, NOW, MemberJoined()) in told
    assert [author for _, author, body in told if isinstance(body, Redacted)] == [NOW, NOW]
    assert lived.at("#garden", 4).reactions == {"+1": [NOW]}
    kicked = [body for *_, body in lived.entries("attic") if isinstance(body, MemberKicked)]
    assert [body.user for body in kicked] == [NOW]
    assert lived.core.rooms["abc"].topic == f"{NOW}, ann, eve"
    assert (NOW, TopicChanged(f"{NOW}, ann, eve")) in [
        (author, body) for _, author, body in lived.entries("abc")
    ]


def test_what_is_left_contradicts_nothing_and_is_loaded_as_it_is(lived: Rooms) -> None:
    erase(lived)
    assert contradictions(lived.store) == []
    assert state_of(lived.loaded()) == state_of(lived.core)
    for table in ("nonces", "answers", "entries"):
        column = "author"
        rows = lived.store._connection.exec_driver_sql(
            f"SELECT count(*) FROM {table} WHERE {column} = 'bob'"
        )
        assert rows.scalar() == 0, table
    bans = lived.store._connection.exec_driver_sql("SELECT count(*) FROM bans")
    assert bans.scalar() == 0


def test_the_index_is_left_without_them(lived: Rooms) -> None:
    while lived.store.index_messages():
        pass
    erase(lived)
    while lived.store.index_messages():
        pass
    assert contradictions(lived.store) == []
    for text, count in (("second", 0), ("hers", 1)):
        found = lived.ask("ann", SearchMessages(id=1, text=text))
        assert len(_results.decode(found).entries) == count


def test_whatever_was_done_is_done_once_and_the_rest_later(lived: Rooms) -> None:
    """The operator's program may be killed after any command."""
    lived.end_guest("bob")
    named = find(lived, named=True)
    lived.do("", ReplaceName(1, lived.nonce(), "#garden", named["#garden"][:2], "bob", NOW))
    before = len(texts_in(lived))
    lived.do("", ReplaceName(1, lived.nonce(), "#garden", named["#garden"][:2], "bob", NOW))
    assert len(texts_in(lived)) == before
    erase(lived)
    assert find(lived, named=True) == {}
    assert contradictions(lived.store) == []


def test_an_earlier_user_of_the_name_was_somebody_else(rooms: Rooms) -> None:
    rooms.post("bob", LOBBY, "as a guest")
    rooms.at_ms += 1000
    rooms.post("bob", LOBBY, "as an account")
    while rooms.store.index_messages():
        pass
    erase(rooms, since_ms=rooms.at_ms)
    assert [author for _, author, _ in rooms.entries(LOBBY)[:2]] == ["bob", NOW]
    assert contradictions(rooms.store) == []


def test_messages_that_are_older_than_the_account_do_not_name_it(rooms: Rooms) -> None:
    rooms.create("eve", "garden")
    rooms.join("ann", "garden")
    for text in ("roses", "spam"):
        rooms.post("ann", "garden", text)
    liked, bad = 3, 4
    rooms.at_ms += 1000
    rooms.join("bob", "garden")
    rooms.promote("eve", "garden", "bob")
    rooms.react("bob", "#garden", liked)
    rooms.delete("bob", "#garden", bad)
    while rooms.store.index_messages():
        pass
    erase(rooms, since_ms=rooms.at_ms)
    assert rooms.at("#garden", liked).reactions == {"+1": [NOW]}
    assert rooms.at("#garden", bad).body == Redacted(NOW)
    assert contradictions(rooms.store) == []


def test_a_reaction_in_the_same_beat_does_not_bring_the_name_back(lived: Rooms) -> None:
    (sequence,) = find(lived, named=False)["#garden"]
    lived.give("", ReplaceName(1, lived.nonce(), "#garden", [sequence], "bob", NOW))
    lived.give(
        "ann", AddReaction(id=1, nonce=lived.nonce(), log="#garden", sequence=sequence, emoji="+1")
    )
    lived.commit()
    entry = lived.at("#garden", sequence)
    assert (entry.author, entry.reactions) == (NOW, {"+1": ["ann"]})
    assert not [each for each in contradictions(lived.store) if "says that it is" in each]


def test_only_the_console_erases(lived: Rooms) -> None:
    for command in (
        ReplaceName(1, lived.nonce(), "#garden", [2], "bob", NOW),
        ForgetName(1, lived.nonce(), "bob", NOW),
    ):
        for standing in Standing:
            reply = lived.do("ann", command, standing)
            assert refused(reply) is RefusalCode.NOT_ALLOWED
