"""Passwords that change, accounts that are deleted, one-time codes."""

import base64
import hashlib

import pyotp
import pytest
from msgspec import Raw

from zchat.eventlog.core.changes import Policy
from zchat.protocol import limits
from zchat.protocol.codec import Decoder
from zchat.protocol.internal import EndGuest, Stamped
from zchat.protocol.messages import (
    BlockUser,
    ChangePassword,
    CreateAppToken,
    DeleteAccount,
    DeviceList,
    DisableTotp,
    Done,
    EnableTotp,
    ListDevices,
    RefusalCode,
    Scope,
    Standing,
)

from .playbook import EAST, PASSWORD, WEST, Answer, Users, durable_state, opened, refused, token

NEW_PASSWORD = "battery staple"
SECRET = b"s" * limits.TOTP_SECRET_BYTES
RECOVERY = ["otter-1", "otter-2"]
_stamped = Decoder(Stamped)
_lists = Decoder(DeviceList)


@pytest.fixture
def ann(users: Users) -> Users:
    """Who is here with an account, at her desk."""
    users.account("ann")
    users.come("ann", client="desk", password=PASSWORD, n=1)
    return users


# --- Changing the password ------------------------------------------------------------------------


def change(users: Users, old: str, new: str = NEW_PASSWORD) -> Answer:
    return users.do(
        ChangePassword(id=2, nonce=users.nonce(), password=old, new_password=new), "ann", n=1
    )


def test_a_new_password_takes_the_place_of_the_old_one(ann: Users) -> None:
    assert change(ann, PASSWORD) == Done(2, "@ann", 2)
    assert ann.changes("ann") == [("password_changed", "")]
    assert (
        refused(ann.come("ann", client="x", password=PASSWORD, n=2)) is RefusalCode.WRONG_PASSWORD
    )
    opened(ann.come("ann", client="x", password=NEW_PASSWORD, n=2))
    assert durable_state(ann.loaded()) == durable_state(ann.core)


def test_a_new_password_logs_out_all_other_clients(ann: Users) -> None:
    ann.come("ann", client="phone", password=PASSWORD, n=2, device="phone")
    digest = hashlib.sha256(token("bot")).digest()
    ann.do(
        CreateAppToken(id=1, nonce=ann.nonce(), digest=digest, name="bot", scopes=[Scope.READ]),
        "ann",
    )
    ann.come("ann", client="bot", at=EAST, n=3)
    change(ann, PASSWORD)

    assert set(ann.ended) == {(WEST, 2), (EAST, 3)}
    for client in ("phone", "bot"):
        assert refused(ann.come("ann", client=client)) is RefusalCode.PASSWORD_REQUIRED
    opened(ann.come("ann", client="desk"))


def test_the_old_password_must_be_right_and_the_new_one_long_enough(ann: Users) -> None:
    assert refused(change(ann, "wrong horse")) is RefusalCode.WRONG_PASSWORD
    assert refused(change(ann, PASSWORD, "short")) is RefusalCode.INVALID_PASSWORD
    assert ann.core.users["ann"].password_hash == "$" + PASSWORD


def test_the_same_change_twice_is_made_once(ann: Users) -> None:
    command = ChangePassword(id=2, nonce=ann.nonce(), password=PASSWORD, new_password=NEW_PASSWORD)
    ann.begin(command, "ann")
    ann.begin(command, "ann")
    ann.commit([])
    answers = [answer for _ in range(4) for answer in ann.finish_jobs()]

    assert answers == [Done(2, "@ann", 2), Done(2, "@ann", 2, again=True)]
    assert ann.do(command, "ann") == Done(2, "@ann", 2, again=True)


def test_of_two_changes_at_once_only_the_first_knows_the_old_password(ann: Users) -> None:
    for new in (NEW_PASSWORD, "another one"):
        ann.begin(
            ChangePassword(id=2, nonce=ann.nonce(), password=PASSWORD, new_password=new), "ann"
        )
    ann.commit([])
    answers = [answer for _ in range(4) for answer in ann.finish_jobs()]

    assert answers[0] == Done(2, "@ann", 2)
    assert refused(answers[1]) is RefusalCode.WRONG_PASSWORD
    assert ann.core.users["ann"].password_hash == "$" + NEW_PASSWORD


