"""What a service measures, and what it needs to be ready."""

import time
from collections.abc import Mapping
from typing import Final

from zchat.eventlog.store import Store
from zchat.protocol import limits
from zchat.runtime.core.measures import Measure, Reading
from zchat.service.disk import Disk
from zchat.service.loop import Turns
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


class Serving:
    """What there is to see of a service. Other threads look; all of it is plain numbers."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._parts: tuple[Store, PasswordPool, Turns] | None = None

    def begin(self, store: Store, passwords: PasswordPool, turns: Turns) -> None:
        self._parts = store, passwords, turns

    def readings(self) -> Mapping[str, Reading]:
        """Nothing while it waits for its database."""
        if self._parts is None:
            return {}
        store, passwords, turns = self._parts
        beat = turns.beat
        return {
            "position_entries": store.position,
            "commands": beat.counts.commands,
            "commands_waiting": len(beat.waiting),
            "beats": beat.counts.beats,
            "queries_begun": len(beat.asked),
            "commit_seconds": store.commits,
            "entries": beat.counts.entries,
            "refusals": beat.counts.refusals,
            "protocol_errors": beat.protocol_errors,
            "askers": beat.asker_count,
            "outbox": beat.owed,
            "password_jobs_waiting": passwords.waiting,
            "disobeyed": beat.counts.disobeyed,
            "store_failures": beat.counts.store_failures,
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
