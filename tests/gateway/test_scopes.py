"""What a session with an app token may send and see, by kind of message and by room."""

from typing import Any

import pytest
from msgspec import inspect

from zchat.gateway.core.scopes import follows, refusal
from zchat.gateway.core.session import Session
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    USER_SERVICE,
    Chunk,
    MembershipChange,
    SessionOpened,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    AddReaction,
    DeleteMessage,
    Done,
    EditMessage,
    Entry,
    Hello,
    JoinRoom,
    ListConversations,
    ListPins,
    ListRooms,
    LoggedIn,
    LogIn,
    LogState,
    MarkRead,
    MemberJoined,
    Message,
    Ping,
    Pong,
    Post,
    PresenceChanged,
    ReadEdits,
    ReadHistory,
    RefusalCode,
    Refused,
    Register,
    SayTyping,
    Scope,
    SearchMessages,
    SendPrivate,
    Standing,
)
from zchat.protocol.rules.permissions import PERMISSIONS

from .playbook import ROOMS, Gateway

NONCE = b"n" * 16
VALUES = {"log": "#garden", "room": "garden", "nonce": NONCE}


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def bot(*scopes: Scope, rooms: tuple[str, ...] = ()) -> Session:
    session = Session(1, 0.0, 0)
    session.scopes, session.rooms = scopes, rooms
    return session


def example(kind: type[Message]) -> Any:
    """A message of the kind, in which only the names matter."""
    struct = inspect.type_info(kind)
    assert isinstance(struct, inspect.StructType)
    return kind(**{each.name: VALUES.get(each.name, 1) for each in struct.fields if each.required})


# --- By scope -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PERMISSIONS, ids=lambda kind: str(kind.__name__))
def test_the_table_of_permissions_is_kept(kind: type[Message]) -> None:
    message, wanted = example(kind), PERMISSIONS[kind].scope
    assert refusal(bot(), message) is None, "whoever has no scopes is a person"
    for scope in Scope:
        assert (refusal(bot(scope), message) is None) is (wanted is scope)
    assert (refusal(bot(*Scope), message) is None) is (wanted is not None)


def test_who_may_not_read_follows_nothing() -> None:
    for log in ("#garden", "@ann"):
        assert follows(bot(), log)
        assert follows(bot(Scope.READ), log)
        assert not follows(bot(Scope.POST), log)


# --- By room --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "allowed"),
    [
        (Post(id=1, nonce=NONCE, room="Garden", text="hello"), True),
        (Post(id=1, nonce=NONCE, room="attic", text="hello"), False),
        (JoinRoom(id=1, nonce=NONCE, room="attic"), False),
        (ReadHistory(id=1, log="#garden"), True),
        (ReadHistory(id=1, log="#attic"), False),
        (ReadHistory(id=1, log="@bob"), False),
        (MarkRead(id=1, log="#garden", sequence=1), True),
        (MarkRead(id=1, log="@ann", sequence=1), False),
        (EditMessage(id=1, nonce=NONCE, log="#Garden", sequence=1, text="hello"), True),
        (EditMessage(id=1, nonce=NONCE, log="#attic", sequence=1, text="hello"), False),
        (DeleteMessage(id=1, nonce=NONCE, log="@ann", sequence=1), False),
        (AddReaction(id=1, nonce=NONCE, log="#attic", sequence=1, emoji="+1"), False),
        (ReadEdits(id=1, log="#garden", sequence=1), True),
        (ReadEdits(id=1, log="@ann", sequence=1), False),
        (SayTyping(id=1, log="#garden"), True),
        (SayTyping(id=1, log="@garden"), False),
        (ListPins(id=1, room="garden"), True),
        (ListPins(id=1, room="attic"), False),
        (SearchMessages(id=1, text="rose", log="#garden"), True),
        (SearchMessages(id=1, text="rose", log="#attic"), False),
        (SearchMessages(id=1, text="rose", log="@bob"), False),
        (SearchMessages(id=1, text="rose"), False),
        (ListConversations(id=1), False),
        (SendPrivate(id=1, nonce=NONCE, to="garden", text="hello"), False),
        (ListRooms(id=1, room="garden"), True),
        (ListRooms(id=1), False),
        (Ping(id=1), True),
    ],
    ids=str,
)
def test_a_session_with_rooms_keeps_to_them(message: Any, *, allowed: bool) -> None:
    assert (refusal(bot(*Scope, rooms=("garden",)), message) is None) is allowed


