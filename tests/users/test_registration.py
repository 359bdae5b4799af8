"""Who may have a name: what `registration` and `guests` say, and invitations."""

import contextlib
import hashlib
from collections.abc import Iterator

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import (
    AccountRegistered,
    CreateInvitation,
    Done,
    RefusalCode,
    Register,
    RevokeInvitation,
    Standing,
)
from zchat.users.core.policy import Policy

from .playbook import PASSWORD, WEST, Answer, Users, durable_state, opened, refused, token

CODE = "walnut-otter"


def digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


@pytest.fixture
def invited() -> Iterator[Users]:
    with contextlib.closing(Users(Policy("invite", "deny"))) as users:
        yield users


def invite(users: Users, code: str = CODE, hours: int = 1) -> Answer:
    expires_ms = users.at_ms + hours * 3_600_000
    return users.as_admin(
        CreateInvitation(
            id=1, nonce=users.nonce(), digest=digest(code), expires_ms=expires_ms, note="for ann"
        )
    )


def sign_up(
    users: Users, name: str = "ann", n: int = 1, code: str = "", device: str = ""
) -> Answer:
    return users.come(name, password=PASSWORD, n=n, register=True, invitation=code, device=device)


# --- An account in one step -----------------------------------------------------------------------


def test_an_account_is_made_as_it_logs_in(users: Users) -> None:
    assert opened(sign_up(users)).standing is Standing.ACCOUNT
    assert users.inbox("ann") == [(1, "ann", AccountRegistered())]
    users.quit()

    assert refused(users.come("ann")) is RefusalCode.PASSWORD_REQUIRED
    assert opened(users.come("ann", password=PASSWORD)).standing is Standing.ACCOUNT
    assert durable_state(users.loaded()) == durable_state(users.core)


def test_a_client_that_says_so_again_just_enters(users: Users) -> None:
    sign_up(users)
    users.lose()
    assert opened(sign_up(users, n=2)).standing is Standing.ACCOUNT
    assert len(users.inbox("ann")) == 1
    assert users.jobs == []


def test_the_same_twice_at_once_makes_one_account(users: Users) -> None:
    command = OpenSession(1, "ann", token("ann"), PASSWORD, register=True)
    users.begin(command, n=1)
    users.begin(command, n=2)
    users.commit([])

    opened(users.finish_job())
    opened(users.finish_job())
    assert len(users.inbox("ann")) == 1
    assert users.ended == [(WEST, 1)]


def test_a_name_that_is_taken_cannot_be_registered(users: Users) -> None:
    users.account("ann")
    users.come("bob", n=2)

    for name in ("ann", "bob"):
        answer = users.come(name, client="new", password=PASSWORD, n=3, register=True)
        assert refused(answer) is RefusalCode.NAME_IN_USE
    assert users.jobs == []


def test_an_account_needs_a_password_that_is_long_enough(users: Users) -> None:
    assert refused(users.come("ann", register=True)) is RefusalCode.PASSWORD_REQUIRED
    short = users.come("ann", password="short", register=True)
    assert refused(short) is RefusalCode.INVALID_PASSWORD
    assert users.core.users == {}
    assert users.jobs == []


# --- Policies -------------------------------------------------------------------------------------


def test_guests_may_be_kept_out(invited: Users) -> None:
    answer = invited.come("ann")
    assert refused(answer) is RefusalCode.GUESTS_NOT_ALLOWED
    assert "invitation" in str(answer)


def test_where_registration_is_closed_an_invitation_does_not_help() -> None:
    with contextlib.closing(Users(Policy("closed", "allow"))) as users:
        invite(users)
        assert refused(sign_up(users, code=CODE)) is RefusalCode.REGISTRATION_CLOSED
        users.come("ann")
        assert refused(users.register("ann")) is RefusalCode.REGISTRATION_CLOSED
        assert users.jobs == []


