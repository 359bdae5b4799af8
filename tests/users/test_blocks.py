"""Whom a user does not want to hear from, invitations to rooms, and what users report."""

import pytest

from zchat.eventlog import audit
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import TellInvited
from zchat.protocol.messages import (
    BlockedList,
    BlockUser,
    Done,
    InvitedToRoom,
    ListBlocked,
    RefusalCode,
    ReportMessage,
    UnblockUser,
)
from zchat.protocol.rules.costs import exhausted

from .playbook import Answer, Users, durable_state, refused

_lists = Decoder(BlockedList)


@pytest.fixture
def both(users: Users) -> Users:
    """Ann, who has an account, and Bob, who has none."""
    users.come("ann", n=1)
    users.register("ann")
    users.come("bob", n=2)
    return users


def block(users: Users, name: str, user: str = "ann") -> Answer:
    return users.do(BlockUser(id=1, nonce=users.nonce(), user=name), user)


def unblock(users: Users, name: str) -> Answer:
    return users.do(UnblockUser(id=1, nonce=users.nonce(), user=name), "ann")


def blocked(users: Users) -> list[str]:
    return _lists.decode(users.ask("ann", ListBlocked(id=1))).users


def test_who_is_blocked_sends_nothing(both: Users) -> None:
    assert block(both, "Bob") == Done(1)
    assert refused(both.send("bob", "ann")) is RefusalCode.BLOCKED
    assert len(both.inbox("ann")) == 1
    assert isinstance(both.send("ann", "bob"), Done), "the other way it stays open"
    assert blocked(both) == ["bob"]
    both.restart()
    assert refused(both.send("bob", "ann")) is RefusalCode.BLOCKED


def test_who_is_unblocked_is_heard_again(both: Users) -> None:
    block(both, "bob")
    block(both, "bob")
    assert unblock(both, "bob") == Done(1)
    assert unblock(both, "bob") == Done(1)
    assert isinstance(both.send("bob", "ann"), Done)
    assert durable_state(both.loaded()) == durable_state(both.core)


def test_one_blocks_others_that_there_are(both: Users) -> None:
    assert refused(block(both, "ann")) is RefusalCode.NOT_ALLOWED
    assert refused(block(both, "nobody")) is RefusalCode.UNKNOWN_USER


def test_blocks_are_bounded(both: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USER_BLOCKED_MAX", 1)
    both.come("carl", n=3)
    block(both, "bob")
    assert refused(block(both, "carl")) is RefusalCode.LIMIT_REACHED


# --- Invitations to rooms -------------------------------------------------------------------------


def invited(users: Users, user: str = "ann") -> Answer:
    return users.do(TellInvited(b"an invitation to the garden, 12", "garden", user, "bob"))


def test_an_invitation_stands_in_the_inbox_once(both: Users) -> None:
    assert invited(both) == Done(0, "@ann", 2)
    assert invited(both) == Done(0, "@ann", 2, again=True)
    assert both.inbox("ann")[1:] == [(2, "bob", InvitedToRoom("garden"))]


def test_who_is_blocked_invites_nobody(both: Users) -> None:
    block(both, "bob")
    assert invited(both) == Done(0)
    assert len(both.inbox("ann")) == 1


def test_nobody_is_told_who_is_not_here(both: Users) -> None:
    assert invited(both, "nobody") == Done(0)
    both.quit(n=2)
    assert invited(both, "bob") == Done(0, again=True)


# --- Reports --------------------------------------------------------------------------------------


def report(users: Users, log: str, sequence: int) -> Answer:
    return users.do(
        ReportMessage(id=1, nonce=users.nonce(), log=log, sequence=sequence, reason="rude"), "ann"
    )


def test_a_report_says_where_and_why_but_not_what(both: Users) -> None:
    both.send("bob", "ann", "something bad")
    assert report(both, "@ann", 2) == Done(1)
    assert both.audited() == [("ann", "report_message", "bob", "rude")]
    (record,) = exhausted(audit.read(both.store, 9, None))
    assert record.room == "@ann 2"


def test_nobody_buries_the_audit_in_reports(both: Users) -> None:
    both.send("bob", "ann", "something bad")
    for _ in range(limits.USER_REPORTS_MAX):
        assert report(both, "@ann", 2) == Done(1)
    assert refused(report(both, "@ann", 2)) is RefusalCode.TOO_FAST
    assert len(both.audited()) == limits.USER_REPORTS_MAX
    both.wait(limits.USER_REPORT_INTERVAL_S)
    assert report(both, "@ann", 2) == Done(1)


@pytest.mark.parametrize("sequence", [0, 2])
def test_only_what_is_there_is_reported(both: Users, sequence: int) -> None:
    assert refused(report(both, "@ann", sequence)) is RefusalCode.UNKNOWN_ENTRY
    assert refused(report(both, "@bob", 1)) is RefusalCode.UNKNOWN_LOG
    assert both.audited() == []
