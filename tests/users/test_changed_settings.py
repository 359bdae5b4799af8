"""Settings that an operator changes while the cluster runs, as the user-service keeps them."""

import contextlib

import pytest

from zchat.protocol.codec import Decoder
from zchat.protocol.messages import Done, RefusalCode, Refused, Standing
from zchat.protocol.operators import ChangedSettings, ChangeSetting, SettingChange
from zchat.users.core.policy import Policy

from .playbook import PASSWORD, WEST, Users, opened, refused

_changed = Decoder(ChangedSettings)


def change(users: Users, name: str, value: str | None) -> None:
    assert users.as_admin(ChangeSetting(1, name, value)) == Done(1)


def told(users: Users) -> list[SettingChange]:
    return _changed.decode(users.core.settings.told).changes


def test_what_is_changed_counts_at_once_and_after_a_restart(users: Users) -> None:
    change(users, "guests", "deny")
    assert refused(users.come("bob")) is RefusalCode.GUESTS_NOT_ALLOWED
    users.restart()
    assert refused(users.come("bob")) is RefusalCode.GUESTS_NOT_ALLOWED
    change(users, "guests", None)
    opened(users.come("bob"))
    users.restart()
    assert told(users) == []


def test_guests_that_are_here_go_when_they_are_denied(users: Users) -> None:
    opened(users.come("bob"))
    opened(users.come("ann", password=PASSWORD, register=True, n=2))
    change(users, "message_rate", "5/10")
    assert users.ended == []
    change(users, "guests", "deny")
    assert users.ended == [(WEST, 1)]
    users.ended.clear()
    change(users, "guests", None)
    assert users.ended == []


def test_guests_go_as_well_when_it_is_said_in_a_file(users: Users) -> None:
    opened(users.come("bob"))
    users.core.give(Policy(guests="deny"), users.at_ms)
    users.commit([])
    assert users.ended == [(WEST, 1)]


def test_registration_can_be_closed(users: Users) -> None:
    change(users, "registration", "closed")
    assert refused(users.come("ann", password=PASSWORD, register=True)) is (
        RefusalCode.REGISTRATION_CLOSED
    )


def test_everybody_is_told_by_whom_and_when(users: Users) -> None:
    change(users, "message_rate", "5/10")
    change(users, "log_level", "debug")
    at_ms = users.at_ms
    expected = [
        SettingChange("log_level", "debug", "admin/root", at_ms),
        SettingChange("message_rate", "5/10", "admin/root", at_ms),
    ]
    assert told(users) == expected
    users.wait(5)
    users.restart()
    assert told(users) == expected


def test_the_last_word_counts(users: Users) -> None:
    for value in ("5/10", "off"):
        change(users, "message_rate", value)
    assert [one.value for one in told(users)] == ["off"]


def test_all_of_it_is_in_the_audit(users: Users) -> None:
    change(users, "guests", "deny")
    change(users, "guests", "allow")
    change(users, "guests", None)
    assert users.audited() == [
        ("admin/root", "change_setting", "guests", "deny"),
        ("admin/root", "change_setting", "guests", "allow (was deny)"),
        ("admin/root", "change_setting", "guests", "as each process was started (was allow)"),
    ]


def test_without_a_change_the_process_goes_by_what_it_was_given() -> None:
    with contextlib.closing(Users(Policy("open", "deny"))) as users:
        change(users, "guests", "allow")
        opened(users.come("bob"))
        change(users, "guests", None)
        assert refused(users.come("eve", n=2)) is RefusalCode.GUESTS_NOT_ALLOWED


def test_what_is_changed_goes_before_what_the_process_is_given_later(users: Users) -> None:
    change(users, "guests", "deny")
    users.core.give(Policy("invite", "allow"), users.at_ms)
    assert (users.core.settings.policy.guests, users.core.settings.policy.registration) == (
        *("deny", "invite"),
    )
    change(users, "guests", None)
    assert users.core.settings.policy.guests == "allow"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("guests", "perhaps", "guests: 'perhaps' is not known; give one of allow, deny"),
        ("message_rate", "5", "message_rate: '5' is not a rate; give PER_SECOND/AT_ONCE"),
        ("gusts", "deny", "gusts: there is no such setting; the nearest is 'guests'"),
        ("edits", "keep", "supervisorctl restart user-service room-service"),
        ("listen", "0.0.0.0:1", "zchat.toml or the environment, and then: supervisorctl restart"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    users: Users, name: str, value: str, why: str
) -> None:
    answer = users.as_admin(ChangeSetting(1, name, value))
    assert isinstance(answer, Refused)
    assert why in answer.reason
    assert told(users) == []
    assert users.audited() == []


def test_what_is_not_changed_cannot_be_taken_back(users: Users) -> None:
    answer = users.as_admin(ChangeSetting(1, "guests", None))
    assert isinstance(answer, Refused)
    assert "guests is not set here" in answer.reason


def test_only_the_console_may(users: Users) -> None:
    opened(users.come("ann", password=PASSWORD, register=True))
    users.promote("ann", Standing.OPERATOR)
    answer = users.do(ChangeSetting(1, "guests", "deny"), "ann", standing=Standing.OPERATOR)
    assert refused(answer) is RefusalCode.NOT_ALLOWED
