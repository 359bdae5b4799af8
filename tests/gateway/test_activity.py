"""What the user-service is told of the sessions here, and who has been silent for too long."""

import pytest

from zchat.gateway.activity import announcement, is_stuck, silence, since
from zchat.gateway.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.cluster import AnnounceSessions, SessionHere
from zchat.protocol.messages import Standing


@pytest.fixture
def session() -> Session:
    return Session(1, 100.0, 0)


def test_all_that_is_known_of_a_session_is_announced_once_it_has_a_user(session: Session) -> None:
    assert announcement([session]) == AnnounceSessions([])

    session.name, session.token, session.address = "ann", bytes(32), "192.0.2.7"
    session.since_ms, session.active_ms, session.away = 3, 7, "lunch"
    session.standing = Standing.MODERATOR
    here = SessionHere(1, "ann", bytes(32), 3, 7, Standing.MODERATOR, "192.0.2.7", "lunch")
    assert announcement([session]) == AnnounceSessions([here])


def test_only_who_was_active_since_then_is_told(session: Session) -> None:
    session.active_ms = 7

    assert since([session], 6) == {1: 7}
    assert since([session], 7) == {}


def test_who_does_not_log_in_must_end(session: Session) -> None:
    assert silence(session, 100 + limits.HELLO_TIMEOUT_S) is None
    assert silence(session, 100.1 + limits.HELLO_TIMEOUT_S) == "no log in within 10 s"


def test_who_does_not_read_the_last_of_it_is_cut(session: Session) -> None:
    session.closing_at = 200.0
    assert not is_stuck(session, 200.1 + limits.CLOSING_TIMEOUT_S)
    session.state = SessionState.CLOSING

    assert not is_stuck(session, 200 + limits.CLOSING_TIMEOUT_S)
    assert is_stuck(session, 200.1 + limits.CLOSING_TIMEOUT_S)
