"""A client's session from hello to goodbye: what it may say when, and what becomes of it."""

from typing import Any, get_args

import pytest
from msgspec import inspect as shapes

from zchat.gateway.core import flow_control
from zchat.gateway.core.dispatch import GatewayCore
from zchat.gateway.core.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.codec import ProtocolError, encode
from zchat.protocol.internal import (
    USER_SERVICE,
    Chunk,
    MembershipChange,
    SessionEnded,
    SessionOpened,
    StreamPage,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    NEVER_LEFT_OUT,
    AddReaction,
    AnyCommand,
    DeleteMessage,
    Done,
    EditMessage,
    Entry,
    GoingAway,
    Hello,
    JoinRoom,
    ListConversations,
    ListMembers,
    ListPins,
    ListRooms,
    ListUsers,
    LoggedIn,
    LogIn,
    LogOut,
    LogState,
    MarkRead,
    Message,
    Notify,
    Ping,
    PingTarget,
    PinMessage,
    Pong,
    Post,
    Query,
    ReadEdits,
    RefusalCode,
    Refused,
    RemoveReaction,
    ReportMessage,
    RoomList,
    SayTyping,
    SearchMessages,
    SetAway,
    SetNotify,
    Standing,
    StartConversation,
    UnpinMessage,
    UserList,
    Welcome,
)

from .playbook import EPOCH, ROOMS, Gateway, entry, page

LOBBY = UserLog("#lobby", 0, 3, 3)
NO_LOGS = UserLogs(0, [])
NONCE = b"n" * 16


def post(number: int, room: str = "lobby") -> Post:
    return Post(id=number, nonce=b"%016d" % number, room=room, text=f"number {number}")


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def refusal_after_hello(gateway: Gateway, session: Session) -> RefusalCode:
    _, refused = gateway.read(session)
    assert isinstance(refused, Refused)
    return refused.code


def refusal(gateway: Gateway, session: Session) -> RefusalCode:
    (refused,) = gateway.read(session)
    assert isinstance(refused, Refused)
    return refused.code


# --- Hello and log in -----------------------------------------------------------------------------


def test_a_hello_is_welcome(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"))
    (welcome,) = gateway.read(session)
    assert isinstance(welcome, Welcome)


def test_a_version_that_is_not_spoken_ends_the_session(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(99, "test"))
    (refused,) = gateway.read(session)
    assert refused.code is RefusalCode.UNSUPPORTED_VERSION
    assert "1 is" in refused.reason
    assert session.state is SessionState.CLOSING


def test_nothing_comes_before_hello(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, ListUsers(id=1))
    assert refusal(gateway, session) is RefusalCode.MALFORMED
    assert session.state is SessionState.CLOSING


def test_before_log_in_only_the_gateway_answers(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), Ping(id=1), post(2))
    _, pong, refused = gateway.read(session)
    assert pong == Pong(1)
    assert (refused.id, refused.code) == (2, RefusalCode.NOT_LOGGED_IN)
    assert gateway.sent(ROOMS) == []


def lowest(name: str, shape: shapes.Type) -> Any:
    """The least that a required field of a request may be."""
    match shape:
        case shapes.BytesType():
            return bytes(shape.min_length or 0)
        case shapes.IntType():
            return shape.ge or 0
        case shapes.StrType():
            return "#lobby" if name == "log" else "a" * (shape.min_length or 1)
        case shapes.EnumType(cls=cls):
            return next(iter(cls))
        case shapes.ListType(min_length=min_length):
            return [lowest(name, shape.item_type)] * (min_length or 0)
        case shapes.UnionType(includes_none=True):
            return None
        case _:
            raise AssertionError(f"no value for {shape}")


@pytest.mark.parametrize(
    "kind", [*get_args(AnyCommand), *get_args(Query), LogOut], ids=lambda kind: kind.__name__
)
def test_whoever_is_not_logged_in_may_do_nothing(gateway: Gateway, kind: type[Message]) -> None:
    info = shapes.type_info(kind)
    assert isinstance(info, shapes.StructType)
    required = {
        f.name: lowest(f.name, f.type)
        for f in info.fields
        if f.required or f.name in NEVER_LEFT_OUT
    }
    more = {"target": PingTarget.ROOM_SERVICE} if kind is Ping else {}
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), kind(**required, **more))

    _, refused = gateway.read(session)
    assert refused.code is RefusalCode.NOT_LOGGED_IN
    assert gateway.sent(ROOMS) == gateway.asked(ROOMS) == gateway.asked(USER_SERVICE) == []
    assert [command["kind"] for command in gateway.sent(USER_SERVICE)] == ["announce_sessions"]