# --- Deleting the account -------------------------------------------------------------------------


def delete(users: Users, password: str = PASSWORD) -> Answer:
    return users.do(DeleteAccount(id=3, nonce=users.nonce(), password=password), "ann", n=1)


def test_a_deleted_account_leaves_only_its_name(ann: Users) -> None:
    ann.come("bob", n=5)
    ann.send("bob", "ann")
    ann.do(BlockUser(id=1, nonce=ann.nonce(), user="bob"), "ann")
    ann.promote("ann", Standing.MODERATOR)
    assert delete(ann) == Done(3)

    row = ann.loaded().users["ann"]
    assert (row.password_hash, row.tokens, row.blocked) == (None, [], frozenset())
    assert row.standing is Standing.ACCOUNT
    assert refused(ann.send("bob", "ann")) is RefusalCode.UNKNOWN_USER
    floor = ann.core.users["ann"].inbox_floor
    assert floor == len(ann.inbox("ann"))
    assert ann.store.policies() == [Policy("@ann", purge=floor)]
    ann.settle_all()
    assert durable_state(ann.loaded()) == durable_state(ann.core)


def test_the_name_of_a_deleted_account_stays_taken(ann: Users) -> None:
    delete(ann)
    ann.lose()
    ann.settle_all()
    ann.restart()

    assert refused(ann.come("ann")) is RefusalCode.PASSWORD_REQUIRED
    wrong = ann.come("ann", client="x", password=PASSWORD)
    assert refused(wrong) is RefusalCode.WRONG_PASSWORD
    again = ann.come("ann", client="x", password=PASSWORD, register=True)
    assert refused(again) is RefusalCode.NAME_IN_USE


def test_memberships_of_a_deleted_account_end_when_its_sessions_have(ann: Users) -> None:
    ann.come("ann", client="phone", password=PASSWORD, at=EAST, n=2)
    delete(ann)
    assert set(ann.ended) == {(WEST, 1), (EAST, 2)}
    ann.lose(at=WEST, n=1)
    assert ann.owed == [], "the other one may have said something that is on its way"
    ann.lose(at=EAST, n=2)

    ends = [_stamped.decode(owed.body).body for owed in ann.owed]
    assert [Decoder(EndGuest).decode(bytes(Raw(end))).name for end in ends] == ["ann"] * 2
    assert ann.online == set()


def test_memberships_of_a_deleted_account_end_over_a_restart(ann: Users) -> None:
    delete(ann)
    ann.restart()
    ann.wait(limits.SESSION_GRACE_S)
    assert len(ann.owed) == 2
    ann.settle_all()
    ann.restart()
    ann.wait(limits.SESSION_GRACE_S)
    assert ann.owed == []


def test_an_account_is_deleted_though_its_last_session_ended_meanwhile(ann: Users) -> None:
    ann.begin(DeleteAccount(id=3, nonce=ann.nonce(), password=PASSWORD), "ann", n=1)
    ann.commit([])
    ann.quit(n=1)
    assert ann.finish_job() == Done(3)
    assert ann.owed == []
    ann.wait(limits.SESSION_GRACE_S)
    assert len(ann.owed) == 2


def test_only_the_password_deletes_an_account(ann: Users) -> None:
    assert refused(delete(ann, "wrong horse")) is RefusalCode.WRONG_PASSWORD
    opened(ann.come("ann", client="desk"))


# --- One-time codes -------------------------------------------------------------------------------


