"""What a message becomes, by whichever of its entries somebody has seen."""

from hypothesis import given
from hypothesis import strategies as st

from zchat.protocol.messages import (
    Entry,
    MemberJoined,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    Redacted,
    RoomCreated,
)
from zchat.protocol.rules.message_fold import (
    MessageChange,
    MessageState,
    folded,
    folded_entry,
    is_to_read,
    state_of,
)

MESSAGE = Entry("#den", 1, 0, "bob", MessagePosted("first"))
PEOPLE = ("ann", "bob")
CHANGES = st.one_of(
    st.builds(MessageEdited, st.just(1), st.sampled_from(["second", "third", ""])),
    st.builds(MessageDeleted, st.just(1)),
    st.builds(ReactionAdded, st.just(1), st.sampled_from(["+1", "-1"])),
    st.builds(ReactionRemoved, st.just(1), st.sampled_from(["+1", "-1"])),
)
HISTORY = st.lists(st.tuples(st.sampled_from(PEOPLE), CHANGES), max_size=12)


def after(entry: Entry, history: list[tuple[str, MessageChange]], first: int = 2) -> Entry:
    for sequence, (by, change) in enumerate(history, first):
        entry = folded_entry(entry, change, by, sequence)
    return entry


@given(HISTORY)
def test_an_entry_and_what_is_shown_of_it_become_the_same(
    history: list[tuple[str, MessageChange]],
) -> None:
    state = state_of(MESSAGE)
    assert state is not None
    for sequence, (by, change) in enumerate(history, 2):
        state = folded(state, change, by, sequence)
    assert state_of(after(MESSAGE, history)) == state


@given(HISTORY, st.integers(0, 12))
def test_entries_that_it_has_become_by_already_may_come_again(
    history: list[tuple[str, MessageChange]], seen: int
) -> None:
    """A page of history has the message as it is now, and its changes still come one by one."""
    now = after(MESSAGE, history)
    again = after(now, history[seen:], 2 + seen)
    if not any(isinstance(change, ReactionAdded | ReactionRemoved) for _, change in history):
        assert again == now
    # Who has reacted is the same; in which order, only those know who have seen all of it.
    assert {emoji: set(names) for emoji, names in again.reactions.items()} == {
        emoji: set(names) for emoji, names in now.reactions.items()
    }
    assert (again.body, again.edited) == (now.body, now.edited)


def test_of_a_deleted_message_only_its_place_is_left() -> None:
    sent = Entry("@ann", 4, 0, "bob", PrivateMessageSent("ann", "psst"), 5, {"+1": ["ann"]})
    gone = folded_entry(sent, MessageDeleted(4), "bob", 6)
    assert gone == Entry("@ann", 4, 0, "bob", Redacted("bob", "ann"))
    assert folded_entry(gone, MessageEdited(4, "again"), "bob", 7) is gone
    assert folded_entry(gone, ReactionAdded(4, "+1"), "ann", 8) is gone


def test_an_older_edit_and_one_that_is_out_of_date_change_nothing() -> None:
    state = MessageState("second", 5)
    assert folded(state, MessageEdited(1, "first"), "bob", 4) is state
    assert folded(state, MessageEdited(1, ""), "bob", 6) is state


def test_what_is_no_message_is_as_it_was() -> None:
    created = Entry("#den", 1, 0, "bob", RoomCreated())
    assert folded_entry(created, MessageDeleted(1), "bob", 2) is created


def test_what_others_say_is_to_be_read_and_nothing_else() -> None:
    said, joined = (body.__struct_config__.tag for body in (MessagePosted, MemberJoined))
    assert is_to_read(str(said), "bob", "ann")
    assert not is_to_read(str(said), "ann", "ann")
    assert not is_to_read(str(joined), "bob", "ann")
