"""What a login says of the logs, while the stream brings changes of the same logs."""

from zchat.gateway.fanout import FanOut
from zchat.gateway.login import Login, Logins
from zchat.gateway.session import Session
from zchat.protocol.cluster import Chunk, MembershipChange, UserLog, UserLogs
from zchat.protocol.messages import LoggedIn, LogIn, LogState

ADDRESS = "rooms/0"
DEN = "#den"


def log_in(chunk: Chunk, answer: UserLogs) -> LoggedIn:
    """The chunk comes before the answer, though it may say things that are newer."""
    logins = Logins(FanOut())
    session = Session(1, 0.0, 0)
    session.name = "ann"
    logins.begin(Login(session, LogIn(1, "ann", bytes(32), None, {DEN: 30}), True, {ADDRESS}))
    logins.published(chunk)
    logins.answered(session, ADDRESS, answer)
    [(_, logged_in)] = logins.proceed(ADDRESS, answer.position)
    return logged_in


def test_a_join_that_the_answer_knows_is_no_news_though_its_page_goes_beyond_the_answer() -> None:
    joined = Chunk(DEN, 29, 40, b"", [MembershipChange("ann", 30, True)])
    answer = UserLogs(100, [UserLog(DEN, 29, None, 35)])
    assert log_in(joined, answer).logs == [LogState(DEN, 30, 40)]


def test_a_leave_that_is_newer_than_the_answer_counts() -> None:
    left = Chunk(DEN, 36, 40, b"", [MembershipChange("ann", 36, False)])
    answer = UserLogs(100, [UserLog(DEN, 29, None, 35)])
    assert log_in(left, answer).logs == []
