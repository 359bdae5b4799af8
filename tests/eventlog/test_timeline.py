"""A timeline numbers what its one writer appends, and what is published is what is stored."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from zchat.eventlog.core.timeline import Amended, Timeline, stored_stream_page
from zchat.protocol.codec import Decoder, FrameReader, encode
from zchat.protocol.internal import Chunk, MembershipChange, StreamPage
from zchat.protocol.messages import (
    Entry,
    EntryBody,
    MemberAdded,
    MemberBanned,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberMuted,
    MessageEdited,
    MessagePosted,
    RoomClosed,
    RoomCreated,
    TopicChanged,
)
from zchat.protocol.operators import IMPORT_NONCE
from zchat.protocol.rules.membership import EVERYONE

_entries = Decoder(Entry)


def entries_in(chunk: Chunk) -> list[Entry]:
    return [_entries.decode(frame) for frame in FrameReader().feed(chunk.frames)]


def test_an_entry_is_the_next_of_its_log_and_of_everything() -> None:
    timeline = Timeline(10, {"#garden": 4, "#attic": 0})

    assert timeline.append("#garden", "ann", MessagePosted("one"), 1) == 5
    assert timeline.append("#attic", "bob", MessagePosted("two"), 2) == 1
    assert timeline.append("#garden", "bob", MessagePosted("three"), 3) == 6

    appended, _ = timeline.take()
    assert [(a.position, a.log, a.sequence) for a in appended] == [
        (11, "#garden", 5),
        (12, "#attic", 1),
        (13, "#garden", 6),
    ]
    assert timeline.position == 13
    assert timeline.heads == {"#garden": 6, "#attic": 1}


def test_an_entry_is_kept_as_its_readers_get_it() -> None:
    timeline = Timeline(0, {"@ann": 0})
    timeline.append("@ann", "bob", MessagePosted("psst"), 5, b"nonce", "bob")

    ((position, log, sequence, author, nonce, thread, frame),), page = timeline.take()
    assert (position, log, sequence, author, nonce, thread) == (
        *(1, "@ann", 1, "bob"),
        *(b"nonce", "bob"),
    )
    assert frame == encode(Entry("@ann", 1, 5, "bob", MessagePosted("psst")))
    assert page == StreamPage(1, 1, [Chunk("@ann", 1, 1, frame, [])])


def test_what_was_taken_is_not_taken_again() -> None:
    timeline = Timeline(0, {"#garden": 0})
    timeline.append("#garden", "ann", RoomCreated(), 0)
    timeline.take()

    assert timeline.take() == ([], None)
    timeline.append("#garden", "ann", MessagePosted("next"), 0)
    _, page = timeline.take()
    assert page is not None
    assert (page.first, page.last, page.chunks[0].changes) == (2, 2, [])


def test_a_page_has_one_chunk_for_each_log() -> None:
    timeline = Timeline(0, {"#garden": 0, "#attic": 7})
    for log in ("#garden", "#attic", "#garden", "#garden"):
        timeline.append(log, "ann", MessagePosted("x"), 0)

    _, page = timeline.take()
    assert page is not None
    assert (page.first, page.last) == (1, 4)
    assert [(c.log, c.first, c.last) for c in page.chunks] == [("#garden", 1, 3), ("#attic", 8, 8)]
    assert [e.sequence for e in entries_in(page.chunks[0])] == [1, 2, 3]


def test_a_chunk_says_who_begins_and_who_ceases_to_follow() -> None:
    timeline = Timeline(0, {"#garden": 0})
    bodies: list[EntryBody] = [RoomCreated(), MessagePosted("x"), MemberLeft(), MemberJoined()]
    for body in bodies:
        timeline.append("#garden", "ann", body, 0)

    _, page = timeline.take()
    assert page is not None
    assert page.chunks[0].changes == [
        MembershipChange("ann", 1, True, 1),
        MembershipChange("ann", 3, False, 3),
        MembershipChange("ann", 4, True, 4),
    ]


def test_who_is_put_out_ceases_to_follow_and_not_who_does_it() -> None:
    timeline = Timeline(0, {"#garden": 0, "#lobby": 0})
    for log in ("#garden", "#lobby"):
        timeline.append(log, "mod", MemberBanned("ann", "", None), 0)
    timeline.append("#garden", "mod", MemberKicked("bob", ""), 0)
    timeline.append("#garden", "mod", MemberMuted("carl", ""), 0)
    timeline.append("#garden", "mod", RoomClosed(""), 0)

    _, page = timeline.take()
    assert page is not None
    garden, lobby = page.chunks
    assert garden.changes == [
        MembershipChange("ann", 1, False, 1),
        MembershipChange("bob", 2, False, 3),
        MembershipChange(EVERYONE, 4, False, 5),
    ]
    assert lobby.changes == [], "who is banned there reads on"


def test_who_is_added_begins_to_follow_and_not_who_does_it() -> None:
    timeline = Timeline(0, {"#talk": 0})
    timeline.append("#talk", "ann", MemberAdded("bob"), 0)

    _, page = timeline.take()
    assert page is not None
    assert page.chunks[0].changes == [MembershipChange("bob", 1, True, 1)]


def test_an_entry_that_is_amended_twice_is_written_once_as_it_is_then() -> None:
    timeline = Timeline(0, {"#garden": 1})
    first = Entry("#garden", 1, 5, "ann", MessagePosted("one"))
    timeline.referred = {("#garden", 1): first}
    for text in ("two", "three"):
        timeline.amend(replace(first, body=MessagePosted(text)))

    amended = replace(first, body=MessagePosted("three"))
    assert timeline.referred == {("#garden", 1): amended}
    assert timeline.take_amended() == [Amended("#garden", 1, encode(amended))]
    assert timeline.take_amended() == []
    assert timeline.take() == ([], None), "who follows is told by entries"


def test_an_edit_can_be_outdated_in_the_beat_that_made_it() -> None:
    timeline = Timeline(0, {"#garden": 1})
    timeline.append("#garden", "ann", MessageEdited(1, "two"), 5)

    edit = Entry("#garden", 2, 5, "ann", MessageEdited(1, "two"))
    assert timeline.referred == {("#garden", 2): edit}


def test_only_what_commands_are_about_is_kept() -> None:
    timeline = Timeline(0, {"#garden": 0})
    timeline.append("#garden", "ann", MessagePosted("one"), 5)

    assert timeline.referred == {}


def test_what_is_imported_changes_no_membership() -> None:
    timeline = Timeline(0, {"#garden": 0})
    timeline.append("#garden", "ann", MemberJoined(), 0, b"nonce")
    timeline.append("#garden", "bob", MemberJoined(), 0, IMPORT_NONCE + b"1")

    appended, page = timeline.take()
    assert page is not None
    assert page.chunks[0].changes == [MembershipChange("ann", 1, True, 1)]
    stored = [
        (position, log, sequence, frame, nonce != b"nonce")
        for position, log, sequence, _, nonce, _, frame in appended
    ]
    assert stored_stream_page(stored, 1, 2) == page


def test_of_nothing_stored_comes_an_empty_page() -> None:
    assert stored_stream_page([], 4, 3) == StreamPage(4, 3, [])


def test_a_page_of_what_was_removed_has_its_positions_all_the_same() -> None:
    assert stored_stream_page([], 4, 9) == StreamPage(4, 9, [], whole=False)
    frame = encode(Entry("#garden", 8, 0, "ann", MessagePosted("x")))
    page = stored_stream_page([(6, "#garden", 8, frame, False)], 4, 6)
    assert page == StreamPage(4, 6, [Chunk("#garden", 8, 8, frame, [])], whole=False)


_bodies = st.sampled_from(
    [
        *(MessagePosted("x"), TopicChanged("t"), RoomCreated(), MemberJoined(), MemberLeft()),
        *(MemberKicked("ann", ""), MemberBanned("bob", "", None), RoomClosed("")),
    ]
)
_appends = st.tuples(
    st.sampled_from(["#a", "#b", "#lobby"]), st.sampled_from(["ann", "bob"]), _bodies, st.booleans()
)


@given(st.lists(_appends))
def test_numbers_have_no_gaps_and_what_is_read_again_is_what_was_published(
    appends: list[tuple[str, str, EntryBody, bool]],
) -> None:
    timeline = Timeline(0, dict.fromkeys(["#a", "#b", "#lobby"], 0))
    sequences: dict[str, list[int]] = {"#a": [], "#b": [], "#lobby": []}
    taken = []
    for log, author, body, ends_the_beat in appends:
        sequences[log].append(timeline.append(log, author, body, 0))
        if ends_the_beat:
            taken.append(timeline.take())
    taken.append(timeline.take())

    for numbers in sequences.values():
        assert numbers == list(range(1, len(numbers) + 1))
    position = 0
    for appended, page in taken:
        assert [a.position for a in appended] == list(
            range(position + 1, position + 1 + len(appended))
        )
        position += len(appended)
        stored = [(a.position, a.log, a.sequence, a.frame, False) for a in appended]
        assert page is None or stored_stream_page(stored, page.first, page.last) == page
        for chunk in page.chunks if page else []:
            assert [e.sequence for e in entries_in(chunk)] == list(
                range(chunk.first, chunk.last + 1)
            )
