"""Runs the user's own editor on what is being written; nothing is sent by that."""

import asyncio
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zchat.protocol import limits
from zchat.protocol.rules.names import safe_text

USUAL: Final = ("sensible-editor", "nano", "vi")
"""Tried in this order where neither VISUAL nor EDITOR is set."""
FILE_BYTES_MAX: Final = 4 * limits.TEXT_CHARS_MAX
"""What the editor leaves; a character has up to four bytes."""


class EditorError(Exception):
    """There is no text; says why, in a sentence without its full stop."""


def words(environment: Mapping[str, str]) -> list[str]:
    """The command, to which the file's path is added. Raises `EditorError`."""
    for name in ("VISUAL", "EDITOR"):
        if command := environment.get(name, "").strip():
            try:
                return shlex.split(command)
            except ValueError as error:
                raise EditorError(f"{name} is no command: {error}") from None
    for program in USUAL:
        if shutil.which(program):
            return [program]
    raise EditorError("no editor is known here; VISUAL or EDITOR names yours")


async def edited(text: str, environment: Mapping[str, str]) -> str:
    """The text as the editor leaves it; it has the terminal meanwhile. Raises `EditorError`."""
    command = words(environment)
    try:
        # A folder that only this user may read: editors put backups and swap files beside the file.
        with tempfile.TemporaryDirectory(prefix="zchat-") as folder:
            path = Path(folder) / "message.txt"
            _write(path, text)
            await _run([*command, str(path)])
            return _read(path)
    except OSError as error:
        raise EditorError(f"that cannot be edited: {error.strerror}") from None


async def _run(command: list[str]) -> None:
    with _deaf_to_ctrl_c():
        try:
            process = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            raise EditorError(f"{command[0]} cannot be run: {error.strerror}") from None
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            # The client ends, and nobody would wait for the editor, which still reads the terminal.
            process.terminate()
            raise
    if code:
        raise EditorError(f"{command[0]} ended with {code}; the text is as it was")


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C goes to all programs on the terminal, and is meant for the editor."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(f"{text}\n" if text else "", "utf-8")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise EditorError(
            f"that is too long; a message has up to {limits.TEXT_CHARS_MAX:,} characters"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise EditorError("what the editor has written is not UTF-8") from None
    return safe_text(text.replace("\r\n", "\n")).rstrip("\n")