def test_bad_bytes_end_one_session_and_no_other(gateway: Gateway) -> None:
    other, session = gateway.log_in("bob", LOBBY), gateway.log_in("ann", LOBBY)
    gateway.read(session), gateway.read(other)
    gateway.core.intake.receive(session, [b"\x81\xa4kind\xa3nix"], gateway.now, gateway.now_ms)
    gateway.core.refuse_stream(session, ProtocolError("again"))
    assert refusal(gateway, session) is RefusalCode.MALFORMED
    assert (session.state, other.state) == (SessionState.CLOSING, SessionState.LOGGED_IN)
    assert gateway.core.protocol_errors == 2


def test_an_answer_that_makes_no_sense_spoils_no_other(gateway: Gateway) -> None:
    session = gateway.log_in("ann", UserLog("#lobby", 0, 3, 3))
    gateway.read(session)
    gateway.send(
        session, ListMembers(id=2, room="garden"), Ping(id=3, target=PingTarget.ROOM_SERVICE)
    )
    gateway.answer(ROOMS, b"no msgpack", Pong(3))
    refused, pong = gateway.read(session)
    assert (refused.id, refused.code) == (2, RefusalCode.UNAVAILABLE)
    assert pong == Pong(3)


def test_a_reply_that_makes_no_sense_ends_the_login_that_it_is_for(gateway: Gateway) -> None:
    first, second = gateway.connect(), gateway.connect()
    for session in (first, second):
        gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
        gateway.read(session)
    gateway.reply(USER_SERVICE, "open_session", Pong(1), Refused(1, RefusalCode.BUSY, "no"))
    assert refusal(gateway, first) is RefusalCode.UNAVAILABLE
    assert refusal(gateway, second) is RefusalCode.BUSY
    assert gateway.core.protocol_errors == 1


def test_a_log_that_nobody_can_name_is_not_read(gateway: Gateway) -> None:
    gateway.log_in("ann", UserLog("#no such name", 0, 0, 5), UserLog("#lobby", 0, 0, 3))
    assert [query["log"] for query in gateway.asked(ROOMS)] == ["#lobby"]


def test_logged_in_tells_where_each_log_goes_on(gateway: Gateway) -> None:
    logs = (LOBBY, UserLog("#garden", 4, None, 9), UserLog("#attic", 0, 2, 7, Notify.ALL))
    session = gateway.log_in("ann", *logs, cursors={"#attic": 5, "#cellar": 1})
    _, logged_in = gateway.read(session)
    assert isinstance(logged_in, LoggedIn)
    assert logged_in.logs == [
        LogState("#lobby", 3, 3, 3),
        LogState("#garden", 4, 9, 0),  # Never read: from where it joined.
        # The client's own cursor, which is ahead of the read marker.
        LogState("#attic", 5, 7, 2, Notify.ALL),
    ]


@pytest.mark.parametrize(("cursor", "goes_on_at"), [(2, 4), (99, 9)])
def test_a_cursor_stays_between_floor_and_head(
    gateway: Gateway, cursor: int, goes_on_at: int
) -> None:
    session = gateway.log_in("ann", UserLog("#garden", 4, 6, 9), cursors={"#garden": cursor})
    assert gateway.read(session)[1].logs[0].cursor == goes_on_at


def test_what_was_missed_comes_after_logged_in_and_then_what_is_new(gateway: Gateway) -> None:
    session = gateway.log_in("ann", UserLog("#lobby", 0, 1, 3))
    assert isinstance(gateway.read(session)[1], LoggedIn)
    chunk = Chunk("#lobby", 4, 4, encode(entry(4)), [])
    gateway.core.receive_stream(ROOMS, StreamPage(1, 1, [chunk]), gateway.now)
    (query,) = gateway.answer(ROOMS, page(2, 4, 4))
    assert (query["log"], query["cursor"]) == ("#lobby", 1)
    assert [e.sequence for e in gateway.read(session)] == [2, 3, 4]


def test_who_missed_what_was_removed_must_log_in_again(gateway: Gateway) -> None:
    """It may have said that somebody left, who would see more than is for it."""
    session, new = gateway.log_in("ann", LOBBY), gateway.connect()
    gateway.read(session)
    chunk = Chunk("#lobby", 4, 4, encode(entry(4)), [])
    gateway.core.receive_stream(ROOMS, StreamPage(1, 3, [chunk], whole=False), gateway.now)

    (refused,) = gateway.read(session)
    assert (refused.id, refused.code) == (None, RefusalCode.UNAVAILABLE)
    assert session.state is SessionState.CLOSING
    assert new.state is SessionState.NEW
    assert gateway.core.services.by_address[ROOMS].follower.position == 3


