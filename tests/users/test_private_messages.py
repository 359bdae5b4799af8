"""What becomes of a private message, in both of the inboxes that it stands in."""

import contextlib
from collections.abc import Iterator

import pytest
from committed import repeated

from zchat.eventlog.core.changes import Removal
from zchat.protocol import limits
from zchat.protocol.codec import server_messages
from zchat.protocol.messages import (
    AddReaction,
    Done,
    EditInfo,
    EditList,
    EditMessage,
    Entry,
    History,
    MessageDeleted,
    MessageEdited,
    PrivateMessageSent,
    ReactionAdded,
    ReactionRemoved,
    ReadEdits,
    ReadHistory,
    Redacted,
    RefusalCode,
    Refused,
    ServerMessage,
)
from zchat.protocol.rules.nonces import nonce
from zchat.users.core.policy import Policy

from .playbook import PASSWORD, Users, refused

NONCE = nonce(b"a client", 1)


@pytest.fixture(name="users")
def two_users(users: Users) -> Users:
    """The accounts ann and bob, here and with unlike inboxes: bob has a note there before."""
    for n, name in enumerate(("ann", "bob"), start=1):
        users.account(name, n=n)
        users.come(name, n=n, password=PASSWORD)
    return users


def said(users: Users, user: str, text: str) -> Entry:
    """The message in the user's inbox that says so now."""
    found = [e for e in users.entries(user) if getattr(e.body, "text", None) == text]
    (entry,) = [e for e in found if isinstance(e.body, PrivateMessageSent)]
    return entry


def texts(users: Users, user: str) -> list[str]:
    """What the messages in the user's inbox say now."""
    bodies = [entry.body for entry in users.entries(user)]
    return [body.text for body in bodies if isinstance(body, PrivateMessageSent)]


def sent(users: Users, author: str, to: str, text: str = "psst", reply_to: int = 0) -> int:
    """Its sequence in the author's inbox."""
    done = users.send(author, to, text, reply_to)
    assert isinstance(done, Done), done
    return done.sequence


def asked(users: Users, user: str, query: ReadEdits | ReadHistory) -> ServerMessage:
    return server_messages.decode(users.ask(user, query))


# --- Twins and replies ----------------------------------------------------------------------------


def test_each_entry_says_where_the_other_one_is(users: Users) -> None:
    sent(users, "bob", "bob", "a note, so that the sequences differ")
    sequence = sent(users, "ann", "bob")

    mine, theirs = said(users, "ann", "psst"), said(users, "bob", "psst")
    assert (mine.sequence, theirs.sequence) == (sequence, sequence + 1)
    assert mine.body == PrivateMessageSent("bob", "psst", twin=theirs.sequence)
    assert theirs.body == PrivateMessageSent("bob", "psst", twin=mine.sequence)


def test_a_note_to_oneself_has_no_twin(users: Users) -> None:
    first = sent(users, "ann", "ann", "milk")
    sent(users, "ann", "ann", "and bread", first)

    assert said(users, "ann", "milk").body == PrivateMessageSent("ann", "milk")
    assert said(users, "ann", "and bread").body == PrivateMessageSent("ann", "and bread", first)


def test_a_reply_names_the_message_of_the_inbox_that_it_stands_in(users: Users) -> None:
    sent(users, "bob", "bob", "a note")
    question = sent(users, "ann", "bob", "when?")
    theirs = said(users, "bob", "when?").sequence
    sent(users, "bob", "ann", "at six", theirs)

    mine, other = said(users, "ann", "at six").body, said(users, "bob", "at six").body
    assert isinstance(mine, PrivateMessageSent)
    assert isinstance(other, PrivateMessageSent)
    assert theirs != question
    assert (mine.reply_to, other.reply_to) == (question, theirs)


def test_only_what_these_two_have_said_can_be_replied_to(users: Users) -> None:
    users.come("carl", n=3)
    to_carl = sent(users, "ann", "carl", "hello carl")
    gone = sent(users, "ann", "bob", "oops")
    users.delete("ann", gone)
    for sequence in (to_carl, gone, gone + 1, 1, 99):
        # The first entry of an account's inbox says that it was registered.
        assert refused(users.send("ann", "bob", "hm", sequence)) is RefusalCode.UNKNOWN_ENTRY


