"""Who talks with whom: what is read of it, what is told of it, and how several begin."""

from typing import cast

import pytest
from committed import repeated

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import MarkerMoved, OpenConversation, StampedRoomCommand, Typing
from zchat.protocol.messages import (
    ConversationInfo,
    ConversationList,
    DeleteAccount,
    Done,
    ListConversations,
    Notify,
    RefusalCode,
    SayTyping,
    SetNotify,
    Standing,
    StartConversation,
)
from zchat.protocol.rules.names import canonical_name
from zchat.protocol.rules.nonces import nonce
from zchat.protocol.rules.partitions import address_of_room
from zchat.users.core.conversations import OPEN_CONVERSATION_NONCE

from .playbook import EAST, PASSWORD, ROOM_ADDRESSES, Answer, Users, durable_state, refused

_owed = Decoder(StampedRoomCommand)


@pytest.fixture(name="users")
def three_users(users: Users) -> Users:
    """The guests ann, bob and carl."""
    for n, name in enumerate(("ann", "bob", "carl"), start=1):
        users.come(name, n=n)
    return users


def listed(users: Users, user: str) -> list[ConversationInfo]:
    answer = server_messages.decode(users.ask(user, ListConversations(id=9)))
    assert isinstance(answer, ConversationList)
    return answer.conversations


def unread(users: Users, user: str) -> dict[str, int]:
    return {info.name: info.unread for info in listed(users, user)}


def set_notify(users: Users, user: str, other: str, level: Notify) -> Answer:
    return users.do(SetNotify(id=5, log=f"@{other}", level=level), user)


# --- The list -------------------------------------------------------------------------------------


def test_whoever_has_talked_with_nobody_has_no_conversations(users: Users) -> None:
    assert listed(users, "ann") == []


def test_conversations_are_listed_newest_first(users: Users) -> None:
    users.send("ann", "bob")
    users.wait(1)
    users.send("carl", "ann")
    users.send("ann", "ann")

    assert listed(users, "ann") == [
        ConversationInfo("ann", 3, 1_001_000, 0, 0),
        ConversationInfo("carl", 2, 1_001_000, 0, 1),
        ConversationInfo("bob", 1, 1_000_000, 0, 0),
    ]
    assert [info.name for info in listed(users, "bob")] == ["ann"]


def test_unread_are_messages_of_the_other_after_the_marker(users: Users) -> None:
    for text in ("one", "two", "three"):
        users.send("bob", "ann", text)
    users.send("ann", "bob", "mine")
    users.edit("bob", 1, "edited")
    users.react("bob", 2, "👍")
    users.delete("bob", 3)
    assert unread(users, "ann") == {"bob": 2}

    users.mark("ann", "@bob", 1)
    assert unread(users, "ann") == {"bob": 1}


def test_each_conversation_is_read_by_itself(users: Users) -> None:
    users.send("bob", "ann")
    users.send("carl", "ann")
    users.mark("ann", "@carl", 2)

    assert unread(users, "ann") == {"bob": 1, "carl": 0}
    assert unread(users, "bob") == {"ann": 0}


def test_who_reads_the_whole_inbox_has_read_all_conversations(users: Users) -> None:
    users.send("bob", "ann")
    users.mark("ann", "@bob", 1)
    users.send("bob", "ann")
    users.send("carl", "ann")
    users.mark("ann", "@ann", 2)

    assert [(i.name, i.marker, i.unread) for i in listed(users, "ann")] == [
        ("carl", 2, 1),
        ("bob", 2, 0),
    ]


def test_a_marker_never_goes_back_nor_beyond_what_there_is(users: Users) -> None:
    users.send("bob", "ann")
    users.send("bob", "ann")
    for sequence, marker in [(1, 1), (99, 2), (1, 2), (0, 2)]:
        assert users.mark("ann", "@Bob", sequence) == Done(4)
        assert [info.marker for info in listed(users, "ann")] == [marker]


def test_a_marker_goes_back_where_that_is_meant_but_not_before_the_whole_inbox(
    users: Users,
) -> None:
    for _ in range(3):
        users.send("bob", "ann")
    users.mark("ann", "@ann", 1)
    for sequence, marker in [(3, 3), (2, 2), (0, 1), (2, 2), (99, 3)]:
        assert users.mark("ann", "@bob", sequence, back=True) == Done(4)
        assert [info.marker for info in listed(users, "ann")] == [marker]
    users.mark("ann", "@ann", 0, back=True)
    users.mark("ann", "@bob", 0, back=True)
    assert [info.marker for info in listed(users, "ann")] == [1]
    assert unread(users, "ann") == {"bob": 2}
    assert durable_state(users.loaded()) == durable_state(users.core)


