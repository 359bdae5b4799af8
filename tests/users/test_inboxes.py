"""Private messages, what they tell both sides, and what may be asked about users."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder, server_messages
from zchat.protocol.internal import (
    LogPage,
    PresenceSnapshot,
    ReadLog,
    ReadPresence,
    ReadStream,
    StreamPage,
    UserLog,
    UserLogs,
    UserQuery,
)
from zchat.protocol.messages import (
    Done,
    History,
    ListUsers,
    Ping,
    Pong,
    PrivateMessageSent,
    ReadHistory,
    RefusalCode,
    Refused,
    SendPrivate,
    ServerMessage,
    UserInfo,
    UserList,
)
from zchat.protocol.rules.nonces import nonce

from .playbook import PASSWORD, Users, opened, refused

NONCE = nonce(b"a client", 1)


@pytest.fixture(name="users")
def two_users(users: Users) -> Users:
    """The guests ann and bob."""
    users.come("ann", n=1)
    users.come("bob", n=2)
    return users


def texts(users: Users, user: str) -> list[tuple[str, str, str]]:
    """From whom, to whom and what, of all private messages in the inbox."""
    return [
        (author, body.to, body.text)
        for _, author, body in users.inbox(user)
        if isinstance(body, PrivateMessageSent)
    ]


# --- Private messages -----------------------------------------------------------------------------


def test_a_private_message_stands_in_both_inboxes(users: Users) -> None:
    assert users.send("ann", "bob", "psst") == Done(3, "@ann", 1)

    assert texts(users, "ann") == texts(users, "bob") == [("ann", "bob", "psst")]


def test_each_inbox_has_a_sequence_of_its_own(users: Users) -> None:
    users.come("carl", n=3)
    users.send("ann", "bob")
    users.send("carl", "bob")
    assert users.send("bob", "carl") == Done(3, "@bob", 3)

    assert [sequence for sequence, _, _ in users.inbox("bob")] == [1, 2, 3]
    assert [sequence for sequence, _, _ in users.inbox("carl")] == [1, 2]


def test_a_note_to_oneself_stands_there_once(users: Users) -> None:
    assert users.send("ann", "Ann", "buy milk") == Done(3, "@ann", 1)

    assert texts(users, "ann") == [("ann", "ann", "buy milk")]


def test_it_reaches_who_is_offline(users: Users) -> None:
    users.register("bob")
    users.quit(n=2)

    assert isinstance(users.send("ann", "bob"), Done)
    assert len(texts(users, "bob")) == 1


def test_to_nobody_nothing_can_be_said(users: Users) -> None:
    users.quit(n=2)

    assert refused(users.send("ann", "nobody")) is RefusalCode.UNKNOWN_USER
    assert refused(users.send("ann", "bob")) is RefusalCode.UNKNOWN_USER, "a guest that is gone"
    assert refused(users.send("ann", "two words")) is RefusalCode.INVALID_NAME
    assert users.inbox("ann") == []


def test_who_is_gone_says_nothing_more(users: Users) -> None:
    users.quit(n=2)

    assert refused(users.send("bob", "ann")) is RefusalCode.SESSION_ENDED
    assert refused(users.send("stranger", "ann")) is RefusalCode.SESSION_ENDED


def test_what_could_steer_a_terminal_is_not_stored(users: Users) -> None:
    users.send("ann", "bob", "a\x1b[2Jb")

    assert texts(users, "bob") == [("ann", "bob", "a[2Jb")]
    assert refused(users.send("ann", "bob", "\x1b ")) is RefusalCode.EMPTY_TEXT
    assert refused(users.send("ann", "bob", "\u200b\u2060")) is RefusalCode.EMPTY_TEXT


def test_the_same_nonce_returns_the_first_result(users: Users) -> None:
    send = SendPrivate(id=3, nonce=NONCE, to="bob", text="once")

    assert users.do(send, "ann") == Done(3, "@ann", 1)
    assert users.do(send, "ann") == Done(3, "@ann", 1, again=True)
    assert len(texts(users, "bob")) == 1


def test_the_same_nonce_twice_in_one_beat_counts_once(users: Users) -> None:
    send = SendPrivate(id=3, nonce=NONCE, to="bob", text="once")
    users.begin(send, "ann")
    users.begin_another(send, "ann")

    assert users.commit([]) == [Done(3, "@ann", 1), Done(3, "@ann", 1, again=True)]
    assert len(texts(users, "bob")) == 1


def test_the_inbox_of_a_new_guest_goes_on_after_an_earlier_one(users: Users) -> None:
    users.send("ann", "bob", "for the first bob")
    users.quit(n=2)
    users.settle_all()
    came = opened(users.come("bob", client="another", n=3))
    assert came.logs == UserLogs(2, [UserLog("@bob", 1, None, 1)])
    users.send("ann", "bob", "for the second bob")

    history = answer(users, "bob", ReadHistory(id=1, log="@ann"))
    assert isinstance(history, History)
    assert [entry.sequence for entry in history.entries] == [2]


# --- Read markers ---------------------------------------------------------------------------------


def test_a_read_marker_never_goes_back_nor_ahead_of_what_there_is(users: Users) -> None:
    users.send("ann", "bob")
    users.send("ann", "bob")

    for sequence, marker in [(1, 1), (99, 2), (1, 2), (0, 2)]:
        assert users.mark("bob", "@bob", sequence) == Done(4)
        assert users.core.users["bob"].marker == marker


def test_a_room_is_not_marked_here(users: Users) -> None:
    assert refused(users.mark("bob", "#bob", 1)) is RefusalCode.UNKNOWN_LOG


# --- Queries --------------------------------------------------------------------------------------


def answer(users: Users, user: str, query: UserQuery) -> ServerMessage:
    return server_messages.decode(users.ask(user, query))


def test_a_ping_is_answered(users: Users) -> None:
    assert answer(users, "ann", Ping(id=5)) == Pong(5)


def test_a_user_follows_its_inbox(users: Users) -> None:
    users.send("ann", "bob")
    users.mark("bob", "@bob", 1)

    logs = opened(users.come("bob", n=3)).logs
    assert logs == UserLogs(2, [UserLog("@bob", 0, 1, 1)])


def test_an_inbox_is_read_in_pages_and_the_stream_too(users: Users) -> None:
    users.send("ann", "bob")

    page = Decoder(LogPage).decode(users.ask("", ReadLog("@bob", 0)))
    assert (page.first, page.last, page.head) == (1, 1, 1)
    stream = Decoder(StreamPage).decode(users.ask("", ReadStream(0)))
    assert [(c.log, c.first, c.last, c.changes) for c in stream.chunks] == [
        ("@ann", 1, 1, []),
        ("@bob", 1, 1, []),
    ]


def test_a_conversation_is_what_both_said_to_each_other(users: Users) -> None:
    users.come("carl", n=3)
    users.send("ann", "bob", "one")
    users.send("carl", "ann", "not this")
    users.send("bob", "ann", "two")
    users.send("ann", "ann", "nor this")

    history = answer(users, "ann", ReadHistory(id=1, log="@bob"))
    assert isinstance(history, History)
    bodies = [entry.body for entry in history.entries]
    assert bodies == [
        PrivateMessageSent("bob", "one", twin=1),
        PrivateMessageSent("ann", "two", twin=2),
    ]


def test_there_is_no_conversation_with_nobody(users: Users) -> None:
    refused = answer(users, "ann", ReadHistory(id=1, log="@nobody"))

    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.UNKNOWN_USER


def test_those_online_are_listed_with_how_long_they_are_silent(users: Users) -> None:
    came_ms = users.at_ms
    users.register("bob")
    users.wait(5.0)

    assert answer(users, "ann", ListUsers(id=1)) == UserList(
        1, [UserInfo("ann", True, came_ms, 5000), UserInfo("bob", False, came_ms, 5000)], 2
    )


def test_the_most_active_session_counts(users: Users) -> None:
    users.register("bob")
    users.wait(3.0)
    opened(users.come("bob", client="phone", password=PASSWORD, n=9))
    users.wait(1.0)

    listed = answer(users, "ann", ListUsers(id=1))
    assert isinstance(listed, UserList)
    assert [user.idle_ms for user in listed.users] == [4000, 1000]


def test_a_list_of_users_has_a_largest_length(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ANSWER_BYTES_MAX", 1)
    listed = answer(users, "ann", ListUsers(id=1))

    assert isinstance(listed, UserList)
    assert ([user.name for user in listed.users], listed.total) == (["ann"], 2)


def test_a_gateway_asks_who_is_online(users: Users) -> None:
    users.wait(limits.SETTLE_S)

    snapshot = Decoder(PresenceSnapshot).decode(users.ask("", ReadPresence()))
    assert snapshot == users.core.presence.snapshot()
    assert snapshot.online == ["ann", "bob"]
