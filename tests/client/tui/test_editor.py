"""What is written in an editor comes back, and leaves nothing behind."""

import tempfile
from pathlib import Path

import pytest

from zchat.client.tui.controller.composing import EditorError, edit_elsewhere, editor_command

from .people import Person


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def editor(folder: Path, script: str) -> dict[str, str]:
    program = folder / "my editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return {"VISUAL": f"'{program}' -w", "EDITOR": "/nonexistent"}


async def test_what_it_writes_comes_back_without_its_last_line_end(
    tmp_path: Path, temporary: Path
) -> None:
    seen = tmp_path / "seen"
    script = f'cat "$2" > {seen}; stat -c %a "$2" >> {seen}; printf "two\\r\\n\\033lines\\n" > "$2"'
    assert await edit_elsewhere("one", editor(tmp_path, f"{script}; touch $2~")) == "two\nlines"
    assert seen.read_text() == "one\n600\n"
    assert left_in(temporary) == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "ended with 3"),
        ('printf "\\377" > "$2"', "not UTF-8"),
        ('head -c 100000 /dev/zero > "$2"', "too long"),
        ('rm "$2"', "No such file"),
    ],
)
async def test_what_cannot_be_taken_is_told(
    tmp_path: Path, temporary: Path, script: str, reason: str
) -> None:
    with pytest.raises(EditorError, match=reason):
        await edit_elsewhere("one", editor(tmp_path, script))
    assert left_in(temporary) == []


def test_whose_editor_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert editor_command({"VISUAL": "code -w", "EDITOR": "vi"}) == ["code", "-w"]
    assert editor_command({"VISUAL": " ", "EDITOR": "vi"}) == ["vi"]
    with pytest.raises(EditorError, match="VISUAL is no command"):
        editor_command({"VISUAL": "'vi"})
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EditorError, match="no editor is known"):
        editor_command({})


async def test_an_editor_that_is_not_there_is_told() -> None:
    with pytest.raises(EditorError, match="/nonexistent cannot be run"):
        await edit_elsewhere("", {"EDITOR": "/nonexistent"})


async def test_no_secret_is_given_to_an_editor(ann: Person) -> None:
    ann.app.composer.load(":password secret")
    await ann.press("ctrl+o")
    await ann.sees("a secret is not given to an editor")
    assert ann.written == ":password secret"
