"""Guessing passwords costs few hashes, locks out no token, and tells nobody which names exist."""

import contextlib
from collections.abc import Callable

import pytest

from zchat.protocol import limits
from zchat.protocol.internal import OpenSession
from zchat.protocol.messages import ChangePassword, Done, RefusalCode, Refused
from zchat.runtime.core.rate_limit import Rate
from zchat.runtime.settings import Settings
from zchat.service.core.effects import Refusal
from zchat.users.core.credentials import LoginLimits, LoginRates, source_of
from zchat.users.process import rates_of

from .playbook import PASSWORD, Answer, Users, opened, refused, token

TRIES = 10_000
ADDRESS = "192.0.2.7"


@pytest.fixture
def ann(users: Users) -> Users:
    users.account("ann")
    users.come("ann", client="desk", password=PASSWORD, n=1)
    return users


def guess(users: Users, name: str, address: str) -> Answer:
    return users.come(name, client="x", password="wrong horse", n=9, address=address)


@pytest.mark.parametrize(
    ("name", "address", "hashes"),
    [
        (lambda n: "ann", lambda n: ADDRESS, limits.LOGIN_ATTEMPTS_MAX),
        (lambda n: f"user{n}", lambda n: ADDRESS, limits.ADDRESS_ATTEMPTS_MAX),
        (
            lambda n: "ann",
            lambda n: f"198.51.{n // 250}.{n % 250}",
            limits.LOGIN_ATTEMPTS_MAX,
        ),
    ],
    ids=["one account", "many accounts", "many addresses"],
)
def test_ten_thousand_tries_cost_few_hashes(
    ann: Users, name: Callable[[int], str], address: Callable[[int], str], hashes: int
) -> None:
    answers = [refused(guess(ann, name(n), address(n))) for n in range(TRIES)]

    assert answers.count(RefusalCode.WRONG_PASSWORD) == hashes
    assert answers.count(RefusalCode.TOO_FAST) == TRIES - hashes
    opened(ann.come("ann", client="desk", n=1, address=ADDRESS))


def test_what_is_refused_is_refused_alike_for_all_names(ann: Users) -> None:
    answers = {}
    for name in ("ann", "nobody"):
        for _ in range(limits.LOGIN_ATTEMPTS_MAX):
            guess(ann, name, "")
        answers[name] = guess(ann, name, "")

    assert answers["ann"] == answers["nobody"]
    assert isinstance(answers["ann"], Refused)
    assert answers["ann"].retry_after_ms == limits.LOGIN_ATTEMPT_INTERVAL_S * 1000


def test_an_address_that_is_refused_takes_no_attempt_from_the_name(ann: Users) -> None:
    for number in range(limits.ADDRESS_ATTEMPTS_MAX):
        guess(ann, f"user{number}", ADDRESS)
    for _ in range(limits.LOGIN_ATTEMPTS_MAX):
        assert refused(guess(ann, "ann", ADDRESS)) is RefusalCode.TOO_FAST
    opened(ann.come("ann", client="x", password=PASSWORD, n=9, address="192.0.2.8"))


def test_it_can_be_tried_again_by_and_by(ann: Users) -> None:
    for _ in range(limits.LOGIN_ATTEMPTS_MAX + 1):
        guess(ann, "ann", ADDRESS)
    ann.now += limits.LOGIN_ATTEMPT_INTERVAL_S
    opened(ann.come("ann", client="x", password=PASSWORD, n=9, address=ADDRESS))


def test_who_knows_the_password_is_not_slowed_down(ann: Users) -> None:
    for number in range(3 * limits.ADDRESS_ATTEMPTS_MAX):
        ann.quit(n=9)
        opened(ann.come("ann", client=f"x{number}", password=PASSWORD, n=9, address=ADDRESS))


def test_other_passwords_that_are_asked_for_are_limited_too(ann: Users) -> None:
    answers = [
        refused(
            ann.do(
                ChangePassword(
                    id=1, nonce=ann.nonce(), password="wrong horse", new_password=PASSWORD
                ),
                "ann",
            )
        )
        for _ in range(limits.LOGIN_ATTEMPTS_MAX + 1)
    ]
    assert answers[-2:] == [RefusalCode.WRONG_PASSWORD, RefusalCode.TOO_FAST]
    assert ann.jobs == []


def test_whoever_guesses_outside_keeps_no_user_from_a_new_password(ann: Users) -> None:
    for _ in range(TRIES):
        guess(ann, "ann", ADDRESS)
    done = ann.do(
        ChangePassword(id=1, nonce=ann.nonce(), password=PASSWORD, new_password=PASSWORD + "!"),
        "ann",
    )
    assert isinstance(done, Done)