def test_who_lags_behind_what_was_removed_must_log_in_again(gateway: Gateway) -> None:
    session = gateway.log_in("ann", UserLog("#lobby", 0, 1, 3))
    gateway.read(session)
    gateway.answer(ROOMS, page(3, 3, 3))
    (refused,) = gateway.read(session)
    assert (refused.id, refused.code) == (None, RefusalCode.UNAVAILABLE)


def test_a_refused_log_in_can_be_tried_again(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    needed = Refused(1, RefusalCode.PASSWORD_REQUIRED, "")
    gateway.reply(USER_SERVICE, "open_session", needed)
    assert gateway.read(session)[1:] == [needed]
    gateway.send(session, LogIn(id=2, name="ann", token=b"t" * 32, password="password"))
    assert gateway.sent(USER_SERVICE)[-1]["password"] == "password"


def test_what_is_sent_while_logging_in_waits(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(
        session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32), post(2), post(3)
    )
    assert gateway.sent(ROOMS) == []
    assert session.backlog is not None
    gateway.reply(USER_SERVICE, "open_session", SessionOpened("ann", Standing.GUEST, 1))
    gateway.answer(ROOMS, NO_LOGS)
    assert [command["id"] for command in gateway.sent(ROOMS)] == [2, 3]


def test_what_is_newer_than_the_word_of_the_user_service_is_read_though_it_came_before(
    gateway: Gateway,
) -> None:
    """Its stream goes another way than its replies, and may be faster."""
    gateway.log_in("bob", LOBBY)
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    chunk = Chunk("@ann", 4, 4, encode(entry(4, "@ann")), [])
    gateway.core.receive_stream(USER_SERVICE, StreamPage(1, 1, [chunk]), gateway.now)
    inbox = UserLogs(0, [UserLog("@ann", 0, 3, 3)])
    opened = SessionOpened("ann", Standing.GUEST, 1, logs=inbox)
    gateway.reply(USER_SERVICE, "open_session", opened)
    gateway.answer(ROOMS, NO_LOGS)
    assert gateway.read(session)[1].logs == [LogState("@ann", 3, 4, 3)]
    assert gateway.answer(USER_SERVICE, page(4, 4, 4, "@ann"))[0]["cursor"] == 3
    assert [each.sequence for each in gateway.read(session)] == [4]


def newcomer(gateway: Gateway, **log_in: Any) -> Session:
    """Whom the user-service has let in under a name that was not there before."""
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32, **log_in))
    return session


NEWCOMER = SessionOpened("ann", Standing.GUEST, 1, new=True)


def test_a_newcomer_is_in_the_lobby_from_now_on_and_no_room_service_is_asked(
    gateway: Gateway,
) -> None:
    gateway.log_in("bob", LOBBY)
    session = newcomer(gateway)
    gateway.reply(USER_SERVICE, "open_session", NEWCOMER)
    assert gateway.asked(ROOMS) == []
    assert gateway.read(session)[1].logs == [LogState("#lobby", 3, 3, 3)]
    chunk = Chunk("#lobby", 4, 4, encode(entry(4)), [])
    gateway.core.receive_stream(ROOMS, StreamPage(1, 1, [chunk]), gateway.now)
    assert [each.sequence for each in gateway.read(session)] == [4]


def test_who_brings_a_newcomer_into_a_room_may_be_faster_than_the_word_of_its_coming(
    gateway: Gateway,
) -> None:
    gateway.log_in("bob", LOBBY)
    session = newcomer(gateway)
    brought = Chunk("#den", 9, 9, encode(entry(9, "#den")), [MembershipChange("ann", 9, True, 1)])
    gateway.core.receive_stream(ROOMS, StreamPage(1, 1, [brought]), gateway.now)
    gateway.reply(USER_SERVICE, "open_session", NEWCOMER)
    gateway.answer(ROOMS, page(9, 9, 9, "#den"))
    assert [each.log for each in gateway.read(session) if isinstance(each, Entry)] == ["#den"]