def test_what_was_said_to_a_guest_before_is_not_the_next_ones_to_reply_to(users: Users) -> None:
    users.come("guest", n=3)
    sequence = sent(users, "guest", "ann", "I am the first")
    users.quit(n=3)
    users.settle_all()
    users.come("guest", n=3)

    assert refused(users.send("guest", "ann", "so?", sequence)) is RefusalCode.UNKNOWN_ENTRY
    assert refused(users.delete("guest", sequence)) is RefusalCode.UNKNOWN_ENTRY


# --- Edits ----------------------------------------------------------------------------------------


def test_an_edit_changes_the_message_in_both_inboxes(users: Users) -> None:
    sent(users, "bob", "bob", "a note")
    sequence = sent(users, "ann", "bob", "helo")
    theirs = said(users, "bob", "helo").sequence

    done = users.edit("ann", sequence, "hello")

    edit, their_edit = users.entries("ann")[-1], users.entries("bob")[-1]
    assert done == Done(6, "@ann", edit.sequence)
    assert edit.body == MessageEdited(sequence, "hello")
    assert their_edit.body == MessageEdited(theirs, "hello")
    assert (edit.author, their_edit.author) == ("ann", "ann")
    assert said(users, "ann", "hello").edited == edit.sequence
    assert said(users, "bob", "hello").edited == their_edit.sequence


def test_an_edit_that_changes_nothing_is_none(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "hello")
    assert users.edit("ann", sequence, "hello") == Done(6, "@ann", 0)
    assert said(users, "bob", "hello").edited == 0


def test_only_the_newest_edit_has_a_text(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "one")
    users.edit("ann", sequence, "two")
    users.edit("ann", sequence, "three")

    for user in ("ann", "bob"):
        edits = [e.body.text for e in users.entries(user) if isinstance(e.body, MessageEdited)]
        assert edits == ["", "three"]
        assert said(users, user, "three").edited == users.entries(user)[-1].sequence


def test_the_conversation_of_both_has_what_became_of_it(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "one")
    users.edit("ann", sequence, "two")
    users.react("ann", sequence, "👍")
    users.unreact("ann", sequence, "👍")
    users.delete("ann", sequence)

    for user, other in (("ann", "bob"), ("bob", "ann")):
        history = asked(users, user, ReadHistory(id=1, log=f"@{other}"))
        assert isinstance(history, History)
        kinds = [type(entry.body) for entry in history.entries]
        assert kinds == [Redacted, MessageEdited, ReactionAdded, ReactionRemoved, MessageDeleted]


def test_an_edit_is_done_once(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "one")
    edit = EditMessage(id=6, nonce=NONCE, log="@ann", sequence=sequence, text="two")
    first = users.do(edit, "ann")
    users.edit("ann", sequence, "three")

    assert users.do(edit, "ann") == repeated(first)
    assert "three" in texts(users, "bob")


def test_only_the_author_may_change_a_message(users: Users) -> None:
    sent(users, "ann", "bob")
    theirs = said(users, "bob", "psst").sequence

    assert refused(users.edit("bob", theirs, "I owe you")) is RefusalCode.NOT_ALLOWED
    assert refused(users.delete("bob", theirs)) is RefusalCode.NOT_ALLOWED
    assert "psst" in texts(users, "ann")


def test_what_is_no_message_of_the_own_inbox_is_not_changed(users: Users) -> None:
    sequence = sent(users, "ann", "bob")
    edit = EditMessage(id=6, nonce=NONCE, log="@bob", sequence=sequence, text="mine now")

    assert refused(users.do(edit, "ann")) is RefusalCode.UNKNOWN_LOG
    # An entry of the account, and one that is not there.
    for other in (1, sequence + 1):
        assert refused(users.edit("ann", other, "hm")) is RefusalCode.UNKNOWN_ENTRY
    assert refused(users.edit("ann", sequence, "\x1b ")) is RefusalCode.EMPTY_TEXT
    users.delete("ann", sequence)
    assert refused(users.edit("ann", sequence, "again")) is RefusalCode.UNKNOWN_ENTRY


def test_changes_by_both_in_one_beat_do_not_undo_each_other(users: Users) -> None:
    sent(users, "bob", "bob", "a note")
    sequence = sent(users, "ann", "bob", "one")
    theirs = said(users, "bob", "one").sequence
    users.begin(
        EditMessage(id=6, nonce=users.nonce(), log="@ann", sequence=sequence, text="two"), "ann"
    )
    users.begin_another(
        AddReaction(id=6, nonce=users.nonce(), log="@bob", sequence=theirs, emoji="👍"), "bob"
    )
    users.begin_another(
        EditMessage(id=6, nonce=users.nonce(), log="@ann", sequence=sequence, text="three"), "ann"
    )
    users.commit([])

    for user in ("ann", "bob"):
        assert said(users, user, "three").reactions == {"👍": ["bob"]}


