"""What a service measures, and what it needs to be ready."""

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.runtime.core.measures import Measure, Reading
from zchat.runtime.settings import Settings
from zchat.service.core.loop import ServiceLoop
from zchat.service.password_pool import PasswordPool

MEASURES: Final = (
    Measure("position_entries", "gauge", "Position of the newest committed entry."),
    Measure("commands", "counter", "Commands that were applied."),
    Measure("commands_waiting", "gauge", "Commands that are left for a later beat."),
    Measure("beats", "counter", "Turns in which something was applied."),
    Measure("queries_begun", "gauge", "Queries that take more than one step and are under way."),
    Measure("commit_seconds", "histogram", "How long commits took."),
    Measure("entries", "counter", "Entries that were committed."),
    Measure("refusals", "counter", "Commands that were refused, by code.", "code"),
    Measure("protocol_errors", "counter", "Bytes of other processes that made no sense."),
    Measure("askers", "gauge", "Gateways and others that have a link to here."),
    Measure("outbox", "gauge", "Commands that other services have not answered."),
    Measure("password_jobs_waiting", "gauge", "Passwords that are being hashed or checked."),
    Measure("disobeyed", "counter", "Commands of processes that had no right to send them."),
    Measure("database_bytes", "gauge", "Size of the database, without its WAL."),
    Measure("wal_bytes", "gauge", "Size of its WAL; some 130 MiB are usual while much is written."),
    Measure("disk_free_bytes", "gauge", "What this user may still write where the database is."),
    Measure(
        "last_backup_timestamp_seconds",
        "gauge",
        "When `zchat-admin backup` was last done here, in seconds since 1970; 0 if never.",
    ),
    Measure("store_failures", "counter", "Times that the store was unavailable."),
)


class Disk:
    """What a service's database takes on the disk, and what an operator must see coming."""

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


class Serving:
    """What there is to see of a service. Other threads look; all of it is plain numbers."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._parts: tuple[Store, PasswordPool, ServiceLoop] | None = None

    def begin(self, store: Store, passwords: PasswordPool, turns: ServiceLoop) -> None:
        self._parts = store, passwords, turns

    def readings(self) -> Mapping[str, Reading]:
        """Nothing while it waits for its database."""
        if self._parts is None:
            return {}
        store, passwords, turns = self._parts
        beat = turns.beat
        return {
            "position_entries": store.position,
            "commands": beat.operations.counts.commands,
            "commands_waiting": len(beat.waiting),
            "beats": beat.operations.counts.beats,
            "queries_begun": len(beat.queries),
            "commit_seconds": store.commits,
            "entries": beat.operations.counts.entries,
            "refusals": beat.operations.counts.refusals,
            "protocol_errors": beat.protocol_errors,
            "askers": beat.asker_count,
            "outbox": beat.owed,
            "password_jobs_waiting": passwords.waiting,
            "disobeyed": beat.operations.counts.disobeyed,
            "store_failures": beat.operations.counts.store_failures,
            **self._disk.readings(),
        }

    def missing(self) -> list[str]:
        if self._parts is None:
            return ["the database is not open"]
        _, _, turns = self._parts
        missing = []
        if turns.beat.store_failed:
            missing.append("the store is unavailable")
        if time.monotonic() - turns.router_heard_at > limits.PEER_EXPIRY_S:
            missing.append("the router is not heard")
        return missing
