"""What an operator does for whoever has lost a password or a phone, and to an account."""

import base64
from typing import Any

import pyotp
import pytest
from committed import contradictions

from zchat.protocol import limits
from zchat.protocol.messages import (
    BlockUser,
    ChangePassword,
    Done,
    EnableTotp,
    RefusalCode,
    SendPrivate,
    Standing,
)
from zchat.protocol.operators import RemoveAccount, ResetPassword, ResetTotp
from zchat.users.core.model import code_digest

from .playbook import PASSWORD, Answer, Users, durable_state, opened, refused

CODE = "f3k9-0w2m-xq7d-81vh"
NEW_PASSWORD = "battery staple"
SECRET = b"s" * limits.TOTP_SECRET_BYTES


@pytest.fixture
def ann(users: Users) -> Users:
    """Who is here with an account, at her desk."""
    users.account("ann")
    users.come("ann", client="desk", password=PASSWORD, device="desk", n=1)
    return users


def reset(users: Users, *, shut_out: bool = False, for_s: float = 3600) -> Answer:
    until_ms = users.at_ms + int(1000 * for_s)
    digest = code_digest(CODE)
    return users.as_admin(ResetPassword(1, users.nonce(), "ann", digest, until_ms, shut_out))


def with_code(users: Users, new_password: str | None = NEW_PASSWORD, **opening: Any) -> Answer:
    given = {"client": "phone", "password": CODE, "new_password": new_password, "n": 2} | opening
    return users.come("ann", **given)


# --- A lost password ------------------------------------------------------------------------------


def test_the_code_and_a_new_password_let_in_and_log_all_others_out(ann: Users) -> None:
    assert reset(ann) == Done(1, "@ann", 3)
    opened(with_code(ann, device="phone"))
    changes = [change for change, _ in ann.changes("ann")]
    assert changes == ["device_added", "password_reset", "password_changed", "device_added"]
    assert ann.inbox("ann")[2][1] == "zchat"
    assert [each.name for each in ann.core.users["ann"].tokens] == ["phone"]
    assert len(ann.ended) == 1, "her desk"
    opened(ann.come("ann", client="x", password=NEW_PASSWORD, n=3))
    assert (
        refused(ann.come("ann", client="y", password=PASSWORD, n=4)) is RefusalCode.WRONG_PASSWORD
    )
    assert durable_state(ann.loaded()) == durable_state(ann.core)
    assert contradictions(ann.store) == []


def test_without_a_new_password_the_code_lets_nobody_in_and_is_not_used_up(ann: Users) -> None:
    reset(ann)
    assert refused(with_code(ann, None)) is RefusalCode.NEW_PASSWORD_REQUIRED
    assert refused(with_code(ann, "short")) is RefusalCode.INVALID_PASSWORD
    opened(with_code(ann))


def test_the_code_works_once_and_until_it_is_out_of_date(ann: Users) -> None:
    reset(ann)
    opened(with_code(ann))
    assert refused(with_code(ann, client="other")) is RefusalCode.WRONG_PASSWORD
    reset(ann, for_s=60)
    ann.now += 60
    assert refused(with_code(ann, client="other")) is RefusalCode.WRONG_PASSWORD


def test_it_may_be_typed_with_blanks_and_capitals(ann: Users) -> None:
    reset(ann)
    opened(with_code(ann, password=" F3K9-0w2m - xq7d-81vh "))


def test_it_is_kept_over_a_restart_and_a_newer_one_takes_its_place(ann: Users) -> None:
    reset(ann)
    ann.restart()
    until_ms = ann.at_ms + 1000
    ann.as_admin(ResetPassword(1, ann.nonce(), "ann", code_digest("another"), until_ms))
    assert refused(with_code(ann)) is RefusalCode.WRONG_PASSWORD
    opened(with_code(ann, password="another"))


def test_until_it_is_used_nothing_changes(ann: Users) -> None:
    reset(ann)
    opened(ann.come("ann", client="x", password=PASSWORD, n=3))
    assert len(ann.core.users["ann"].sessions) == 2
    ann.do(
        ChangePassword(id=2, nonce=ann.nonce(), password=PASSWORD, new_password=NEW_PASSWORD),
        "ann",
        n=3,
    )
    assert refused(with_code(ann)) is RefusalCode.WRONG_PASSWORD, "it is needed no more"


def test_whoever_got_into_the_account_is_shut_out_at_once(ann: Users) -> None:
    reset(ann, shut_out=True)
    user = ann.core.users["ann"]
    assert (user.sessions, user.tokens, user.guest) == ([], [], False)
    assert (
        refused(ann.come("ann", client="x", password=PASSWORD, n=3)) is RefusalCode.WRONG_PASSWORD
    )
    back = ann.come("ann", client="desk", n=3)
    assert refused(back) is RefusalCode.PASSWORD_REQUIRED
    opened(with_code(ann))
    assert ann.audited()[-1] == ("admin/root", "reset_password", "ann", "shut out")


