"""How far a bot has come, in a file: whole or as it was before, whenever the power fails."""

import json
import os
from pathlib import Path


class DamagedCursorFile(ValueError):
    """The text says which file it is, and what to do."""


class CursorFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, int]:
        """The sequence of the last entry that was dealt with, by log; empty at first.

        Raises `OSError` and `DamagedCursorFile`.
        """
        try:
            saved = json.loads(self._path.read_text("utf-8"))
            return {str(log): int(sequence) for log, sequence in saved.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, AttributeError):
            what_to_do = "remove it to go on at what the account has read"
            raise DamagedCursorFile(f"{self._path} holds no cursors: {what_to_do}") from None

    def write(self, cursors: dict[str, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(cursors, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
