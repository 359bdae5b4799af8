"""What an operator removes of what some have said: all of it, once, and nothing else."""

import pytest
from committed import contradictions

from zchat.eventlog import edits
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.messages import (
    Done,
    MessageDeleted,
    MessagePosted,
    ReactionAdded,
    Redacted,
    RefusalCode,
    SearchMessages,
    SearchResults,
    Standing,
)
from zchat.protocol.operators import FindMessages, MessagesFound, RedactMessages
from zchat.protocol.rules.costs import exhausted
from zchat.rooms import queries

from .playbook import Rooms, refused

GARDEN = "#garden"
OPERATOR = queries.Asker("", Standing.OPERATOR)
_found = Decoder(MessagesFound)
_results = Decoder(SearchResults)


def find(rooms: Rooms, *authors: str, **limited: object) -> MessagesFound:
    query = FindMessages(list(authors), **limited)  # type: ignore[arg-type]
    return _found.decode(rooms.ask("", query, Standing.OPERATOR))


def redact(rooms: Rooms, log: str, *sequences: int, reason: str = "") -> object:
    return rooms.do("", RedactMessages(1, rooms.nonce(), log, list(sequences), reason))


def spoken(rooms: Rooms) -> Rooms:
    """The garden and the lobby, where bob and eve talk, a second after each other."""
    rooms.create("ann", "garden")
    rooms.join("bob", "garden")
    for number in range(6):
        rooms.at_ms += 1000
        rooms.post("bob" if number % 2 else "eve", "lobby", f"spam {number}")
        rooms.post("bob", "garden", f"roses {number}")
    return rooms


def test_messages_are_found_by_author_time_and_room(rooms: Rooms) -> None:
    spoken(rooms)
    assert find(rooms, "bob").places == {"#garden": [3, 4, 5, 6, 7, 8], "#lobby": [2, 4, 6]}
    assert find(rooms, "bob", "eve", log="#lobby").authors == {"bob": 3, "eve": 3}
    assert find(rooms, "bob", since_ms=6_000).places == {"#garden": [7, 8], "#lobby": [6]}
    assert find(rooms, "bob", since_ms=3_000, until_ms=6_000).places["#garden"] == [4, 5, 6]
    assert find(rooms, "bob", since_ms=8_000).places == {}
    assert find(rooms, "b*", "?ve").authors == {"bob": 9, "eve": 3}
    assert find(rooms, "ann").places == {}, "a room that was made is no message"