def test_a_newcomer_begins_anew_if_what_the_stream_has_said_of_it_is_gone(gateway: Gateway) -> None:
    gateway.log_in("bob", LOBBY)
    session = newcomer(gateway)
    gateway.core.receive_stream(ROOMS, StreamPage(1, 2, [], whole=False), gateway.now)
    assert refusal_after_hello(gateway, session) is RefusalCode.UNAVAILABLE
    gateway.reply(USER_SERVICE, "open_session", NEWCOMER)
    assert gateway.sent(USER_SERVICE)[-1] == {"kind": "close_session", "quit": False}


@pytest.mark.parametrize("cursors", [{"#lobby": 1}, None], ids=["has been here", "is the first"])
def test_only_the_room_service_knows_what_somebody_may_have_missed_of_the_lobby(
    gateway: Gateway, cursors: dict[str, int] | None
) -> None:
    if cursors is not None:
        gateway.log_in("bob", LOBBY)
    session = newcomer(gateway, cursors=cursors or {})
    gateway.reply(USER_SERVICE, "open_session", NEWCOMER)
    gateway.answer(ROOMS, UserLogs(0, [LOBBY]))
    assert [state.log for state in gateway.read(session)[1].logs] == ["#lobby"]


def test_a_guest_that_comes_back_after_its_end_does_not_see_again_what_a_slow_stream_brings(
    gateway: Gateway,
) -> None:
    """It made a room, was gone for too long, and so is in the room no more; the gateway has heard
    nothing of all that."""
    gateway.log_in("bob", LOBBY)
    session = newcomer(gateway, cursors={"#den": 1})
    gateway.reply(USER_SERVICE, "open_session", NEWCOMER)
    gateway.answer(ROOMS, UserLogs(2, [LOBBY]))
    changes = [MembershipChange("ann", 1, True, 1), MembershipChange("ann", 2, False, 2)]
    chunk = Chunk("#den", 1, 2, encode(entry(1, "#den")) + encode(entry(2, "#den")), changes)
    gateway.core.receive_stream(ROOMS, StreamPage(1, 2, [chunk]), gateway.now)
    seen = gateway.read(session)
    assert [state.log for state in seen[1].logs] == ["#lobby"]
    assert not [each for each in seen if isinstance(each, Entry)]


