"""What moderators and operators of the cluster may do to users, and what they may not."""

import pytest

from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import AnnounceSessions, SessionHere
from zchat.protocol.messages import (
    AuditList,
    DisconnectUser,
    Done,
    ReadAudit,
    RefusalCode,
    Refused,
    RestoreUser,
    SetStanding,
    Standing,
    SuspendUser,
)

from .playbook import EAST, PASSWORD, WEST, Answer, Users, durable_state, opened, refused, token

_lists: Decoder[AuditList | Refused] = Decoder(AuditList | Refused)  # type: ignore[arg-type]


@pytest.fixture
def staff(users: Users) -> Users:
    """Olga is an operator, Mona and Max are moderators, Ann has an account; Gus has none."""
    for name in ("olga", "mona", "max", "ann"):
        users.account(name)
    users.promote("olga", Standing.OPERATOR)
    users.promote("mona", Standing.MODERATOR)
    users.promote("max", Standing.MODERATOR)
    for number, name in enumerate(["olga", "mona", "max", "ann"], start=1):
        users.come(name, password=PASSWORD, n=number)
    users.come("gus", n=9)
    return users


def suspend(users: Users, by: str, user: str, until_ms: int | None = None) -> Answer:
    return users.do(
        SuspendUser(id=1, nonce=users.nonce(), user=user, reason="spam", until_ms=until_ms), by
    )


def disconnect(users: Users, by: str, user: str) -> Answer:
    return users.do(DisconnectUser(id=1, nonce=users.nonce(), user=user, reason="so"), by)


def set_standing(users: Users, by: str, user: str, standing: Standing) -> Answer:
    return users.do(SetStanding(id=1, nonce=users.nonce(), user=user, standing=standing), by)


# --- Suspending -----------------------------------------------------------------------------------


def test_who_is_suspended_is_out_at_once_and_stays_out(staff: Users) -> None:
    assert suspend(staff, "mona", "ann") == Done(1)
    assert staff.ended == [(WEST, 4)]
    assert "ann" not in staff.online
    staff.restart()
    for password in (None, PASSWORD):
        answer = staff.come("ann", password=password, n=4)
        assert refused(answer) is RefusalCode.SUSPENDED
        assert "spam" in str(answer)
    assert staff.audited()[-1] == ("mona", "suspend_user", "ann", "spam")


def test_nobody_learns_of_it_without_the_password(staff: Users) -> None:
    suspend(staff, "mona", "ann")
    answer = staff.come("ann", client="x", password="wrong horse", n=5)
    assert refused(answer) is RefusalCode.WRONG_PASSWORD
    assert refused(staff.come("ann", client="x", n=5)) is RefusalCode.PASSWORD_REQUIRED


def test_a_suspension_ends_by_itself_or_by_hand(staff: Users) -> None:
    suspend(staff, "mona", "ann", staff.at_ms + 60_000)
    answer = staff.come("ann", n=4)
    assert isinstance(answer, Refused)
    assert answer.retry_after_ms == 60_000
    staff.now += 60
    opened(staff.come("ann", n=4))

    suspend(staff, "mona", "ann")
    assert staff.do(RestoreUser(id=1, nonce=staff.nonce(), user="ann"), "max") == Done(1)
    opened(staff.come("ann", n=4))
    assert durable_state(staff.loaded()) == durable_state(staff.core)


def test_a_gateway_that_missed_it_is_told_again(staff: Users) -> None:
    suspend(staff, "mona", "ann")
    staff.restart()
    staff.announce(("ann", 4, staff.at_ms))
    assert staff.ended[-1] == (WEST, 4)
    assert "ann" not in staff.online


def test_a_guest_has_nothing_to_be_suspended(staff: Users) -> None:
    assert refused(suspend(staff, "mona", "gus")) is RefusalCode.UNKNOWN_USER
    assert refused(suspend(staff, "mona", "nobody")) is RefusalCode.UNKNOWN_USER


# --- Disconnecting --------------------------------------------------------------------------------


def test_who_is_disconnected_may_come_back(staff: Users) -> None:
    for user, number in (("ann", 4), ("gus", 9)):
        assert disconnect(staff, "mona", user) == Done(1)
        assert staff.audited()[-1] == ("mona", "disconnect_user", user, "so")
        assert staff.ended[-1] == (WEST, number)
        staff.lose(n=number)
        assert isinstance(opened(staff.come(user, at=EAST, n=number)).name, str)


