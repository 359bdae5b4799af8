"""What a process goes by: what it was given, read again, and what was set in the cluster."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from zchat.protocol.codec import encode
from zchat.protocol.operators import ChangedSettings, SettingChange
from zchat.runtime.settings import (
    SETTING_NAMES,
    Program,
    SettingError,
    Settings,
    parsed_change,
    read_again,
    reads,
)
from zchat.runtime.settings_in_force import InForce

SERVERS: tuple[Program, ...] = ("gateway", "router", "user-service", "room-service")


def is_changeable(name: str) -> bool:
    try:
        parsed_change(name, "")
    except SettingError as error:
        return "it counts from the start" not in error.why
    return True


CHANGEABLE = sorted(name for name in SETTING_NAMES if is_changeable(name))
PROGRAMS_OF = {name: [one for one in SERVERS if reads(one, name)] for name in CHANGEABLE}


class Running:
    """A program that was started with the settings file as it is, in an empty folder."""

    def __init__(self, program: Program, *arguments: str) -> None:
        self.told: list[Settings] = []
        self.in_force = InForce(
            program,
            read_again(program, arguments),
            lambda now: self.told.append(now.settings),
            arguments,
        )

    def hang_up(self, text: str) -> Settings:
        Path("zchat.toml").write_text(text)
        self.in_force.read_again()
        return self.in_force.settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    former = logging.getLogger("zchat").level
    yield
    logging.getLogger("zchat").setLevel(former)


def test_what_has_changed_in_the_file_is_taken_over() -> None:
    running = Running("user-service")
    assert running.hang_up('guests = "deny"').guests == "deny"
    assert [one.guests for one in running.told] == ["deny"]
    # What is not in the file any more is what it would be without it.
    assert running.hang_up("").guests == "allow"


def test_what_is_as_it_was_is_no_news() -> None:
    running = Running("gateway")
    running.hang_up('message_rate = "20/200"')
    assert running.told == []


def test_a_flag_goes_before_the_file_as_at_the_start() -> None:
    assert Running("user-service", "--guests", "allow").hang_up('guests = "deny"').guests == "allow"


def test_the_level_counts_at_once() -> None:
    running = Running("router")
    running.hang_up('log_level = "error"')
    assert not logging.getLogger("zchat.router").isEnabledFor(logging.WARNING)
    running.hang_up('log_level = "debug"')
    assert logging.getLogger("zchat.router").isEnabledFor(logging.DEBUG)


def test_what_cannot_change_meanwhile_stays_and_is_told_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = Running("gateway")
    for _ in range(2):
        caplog.clear()
        settings = running.hang_up('listen = "127.0.0.1:9"\ndrain_s = 1')
        assert (str(settings.listen[0]), settings.drain_s) == ("127.0.0.1:7447", 1)
        assert "listen is another in the settings file, and counts from the next start" in (
            caplog.text
        )


def test_what_another_program_reads_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    Running("router").hang_up("password_threads = 3")
    assert "password_threads" not in caplog.text


@pytest.mark.parametrize("text", ['guests = "perhaps"', "guests = ", 'gusts = "deny"'])
def test_a_file_that_makes_no_sense_changes_nothing(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running("user-service")
    running.hang_up('guests = "deny"')
    assert running.hang_up(text).guests == "deny"
    assert "the settings stay as they were: " in caplog.text


# --- What was set while the cluster runs ----------------------------------------------------------


def told(**values: str) -> bytes:
    """As the router hands it on."""
    changes = [SettingChange(name, value, "admin/root", 0) for name, value in values.items()]
    return encode(ChangedSettings(changes))


def test_what_was_set_goes_before_what_was_given_until_it_is_taken_back() -> None:
    running = Running("gateway", "--drain-s", "2")
    running.in_force.told(told(drain_s="1", message_rate="off"))
    settings = running.in_force.settings
    assert (settings.drain_s, settings.message_rate) == (1, None)
    running.in_force.told(told())
    assert running.in_force.settings == running.in_force.given
    assert running.in_force.given.drain_s == 2
    assert len(running.told) == 2


def test_a_router_that_knows_nothing_yet_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    running = Running("gateway")
    running.in_force.told(told(message_rate="off"))
    running.in_force.told(b"")
    assert running.in_force.settings.message_rate is None
    running.in_force.told(told(message_rate="off"))
    assert len(running.told) == 1
    assert "no sense" not in caplog.text


def test_a_file_that_is_read_again_does_not_take_back_what_was_set() -> None:
    running = Running("gateway")
    running.in_force.told(told(drain_s="1"))
    assert running.hang_up("drain_s = 5").drain_s == 1
    running.in_force.told(told())
    assert running.in_force.settings.drain_s == 5


@pytest.mark.parametrize(
    "body",
    [
        b"rubbish",
        told(tomorrow="x", drain_s="1"),
        told(drain_s="1", listen="a:1", guests="perhaps"),
    ],
)
def test_what_makes_no_sense_here_keeps_nothing_else_from_counting(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running("gateway")
    running.in_force.told(body)
    assert running.in_force.settings.listen == running.in_force.given.listen
    assert running.in_force.settings.guests == "allow"
    assert running.in_force.settings.drain_s == (3 if body == b"rubbish" else 1)
    assert "what" in caplog.text


def test_each_program_logs_what_it_reads_itself(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("zchat").setLevel("INFO")
    Running("gateway").in_force.told(told(drain_s="1", guests="deny"))
    assert "drain_s is 1 now" in caplog.text
    assert "guests" not in caplog.text


@pytest.mark.parametrize("name", CHANGEABLE)
def test_each_setting_that_can_be_set_is_taken_over_by_its_programs(name: str) -> None:
    values = {"log_level": "error", "registration": "closed", "guests": "deny", "drain_s": "1"}
    numbers = {"connections_per_address": "7"}
    value = (values | numbers).get(name, "1/1000000")
    for program in PROGRAMS_OF[name]:
        running = Running(program)
        running.in_force.told(told(**{name: value}))
        assert getattr(running.in_force.settings, name) != getattr(running.in_force.given, name)