def test_what_is_found_in_pages_is_all_of_it_once(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken(rooms)
    whole = find(rooms, "bob")
    for name, value in (
        ("FOUND_MESSAGES_MAX", 2),
        ("FOUND_ENTRIES_MAX", 3),
        ("FOUND_LOGS_MAX", 1),
    ):
        monkeypatch.setattr(limits, name, value)
        places: dict[str, list[int]] = {}
        page = find(rooms, "bob")
        while True:
            for log, sequences in page.places.items():
                places.setdefault(log, []).extend(sequences)
            if not page.more:
                break
            page = find(rooms, "bob", after_log=page.after_log, after=page.after)
        assert places == whole.places, name


def test_it_is_looked_for_in_small_steps(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken(rooms)
    whole = find(rooms, "bob")
    for name, value in (("_STEP_ENTRIES", 1), ("_STEP_BYTES", 1)):
        monkeypatch.setattr(f"zchat.service.core.operators.{name}", value)
        assert find(rooms, "bob") == whole
    query = FindMessages(["bob"])
    steps = list(queries.answer(rooms.core, rooms.store, OPERATOR, query, rooms.at_ms))
    assert len(steps) > len(whole.places["#garden"])
    assert max(steps) <= limits.QUERY_STEP_US


def test_of_redacted_messages_only_their_places_are_left(rooms: Rooms) -> None:
    spoken(rooms)
    rooms.edit("bob", GARDEN, 3, "roses are edited")
    rooms.pin("ann", "garden", 4)
    rooms.post("ann", "garden", "@bob so?")
    rooms.post("bob", "garden", "@ann yes")
    assert redact(rooms, GARDEN, 3, 4, 12, reason="spam") == Done(1, GARDEN, 15)

    assert [rooms.at(GARDEN, each).body for each in (3, 4, 12)] == [Redacted("zchat")] * 3
    assert rooms.at(GARDEN, 5).body == MessagePosted("roses 2"), "what was not named stays"
    told = [(author, body) for _, author, body in rooms.entries("garden")[-3:]]
    assert told == [("zchat", MessageDeleted(each, "spam")) for each in (3, 4, 12)]
    garden = rooms.core.rooms["garden"]
    assert (garden.pins, garden.members["ann"].mentions) == ({}, ())
    assert rooms.audits()[-1] == (
        "admin/root",
        "redact_messages",
        "bob",
        "garden",
        "3 messages: spam",
    )
    assert contradictions(rooms.store) == []
    assert find(rooms, "bob", log=GARDEN).places == {GARDEN: [5, 6, 7, 8]}


def test_a_redacted_message_is_found_by_no_search(rooms: Rooms) -> None:
    spoken(rooms)
    while rooms.store.index_messages():
        pass
    redact(rooms, GARDEN, *find(rooms, "bob").places[GARDEN])
    for _ in range(2):
        search = SearchMessages(id=1, text="roses", log=GARDEN)
        assert _results.decode(rooms.ask("ann", search)).entries == []
        while rooms.store.index_messages():
            pass
    assert contradictions(rooms.store) == []


def test_what_a_message_said_before_it_was_edited_goes_too() -> None:
    rooms = Rooms(keeps_edits=True)
    spoken(rooms)
    rooms.edit("bob", GARDEN, 3, "roses are edited")
    redact(rooms, GARDEN, 3)
    assert exhausted(edits.read(rooms.store, GARDEN, 3)) == []
    rooms.close()


def test_what_is_redacted_again_is_so_once(rooms: Rooms) -> None:
    """As when the operator's program was killed between two commands, and is run again."""
    spoken(rooms)
    redact(rooms, GARDEN, 3, 4)
    count = len(rooms.entries("garden"))
    assert redact(rooms, GARDEN, 3, 4) == Done(1, GARDEN, 0)
    assert redact(rooms, GARDEN, 4, 5, 5) == Done(1, GARDEN, count + 1)
    assert len(rooms.entries("garden")) == count + 1
    reasons = [reason for _, action, *_, reason in rooms.audits() if action == "redact_messages"]
    assert reasons == ["2 messages", "1 message"]


def test_a_command_that_comes_twice_is_done_once(rooms: Rooms) -> None:
    spoken(rooms)
    command = RedactMessages(1, rooms.nonce(), GARDEN, [3, 4])
    assert rooms.do("", command) == Done(1, GARDEN, 10)
    assert rooms.do("", command) == Done(1, GARDEN, 10, again=True)
    assert len(rooms.entries("garden")) == 10


def test_what_was_said_in_a_closed_room_goes_too(rooms: Rooms) -> None:
    spoken(rooms)
    rooms.close_room("ann", "garden")
    rooms.core.tick(rooms.now, rooms.at_ms)
    (log,) = find(rooms, "bob", log=GARDEN).places
    assert redact(rooms, log, 3, 4) == Done(1, GARDEN, 11)
    assert rooms.at(GARDEN, 4).body == Redacted("zchat")

    rooms.create("eve", "garden")
    assert rooms.core.rooms["garden"].floor == 11, "the next room of the name goes on after that"
    assert contradictions(rooms.store) == []


def test_a_room_that_was_never_there_has_nothing_to_remove(rooms: Rooms) -> None:
    assert refused(redact(rooms, "#nowhere", 1)) is RefusalCode.UNKNOWN_LOG  # type: ignore[arg-type]


def test_reactions_go_with_the_message(rooms: Rooms) -> None:
    spoken(rooms)
    rooms.react("ann", GARDEN, 3)
    redact(rooms, GARDEN, 3)
    assert rooms.at(GARDEN, 3).reactions == {}
    assert any(isinstance(body, ReactionAdded) for *_, body in rooms.entries("garden"))
    assert contradictions(rooms.store) == []


def test_only_an_operator_at_the_console_redacts(rooms: Rooms) -> None:
    spoken(rooms)
    command = RedactMessages(1, rooms.nonce(), GARDEN, [3])
    for standing in Standing:
        reply = rooms.do("ann", command, standing)
        assert refused(reply) is RefusalCode.NOT_ALLOWED
    assert rooms.at(GARDEN, 3).body == MessagePosted("roses 0")