def test_a_guest_that_is_disconnected_stays_for_as_long_as_it_is_heard_of(staff: Users) -> None:
    """What it has said may be on its way for longer than any grace."""
    disconnect(staff, "mona", "gus")
    staff.wait(limits.SESSION_GRACE_S + 1)
    assert "gus" in staff.online
    staff.lose(n=9)
    staff.wait(limits.SESSION_GRACE_S + 1)
    assert "gus" not in staff.online
    assert "gus" not in staff.core.users or staff.core.users["gus"].ended


@pytest.mark.parametrize("act", [suspend, disconnect])
def test_a_moderator_acts_on_lower_standing_only(staff: Users, act: object) -> None:
    assert callable(act)
    for user in ("max", "olga", "mona"):
        assert refused(act(staff, "mona", user)) is RefusalCode.NOT_ALLOWED
    assert act(staff, "olga", "max") == Done(1)


# --- Standing -------------------------------------------------------------------------------------


def test_a_new_standing_is_told_and_learned_with_the_next_login(staff: Users) -> None:
    assert set_standing(staff, "olga", "ann", Standing.MODERATOR) == Done(1)
    assert staff.ended == [(WEST, 4)]
    assert opened(staff.come("ann", n=4)).standing is Standing.MODERATOR
    assert staff.inbox("ann")[-1][1] == "zchat"
    assert staff.changes("ann") == [("standing_changed", "moderator")]
    assert staff.audited()[-1] == ("olga", "set_standing", "ann", "moderator")
    staff.restart()
    assert staff.core.users["ann"].standing is Standing.MODERATOR


def test_a_gateway_that_missed_a_demotion_is_told_again(staff: Users) -> None:
    set_standing(staff, "olga", "mona", Standing.ACCOUNT)
    staff.restart()
    staff.ended.clear()
    here = SessionHere(2, "mona", token("mona"), staff.at_ms, staff.at_ms, Standing.MODERATOR)
    staff.do(AnnounceSessions([here]))
    assert staff.ended == [(WEST, 2)]


def test_only_accounts_have_a_standing(staff: Users) -> None:
    assert refused(set_standing(staff, "olga", "gus", Standing.MODERATOR)) is (
        RefusalCode.UNKNOWN_USER
    )
    assert refused(set_standing(staff, "olga", "ann", Standing.GUEST)) is RefusalCode.NOT_ALLOWED


def test_the_last_operator_stays_but_for_the_console(staff: Users) -> None:
    answer = set_standing(staff, "olga", "olga", Standing.ACCOUNT)
    assert refused(answer) is RefusalCode.NOT_ALLOWED
    assert refused(suspend(staff, "olga", "olga")) is RefusalCode.NOT_ALLOWED

    staff.promote("ann", Standing.OPERATOR)
    assert set_standing(staff, "ann", "olga", Standing.ACCOUNT) == Done(1)
    assert staff.promote("ann", Standing.ACCOUNT) == Done(5)


def test_a_standing_that_is_stamped_counts_for_nothing(staff: Users) -> None:
    command = SetStanding(id=1, nonce=staff.nonce(), user="ann", standing=Standing.OPERATOR)
    answer = staff.do(command, "ann", standing=Standing.OPERATOR)
    assert refused(answer) is RefusalCode.NOT_ALLOWED


# --- The audit ------------------------------------------------------------------------------------


def test_the_audit_is_for_moderators_and_newest_first(staff: Users) -> None:
    disconnect(staff, "mona", "ann")
    listed = _lists.decode(staff.ask("mona", ReadAudit(id=1, limit=2)))
    assert isinstance(listed, AuditList)
    assert [record.action for record in listed.records] == ["disconnect_user", "set_standing"]
    assert listed.records[0].at_ms == staff.at_ms
    assert isinstance(_lists.decode(staff.ask("ann", ReadAudit(id=1))), Refused)
    assert isinstance(_lists.decode(staff.ask("", ReadAudit(id=1), Standing.OPERATOR)), AuditList)
