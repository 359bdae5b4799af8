"""Who may use a name: guests, accounts, tokens and passwords."""

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import OpenSession, SessionOpened, UserLog, UserLogs
from zchat.protocol.messages import (
    AccountRegistered,
    Done,
    RefusalCode,
    Refused,
    Register,
    Standing,
)

from .playbook import EAST, PASSWORD, WEST, Users, opened, refused, token


def test_a_new_name_is_a_guest(users: Users) -> None:
    at_ms = users.at_ms
    assert users.come("ann") == SessionOpened(
        "ann",
        Standing.GUEST,
        at_ms,
        owned_since_ms=at_ms,
        cluster=users.core.cluster,
        logs=UserLogs(0, [UserLog("@ann", 0, None, 0)]),
        new=True,
    )
    assert users.online == {"ann"}


def test_a_name_is_taken_in_its_one_spelling(users: Users) -> None:
    assert opened(users.come("Ann")).name == "ann"
    assert refused(users.come("ANN", client="another", n=2)) is RefusalCode.NAME_IN_USE


@pytest.mark.parametrize("name", ["two words", "zchat", "x\u202ey"])
def test_a_user_has_a_proper_name(users: Users, name: str) -> None:
    assert refused(users.come(name)) is RefusalCode.INVALID_NAME
    assert users.core.users == {}


def test_the_name_of_a_guest_cannot_be_taken_by_another(users: Users) -> None:
    users.come("ann")

    assert refused(users.come("ann", client="another", n=2)) is RefusalCode.NAME_IN_USE
    answer = users.come("ann", client="another", password=PASSWORD, n=2)
    assert refused(answer) is RefusalCode.NAME_IN_USE


def test_the_same_client_gets_its_name_back_as_a_guest(users: Users) -> None:
    users.come("ann", at=WEST)
    users.lose(at=WEST)

    assert opened(users.come("ann", at=EAST, n=9)).standing is Standing.GUEST


