"""What a service's database takes on the disk, and what an operator must see coming."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from zchat.runtime.core.measures import Reading
from zchat.runtime.settings import Settings


class Disk:
    def __init__(self, database: Path, settings: Settings) -> None:
        self._database = database
        self._wal = database.with_name(database.name + "-wal")
        self._mark = settings.backup_mark

    def readings(self) -> Mapping[str, Reading]:
        """As it is now; what the system does not tell is not there."""
        found: dict[str, Reading] = {
            "wal_bytes": _size_bytes(self._wal),
            "last_backup_timestamp_seconds": 0.0,
        }
        with suppress(OSError):
            found["database_bytes"] = self._database.stat().st_size
        with suppress(OSError):
            found["disk_free_bytes"] = shutil.disk_usage(self._database.parent).free
        with suppress(OSError):
            # Of the file only the time counts: it may be another user's who makes the backups.
            found["last_backup_timestamp_seconds"] = self._mark.stat().st_mtime
        return found


def _size_bytes(path: Path) -> int:
    """Nothing of a file that is not there, as the WAL of a database that nobody has written to."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
