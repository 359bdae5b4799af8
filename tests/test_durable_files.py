"""What is left of a file that is written while the power fails, or the disk is full."""

import os
from pathlib import Path
from typing import Any

import pytest

from zchat.runtime.durable_files import replacing, sync_path, write_whole


def test_the_former_file_stays_if_the_new_one_does_not_become_whole(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("former")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert ([each.name for each in tmp_path.iterdir()], path.read_text()) == (["kept"], "former")


def test_it_is_for_its_owner_only_whatever_the_former_one_was(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("former")
    path.chmod(0o644)
    write_whole(path, "größer")
    assert (path.read_text("utf-8"), path.stat().st_mode & 0o777) == ("größer", 0o600)


def test_nothing_takes_the_place_of_another_before_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        size_bytes = os.fstat(descriptor).st_size
        done.append(f"{size_bytes} bytes are on the disk")
        sync(descriptor)

    def replaced(self: Path, target: Path) -> Any:
        done.append("replaced")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_whole(tmp_path / "kept", "whole")
    assert done == ["5 bytes are on the disk", "replaced"]


def test_a_full_disk_leaves_the_former_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "kept"
    path.write_text("former")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "whole")
    assert ([each.name for each in tmp_path.iterdir()], path.read_text()) == (["kept"], "former")


def test_folders_can_be_synced_as_well(tmp_path: Path) -> None:
    sync_path(tmp_path)