def test_what_was_said_to_an_earlier_guest_is_not_listed(users: Users) -> None:
    users.send("bob", "ann")
    users.mark("ann", "@bob", 1)
    set_notify(users, "ann", "bob", Notify.NOTHING)
    users.quit(n=1)
    users.settle_all()
    users.come("ann", n=1)

    assert listed(users, "ann") == []
    users.send("bob", "ann")
    assert listed(users, "ann") == [ConversationInfo("bob", 2, users.at_ms, 0, 1)]
    assert durable_state(users.loaded()) == durable_state(users.core)


def test_a_conversation_with_a_guest_who_has_gone_can_still_be_read(users: Users) -> None:
    users.send("bob", "ann")
    users.quit(n=2)
    users.settle_all()
    assert unread(users, "ann") == {"bob": 1}

    assert users.mark("ann", "@bob", 1) == Done(4)
    assert unread(users, "ann") == {"bob": 0}


def test_counting_is_bounded(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        users.send("bob", "ann")
        users.send("carl", "ann")
    monkeypatch.setattr(limits, "CONVERSATION_UNREAD_MAX", 2)
    assert unread(users, "ann") == {"carl": 2, "bob": 2}
    monkeypatch.setattr(limits, "UNREAD_READ_BYTES_MAX", 1)
    # Of the others it is still told that there is something.
    assert unread(users, "ann") == {"carl": 1, "bob": 1}


def test_a_list_that_is_too_long_ends_with_the_newer_ones(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.send("bob", "ann")
    users.send("carl", "ann")
    monkeypatch.setattr(limits, "USER_CONVERSATIONS_MAX", 1)
    assert list(unread(users, "ann")) == ["carl"]


# --- What is kept ---------------------------------------------------------------------------------


def test_markers_and_levels_survive_a_restart(users: Users) -> None:
    users.send("bob", "ann")
    users.mark("ann", "@bob", 1)
    assert set_notify(users, "ann", "bob", Notify.NOTHING) == Done(5)
    before = listed(users, "ann")
    users.restart()

    assert listed(users, "ann") == before
    assert (before[0].marker, before[0].notify) == (1, Notify.NOTHING)


def test_a_level_leaves_the_marker_as_it_is_and_the_other_way_round(users: Users) -> None:
    users.send("bob", "ann")
    users.mark("ann", "@bob", 1)
    set_notify(users, "ann", "bob", Notify.MENTIONS)
    users.send("bob", "ann")
    users.mark("ann", "@bob", 2)

    (info,) = listed(users, "ann")
    assert (info.marker, info.notify) == (2, Notify.MENTIONS)


def test_only_of_conversations_with_others_anything_is_told(users: Users) -> None:
    assert refused(set_notify(users, "ann", "ann", Notify.ALL)) is RefusalCode.NOT_ALLOWED
    notify_room = SetNotify(id=5, log="#room", level=Notify.ALL)
    assert refused(users.do(notify_room, "ann")) is RefusalCode.UNKNOWN_LOG


def test_what_came_last_is_kept(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USER_CONVERSATIONS_MAX", 2)
    for other in ("bob", "carl", "dora"):
        set_notify(users, "ann", other, Notify.NOTHING)
        users.wait(1)
        # Heard of again, and so not the oldest.
        set_notify(users, "ann", "bob", Notify.ALL if other == "carl" else Notify.NOTHING)
        users.wait(1)

    assert users.core.conversations.by_user["ann"].keys() == {"bob", "dora"}
    assert durable_state(users.loaded()) == durable_state(users.core)


def test_of_a_deleted_account_no_conversation_is_kept(users: Users) -> None:
    users.register("ann")
    set_notify(users, "ann", "bob", Notify.NOTHING)
    set_notify(users, "bob", "ann", Notify.NOTHING)
    users.do(DeleteAccount(id=1, nonce=users.nonce(), password=PASSWORD), "ann")

    kept = users.loaded().conversations.by_user
    assert kept.keys() == {"bob"}
    assert durable_state(users.loaded()) == durable_state(users.core)


# --- Other devices --------------------------------------------------------------------------------


def test_other_devices_hear_what_is_read(users: Users) -> None:
    users.send("bob", "ann")
    users.send("bob", "ann")
    users.mark("ann", "@bob", 1)
    assert users.news == [], "there is no other device"

    users.register("ann")
    users.come("ann", client="phone", password=PASSWORD, at=EAST)
    users.mark("ann", "@bob", 2)
    users.mark("ann", "@bob", 1)
    set_notify(users, "ann", "bob", Notify.NOTHING)
    set_notify(users, "ann", "bob", Notify.NOTHING)
    users.mark("ann", "@ann", 3)
    users.mark("ann", "@ann", 3)

    assert users.news == [
        MarkerMoved("ann", "@bob", 2),
        MarkerMoved("ann", "@bob", 2, Notify.NOTHING),
        MarkerMoved("ann", "@ann", 3),
    ]


# --- Typing ---------------------------------------------------------------------------------------


def test_typing_is_told_to_the_other(users: Users) -> None:
    assert users.do(SayTyping(id=5, log="@Bob"), "ann") == Done(5)
    # To oneself nobody need be told.
    assert users.do(SayTyping(id=5, log="@ann"), "ann") == Done(5)

    assert users.news == [Typing("@bob", "ann")]
    assert users.store.position == 0


def test_typing_is_not_told_to_who_does_not_want_to_hear_it(users: Users) -> None:
    users.register("bob")
    users.block("bob", "ann")

    assert refused(users.do(SayTyping(id=5, log="@bob"), "ann")) is RefusalCode.BLOCKED
    assert refused(users.do(SayTyping(id=5, log="@nobody"), "ann")) is RefusalCode.UNKNOWN_USER
    assert refused(users.do(SayTyping(id=5, log="#room"), "ann")) is RefusalCode.UNKNOWN_LOG
    assert users.news == []


# --- Several --------------------------------------------------------------------------------------


def test_a_conversation_of_several_is_owed_to_the_room_service(users: Users) -> None:
    start = StartConversation(
        id=5, nonce=nonce(b"a client", 1), users=["Bob", "carl", "bob", "ann"]
    )
    done = users.do(start, "ann")

    assert isinstance(done, Done)
    assert done.log is not None
    room = done.log[1:]
    assert (done.log[0], done.sequence, len(room)) == ("#", 0, 17)
    assert canonical_name(room) == room
    (owed,) = users.owed
    assert owed.address == address_of_room(room, len(ROOM_ADDRESSES))
    assert _owed.decode(owed.body).body == OpenConversation(
        OPEN_CONVERSATION_NONCE + start.nonce, room, "ann", ["bob", "carl"], Standing.GUEST
    )
    assert users.do(start, "ann") == repeated(done)
    users.settle_all()
    assert users.owed == []


@pytest.mark.parametrize("standing", [Standing.ACCOUNT, Standing.MODERATOR])
def test_of_several_one_begins_only_so_many_at_once(users: Users, standing: Standing) -> None:
    users.register("ann")
    users.promote("ann", standing)

    def start() -> Answer:
        return users.do(StartConversation(id=5, nonce=users.nonce(), users=["bob"]), "ann")

    for _ in range(limits.NEW_ROOMS_MAX):
        assert isinstance(start(), Done)
    if standing is Standing.MODERATOR:
        assert isinstance(start(), Done)
        return
    assert refused(start()) is RefusalCode.TOO_FAST
    users.now += limits.NEW_ROOM_INTERVAL_S
    assert isinstance(start(), Done)


def test_each_conversation_has_a_room_of_its_own(users: Users) -> None:
    for user in ("ann", "ann", "bob"):
        users.do(StartConversation(id=5, nonce=users.nonce(), users=["carl"]), user)
    users.do(StartConversation(id=5, nonce=nonce(b"a client", 1), users=["carl"]), "ann")
    users.do(StartConversation(id=5, nonce=nonce(b"a client", 1), users=["carl"]), "bob")

    assert len({owed.key for owed in users.owed}) == 5


def test_only_who_is_there_and_wants_it_is_brought_in(users: Users) -> None:
    def start(*others: str) -> Answer:
        return users.do(StartConversation(id=5, nonce=users.nonce(), users=list(others)), "ann")

    users.register("carl")
    users.block("carl", "ann")
    blocked = start("bob", "carl")
    unknown = start("bob", "nobody")

    assert refused(blocked) is RefusalCode.BLOCKED
    assert "carl" in str(blocked)
    assert refused(unknown) is RefusalCode.UNKNOWN_USER
    assert "nobody" in str(unknown)
    assert refused(start("ann")) is RefusalCode.NOT_ALLOWED
    assert refused(start("two words")) is RefusalCode.INVALID_NAME
    assert users.owed == []


def test_a_guest_who_ends_is_ended_after_it_was_brought_in(users: Users) -> None:
    done = users.do(StartConversation(id=5, nonce=users.nonce(), users=["bob"]), "ann")
    users.quit(n=2)

    room = cast(str, cast(Done, done).log)[1:]
    address = address_of_room(room, len(ROOM_ADDRESSES))
    keys = [owed.key for owed in users.owed if owed.address == address]
    assert keys == [f"open conversation {room}", "end guest bob"]
