"""Where an export is written to."""

import os
import threading
from pathlib import Path
from typing import IO

import pytest
from click import ClickException

from zchat.admin.commands.transfer import written


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
