"""What the user-service is told of the sessions here, and who has been silent for too long."""

from typing import Any

import pytest

from zchat.gateway.core.activity import announcement, silence, since
from zchat.gateway.core.flow_control import is_stalled, is_stuck
from zchat.gateway.core.session import Session, SessionState
from zchat.protocol import limits
from zchat.protocol.internal import USER_SERVICE, AnnounceSessions, SessionHere, UserLog
from zchat.protocol.messages import Standing

from .playbook import Gateway

LOBBY = UserLog("#lobby", 0, 0, 0)


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


def test_who_has_taken_all_is_not_stalled_however_long_nothing_flows(session: Session) -> None:
    session.blocked = True
    assert not is_stalled(session, 10 * limits.SESSION_IDLE_TIMEOUT_S)


# --- The review of all sessions -------------------------------------------------------------------


def reports(gateway: Gateway) -> list[dict[Any, Any]]:
    """What the user-service has been told of who was active."""
    return [
        command["active_ms"]
        for command in gateway.sent(USER_SERVICE)
        if command["kind"] == "report_activity"
    ]


def test_who_was_active_is_told_now_and_then_and_once() -> None:
    gateway = Gateway()
    ann, bob = gateway.log_in("ann", LOBBY), gateway.log_in("bob", LOBBY)
    gateway.wait(1.0)
    assert reports(gateway) == [{ann.number: 100_000, bob.number: 100_000}]

    bob.active_ms = 101_500
    gateway.wait(limits.ACTIVITY_INTERVAL_S - 0.5)
    assert len(reports(gateway)) == 1
    gateway.wait(0.5)
    assert reports(gateway)[1:] == [{bob.number: 101_500}]
    gateway.wait(limits.ACTIVITY_INTERVAL_S)
    assert len(reports(gateway)) == 2


def test_a_page_that_was_not_to_be_had_is_asked_for_again() -> None:
    gateway = Gateway()
    fan_out = gateway.core.fan_out
    ann = gateway.log_in("ann", LOBBY)
    fan_out.follow(ann, "#garden", 1, 3)
    for fetch in fan_out.take_fetches():
        fan_out.fetch_failed(fetch)
    gateway.wait(1.0)

    assert fan_out.take_fetches() == [("#garden", 1)]


def test_who_is_cut_off_has_its_connection_looked_at() -> None:
    gateway = Gateway()
    eve = gateway.log_in("eve", LOBBY)
    eve.state, eve.closing_at = SessionState.CLOSING, gateway.now
    gateway.core.output.dirty.clear()
    gateway.wait(limits.CLOSING_TIMEOUT_S + 0.5)

    assert eve.state is SessionState.CUT
    assert list(gateway.core.output.dirty) == [eve]