def test_there_are_only_so_many_users(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USERS_MAX", 1)
    users.come("ann")

    assert refused(users.come("bob", n=2)) is RefusalCode.LIMIT_REACHED


# --- Registering ----------------------------------------------------------------------------------


def test_who_registers_has_an_account(users: Users) -> None:
    users.come("ann")
    assert users.register("ann") == Done(2, "@ann", 1)

    assert not users.core.users["ann"].guest
    assert users.inbox("ann") == [(1, "ann", AccountRegistered())]
    assert users.core.users["ann"].registered_at_ms == users.at_ms


def test_a_password_is_not_stored_but_its_hash(users: Users) -> None:
    users.come("ann")
    users.begin(Register(id=2, nonce=b"12345678", password=PASSWORD), "ann")
    users.commit([])
    (job,) = users.jobs

    assert (job.password, job.password_hash) == (PASSWORD, None)
    assert users.core.users["ann"].guest, "until the hash is there"


def test_a_password_is_not_too_short(users: Users) -> None:
    users.come("ann")
    short = "x" * (limits.PASSWORD_CHARS_MIN - 1)

    assert refused(users.register("ann", short)) is RefusalCode.INVALID_PASSWORD
    assert users.core.users["ann"].guest


def test_one_registers_only_once(users: Users) -> None:
    users.come("ann")
    users.register("ann")

    assert refused(users.register("ann", "another password")) is RefusalCode.ALREADY_REGISTERED


def test_who_is_gone_registers_no_more(users: Users) -> None:
    assert refused(users.register("ann")) is RefusalCode.SESSION_ENDED
    users.come("ann")
    users.quit()
    assert refused(users.register("ann")) is RefusalCode.SESSION_ENDED


def test_a_guest_that_went_while_its_password_was_hashed_is_no_account(users: Users) -> None:
    users.come("ann")
    users.begin(Register(id=2, nonce=b"12345678", password=PASSWORD), "ann")
    users.commit([])
    users.quit()

    assert refused(users.finish_job()) is RefusalCode.SESSION_ENDED


def test_the_same_registration_twice_returns_the_first_result(users: Users) -> None:
    users.come("ann")
    register = Register(id=2, nonce=b"12345678", password=PASSWORD)
    users.begin(register, "ann")
    users.begin(register, "ann")
    users.commit([])

    assert users.finish_job() == Done(2, "@ann", 1)
    assert users.finish_job() == Done(2, "@ann", 1, again=True)
    assert users.do(register, "ann") == Done(2, "@ann", 1, again=True)
    assert len(users.inbox("ann")) == 1


def test_of_two_registrations_at_once_the_second_is_refused(users: Users) -> None:
    users.come("ann")
    users.begin(Register(id=2, nonce=b"12345678", password=PASSWORD), "ann")
    users.begin(Register(id=3, nonce=b"23456789", password="another password"), "ann")
    users.commit([])
    users.finish_job()

    assert refused(users.finish_job()) is RefusalCode.ALREADY_REGISTERED
    assert users.core.users["ann"].password_hash == "$" + PASSWORD


# --- Passwords ------------------------------------------------------------------------------------


@pytest.fixture
def ann(users: Users) -> Users:
    """With an account that nobody is connected to."""
    users.account("ann")
    return users


def test_an_account_needs_its_password(ann: Users) -> None:
    assert refused(ann.come("ann", client="new")) is RefusalCode.PASSWORD_REQUIRED
    wrong = ann.come("ann", client="new", password="wrong horse")
    assert refused(wrong) is RefusalCode.WRONG_PASSWORD
    assert ann.online == set()

    answer = ann.come("ann", client="new", password=PASSWORD)
    at_ms = ann.at_ms
    assert answer == SessionOpened(
        "ann",
        Standing.ACCOUNT,
        at_ms,
        owned_since_ms=at_ms,
        cluster=ann.core.cluster,
        logs=UserLogs(1, [UserLog("@ann", 0, None, 1)]),
    )


def test_who_has_proved_it_once_needs_no_password_again(ann: Users) -> None:
    ann.come("ann", client="phone", password=PASSWORD)
    ann.lose()

    assert opened(ann.come("ann", client="phone", n=2)).standing is Standing.ACCOUNT


def test_who_quits_needs_the_password_again(ann: Users) -> None:
    ann.come("ann", client="phone", password=PASSWORD)
    ann.quit()

    assert refused(ann.come("ann", client="phone")) is RefusalCode.PASSWORD_REQUIRED


def test_an_unknown_name_and_a_wrong_password_look_the_same(ann: Users) -> None:
    for name in ("ann", "nobody"):
        ann.begin(OpenSession(1, name, token("new"), "wrong horse"))
    ann.commit([])
    known, unknown = ann.jobs

    assert (known.password_hash or "").startswith("$")
    assert (unknown.password_hash or "").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert ann.finish_job() == ann.finish_job()
    assert "nobody" not in ann.core.users


def test_a_check_against_a_password_that_is_no_more_proves_nothing(ann: Users) -> None:
    ann.begin(OpenSession(1, "ann", token("new"), PASSWORD))
    ann.commit([])
    ann.core.users["ann"].password_hash = "$changed meanwhile"

    assert refused(ann.finish_job()) is RefusalCode.WRONG_PASSWORD


def test_only_so_many_passwords_wait(ann: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PASSWORD_JOBS_MAX", 1)
    ann.begin(OpenSession(1, "ann", token("a"), PASSWORD), n=1)
    ann.commit([])

    ann.begin(OpenSession(1, "ann", token("b"), PASSWORD), n=2)
    assert [refused(answer) for answer in ann.commit([])] == [RefusalCode.BUSY]
    ann.finish_job()
    opened(ann.come("ann", client="b", password=PASSWORD, n=2))


def test_an_account_is_connected_only_so_often(ann: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "USER_SESSIONS_MAX", 2)
    for number, client in enumerate(["desk", "phone"]):
        opened(ann.come("ann", client=client, password=PASSWORD, n=number))

    tablet = ann.come("ann", client="tablet", password=PASSWORD, n=5)
    assert refused(tablet) is RefusalCode.LIMIT_REACHED
    assert isinstance(tablet, Refused)
    assert tablet.retry_after_ms, "a place is free again as soon as one of them goes"
    opened(ann.come("ann", client="phone", n=6))
    assert ann.ended == [(WEST, 1)], "a client that comes back is not one more"


def test_the_oldest_of_too_many_tokens_is_forgotten(
    ann: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "USER_TOKENS_MAX", 2)
    for number, client in enumerate(["desk", "phone", "tablet"]):
        opened(ann.come("ann", client=client, password=PASSWORD, n=number))
        ann.lose(n=number)

    assert refused(ann.come("ann", client="desk")) is RefusalCode.PASSWORD_REQUIRED
    opened(ann.come("ann", client="tablet"))
    assert len(ann.loaded().users["ann"].tokens) == 2