def test_a_login_that_finds_no_place_in_the_queue_is_no_attempt(
    ann: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PASSWORD_JOBS_MAX", 0)
    tries = limits.LOGIN_ATTEMPTS_MAX + 1
    answers = [refused(guess(ann, "ann", ADDRESS)) for _ in range(tries)]
    assert answers == [RefusalCode.BUSY] * tries


@pytest.mark.parametrize("jobs_max", [0, limits.PASSWORD_JOBS_MAX])
def test_other_names_give_nobody_new_attempts_at_this_one(
    ann: Users, monkeypatch: pytest.MonkeyPatch, jobs_max: int
) -> None:
    monkeypatch.setattr(limits, "LIMITED_NAMES_MAX", 20)
    ann.core.credentials.limits = LoginLimits()
    for _ in range(limits.LOGIN_ATTEMPTS_MAX):
        guess(ann, "ann", ADDRESS)
    # Each from an address of its own: a botnet, while the queue is full and while it is not.
    monkeypatch.setattr(limits, "PASSWORD_JOBS_MAX", jobs_max)
    for number in range(100):
        guess(ann, f"user{number}", f"198.51.100.{number}")
    monkeypatch.undo()
    assert refused(guess(ann, "ann", "203.0.113.1")) is RefusalCode.TOO_FAST


def test_who_finds_no_place_in_the_queue_is_no_newcomer(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PASSWORD_JOBS_MAX", 0)
    for number in range(2 * limits.ADDRESS_NEWCOMERS_MAX):
        answer = users.come(f"user{number}", password=PASSWORD, register=True, address=ADDRESS)
        assert refused(answer) is RefusalCode.BUSY
    monkeypatch.undo()
    opened(users.come("bob", password=PASSWORD, register=True, address=ADDRESS))


def test_one_user_has_few_passwords_hashed_at_a_time(ann: Users) -> None:
    def change(number: int) -> ChangePassword:
        return ChangePassword(
            id=number, nonce=ann.nonce(), password=PASSWORD, new_password=PASSWORD + "!"
        )

    ann.begin(change(1), "ann")
    for number in range(1, limits.USER_PASSWORD_JOBS_MAX):
        ann.begin_another(change(number + 1), "ann")
    assert ann.commit([]) == []
    assert refused(ann.do(change(9), "ann")) is RefusalCode.BUSY
    assert len(ann.jobs) == limits.USER_PASSWORD_JOBS_MAX


# --- Newcomers ------------------------------------------------------------------------------------


def test_one_address_brings_only_so_many_newcomers(users: Users) -> None:
    def answers(address: str) -> list[Answer]:
        count = limits.ADDRESS_NEWCOMERS_MAX + 1
        return [
            users.come(f"{address[-1]}{number}", n=number, address=address)
            for number in range(count)
        ]

    *welcome, last = answers(ADDRESS)
    assert all(opened(answer) for answer in welcome)
    assert refused(last) is RefusalCode.TOO_FAST
    opened(users.come("7" + "0", n=0, address=ADDRESS))
    assert all(opened(answer) for answer in answers("127.0.0.1"))


def test_making_accounts_is_limited_before_it_costs_a_hash(users: Users) -> None:
    for number in range(limits.ADDRESS_NEWCOMERS_MAX + 5):
        name = f"user{number}"
        users.begin(
            OpenSession(1, name, token(name), PASSWORD, register=True, address=ADDRESS),
            n=number,
        )
        users.commit([])
    assert len(users.jobs) == limits.ADDRESS_NEWCOMERS_MAX


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("127.0.0.2", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("", ""),
        ("a proxy", "a proxy"),
    ],
)
def test_addresses_that_one_person_has_are_counted_together(address: str, source: str) -> None:
    assert source_of(address) == source


def test_an_address_that_is_refused_makes_nobody_forgotten(
    ann: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    names_max = limits.ADDRESS_ATTEMPTS_MAX + 1
    monkeypatch.setattr(ann.core.credentials.limits._by_name, "_names_max", names_max)
    for _ in range(limits.LOGIN_ATTEMPTS_MAX):
        guess(ann, "ann", "198.51.100.1")
    # Names that nobody has cost one address nothing, once it is refused whatever it says.
    for number in range(10 * names_max):
        guess(ann, f"user{number}", ADDRESS)
    assert refused(guess(ann, "ann", "198.51.100.2")) is RefusalCode.TOO_FAST


def test_what_is_remembered_is_bounded(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = users.core.credentials.limits._by_name
    monkeypatch.setattr(buckets, "_names_max", 3)
    for number in range(9):
        guess(users, f"user{number}", "")
    assert len(buckets) == 3


# --- Rates that an operator changes ---------------------------------------------------------------


def newcomers(limits_: LoginLimits, address: str, now: float = 0.0) -> int:
    """How many of twenty are let in."""
    count = 0
    for _ in range(20):
        with contextlib.suppress(Refusal):
            limits_.newcomer(address, now)
            count += 1
    return count


def test_another_rate_counts_from_a_full_bucket_on() -> None:
    tried = LoginLimits(LoginRates(newcomers=Rate(5, 0.01)))
    assert newcomers(tried, "203.0.113.5") == 5
    tried.change(LoginRates(newcomers=Rate(3, 0.01)))
    assert newcomers(tried, "203.0.113.5") == 3
    # The same once more is no change.
    tried.change(LoginRates(newcomers=Rate(3, 0.01)))
    assert newcomers(tried, "203.0.113.5") == 0
    assert newcomers(tried, "203.0.113.6") == 3


def test_a_rate_that_is_off_refuses_nobody() -> None:
    tried = LoginLimits(LoginRates(None, None, None))
    assert newcomers(tried, "203.0.113.5") == 20
    for _ in range(1000):
        tried.attempt("ann", "203.0.113.5", 0.0)


def test_the_settings_are_what_is_usual() -> None:
    usual, given = LoginRates(), rates_of(Settings())
    for rate, setting in zip(usual, given, strict=True):
        assert rate is not None
        assert setting is not None
        assert setting.burst == rate.burst
        assert setting.per_s == pytest.approx(rate.per_s, rel=1e-4)
