"""Which refusals are logged, what of them, and how many."""

import logging

import pytest

from zchat.eventlog.core.idempotency import Answer
from zchat.fabric.core.link import ReturnAddress
from zchat.protocol import limits
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import (
    ChangePassword,
    ListBans,
    Post,
    RefusalCode,
    SetStanding,
    Standing,
)
from zchat.service.core.effects import Sender
from zchat.service.operation_log import RefusalLog

NONCE = b"n" * limits.NONCE_BYTES
SECRET = "correct horse"
SENDER = Sender(ReturnAddress(b"gateway/west#1", 1, 1), 1, "ann")
CONSOLE = Sender(ReturnAddress(b"admin/root#1", 1, 1), 0, "", Standing.OPERATOR)
LOG_IN = OpenSession(1, "Ann\n", b"t" * 32, SECRET, address="192.0.2.7", code="123456")


@pytest.fixture
def refusals(caplog: pytest.LogCaptureFixture) -> RefusalLog:
    caplog.set_level(logging.INFO, "zchat.test")
    return RefusalLog(logging.getLogger("zchat.test"), 0.0)


def refused(code: RefusalCode | None) -> Answer:
    return Answer(None, 0, code, f"because of {SECRET}")


def test_a_failed_login_is_logged_with_name_and_address(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    refusals.refused(SENDER.actor, LOG_IN, refused(RefusalCode.WRONG_PASSWORD), 0.0)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "refused open_session by Ann  at 192.0.2.7: wrong_password"


def test_what_somebody_may_not_do_is_logged_with_who_wanted_it(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    command = SetStanding(id=1, nonce=NONCE, user="ann", standing=Standing.OPERATOR)
    refusals.refused(SENDER.actor, command, refused(RefusalCode.NOT_ALLOWED), 0.0)
    refusals.refused(CONSOLE.actor, command, refused(RefusalCode.NOT_ALLOWED), 0.0)
    assert caplog.messages == [
        "refused set_standing by ann: not_allowed",
        "refused set_standing by admin/root: not_allowed",
    ]


@pytest.mark.parametrize("code", RefusalCode)
def test_no_secret_and_no_text_is_logged(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture, code: RefusalCode
) -> None:
    for command in (
        LOG_IN,
        ChangePassword(id=1, nonce=NONCE, password=SECRET, new_password=SECRET),
        Post(id=1, nonce=NONCE, room="garden", text=SECRET),
    ):
        refusals.refused(SENDER.actor, command, refused(code), 0.0)
    for secret in (SECRET, "123456", "tttt", "nnnn"):
        assert secret not in caplog.text


def test_what_is_done_or_mistyped_is_not_logged(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    for code in (None, RefusalCode.UNKNOWN_ROOM, RefusalCode.EMPTY_TEXT, RefusalCode.BUSY):
        refusals.refused(SENDER.actor, LOG_IN, refused(code), 0.0)
    assert caplog.messages == []


def test_what_looks_like_a_mistake_and_is_none_is_logged(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(None, 0, RefusalCode.UNKNOWN_ROOM, "no room", suspicious=True)
    refusals.refused("ann", ListBans(id=1, room="secret"), answer, 0.0)
    assert caplog.messages == ["refused list_bans by ann: unknown_room"]


def test_a_flood_is_counted_and_not_written(
    refusals: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10_000):
        refusals.refused(SENDER.actor, LOG_IN, refused(RefusalCode.TOO_FAST), 0.0)
    assert len(caplog.messages) == limits.REFUSALS_LOGGED_MAX
    refusals.refused(SENDER.actor, LOG_IN, refused(RefusalCode.TOO_FAST), 1.0)
    unsaid = 10_000 - limits.REFUSALS_LOGGED_MAX
    assert caplog.messages[-1].endswith(f"too_fast, and {unsaid} others before")
