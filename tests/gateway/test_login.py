"""What a login says of the logs, while the stream brings changes of the same logs."""

import pytest

from zchat.gateway.core.fanout import FanOut
from zchat.gateway.core.flow_control import Output
from zchat.gateway.core.login import Login, Logins, opening_of
from zchat.gateway.core.session import Session
from zchat.protocol.codec import encode
from zchat.protocol.internal import (
    Chunk,
    MembershipChange,
    OpenSession,
    UserLog,
    UserLogs,
)
from zchat.protocol.messages import Entry, LoggedIn, LogIn, LogState, MessagePosted
from zchat.protocol.rules.membership import EVERYONE

ADDRESS = "rooms/0"
DEN = "#den"
FRAMES = b"".join(
    encode(Entry(DEN, sequence, 0, "bob", MessagePosted("hello"))) for sequence in range(29, 41)
)


def log_in(session: Session, chunk: Chunk, answer: UserLogs) -> LoggedIn:
    """The chunk comes before the answer, though it may say things that are newer."""
    fan_out = FanOut(output := Output())
    logins = Logins(output, fan_out)
    said = LogIn(id=1, name="ann", token=bytes(32), password=None, cursors={DEN: 30})
    logins.begin(Login(session, said, "ann"))
    logins.opened(session, {ADDRESS})
    logins.published(ADDRESS, chunk)
    fan_out.publish(chunk)
    logins.answered(session, ADDRESS, answer)
    [(_, logged_in)] = logins.proceed(ADDRESS, answer.position)
    return logged_in


@pytest.fixture
def session() -> Session:
    session = Session(1, 0.0, 0)
    session.name = "ann"
    return session


def change(sequence: int, *, joined: bool) -> MembershipChange:
    """The den's entries stand in the stream one after another, 35 at the position 100."""
    return MembershipChange("ann", sequence, joined, sequence + 65)


def test_a_join_that_the_answer_knows_is_no_news_though_its_page_goes_beyond_the_answer(
    session: Session,
) -> None:
    joined = Chunk(DEN, 29, 40, FRAMES, [change(30, joined=True)])
    answer = UserLogs(100, [UserLog(DEN, 29, None, 35)])
    assert log_in(session, joined, answer).logs == [LogState(DEN, 30, 40)]
    [log] = session.follows
    assert log.lagging[session] == 30, "the client's own cursor"


def test_a_leave_that_is_newer_than_the_answer_counts(session: Session) -> None:
    left = Chunk(DEN, 29, 40, FRAMES, [change(36, joined=False)])
    answer = UserLogs(100, [UserLog(DEN, 29, None, 35)])
    assert log_in(session, left, answer).logs == []


def test_a_visit_that_was_over_before_the_answer_is_not_shown_again(session: Session) -> None:
    """Even if the page that brings it goes on beyond the answer."""
    visit = Chunk(DEN, 29, 40, FRAMES, [change(30, joined=True), change(32, joined=False)])
    assert log_in(session, visit, UserLogs(100, [])).logs == []
    assert not session.follows


def test_a_new_visit_is_shown_from_its_beginning_and_an_old_one_is_not(session: Session) -> None:
    changes = [
        change(30, joined=True),
        change(32, joined=False),
        change(38, joined=True),
    ]
    visits = Chunk(DEN, 29, 40, FRAMES, changes)
    assert log_in(session, visits, UserLogs(100, [])).logs == []
    [log] = session.follows
    assert (log.name, log.lagging[session], log.head) == (DEN, 37, 40)


def test_a_room_that_was_closed_after_the_answer_is_not_followed(session: Session) -> None:
    closed = Chunk(DEN, 29, 40, FRAMES, [MembershipChange(EVERYONE, 36, False, 101)])
    assert log_in(session, closed, UserLogs(100, [UserLog(DEN, 29, None, 35)])).logs == []
    assert not session.follows


def test_a_room_that_was_closed_before_the_answer_may_be_there_again(session: Session) -> None:
    closed = Chunk(DEN, 29, 40, FRAMES, [MembershipChange(EVERYONE, 32, False, 97)])
    answer = UserLogs(100, [UserLog(DEN, 33, None, 35)])
    assert log_in(session, closed, answer).logs == [LogState(DEN, 33, 40)]


def test_a_join_that_is_the_newest_that_the_answer_knows_is_no_news(session: Session) -> None:
    joined = Chunk(DEN, 29, 40, FRAMES, [change(35, joined=True)])
    answer = UserLogs(100, [UserLog(DEN, 34, None, 35)])
    assert log_in(session, joined, answer).logs == [LogState(DEN, 34, 40)]


def test_that_another_leaves_meanwhile_is_nothing_to_the_login(session: Session) -> None:
    left = Chunk(DEN, 29, 40, FRAMES, [MembershipChange("bob", 36, False, 101)])
    answer = UserLogs(100, [UserLog(DEN, 29, None, 35)])
    assert log_in(session, left, answer).logs == [LogState(DEN, 30, 40)]


def test_of_those_whose_logins_are_over_nothing_is_kept(session: Session) -> None:
    fan_out = FanOut(output := Output())
    logins = Logins(output, fan_out)
    over, gone = Session(2, 0.0, 0), Session(3, 0.0, 0)
    for each in (over, gone, session):
        each.name = "ann"
        logins.begin(Login(each, LogIn(id=1, name="ann", token=bytes(32)), "ann"))
        logins.opened(each, {ADDRESS})
    logins.answered(over, ADDRESS, UserLogs(90, []))
    assert [who for who, _ in logins.proceed(ADDRESS, 90)] == [over]
    logins.drop(gone)
    logins.published(ADDRESS, Chunk(DEN, 29, 40, FRAMES, [change(36, joined=True)]))
    for each in (gone, session):
        logins.answered(each, ADDRESS, UserLogs(105, [UserLog(DEN, 0, None, 40)]))

    [(who, logged_in)] = logins.proceed(ADDRESS, 105)
    assert who is session
    assert logged_in.logs == [LogState(DEN, 0, 40)], "who has read nothing begins at the floor"
    assert logins.drop(session) is None
    logins.published(ADDRESS, Chunk(DEN, 41, 41, b"", []))
    assert not logins._heads
    assert not logins._by_name


def test_the_user_service_is_told_all_that_the_client_says(session: Session) -> None:
    session.address = "192.0.2.7"
    said = LogIn(
        id=5,
        name="Ann",
        token=bytes(32),
        password="secret",
        cursors={},
        device="laptop",
        code="123456",
        register=True,
        invitation="welcome",
        away="lunch",
    )

    assert opening_of(session, said) == OpenSession(
        *(5, "ann", bytes(32), "secret", "laptop", "123456", True, "welcome"),
        *("192.0.2.7", "lunch"),
    )