def test_a_client_that_left_while_logging_in_leaves_no_session_behind(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    gateway.core.disconnected(session)
    gateway.reply(USER_SERVICE, "open_session", SessionOpened("ann", Standing.GUEST, 1))
    assert gateway.sent(USER_SERVICE)[-1] == {"kind": "close_session", "quit": False}


def test_logins_do_not_pile_up_while_the_user_service_is_away(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LINK_QUEUE_BYTES_MAX", 300)
    link = gateway.core.services.users.link
    sessions = [gateway.connect() for _ in range(100)]
    for number, session in enumerate(sessions):
        gateway.send(session, Hello(1, "test"), LogIn(id=1, name=f"ann-{number}", token=b"t" * 32))
        longest = max(len(question.body) for question in link.unanswered.values())
        assert link.queue_bytes <= 300 + longest
    assert refusal_after_hello(gateway, sessions[-1]) is RefusalCode.UNAVAILABLE
    assert sessions[-1].state is SessionState.CLOSING


def test_a_room_left_while_logging_in_is_not_followed(gateway: Gateway) -> None:
    """The answer about the user's logs is older than what the stream has said meanwhile."""
    garden = UserLog("#garden", 0, 1, 1)
    gateway.log_in("bob", LOBBY)
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    gateway.reply(USER_SERVICE, "open_session", SessionOpened("ann", Standing.GUEST, 1))
    gateway.asked(ROOMS)
    left = Chunk("#garden", 2, 2, encode(entry(2)), [MembershipChange("ann", 2, False, 1)])
    gateway.core.receive_stream(ROOMS, StreamPage(1, 1, [left]), gateway.now)
    gateway.answer_asked(ROOMS, UserLogs(0, [LOBBY, garden]))
    assert [state.log for state in gateway.read(session)[1].logs] == ["#lobby"]


# --- Commands and queries -------------------------------------------------------------------------


def test_a_command_goes_to_its_service_with_the_users_name_on_it(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.send(session, post(7))
    gateway.sent(ROOMS)
    ((_, stamped),) = gateway.commands[ROOMS]
    assert (stamped.user, stamped.session) == ("ann", session.number)
    gateway.reply(ROOMS, "post", Done(7, "#lobby", 4))
    assert gateway.read(session) == [Done(7, "#lobby", 4)]


@pytest.mark.parametrize(
    ("message", "address"),
    [
        (EditMessage(id=7, nonce=NONCE, log="#garden", sequence=1, text="hello"), ROOMS),
        (DeleteMessage(id=7, nonce=NONCE, log="@ann", sequence=1), USER_SERVICE),
        (AddReaction(id=7, nonce=NONCE, log="#garden", sequence=1, emoji="+1"), ROOMS),
        (RemoveReaction(id=7, nonce=NONCE, log="@ann", sequence=1, emoji="+1"), USER_SERVICE),
        (PinMessage(id=7, nonce=NONCE, room="garden", sequence=1), ROOMS),
        (UnpinMessage(id=7, nonce=NONCE, room="garden", sequence=1), ROOMS),
        (ReportMessage(id=7, nonce=NONCE, log="@ann", sequence=1, reason="spam"), USER_SERVICE),
        (MarkRead(id=7, log="@bob", sequence=1), USER_SERVICE),
        (SetNotify(id=7, log="#garden", level=Notify.ALL), ROOMS),
        (SetNotify(id=7, log="@bob", level=Notify.ALL), USER_SERVICE),
        (SayTyping(id=7, log="#garden"), ROOMS),
        (SayTyping(id=7, log="@bob"), USER_SERVICE),
        (SetAway(id=7, away="lunch"), USER_SERVICE),
        (StartConversation(id=7, nonce=NONCE, users=["bob"]), USER_SERVICE),
    ],
    ids=str,
)
def test_a_command_goes_to_who_has_what_it_is_about(
    gateway: Gateway, message: Message, address: str
) -> None:
    gateway.send(gateway.log_in("ann", LOBBY), message)
    sent = {to: [command.get("id") for command in gateway.sent(to)] for to in (ROOMS, USER_SERVICE)}
    assert [to for to, requests in sent.items() if 7 in requests] == [address]


@pytest.mark.parametrize(
    ("query", "addresses"),
    [
        (ReadEdits(id=7, log="#garden", sequence=1), [ROOMS]),
        (ReadEdits(id=7, log="@ann", sequence=1), [USER_SERVICE]),
        (ListPins(id=7, room="garden"), [ROOMS]),
        (ListConversations(id=7), [USER_SERVICE]),
        (SearchMessages(id=7, text="rose", log="#garden"), [ROOMS]),
        (SearchMessages(id=7, text="rose", log="@bob"), [USER_SERVICE]),
        (SearchMessages(id=7, text="rose"), [USER_SERVICE, ROOMS]),
    ],
    ids=str,
)
def test_a_query_goes_to_all_who_may_know_the_answer(
    gateway: Gateway, query: Message, addresses: list[str]
) -> None:
    gateway.send(gateway.log_in("ann", LOBBY), query)
    assert [to for to in (USER_SERVICE, ROOMS) if gateway.asked(to)] == addresses


def test_a_name_that_is_none_is_refused_here(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.send(session, post(7, "no room"))
    assert refusal(gateway, session) is RefusalCode.INVALID_NAME
    assert session.unanswered == 0


def test_a_session_has_a_largest_number_of_unanswered_requests(gateway: Gateway) -> None:
    """Nothing is refused for it: the rest waits, in order, and the shell stops reading."""
    session = gateway.log_in("ann", LOBBY)
    numbers = list(range(limits.SESSION_REQUESTS_MAX + 2))
    gateway.send(session, *map(post, numbers))
    assert session.backlog is not None
    assert [c["id"] for c in gateway.sent(ROOMS)] == numbers[: limits.SESSION_REQUESTS_MAX]
    gateway.reply(ROOMS, "post", Done(0), Done(1))
    assert [c["id"] for c in gateway.sent(ROOMS)] == numbers[2:]


def test_who_is_held_or_blocked_is_counted_until_it_goes_on_or_is_gone(gateway: Gateway) -> None:
    def counted() -> tuple[int, int]:
        core = gateway.core
        return len(core.intake.held_sessions), len(core.output.blocked_sessions)

    gateway.log_in("ann", LOBBY)
    bob, carl = gateway.log_in("bob", LOBBY), gateway.log_in("carl", LOBBY)
    assert counted() == (0, 0)
    for session in (bob, carl):
        gateway.send(session, *map(post, range(limits.SESSION_REQUESTS_MAX + 1)))
        gateway.core.output.filled(session)
    assert counted() == (2, 2)
    gateway.core.disconnected(carl)
    assert counted() == (1, 1)
    gateway.core.output.drained(bob)
    gateway.core.unblocked(bob, gateway.now, gateway.now_ms)
    gateway.reply(ROOMS, "post", Done(0))
    assert counted() == (1, 0), "the next one waits for an answer again"


def test_a_full_link_holds_its_senders_back_until_it_has_drained(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LINK_QUEUE_BYTES_MAX", 300)
    session = gateway.log_in("ann", LOBBY)
    gateway.send(session, *map(post, range(8)))
    sent = len(gateway.sent(ROOMS))
    assert 0 < sent < 8
    while gateway.sent(ROOMS):
        gateway.reply(ROOMS, "post", Done(gateway.sent(ROOMS)[0]["id"]))
    assert session.backlog is None
    assert session.unanswered == 0


def test_who_is_held_for_one_service_is_not_let_go_by_another(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LINK_QUEUE_BYTES_MAX", 300)
    session = gateway.log_in("ann", LOBBY)
    gateway.send(session, *map(post, range(8)))
    sent = len(gateway.sent(ROOMS))
    for _ in range(8):
        gateway.say(USER_SERVICE, SessionEnded([]))
    gateway.wait(limits.COMMAND_TIMEOUT_S)
    assert len(gateway.sent(ROOMS)) == sent
    while gateway.sent(ROOMS):
        gateway.reply(ROOMS, "post", Done(gateway.sent(ROOMS)[0]["id"]))
    assert session.backlog is None


def test_a_command_that_waits_for_too_long_is_unavailable_and_still_answered(
    gateway: Gateway,
) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.send(session, post(7))
    gateway.wait(limits.COMMAND_TIMEOUT_S - 0.1)
    assert gateway.read(session) == []
    gateway.wait(0.1)
    assert refusal(gateway, session) is RefusalCode.UNAVAILABLE
    gateway.wait(limits.COMMAND_TIMEOUT_S)
    assert gateway.read(session) == [], "it is said once"
    gateway.reply(ROOMS, "post", Done(7))
    assert gateway.read(session) == [Done(7)]
    assert session.unanswered == 0


def test_a_query_that_nobody_answers_is_unavailable(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.send(
        session, ListUsers(id=7), Ping(id=8, target=PingTarget.ROOM_SERVICE), ListRooms(id=9)
    )
    gateway.wait(limits.QUERY_TIMEOUT_S + 0.1)
    refused = gateway.read(session)
    assert {r.id: r.code for r in refused} == dict.fromkeys((7, 8, 9), RefusalCode.UNAVAILABLE)


def test_answers_find_whoever_asked(gateway: Gateway) -> None:
    ann, bob = gateway.log_in("ann", LOBBY), gateway.log_in("bob", LOBBY)
    gateway.read(ann), gateway.read(bob)
    gateway.send(ann, ListUsers(id=7))
    gateway.send(bob, ListUsers(id=8), ListRooms(id=9))
    gateway.answer(USER_SERVICE, UserList(7, [], 2), UserList(8, [], 2))
    gateway.answer(ROOMS, RoomList(9, [], 0))
    assert gateway.read(ann) == [UserList(7, [], 2)]
    assert gateway.read(bob) == [UserList(8, [], 2), RoomList(9, [], 0)]


# --- The end of sessions --------------------------------------------------------------------------


def test_a_goodbye_waits_for_what_was_said_before(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.send(session, post(7), post(8), LogOut(id=9))
    assert "close_session" not in [c["kind"] for c in gateway.sent(USER_SERVICE)]
    gateway.reply(ROOMS, "post", Done(7))
    assert "close_session" not in [c["kind"] for c in gateway.sent(USER_SERVICE)]
    gateway.reply(ROOMS, "post", Done(8))
    gateway.reply(USER_SERVICE, "close_session", Done(0))
    assert gateway.read(session) == [Done(7), Done(8), Done(9)]
    assert session.state is SessionState.CLOSING


def test_a_connection_that_breaks_is_told_to_the_user_service(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.core.disconnected(session)
    assert gateway.sent(USER_SERVICE)[-1] == {"kind": "close_session", "quit": False}
    assert gateway.core.sessions == {}


def test_a_client_that_came_back_elsewhere_ends_here(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.say(USER_SERVICE, SessionEnded([session.number, 99]))
    assert refusal(gateway, session) is RefusalCode.SESSION_ENDED


def test_who_is_put_out_is_told_why_and_until_when(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    word = SessionEnded([session.number], RefusalCode.BANNED, "your name is banned", 60_000)
    gateway.say(USER_SERVICE, word)
    (told,) = gateway.read(session)
    assert told == Refused(None, RefusalCode.BANNED, "your name is banned", 60_000)
    assert session.state is SessionState.CLOSING


def test_who_was_ended_sees_no_more_entries_however_slowly_it_goes(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.say(USER_SERVICE, SessionEnded([session.number]))
    assert refusal(gateway, session) is RefusalCode.SESSION_ENDED
    chunk = Chunk("#lobby", 4, 4, encode(entry(4)), [])
    gateway.core.receive_stream(ROOMS, StreamPage(1, 1, [chunk]), gateway.now)
    assert gateway.read(session) == []


def test_who_was_ended_while_it_logged_in_stays_out(gateway: Gateway) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    opened = SessionOpened("ann", Standing.ACCOUNT, gateway.now_ms)
    gateway.reply(USER_SERVICE, "open_session", opened)
    gateway.say(USER_SERVICE, SessionEnded([session.number]))
    gateway.answer(ROOMS, UserLogs(0, [LOBBY]))
    assert refusal_after_hello(gateway, session) is RefusalCode.SESSION_ENDED
    assert session.state is SessionState.CLOSING
    gateway.send(session, post(2))
    assert gateway.sent(ROOMS) == []


def test_a_new_user_service_hears_first_who_is_here(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.send(session, LogOut(id=9))
    gateway.sent(USER_SERVICE)
    gateway.commands[USER_SERVICE].clear()
    gateway.serve(EPOCH + 1)
    announce, close = gateway.sent(USER_SERVICE)
    assert announce["kind"] == "announce_sessions"
    assert [here[:2] for here in announce["sessions"]] == [[session.number, "ann"]]
    assert close == {"kind": "close_session", "quit": True}, "what is unanswered comes after it"


def test_who_does_not_log_in_is_closed(gateway: Gateway) -> None:
    silent, greeted = gateway.connect(), gateway.connect()
    gateway.send(greeted, Hello(1, "test"))
    gateway.read(greeted)
    gateway.wait(limits.HELLO_TIMEOUT_S + limits.ACTIVITY_INTERVAL_S)
    assert refusal(gateway, silent) is RefusalCode.TIMED_OUT
    assert refusal(gateway, greeted) is RefusalCode.TIMED_OUT


def test_who_says_nothing_for_too_long_is_closed_and_who_pings_is_not(gateway: Gateway) -> None:
    silent, pinging = gateway.log_in("ann", LOBBY), gateway.log_in("bob", LOBBY)
    gateway.read(silent)
    gateway.wait(limits.SESSION_IDLE_TIMEOUT_S)
    gateway.send(pinging, Ping(id=5))
    gateway.wait(limits.ACTIVITY_INTERVAL_S + 0.1)
    assert refusal(gateway, silent) is RefusalCode.TIMED_OUT
    assert pinging.state is SessionState.LOGGED_IN


def test_a_log_in_that_no_service_answers_ends_so_that_the_client_tries_again(
    gateway: Gateway,
) -> None:
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    gateway.read(session)
    gateway.wait(limits.COMMAND_TIMEOUT_S)
    assert refusal(gateway, session) is RefusalCode.UNAVAILABLE
    assert session.state is SessionState.CLOSING


def test_a_full_gateway_says_so(gateway: Gateway) -> None:
    gateway.core = GatewayCore(partitions=1, sessions_max=1)
    gateway.connect()
    assert refusal(gateway, gateway.connect()) is RefusalCode.LIMIT_REACHED


def test_a_gateway_that_stops_sends_its_clients_elsewhere(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.read(session)
    gateway.core.go_away("the gateway stops")
    (going_away,) = gateway.read(session)
    assert going_away.reason == "the gateway stops"
    assert session.state is SessionState.CLOSING


def test_a_guest_does_not_end_before_what_it_has_said(gateway: Gateway) -> None:
    """Its join, if that came after its end, would be the membership of the next of its name."""
    session = gateway.log_in("ann", LOBBY)
    gateway.send(session, JoinRoom(id=7, nonce=b"%016d" % 7, room="garden"))
    gateway.wait(limits.COMMAND_TIMEOUT_S)
    gateway.core.disconnected(session)
    assert "close_session" not in [c["kind"] for c in gateway.sent(USER_SERVICE)]
    gateway.commands[USER_SERVICE].clear()
    gateway.serve(EPOCH + 1)
    (announce,) = gateway.sent(USER_SERVICE)
    assert [here[1] for here in announce["sessions"]] == ["ann"], "it is not gone yet"
    gateway.reply(ROOMS, "join_room", Done(7))
    assert gateway.sent(USER_SERVICE)[-1] == {"kind": "close_session", "quit": False}


def test_an_answer_waits_for_what_the_stream_has_still_to_bring(gateway: Gateway) -> None:
    """A room left, and joined again, before the answer: the stream brings both only now."""
    gateway.log_in("bob", LOBBY)
    session = gateway.connect()
    gateway.send(session, Hello(1, "test"), LogIn(id=1, name="ann", token=b"t" * 32))
    gateway.reply(USER_SERVICE, "open_session", SessionOpened("ann", Standing.GUEST, 1))
    gateway.answer(ROOMS, UserLogs(2, [LOBBY, UserLog("#garden", 1, None, 3)]))
    assert session.blocked, "nothing flows yet"
    changes = [MembershipChange("ann", 2, False, 1), MembershipChange("ann", 3, True, 2)]
    for position, change in enumerate(changes, 1):
        sequence = change.sequence
        chunk = Chunk("#garden", sequence, sequence, encode(entry(sequence, "#garden")), [change])
        gateway.core.receive_stream(ROOMS, StreamPage(position, position, [chunk]), gateway.now)
    assert session.state is SessionState.LOGGED_IN
    gateway.core.services.ask_pages(gateway.core.fan_out, gateway.now)
    sequences = [m.sequence for m in gateway.read(session) if isinstance(m, Entry)]
    assert len(sequences) == len(set(sequences))


def test_a_gateway_that_hung_speaks_for_nobody(gateway: Gateway) -> None:
    """Meanwhile its sessions have ended, and a guest's name may be somebody else's."""
    session = gateway.log_in("ann", LOBBY)
    gateway.core.notice_stall(gateway.now)
    gateway.read(session)
    gateway.now += limits.PEER_EXPIRY_S + 0.1
    gateway.send(session, post(7))
    gateway.core.notice_stall(gateway.now)
    assert gateway.sent(ROOMS) == []
    announce = gateway.sent(USER_SERVICE)[-1]
    assert announce == {"kind": "announce_sessions", "sessions": []}
    (going_away,) = gateway.read(session)
    assert isinstance(going_away, GoingAway)


def test_who_does_not_read_answers_is_asked_for_no_more(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    numbers = list(range(limits.SESSION_REQUESTS_MAX + 1))
    gateway.send(session, *map(post, numbers))
    gateway.sent(ROOMS)
    session.blocked = True
    gateway.reply(ROOMS, "post", Done(0))
    assert [c["id"] for c in gateway.sent(ROOMS)] == numbers[1:-1]
    gateway.core.unblocked(session, gateway.now, gateway.now_ms)
    assert [c["id"] for c in gateway.sent(ROOMS)] == numbers[1:]


def test_who_does_not_read_its_goodbye_is_cut_off(gateway: Gateway) -> None:
    session = gateway.log_in("ann", LOBBY)
    gateway.wait(limits.ACTIVITY_INTERVAL_S)
    gateway.say(USER_SERVICE, SessionEnded([session.number]))
    gateway.wait(limits.CLOSING_TIMEOUT_S - 0.1)
    states = [session.state]
    gateway.wait(limits.ACTIVITY_INTERVAL_S)
    states.append(session.state)
    assert states == [SessionState.CLOSING, SessionState.CUT]


def test_a_client_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not(
    gateway: Gateway,
) -> None:
    stalled, slow = gateway.log_in("eve", LOBBY), gateway.log_in("ann", LOBBY)
    waited_s, unsent_bytes = 0.0, 1_000_000
    while waited_s < limits.SESSION_IDLE_TIMEOUT_S + 2 * limits.ACTIVITY_INTERVAL_S:
        assert stalled.open or waited_s > limits.SESSION_IDLE_TIMEOUT_S
        for session, size in ((stalled, 100_000), (slow, unsent_bytes)):
            session.blocked = True
            flow_control.look_at_unsent(session, size, gateway.now)
        unsent_bytes -= 1
        gateway.wait(limits.ACTIVITY_INTERVAL_S)
        waited_s += limits.ACTIVITY_INTERVAL_S

    assert (stalled.state, slow.state) == (SessionState.CUT, SessionState.LOGGED_IN)


def test_the_same_question_of_another_life_is_another_question() -> None:
    asked = []
    for begun_at in (100.0, 200.0):
        gateway = Gateway()
        gateway.now = begun_at
        ann = gateway.log_in("ann", LOBBY)
        gateway.send(ann, ListUsers(id=7))
        asked.append(gateway.core.services.users.queries.take_envelope(gateway.now))

    # Or the next life would be answered with what the last one has begun to ask.
    assert asked[0] != asked[1]