# --- What was said before -------------------------------------------------------------------------


@pytest.fixture
def keeping() -> Iterator[Users]:
    """The same two where edits are kept."""
    with contextlib.closing(Users(Policy(edits="keep"))) as users:
        users.come("ann", n=1)
        users.come("bob", n=2)
        yield users


def test_where_edits_are_kept_both_can_read_them(keeping: Users) -> None:
    sent(keeping, "bob", "bob", "a note")
    sequence = sent(keeping, "ann", "bob", "one")
    keeping.edit("ann", sequence, "two")
    keeping.wait(1)
    keeping.edit("ann", sequence, "three")

    before = [EditInfo(1_000_000, "one"), EditInfo(1_001_000, "two")]
    assert asked(keeping, "ann", ReadEdits(id=1, log="@ann", sequence=sequence)) == EditList(
        1, before
    )
    assert asked(keeping, "bob", ReadEdits(id=1, log="@bob", sequence=sequence + 1)) == EditList(
        1, before
    )


def test_of_a_deleted_message_nothing_is_kept(keeping: Users) -> None:
    sequence = sent(keeping, "ann", "bob", "one")
    keeping.edit("ann", sequence, "two")
    keeping.delete("ann", sequence)

    for user in ("ann", "bob"):
        assert asked(keeping, user, ReadEdits(id=1, log=f"@{user}", sequence=sequence)) == EditList(
            1, []
        )


def test_mostly_edits_are_not_kept(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "one")
    users.edit("ann", sequence, "two")

    assert asked(users, "ann", ReadEdits(id=1, log="@ann", sequence=sequence)) == EditList(1, [])


def test_what_was_kept_is_shown_to_nobody_when_it_is_to_be_kept_no_more(keeping: Users) -> None:
    sequence = sent(keeping, "ann", "bob", "one")
    keeping.edit("ann", sequence, "two")
    keeping.core.messages.keeps_edits = False

    assert asked(keeping, "ann", ReadEdits(id=1, log="@ann", sequence=sequence)) == EditList(1, [])


def test_edits_are_read_of_the_own_inbox(keeping: Users) -> None:
    sent(keeping, "ann", "bob", "one")
    for log, code in [
        ("@bob", RefusalCode.UNKNOWN_LOG),
        ("@a b", RefusalCode.INVALID_NAME),
        ("@ann", RefusalCode.UNKNOWN_ENTRY),
    ]:
        answer = asked(keeping, "ann", ReadEdits(id=1, log=log, sequence=9))
        assert isinstance(answer, Refused)
        assert answer.code is code


# --- The end of a message -------------------------------------------------------------------------


def test_of_a_deleted_message_nothing_is_left_in_either_inbox(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "my password is swordfish")
    users.react("bob", said(users, "bob", "my password is swordfish").sequence, "😬")
    users.edit("ann", sequence, "sword or fish?")
    done = users.delete("ann", sequence)

    for user in ("ann", "bob"):
        entries = users.entries(user)
        redacted = next(entry for entry in entries if entry.sequence == sequence)
        assert redacted.body == Redacted("ann", to="bob")
        assert (redacted.edited, redacted.reactions) == (0, {})
        assert entries[-1].body == MessageDeleted(sequence)
        assert not any("sword" in str(entry.body) for entry in entries)
    assert done == Done(6, "@ann", users.entries("ann")[-1].sequence)


# --- Reactions ------------------------------------------------------------------------------------


def test_reactions_stand_with_both(users: Users) -> None:
    sent(users, "bob", "bob", "a note")
    sequence = sent(users, "ann", "bob")
    theirs = said(users, "bob", "psst").sequence

    done = users.react("bob", theirs, "👍")
    users.react("ann", sequence, "👍")

    assert said(users, "ann", "psst").reactions == {"👍": ["bob", "ann"]}
    assert said(users, "bob", "psst").reactions == {"👍": ["bob", "ann"]}
    assert done == Done(6, "@bob", theirs + 1)
    assert users.entries("ann")[-2].body == ReactionAdded(sequence, "👍")
    assert users.entries("bob")[-2].body == ReactionAdded(theirs, "👍")

    users.unreact("bob", theirs, "👍")
    assert said(users, "ann", "psst").reactions == {"👍": ["ann"]}
    assert users.entries("ann")[-1].body == ReactionRemoved(sequence, "👍")