def test_who_is_in_by_a_device_still_changes_the_password_with_the_code(ann: Users) -> None:
    reset(ann)
    change = ChangePassword(id=2, nonce=ann.nonce(), password=CODE, new_password=NEW_PASSWORD)
    assert isinstance(ann.do(change, "ann", n=1), Done)
    opened(ann.come("ann", client="x", password=NEW_PASSWORD, n=3))
    again = ChangePassword(id=2, nonce=ann.nonce(), password=CODE, new_password="once more")
    assert refused(ann.do(again, "ann", n=1)) is RefusalCode.WRONG_PASSWORD


def test_a_code_is_no_way_round_a_second_factor_or_a_suspension(ann: Users) -> None:
    enable(ann)
    reset(ann)
    assert refused(with_code(ann)) is RefusalCode.CODE_REQUIRED
    assert refused(with_code(ann, code="000000")) is RefusalCode.WRONG_CODE
    ann.now += 60
    opened(with_code(ann, code=totp(ann)))


def test_codes_are_tried_no_more_often_than_passwords(ann: Users) -> None:
    enable(ann)
    reset(ann)
    codes = [refused(with_code(ann, code="000000")) for _ in range(limits.LOGIN_ATTEMPTS_MAX + 1)]
    assert codes[-2:] == [RefusalCode.WRONG_CODE, RefusalCode.TOO_FAST]


# --- A lost phone ---------------------------------------------------------------------------------


def totp(users: Users) -> str:
    return pyotp.TOTP(base64.b32encode(SECRET).decode()).at(int(users.now))


def enable(users: Users) -> None:
    enabled = EnableTotp(
        id=3,
        nonce=users.nonce(),
        secret=SECRET,
        code=totp(users),
        password=PASSWORD,
        recovery=[code_digest("otter")],
    )
    assert isinstance(users.do(enabled, "ann", n=1), Done)


def test_without_the_phone_the_password_is_enough_again(ann: Users) -> None:
    enable(ann)
    assert isinstance(ann.as_admin(ResetTotp(1, ann.nonce(), "ann")), Done)
    assert ann.changes("ann")[-1] == ("totp_disabled", "")
    assert ann.inbox("ann")[-1][1] == "zchat"
    opened(ann.come("ann", client="x", password=PASSWORD, n=3))
    assert ann.core.users["ann"].recovery == ()
    assert refused(ann.as_admin(ResetTotp(1, ann.nonce(), "ann"))) is RefusalCode.NOT_ALLOWED
    assert ann.audited()[-1][:3] == ("admin/root", "reset_totp", "ann")


# --- An account that goes -------------------------------------------------------------------------


def test_an_operator_deletes_an_account_as_its_user_would(ann: Users) -> None:
    ann.account("bob")
    ann.do(BlockUser(id=1, nonce=ann.nonce(), user="bob"), "ann")
    ann.promote("ann", Standing.OPERATOR)
    reset(ann)
    assert ann.as_admin(RemoveAccount(1, ann.nonce(), "ann", "left us")) == Done(1)
    user = ann.core.users["ann"]
    assert (user.deleted, user.tokens, user.blocked, user.reset) == (True, [], frozenset(), None)
    assert refused(with_code(ann)) is RefusalCode.WRONG_PASSWORD
    send = ann.do(SendPrivate(id=1, nonce=ann.nonce(), to="ann", text="hello"), "bob")
    assert refused(send) is RefusalCode.UNKNOWN_USER
    assert ann.audited()[-1] == ("admin/root", "remove_account", "ann", "left us")
    assert contradictions(ann.store) == []
    assert durable_state(ann.loaded()) == durable_state(ann.core)


# --- Who may --------------------------------------------------------------------------------------


def test_only_the_console_does_that(ann: Users) -> None:
    ann.promote("ann", Standing.OPERATOR)
    ann.come("ann", client="desk", n=1)
    for command in (
        ResetPassword(1, ann.nonce(), "ann", code_digest(CODE), ann.at_ms + 1000),
        ResetTotp(1, ann.nonce(), "ann"),
        RemoveAccount(1, ann.nonce(), "ann"),
    ):
        assert refused(ann.do(command, "ann", n=1)) is RefusalCode.NOT_ALLOWED
    assert not ann.core.users["ann"].deleted


def test_guests_have_no_password_to_reset(users: Users) -> None:
    users.come("eve")
    until_ms = users.at_ms + 1000
    command = ResetPassword(1, users.nonce(), "eve", code_digest(CODE), until_ms)
    assert refused(users.as_admin(command)) is RefusalCode.UNKNOWN_USER
    late = ResetPassword(1, users.nonce(), "eve", code_digest(CODE), 1)
    assert refused(users.as_admin(late)) is RefusalCode.UNKNOWN_USER