def code_at(ms: int) -> str:
    totp = pyotp.TOTP(base64.b32encode(SECRET).decode())
    return str(totp.at(ms // 1000))


def enable(users: Users, code: str, password: str = PASSWORD) -> Answer:
    recovery = [hashlib.sha256(code.encode()).digest() for code in RECOVERY]
    return users.do(
        EnableTotp(
            id=4,
            nonce=users.nonce(),
            secret=SECRET,
            code=code,
            password=password,
            recovery=recovery,
        ),
        "ann",
    )


def come(users: Users, code: str, client: str = "phone") -> Answer:
    users.quit(n=2)
    return users.come("ann", client=client, password=PASSWORD, n=2, code=code)


@pytest.fixture
def careful(ann: Users) -> Users:
    """With one-time codes, and the next one not used yet."""
    assert enable(ann, code_at(ann.at_ms)) == Done(4, "@ann", 2)
    ann.now += 30
    return ann


def test_whoever_finds_an_open_session_shuts_nobody_out(ann: Users) -> None:
    code = code_at(ann.at_ms)
    assert refused(enable(ann, code, "correct hose")) is RefusalCode.WRONG_PASSWORD
    opened(come(ann, ""))


def test_a_password_needs_a_code_and_a_token_does_not(careful: Users) -> None:
    assert refused(come(careful, "")) is RefusalCode.CODE_REQUIRED
    opened(come(careful, code_at(careful.at_ms)))
    opened(careful.come("ann", client="desk", n=3))
    careful.restart()
    assert refused(come(careful, "", "tablet")) is RefusalCode.CODE_REQUIRED


def test_nobody_learns_of_codes_who_does_not_know_the_password(careful: Users) -> None:
    answer = careful.come("ann", client="x", password="wrong horse", n=2)
    assert refused(answer) is RefusalCode.WRONG_PASSWORD


def test_a_code_works_once(careful: Users) -> None:
    code = code_at(careful.at_ms)
    opened(come(careful, f"{code[:3]} {code[3:]}"))
    assert careful.changes("ann") == [("totp_enabled", "")], "it was no recovery code"
    assert refused(come(careful, code)) is RefusalCode.WRONG_CODE
    careful.restart()
    assert refused(come(careful, code)) is RefusalCode.WRONG_CODE


@pytest.mark.parametrize(
    "code", ["\u0661\u0662\u0663\u0664\u0665\u0666", "caf\u00e9 \u00e9\u00e9", "x" * 7]
)
def test_what_is_no_code_is_only_wrong(careful: Users, code: str) -> None:
    assert refused(come(careful, code)) is RefusalCode.WRONG_CODE


def test_the_code_that_enables_them_is_used_by_that(ann: Users) -> None:
    code = code_at(ann.at_ms)
    enable(ann, code)
    assert refused(come(ann, code)) is RefusalCode.WRONG_CODE


@pytest.mark.parametrize(
    ("offset_s", "right"), [(-60, False), (-30, True), (30, True), (60, False)]
)
def test_clocks_may_differ_by_one_period(careful: Users, offset_s: int, *, right: bool) -> None:
    careful.now += 300
    answer = come(careful, code_at(careful.at_ms + offset_s * 1000))
    if right:
        opened(answer)
    else:
        assert refused(answer) is RefusalCode.WRONG_CODE


def test_a_recovery_code_works_once_and_is_told(careful: Users) -> None:
    opened(come(careful, RECOVERY[0]))
    assert refused(come(careful, RECOVERY[0])) is RefusalCode.WRONG_CODE
    opened(come(careful, RECOVERY[1]))
    assert careful.changes("ann")[1:] == [("recovery_code_used", "")] * 2

    listed = _lists.decode(careful.ask("ann", ListDevices(id=1)))
    assert (listed.totp, listed.recovery_codes) == (True, 0)
    assert durable_state(careful.loaded()) == durable_state(careful.core)


def test_codes_are_enabled_with_a_right_one_and_not_twice(ann: Users) -> None:
    assert refused(enable(ann, "000000")) is RefusalCode.WRONG_CODE
    enable(ann, code_at(ann.at_ms))
    ann.now += 30
    assert refused(enable(ann, code_at(ann.at_ms))) is RefusalCode.NOT_ALLOWED


def test_codes_are_disabled_with_the_password(careful: Users) -> None:
    wrong = DisableTotp(id=5, nonce=careful.nonce(), password="wrong horse")
    assert refused(careful.do(wrong, "ann")) is RefusalCode.WRONG_PASSWORD
    assert careful.do(DisableTotp(id=5, nonce=careful.nonce(), password=PASSWORD), "ann") == Done(
        5, "@ann", 3
    )
    opened(come(careful, ""))
    assert careful.changes("ann") == [("totp_enabled", ""), ("totp_disabled", "")]
