"""A client that wants to see some logs, or none: what is read for it, and what it is told."""

import pytest

from zchat.gateway.core.session import Session
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    USER_SERVICE,
    Chunk,
    LogPage,
    MarkerMoved,
    MembershipChange,
    SessionOpened,
    SoftNews,
    Typing,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import (
    PROTOCOL_VERSION,
    Entry,
    Hello,
    LoggedIn,
    LogIn,
    LogState,
    LogStateChanged,
    MemberJoined,
    MemberKicked,
    PresenceChanged,
    RefusalCode,
    Refused,
    Standing,
    Welcome,
)

from .playbook import ROOMS, Gateway, entry, page

GARDEN = UserLog("#garden", 0, 3, 9)
ATTIC = UserLog("#attic", 0, 3, 9)
INBOX = UserLog("@ann", 0, 1, 7)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def begin(gateway: Gateway, logs: list[str], **wanted: object) -> Session:
    """As far as the user-service has let ann in."""
    session = gateway.connect()
    log_in = LogIn(id=1, name="ann", token=b"t" * 32, logs=logs, **wanted)  # type: ignore[arg-type]
    gateway.send(session, Hello(PROTOCOL_VERSION, "test"), log_in)
    opened = SessionOpened("ann", Standing.ACCOUNT, gateway.now_ms, logs=UserLogs(0, [INBOX]))
    gateway.reply(USER_SERVICE, "open_session", opened)
    return session


def in_garden(gateway: Gateway, **wanted: object) -> Session:
    session = begin(gateway, ["#Garden"], **wanted)
    gateway.answer(ROOMS, UserLogs(0, [ATTIC, GARDEN]))
    return session


def logged_in(gateway: Gateway, session: Session) -> LoggedIn:
    welcome, answer = gateway.read(session)
    assert isinstance(welcome, Welcome)
    assert isinstance(answer, LoggedIn)
    return answer


def publish(gateway: Gateway, message: Entry, *changes: MembershipChange) -> None:
    at = message.sequence
    gateway.core.fan_out.publish(Chunk(message.log, at, at, encode(message), list(changes)))


# --- Logging in -----------------------------------------------------------------------------------


def test_who_wants_nothing_is_in_without_a_service_being_asked(gateway: Gateway) -> None:
    session = begin(gateway, [])
    assert logged_in(gateway, session).logs == []
    assert gateway.asked(USER_SERVICE) == gateway.asked(ROOMS) == []
    assert session.follows == []


def test_only_the_services_of_the_wanted_logs_are_asked(gateway: Gateway) -> None:
    session = in_garden(gateway)
    assert logged_in(gateway, session).logs == [LogState("#garden", 3, 9, 3)]
    assert gateway.asked(USER_SERVICE) == []
    assert [query["log"] for query in gateway.asked(ROOMS)] == ["#garden"]


@pytest.mark.parametrize(
    ("wanted", "cursor"),
    [
        ({}, 3),
        ({"from_head": True}, 9),
        ({"from_head": True, "cursors": {"#garden": 5}}, 5),
    ],
    ids=str,
)
def test_a_log_begins_at_the_cursor_or_the_marker_or_the_head(
    gateway: Gateway, wanted: dict[str, object], cursor: int
) -> None:
    assert logged_in(gateway, in_garden(gateway, **wanted)).logs[0].cursor == cursor


def test_of_all_logs_those_without_a_cursor_may_begin_at_the_head(gateway: Gateway) -> None:
    session = gateway.log_in("ann", ATTIC, GARDEN, from_head=True, cursors={"#attic": 5})
    states = {state.log: state.cursor for state in logged_in(gateway, session).logs}
    assert states == {"#attic": 5, "#garden": 9}


def test_a_name_that_nobody_can_have_is_refused(gateway: Gateway) -> None:
    session = gateway.connect()
    log_in = LogIn(id=1, name="ann", token=b"t" * 32, logs=["#a/b"])
    gateway.send(session, Hello(PROTOCOL_VERSION, "test"), log_in)
    _, refused = gateway.read(session)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.INVALID_NAME
    assert "open_session" not in [command["kind"] for command in gateway.sent(USER_SERVICE)]


# --- From then on ---------------------------------------------------------------------------------


def test_other_logs_do_not_come(gateway: Gateway) -> None:
    session = in_garden(gateway, from_head=True)
    logged_in(gateway, session)
    for log in ("#attic", "#garden", "#lobby"):
        publish(gateway, entry(10, log))
    assert [each.log for each in gateway.read(session)] == ["#garden"]


def test_a_wanted_log_comes_when_its_user_joins_and_no_other_does(gateway: Gateway) -> None:
    session = begin(gateway, ["#garden"])
    gateway.answer(ROOMS, UserLogs(0, []))
    logged_in(gateway, session)
    for room in ("attic", "garden"):
        joined = Entry(f"#{room}", 4, 1, "ann", MemberJoined())
        publish(gateway, joined, MembershipChange("ann", 4, True, 1))
    assert [each.log for each in gateway.read(session)] == ["#garden"]


def test_what_was_said_before_a_kick_comes_to_who_lags(gateway: Gateway) -> None:
    session = in_garden(gateway)
    logged_in(gateway, session)
    kicked = Entry("#garden", 10, 1, "bob", MemberKicked("ann", ""))
    publish(gateway, kicked, MembershipChange("ann", 10, False, 1))
    before = page(4, 9, 10, "#garden")
    gateway.answer(ROOMS, LogPage("#garden", 4, 10, 10, before.frames + encode(kicked)))
    assert [each.sequence for each in gateway.read(session)] == [4, 5, 6, 7, 8, 9, 10]
    publish(gateway, entry(11, "#garden"))
    assert gateway.read(session) == []


def test_soft_news_of_other_logs_do_not_come(gateway: Gateway) -> None:
    session = in_garden(gateway, from_head=True)
    logged_in(gateway, session)
    news = [MarkerMoved("ann", log, 9) for log in ("#attic", "#garden", "@ann", "@bob")]
    gateway.core.ephemeral.receive(
        SoftNews([*news, Typing("#attic", "bob"), Typing("@ann", "bob")])
    )
    gateway.wait(2.0)
    assert gateway.read(session) == [LogStateChanged("#garden", 9)]


def test_who_wants_the_inbox_hears_of_its_conversations(gateway: Gateway) -> None:
    session = begin(gateway, ["@ann"])
    assert [state.log for state in logged_in(gateway, session).logs] == ["@ann"]
    news = [MarkerMoved("ann", log, 9) for log in ("#attic", "@ann", "@bob")]
    gateway.core.ephemeral.receive(SoftNews(list(news)))
    assert [each.log for each in gateway.read(session)] == ["@ann", "@bob"]


def test_who_wants_nothing_does_not_hear_who_comes_and_goes(gateway: Gateway) -> None:
    nothing, garden = begin(gateway, []), in_garden(gateway, from_head=True)
    for session in (nothing, garden):
        logged_in(gateway, session)
    gateway.core.ephemeral.tell_everyone(PresenceChanged(["bob"], [], 0, 0, 2))
    assert gateway.read(nothing) == []
    assert len(gateway.read(garden)) == 1
