"""A full disk, briefly, under a real cluster; and whether a loss would be noticed."""

import os
import subprocess
import sys

import pytest

from testbed import PYTHONPATH
from testbed.people import new_name
from torture.acknowledged import missing_in
from torture.checkers import CommittedLogs
from torture.recording import Recording, Words
from torture.small_disk import way_in


@pytest.mark.integration
def test_on_a_full_disk_nothing_is_lost_and_all_heals() -> None:
    if way_in() is None:
        # What a store does that finds no room is tested in tests/eventlog and tests/service anyway.
        pytest.skip("nobody may mount a small disk here")
    command = [sys.executable, "-P", "-m", "torture.disk_full", "--rounds=2", "--full-s=1"]
    path = {"PYTHONPATH": PYTHONPATH}
    run = subprocess.run(
        [*command, "--shares=var"],
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_was_acknowledged_and_is_not_there_is_noticed() -> None:
    name = new_name()
    words = Words(name)
    words.answered(words.add("#room", 1.0), 1, 2.0)
    words.add("#room", 1.0)
    recording = Recording(words={name: words})
    assert missing_in(CommittedLogs(), recording, "@") == (0, [])
    assert missing_in(CommittedLogs(), recording, "#") == (
        1,
        [f"0 of {name} was acknowledged and is not #room 1"],
    )
