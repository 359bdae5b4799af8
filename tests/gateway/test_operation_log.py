"""What a gateway logs of those who are not let in: enough to see it, and never without end."""

import logging

import pytest

from zchat.gateway.core.session import Session
from zchat.gateway.operation_log import WrittenOperationLog
from zchat.protocol import limits
from zchat.protocol.messages import RefusalCode


def refuse(log: WrittenOperationLog, count: int, code: RefusalCode, now: float = 0.0) -> None:
    for number in range(count):
        session = Session(number, now, 0)
        session.address = session.network = "203.0.113.5"
        log.login_refused(session, code, now)


@pytest.mark.parametrize("code", [RefusalCode.BANNED, RefusalCode.TOO_FAST])
def test_of_those_who_are_kept_out_some_are_logged_and_all_counted(
    caplog: pytest.LogCaptureFixture, code: RefusalCode
) -> None:
    caplog.set_level(logging.INFO)
    log = WrittenOperationLog(logging.getLogger("zchat.test"), b"gateway/west#1")
    refuse(log, 100, code)
    assert len(caplog.records) == limits.WARNINGS_BURST
    refuse(log, 1, code, 1 / limits.WARNINGS_PER_S)
    last = caplog.records[-1].__dict__
    assert (last["code"], last["address"], last["more_like_it"]) == (code, "203.0.113.5", 95)
    assert log.logins_refused == {code: 101}


def test_other_refusals_are_logged_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = WrittenOperationLog(logging.getLogger("zchat.test"), b"gateway/west#1")
    refuse(log, 20, RefusalCode.PASSWORD_REQUIRED)
    assert len(caplog.records) == 20
