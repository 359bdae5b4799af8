"""Where an export is written to, and what an import sends."""

import json
import os
import threading
from pathlib import Path
from typing import IO

import pytest
from click import ClickException

from zchat.admin.commands.transfer import written
from zchat.protocol.operators import ImportedFacts, ImportEntries

from .conftest import Type
from .served import Notes


def test_a_file_appears_when_it_is_whole_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "room.jsonl"
    path.write_text("former")
    with pytest.raises(KeyboardInterrupt), written(path) as file:
        _write_half(file)
    assert ([each.name for each in tmp_path.iterdir()], path.read_text()) == ([path.name], "former")
    with written(path) as file:
        file.write(b"whole")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"whole", 0o600)


def _write_half(file: IO[bytes]) -> None:
    file.write(b"half")
    raise KeyboardInterrupt


def test_what_a_link_leads_to_is_written(tmp_path: Path) -> None:
    path, link = tmp_path / "room.jsonl", tmp_path / "link"
    link.symlink_to(path)
    with written(link) as file:
        file.write(b"whole")
    assert (path.read_bytes(), link.is_symlink()) == (b"whole", True)


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """As /dev/null, in the place of which root would have a file otherwise."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reading = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reading.start()
    with written(pipe) as file:
        file.write(b"whole")
    assert pipe.is_fifo()
    reading.join()
    assert read == [b"whole"]


def test_a_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ClickException, match=r"cannot write .*: Is a directory"), written(tmp_path):
        pass


def test_what_has_no_entries_left_is_imported_all_the_same(
    notes: Notes, zchat_admin: Type, tmp_path: Path
) -> None:
    """As a room of which everything has become too old, and whose members have left."""
    header = {"zchat_export": 1, "kind": "room", "name": "garden", "topic": "roses"}
    header |= {"exported_at": "2030-01-01T00:00:00Z", "software": "zchat 9"}
    path = tmp_path / "garden.jsonl"
    path.write_text(json.dumps(header) + "\n")
    result = zchat_admin("import room", str(path))
    assert (result.exit_code, "imported garden: 0 entries" in result.output) == (0, True)
    ((_, command),) = notes.commands
    assert isinstance(command, ImportEntries)
    assert (command.entries, command.facts) == ([], ImportedFacts(0, "roses"))