def test_a_session_with_rooms_sees_them_and_has_no_inbox() -> None:
    session = bot(Scope.READ, rooms=("garden",))
    assert [log for log in ("#garden", "#attic", "@garden") if follows(session, log)] == ["#garden"]


# --- In a gateway ---------------------------------------------------------------------------------


def log_in(gateway: Gateway, *logs: UserLog) -> Session:
    """Ann's bot for the garden, with all that is written to it until then read."""
    session = gateway.connect()
    gateway.send(session, Hello(PROTOCOL_VERSION, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    inbox = UserLogs(0, [UserLog("@ann", 0, None, 7)])
    rights = tuple(Scope), ("garden",)
    opened = SessionOpened("ann", Standing.ACCOUNT, gateway.now_ms, *rights, logs=inbox)
    gateway.reply(USER_SERVICE, "open_session", opened)
    gateway.answer(ROOMS, UserLogs(0, list(logs)))
    return session


def test_a_bot_logs_in_to_its_rooms_alone(gateway: Gateway) -> None:
    session = log_in(gateway, UserLog("#attic", 0, 5, 5), UserLog("#garden", 0, 3, 3))
    _, logged_in = gateway.read(session)
    assert logged_in == LoggedIn(1, "ann", False, [LogState("#garden", 3, 3, 3)], Standing.ACCOUNT)
    assert [log.name for log in session.follows] == ["#garden"]
    assert gateway.asked(USER_SERVICE) == []


def test_a_bot_does_not_follow_its_user_into_other_rooms(gateway: Gateway) -> None:
    session = log_in(gateway)
    gateway.read(session)
    for room in ("attic", "garden"):
        frame = encode(Entry(f"#{room}", 4, 1, "ann", MemberJoined()))
        change = MembershipChange("ann", 4, True, 1)
        gateway.core.fan_out.publish(Chunk(f"#{room}", 4, 4, frame, [change]))
    assert [entry.log for entry in gateway.read(session)] == ["#garden"]


def test_what_is_out_of_scope_goes_no_further(gateway: Gateway) -> None:
    session = log_in(gateway)
    gateway.read(session)
    gateway.send(session, Post(id=2, nonce=NONCE, room="attic", text="hello"), Ping(id=3))
    refused, pong = gateway.read(session)
    assert isinstance(refused, Refused)
    assert (refused.id, refused.code) == (2, RefusalCode.OUT_OF_SCOPE)
    assert pong == Pong(3)
    assert gateway.sent(ROOMS) == []


@pytest.mark.parametrize("scope", Scope)
def test_who_may_not_read_does_not_hear_who_comes_and_goes(gateway: Gateway, scope: Scope) -> None:
    session = log_in(gateway)
    gateway.read(session)
    session.scopes = (scope,)
    gateway.core.ephemeral.tell_everyone(PresenceChanged(["bob"], [], 0, 0, 2))
    assert bool(gateway.read(session)) is (scope is Scope.READ)


# --- Standing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (Done(2, "@ann", 1), Standing.ACCOUNT),
        (Refused(2, RefusalCode.INVALID_PASSWORD, "too short"), Standing.GUEST),
    ],
    ids=["done", "refused"],
)
def test_a_guest_that_has_registered_is_an_account(
    gateway: Gateway, answer: Message, standing: Standing
) -> None:
    session = gateway.log_in("ann")
    gateway.send(session, Register(id=2, nonce=NONCE, password="correct horse"))
    gateway.reply(USER_SERVICE, "register", answer)
    assert session.standing is standing