def test_an_invitation_makes_one_account(invited: Users) -> None:
    assert refused(sign_up(invited)) is RefusalCode.INVITATION_REQUIRED
    assert refused(sign_up(invited, code=CODE)) is RefusalCode.INVALID_INVITATION
    assert invite(invited) == Done(1)
    assert durable_state(invited.loaded()) == durable_state(invited.core)

    opened(sign_up(invited, code=CODE))
    assert refused(sign_up(invited, "bob", 2, CODE)) is RefusalCode.INVALID_INVITATION
    assert durable_state(invited.loaded()) == durable_state(invited.core)
    assert invited.audited()[0][:2] == ("admin/root", "create_invitation")


def test_two_who_use_one_invitation_at_once_get_one_account(invited: Users) -> None:
    invite(invited)
    for n, name in enumerate(["ann", "bob"]):
        command = OpenSession(1, name, token(name), PASSWORD, register=True, invitation=CODE)
        invited.begin(command, n=n)
    invited.commit([])

    opened(invited.finish_job())
    assert refused(invited.finish_job()) is RefusalCode.INVALID_INVITATION
    assert set(invited.core.users) == {"ann"}


def test_a_guest_needs_an_invitation_to_register() -> None:
    with contextlib.closing(Users(Policy("invite", "allow"))) as users:
        users.come("ann")
        assert refused(users.register("ann")) is RefusalCode.INVITATION_REQUIRED
        invite(users)
        register = Register(id=2, nonce=users.nonce(), password=PASSWORD, invitation=CODE)
        assert users.do(register, "ann") == Done(2, "@ann", 1)
        again = users.do(register, "ann")
        assert again == Done(2, "@ann", 1, again=True), "though it is used up"


def test_an_invitation_ends_with_its_time_or_when_it_is_revoked(invited: Users) -> None:
    invite(invited, hours=1)
    invite(invited, "other code", hours=3)
    invited.wait(3_601.0)
    assert refused(sign_up(invited, code=CODE)) is RefusalCode.INVALID_INVITATION

    revoke = RevokeInvitation(id=1, nonce=invited.nonce(), digest=digest("other code"))
    assert invited.as_admin(revoke) == Done(1)
    assert refused(sign_up(invited, code="other code")) is RefusalCode.INVALID_INVITATION
    again = RevokeInvitation(id=1, nonce=invited.nonce(), digest=digest("other code"))
    assert refused(invited.as_admin(again)) is RefusalCode.INVALID_INVITATION


def test_invitations_are_bounded_and_old_ones_make_room(
    invited: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INVITATIONS_MAX", 1)
    invite(invited)
    assert refused(invite(invited, "another")) is RefusalCode.LIMIT_REACHED
    invited.wait(3_601.0)
    assert invite(invited, "another") == Done(1)
    assert len(invited.core.invitations.by_digest) == 1


def test_an_invitation_that_is_out_of_date_or_there_already_is_not_made(invited: Users) -> None:
    assert refused(invite(invited, hours=0)) is RefusalCode.INVALID_INVITATION
    assert invite(invited) == Done(1)
    assert refused(invite(invited)) is RefusalCode.INVALID_INVITATION


def test_with_its_hour_an_invitation_is_out_of_date(invited: Users) -> None:
    invite(invited)
    invited.wait(3_600.0)
    assert refused(sign_up(invited, code=CODE)) is RefusalCode.INVALID_INVITATION
    assert invite(invited) == Done(1), "it is not in the way of another one"


def test_who_invites_and_takes_that_back_is_in_the_audit(invited: Users) -> None:
    before = len(invited.audited())
    invite(invited)
    invited.as_admin(RevokeInvitation(id=1, nonce=invited.nonce(), digest=digest(CODE)))
    called = digest(CODE).hex()[:12]
    assert [record[1:] for record in invited.audited()[before:]] == [
        ("create_invitation", called, "for ann"),
        ("revoke_invitation", called, ""),
    ]
