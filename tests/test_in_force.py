"""SIGHUP: what a process takes over from its settings file, and what waits for its next start."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from zchat.in_force import InForce
from zchat.settings import Program, Settings, read_again


class Running:
    """A program that was started with the settings file as it is, in an empty folder."""

    def __init__(self, program: Program, *arguments: str) -> None:
        self.told: list[Settings] = []
        self.in_force = InForce(
            program, read_again(program, arguments), self.told.append, arguments
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