def test_a_reaction_that_is_there_already_makes_no_entry(users: Users) -> None:
    sequence = sent(users, "ann", "bob")
    users.react("ann", sequence, "👍")
    count = len(users.entries("bob"))

    assert users.react("ann", sequence, "👍") == Done(6, "@ann")
    assert users.unreact("ann", sequence, "👎") == Done(6, "@ann")
    assert len(users.entries("bob")) == count


def test_a_reaction_is_something_to_be_seen(users: Users) -> None:
    sequence = sent(users, "ann", "bob")

    assert refused(users.react("ann", sequence, "a b")) is RefusalCode.EMPTY_TEXT
    assert refused(users.react("ann", sequence, "\x1b")) is RefusalCode.EMPTY_TEXT


def test_kinds_of_reactions_are_limited(users: Users) -> None:
    sequence = sent(users, "ann", "bob")
    for number in range(limits.REACTION_KINDS_MAX):
        assert isinstance(users.react("ann", sequence, f"+{number}"), Done)

    assert refused(users.react("ann", sequence, "🙂")) is RefusalCode.LIMIT_REACHED


# --- The other side -------------------------------------------------------------------------------


def test_who_is_blocked_may_only_take_back(users: Users) -> None:
    sequence = sent(users, "ann", "bob")
    users.react("ann", sequence, "👍")
    users.block("bob", "ann")

    assert refused(users.edit("ann", sequence, "listen!")) is RefusalCode.BLOCKED
    assert refused(users.react("ann", sequence, "😠")) is RefusalCode.BLOCKED
    assert said(users, "bob", "psst").reactions == {"👍": ["ann"]}
    assert isinstance(users.unreact("ann", sequence, "👍"), Done)
    assert said(users, "bob", "psst").reactions == {}
    assert isinstance(users.delete("ann", sequence), Done)
    assert isinstance(users.entries("bob")[-2].body, ReactionRemoved)
    assert users.entries("bob")[-1].body == MessageDeleted(sequence)


def test_with_a_guest_that_is_gone_only_the_own_copy_changes(users: Users) -> None:
    users.come("guest", n=3)
    sequence = sent(users, "ann", "guest", "one")
    users.quit(n=3)
    assert isinstance(users.edit("ann", sequence, "two"), Done)
    users.settle_all()
    assert isinstance(users.edit("ann", sequence, "three"), Done)
    users.come("guest", n=3)
    assert isinstance(users.edit("ann", sequence, "four"), Done)

    assert "four" in texts(users, "ann")
    # The next one of that name does not hear of what was never said to it.
    assert [entry.body for entry in users.entries("guest")] == [
        PrivateMessageSent("guest", "one", twin=sequence)
    ]


def test_of_a_deleted_account_only_the_own_copy_changes(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "one")
    users.core.users["bob"].deleted = True
    assert isinstance(users.edit("ann", sequence, "two"), Done)

    assert "two" in texts(users, "ann")
    assert "one" in texts(users, "bob")


def test_a_twin_that_is_kept_no_longer_is_left_out(users: Users) -> None:
    sequence = sent(users, "ann", "bob", "one")
    head = users.core.timeline.heads["@bob"]
    users.store.commit([], [], [], [], removed=[Removal("@bob", head)])

    assert isinstance(users.edit("ann", sequence, "two"), Done)
    assert users.entries("bob") == []
    reply = sent(users, "ann", "bob", "three", sequence)
    theirs = said(users, "bob", "three").body
    assert theirs == PrivateMessageSent("bob", "three", reply_to=0, twin=reply)


def test_an_entry_that_only_stands_where_a_twin_would_is_left_alone(users: Users) -> None:
    """As after an import, whose sequences are those of another cluster."""
    users.come("carl", n=3)
    sequence = sent(users, "ann", "bob", "to bob")
    sent(users, "carl", "ann", "to ann")
    entry = said(users, "carl", "to ann")
    wrong = PrivateMessageSent("ann", "to ann", twin=sequence)
    users.core.timeline.amend(Entry("@carl", entry.sequence, entry.at_ms, "carl", wrong))
    users.commit([])

    assert isinstance(users.edit("carl", entry.sequence, "changed"), Done)
    assert said(users, "ann", "to bob").edited == 0
    assert "to ann" in texts(users, "ann")
